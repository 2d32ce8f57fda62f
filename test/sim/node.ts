/**
 * A simulated validator's machine and process: what it keeps when it stops, and which role it finds
 * for itself when it starts.
 *
 * A process first catches up by blocks with the epochs that it slept through. A member of the
 * epoch then takes part in consensus until it leaves the set or falls behind for good; everyone
 * else follows by blocks.
 */
import type { Core, CoreStatus, EpochRecord, StoredState } from 'fanal-node/core/types.ts';
import type { SimClock } from './clock.ts';
import { type DiskNeeds, SimDisk } from './disk.ts';
import { SimDriver } from './driver.ts';
import type { Envelope } from './envelope.ts';
import { SimLedger } from './ledger.ts';
import { catchUp, follow } from './ledger-sync.ts';
import { SimMempool } from './mempool.ts';
import type { DiskDamage } from './plan.ts';
import type { Micros } from './queue.ts';
import type { Random } from './random.ts';
import type { PlannedCrash, World } from './world.ts';

/** What ails a disk now. */
interface DiskState {
  /** Added to every sync. */
  readonly slowMillis: number;
  readonly full: boolean;
}

/** How long a starting process waits for somebody to catch up from. */
const CATCH_UP_MICROS = 250_000;
const FOLLOW_MICROS = 400_000;
const CHECK_BEHIND_MICROS = 2_000_000;
/** Members write from a later epoch for so long: we do not get there by ourselves. */
const BEHIND_MICROS = 10_000_000;

export class SimNode {
  readonly validator: number;
  readonly disk: SimDisk;
  readonly ledger: SimLedger;
  readonly mempool = new SimMempool();
  readonly clock: SimClock;
  readonly random: Random;
  pausedUntil: Micros = 0;
  diskState: DiskState = { slowMillis: 0, full: false };
  readonly #world: World;
  /** Grows with every start, so that nothing of an earlier life reaches a later one. */
  #life = 0;
  #up = false;
  #driver: SimDriver | null = null;
  #behindSince: Micros | null = null;

  constructor(validator: number, clock: SimClock, random: Random, world: World, needs: DiskNeeds) {
    this.validator = validator;
    this.clock = clock;
    this.random = random;
    this.#world = world;
    this.disk = new SimDisk(needs);
    this.ledger = new SimLedger(world.membership, validator);
    this.disk.format();
  }

  /** The process runs, whatever its role. */
  get up(): boolean {
    return this.#up;
  }

  /** The core, while this validator takes part in consensus. */
  get core(): Core | null {
    return this.#driver?.core ?? null;
  }

  /** The epoch that it takes part in, or else the one that its ledger is in. */
  get record(): EpochRecord {
    return this.#driver?.record ?? this.ledger.beginning().epoch;
  }

  get author(): number | null {
    return this.#driver?.author ?? null;
  }

  /** Starts the process from what is on disk. */
  boot(): void {
    this.#life++;
    this.#up = true;
    this.clock.boot(this.#world.now(), this.random.between(1_000, 1_000_000));
    for (const observer of this.#world.observers) observer.booted?.(this);
    const delay = this.#world.now() === 0 ? 0 : this.random.below(CATCH_UP_MICROS);
    this.#later(delay, () => this.#takeRole());
    this.#watchBehind();
  }

  /** Ends the process: memory is gone, and what the disk had not synced. */
  stop(damage: DiskDamage = 'none', backupMillis = 0): void {
    if (!this.#up) return;
    const world = this.#world;
    this.#life++;
    this.#up = false;
    this.#endDriver();
    this.pausedUntil = 0;
    this.mempool.clear();
    this.disk.crash(this.random, world.plan.disk.keepUnsynced, world.now());
    this.disk.damage(damage, world.now() - backupMillis * 1_000);
    for (const observer of world.observers) observer.crashed?.(this);
  }

  /** The next step that writes or sends anything ends the process at one of its boundaries. */
  crashSoon(crash: PlannedCrash): void {
    this.#driver?.crashSoon(crash);
  }

  /** The machine stands still until then; what arrives waits. */
  pause(until: Micros): void {
    this.pausedUntil = until;
    this.#driver?.drain();
  }

  /** Sets the wall clock by so much. */
  jumpClock(millis: number): void {
    this.clock.jump(millis);
    this.#driver?.enqueue({ kind: 'clock', wallOffset: this.clock.wallOffset() });
  }

  correctClock(): void {
    this.clock.correct(this.#world.now());
    this.#driver?.enqueue({ kind: 'clock', wallOffset: this.clock.wallOffset() });
  }

  /** The connection with another validator came up or broke. */
  peerChanged(peer: number, up: boolean): void {
    // A step may end the process, and the driver with it.
    if (!up) this.#driver?.exchange.lost(peer);
    this.#driver?.announcePeer(peer, up);
  }

  /** Takes in what the network brought. The checks have been paid for. */
  receive(from: number, envelope: Envelope): void {
    this.#driver?.exchange.receive(from, envelope);
  }

  /** A look inside the core, which must be running. */
  status(): CoreStatus {
    return (this.#driver as SimDriver).core.status();
  }

  /** True when a core runs, nothing waits, and all that was written is on stable storage. */
  isQuiet(): boolean {
    return this.#driver?.isQuiet() ?? false;
  }

  /** What a core on this machine would boot from. */
  stored(): StoredState {
    const beginning = this.ledger.beginning();
    const author = this.#world.membership.author(beginning.epoch.epoch, this.validator);
    return this.disk.stored(beginning, author);
  }

  /** What the operator does after a divergence: a repaired program, from the last certified block. */
  repair(): void {
    this.ledger.rewind(this.ledger.certifiedSize - 1n);
    this.disk.clearDivergence();
  }

  /** Consensus ended here: another role is to be found. */
  leave(): void {
    this.#endDriver();
    this.disk.flush(this.#world.now());
    this.#later(this.random.below(CATCH_UP_MICROS), () => this.#takeRole());
  }

  #takeRole(): void {
    catchUp(this, this.#world);
    const { epoch } = this.ledger.beginning();
    if (this.#world.membership.author(epoch.epoch, this.validator) === null) this.#follow();
    else this.#takePart();
  }

  #takePart(): void {
    this.disk.settle();
    const stored = this.stored();
    this.#behindSince = null;
    const driver = new SimDriver(this, this.#world, stored);
    this.#driver = driver;
    driver.enqueue({ kind: 'boot', stored, wallOffset: this.clock.wallOffset() });
    driver.announcePeers();
  }

  #follow(): void {
    this.#later(FOLLOW_MICROS, () => {
      follow(this, this.#world);
      const { epoch } = this.ledger.beginning();
      const author = this.#world.membership.author(epoch.epoch, this.validator);
      if (author === null) this.#follow();
      else this.#takeRole();
    });
  }

  #watchBehind(): void {
    this.#later(CHECK_BEHIND_MICROS, () => {
      this.#checkBehind();
      this.#watchBehind();
    });
  }

  /** At least one honest member writes from a later epoch, and we do not get there by ourselves. */
  #checkBehind(): void {
    const driver = this.#driver;
    if (driver === null) return;
    const now = this.#world.now();
    const isPassed = driver.exchange.isPassedBy(driver.record) || this.#hearsOfLaterEpoch(driver);
    if (!isPassed) this.#behindSince = null;
    else this.#behindSince ??= now;
    if (this.#behindSince === null || now - this.#behindSince <= BEHIND_MICROS) return;
    this.#behindSince = null;
    this.leave();
  }

  /** Who is no member of the next epoch gets no messages of it, but peers tell their tips. */
  #hearsOfLaterEpoch({ record }: SimDriver): boolean {
    return this.#world
      .reachable(this.validator)
      .some(({ ledger }) => ledger.beginning().epoch.epoch > record.epoch);
  }

  #endDriver(): void {
    this.#driver?.end();
    this.#driver = null;
  }

  #later(delay: Micros, action: () => void): void {
    const life = this.#life;
    this.#world.at(this.#world.now() + delay, () => {
      if (this.#life === life) action();
    });
  }
}
