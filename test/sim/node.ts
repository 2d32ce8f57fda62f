/**
 * A simulated validator: the real core, driven the way the real driver does it, on a machine that
 * can stop between any two instructions that matter.
 *
 * Events go in one at a time; the writes of a step go to the disk, then its effects run, those that
 * must wait for the disk once it is done. `World` is what lies outside the machine.
 */
import type {
  Core,
  CoreStatus,
  Effect,
  EpochRecord,
  Event,
  StepResult,
  StoredState,
  TimerId,
} from 'fanal-node/core/types.ts';
import type { SimClock } from './clock.ts';
import { SimDisk } from './disk.ts';
import type { Envelope } from './envelope.ts';
import { Exchange } from './exchange.ts';
import { type ExecutedBlock, readTransaction, SimLedger } from './ledger.ts';
import { SimMempool } from './mempool.ts';
import type { DiskDamage } from './plan.ts';
import type { Micros } from './queue.ts';
import type { Random } from './random.ts';
import { answerFromDisk } from './serving.ts';
import type { PlannedCrash, World } from './world.ts';

/** Effects that wait until everything appended so far is on stable storage. */
interface Waiter {
  readonly upTo: number;
  readonly effects: readonly Effect[];
  /** The boundary, counted from the end of the sync, at which the process ends. */
  readonly crashAfter: number | null;
  readonly crash: PlannedCrash | null;
}

/** What ails a disk now. */
interface DiskState {
  /** Added to every sync. */
  readonly slowMillis: number;
  readonly full: boolean;
}

/** Reading an answer from the journal. */
const READ_MICROS = 500;

export class SimNode {
  readonly validator: number;
  readonly disk: SimDisk;
  readonly ledger: SimLedger;
  readonly mempool = new SimMempool();
  readonly clock: SimClock;
  readonly random: Random;
  readonly #world: World;
  /** Grows with every boot, so that nothing of an earlier life reaches a later one. */
  life = 0;
  core: Core | null = null;
  record: EpochRecord;
  author: number | null = null;
  pausedUntil: Micros = 0;
  crashes = 0;
  #diskState: DiskState = { slowMillis: 0, full: false };
  #busyUntil: Micros = 0;
  #wakeAt: Micros = 0;
  #inbox: Event[] = [];
  #running = false;
  #timers = new Map<TimerId, number>();
  #exchange: Exchange;
  #waiters: Waiter[] = [];
  #appended = 0;
  #synced = 0;
  #syncing = false;
  #executing: Extract<Effect, { kind: 'execute' }>[] = [];
  #crash: PlannedCrash | null = null;

  constructor(validator: number, clock: SimClock, random: Random, world: World, backups: boolean) {
    this.validator = validator;
    this.clock = clock;
    this.random = random;
    this.#world = world;
    this.disk = new SimDisk(backups);
    this.ledger = new SimLedger(world.membership);
    this.record = world.membership.genesis;
    this.#exchange = this.#newExchange();
    this.disk.format(this.record);
  }

  get up(): boolean {
    return this.core !== null;
  }

  /** Starts the process from what is on disk. */
  boot(): void {
    const world = this.#world;
    this.life++;
    this.clock.boot(world.now(), this.random.between(1_000, 1_000_000));
    this.disk.settle();
    const stored = this.stored();
    this.record = stored.epoch;
    this.author = stored.author;
    this.core = world.makeCore(this.validator);
    for (const observer of world.observers) observer.booted?.(this);
    this.enqueue({ kind: 'boot', stored, wallOffset: this.clock.wallOffset() });
  }

  /** Ends the process: memory is gone, and what the disk had not synced. */
  stop(damage: DiskDamage = 'none', backupMillis = 0): void {
    if (!this.up) return;
    const world = this.#world;
    this.life++;
    this.crashes++;
    this.core = null;
    this.#inbox = [];
    this.#timers.clear();
    this.#exchange = this.#newExchange();
    this.#waiters = [];
    this.#syncing = false;
    this.#executing = [];
    this.#crash = null;
    this.#busyUntil = 0;
    this.pausedUntil = 0;
    this.mempool.clear();
    this.disk.crash(this.random, world.plan.disk.keepUnsynced, world.now());
    this.disk.damage(damage, world.now() - backupMillis * 1_000);
    this.#appended = 0;
    this.#synced = 0;
    for (const observer of world.observers) observer.crashed?.(this);
  }

  /** The next step that writes or sends anything ends the process at one of its boundaries. */
  crashSoon(crash: PlannedCrash): void {
    if (this.up) this.#crash = crash;
  }

  /** The machine stands still until then; what arrives waits. */
  pause(until: Micros): void {
    this.pausedUntil = until;
  }

  setDisk(state: DiskState): void {
    this.#diskState = state;
  }

  /** Sets the wall clock by so much. */
  jumpClock(millis: number): void {
    this.clock.jump(millis);
    if (this.up) this.enqueue({ kind: 'clock', wallOffset: this.clock.wallOffset() });
  }

  correctClock(): void {
    this.clock.correct(this.#world.now());
    if (this.up) this.enqueue({ kind: 'clock', wallOffset: this.clock.wallOffset() });
  }

  /** The connection with another validator came up or broke. */
  peerChanged(peer: number, up: boolean): void {
    if (!this.up) return;
    if (!up) this.#exchange.lost(peer);
    this.#announcePeer(peer, up);
  }

  /** Takes in what the network brought. The checks have been paid for. */
  receive(from: number, envelope: Envelope): void {
    if (this.up) this.#exchange.receive(from, envelope);
  }

  /** A look inside the core, which must be running. */
  status(): CoreStatus {
    return (this.core as Core).status();
  }

  /** True when nothing waits and all that was written is on stable storage. */
  isQuiet(): boolean {
    return (
      this.#inbox.length === 0 &&
      this.#executing.length === 0 &&
      this.#waiters.length === 0 &&
      this.disk.pending === 0
    );
  }

  /** What a core on this machine would boot from. */
  stored(): StoredState {
    const { membership } = this.#world;
    return this.disk.stored(({ epoch }) => membership.author(epoch, this.validator), this.ledger);
  }

  /** What the operator does after a divergence: a repaired program, from the last certified block. */
  repair(): void {
    this.ledger.rewind(this.disk.certifiedSize() - 1n);
    this.disk.clearDivergence();
  }

  enqueue(event: Event): void {
    if (!this.up) return;
    this.#inbox.push(event);
    this.#drain();
  }

  /** Handles what waits, unless the machine stands still. */
  #drain(): void {
    if (this.#running) return;
    const world = this.#world;
    this.#running = true;
    try {
      while (this.#inbox.length > 0 && this.up) {
        const free = Math.max(this.pausedUntil, this.#busyUntil);
        if (free > world.now()) {
          this.#wake(free);
          return;
        }
        this.#step(this.#inbox.shift() as Event);
      }
    } finally {
      this.#running = false;
    }
  }

  #wake(at: Micros): void {
    if (this.#wakeAt === at) return;
    this.#wakeAt = at;
    this.#later(at, () => {
      this.#wakeAt = 0;
      this.#drain();
    });
  }

  /** Does something at a time, if this life lasts so long. */
  #later(at: Micros, action: () => void): void {
    const { life } = this;
    this.#world.at(at, () => {
      if (this.life === life) action();
    });
  }

  #step(event: Event): void {
    const world = this.#world;
    const core = this.core as Core;
    const result = core.step(this.clock.now(world.now()), event);
    for (const observer of world.observers) observer.stepped?.(this, event, result);
    const crash = this.#crash;
    const crashAt = this.#crashBoundary(result);
    let boundary = 0;
    const stopHere = () => {
      if (crashAt !== boundary++) return false;
      world.stopped(this, crash as PlannedCrash);
      return true;
    };
    if (stopHere()) return;
    if (result.writes.length > 0) {
      this.disk.append(result.writes);
      this.#appended++;
    }
    if (stopHere()) return;
    const { life } = this;
    for (const effect of result.now) {
      this.#run(effect);
      if (this.life !== life || stopHere()) return;
    }
    if (result.durability === 'sync' || result.afterSync.length > 0) {
      const crashAfter = crashAt === null ? null : crashAt - boundary;
      const effects = result.afterSync;
      this.#waiters.push({ upTo: this.#appended, effects, crashAfter, crash });
      this.#sync();
    }
  }

  /** Which boundary of this step the process ends at, counted from 0; null for none. */
  #crashBoundary({ writes, now, afterSync }: StepResult): number | null {
    const crash = this.#crash;
    if (crash === null || writes.length + now.length + afterSync.length === 0) return null;
    this.#crash = null;
    // Before the writes, after them, after each effect, and around the sync and the guard file.
    const boundaries = 2 + now.length + (afterSync.length === 0 ? 0 : 2 + afterSync.length);
    return Math.floor(crash.boundary * boundaries);
  }

  /** Starts a sync of everything appended, unless one is under way. */
  #sync(): void {
    if (this.#syncing) return;
    const world = this.#world;
    if (this.#synced === this.#appended) {
      this.#release();
      return;
    }
    this.#syncing = true;
    const { syncMillis, syncSigma, blocking } = world.plan.disk;
    const count = this.disk.pending;
    const upTo = this.#appended;
    const millis = this.random.lognormal(syncMillis, syncSigma) + this.#diskState.slowMillis;
    const done = world.now() + Math.round(millis * 1_000);
    if (blocking) this.#busyUntil = Math.max(this.#busyUntil, done);
    this.#later(done, () => {
      if (this.#diskState.full) {
        world.stopped(this, 'disk');
        return;
      }
      this.#syncing = false;
      this.disk.synced(count, world.now());
      this.#synced = upTo;
      this.#release();
      if (this.up && this.#waiters.length > 0) this.#sync();
      if (this.up) this.#drain();
    });
  }

  /** Runs the effects whose writes are on stable storage. */
  #release(): void {
    const world = this.#world;
    const { life } = this;
    while (this.#waiters.length > 0) {
      const waiter = this.#waiters[0] as Waiter;
      if (waiter.upTo > this.#synced) return;
      this.#waiters.shift();
      let boundary = 0;
      const stopHere = () => {
        if (waiter.crashAfter !== boundary++) return false;
        world.stopped(this, waiter.crash as PlannedCrash);
        return true;
      };
      if (stopHere()) return;
      this.disk.writeGuardFile();
      if (stopHere()) return;
      for (const effect of waiter.effects) {
        this.#run(effect);
        if (this.life !== life || stopHere()) return;
      }
    }
  }

  #run(effect: Effect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'send': {
        for (const observer of world.observers) observer.sending?.(this, effect.message);
        const envelope: Envelope = { kind: 'message', message: effect.message };
        if (effect.to === 'all') this.#broadcast(envelope);
        else this.#transmit(this.validatorOf(effect.to), envelope);
        return;
      }
      case 'fetch':
        this.#exchange.fetch(effect);
        return;
      case 'respond':
        this.#exchange.respond(effect.requestId, effect.response);
        return;
      case 'serve': {
        const { requestId, request } = effect;
        this.#later(world.now() + READ_MICROS, () => {
          this.#exchange.respond(requestId, answerFromDisk(this.disk, request));
        });
        return;
      }
      case 'timer':
        this.#timers.set(effect.id, effect.generation);
        this.#later(Math.max(world.now(), this.clock.when(effect.at)), () => {
          const { id, generation } = effect;
          if (this.#timers.get(id) === generation) this.enqueue({ kind: 'timer', id, generation });
        });
        return;
      case 'cancel':
        this.#timers.delete(effect.id);
        return;
      case 'pullPayload': {
        const { round, maxBytes, maxTransactions } = effect;
        const transactions = this.mempool.pull(maxBytes, maxTransactions);
        this.enqueue({ kind: 'payload', round, transactions });
        return;
      }
      case 'transactionStatus':
        this.mempool.setStatus(effect.ids, effect.status);
        return;
      case 'execute':
        this.#executing.push(effect);
        if (this.#executing.length === 1) this.#execute();
        return;
      case 'verifyCosignatures':
        this.#verifyCosignatures(effect);
        return;
      case 'certified':
        for (const observer of world.observers) observer.certified?.(this, effect.checkpoint);
        return;
      case 'epochStart':
        this.#startEpoch(effect.record, effect.author);
        return;
      case 'halt':
        world.halted(this, effect.reason, effect.info);
        return;
      case 'mark':
        for (const observer of world.observers) {
          observer.marked?.(this, effect.name, effect.count);
        }
        return;
      case 'alarm':
      case 'cosigningReport':
        return;
    }
  }

  #broadcast(envelope: Envelope): void {
    const { epoch } = this.record;
    for (const peer of this.#world.membership.validators(epoch)) this.#transmit(peer, envelope);
  }

  #transmit(to: number, envelope: Envelope): void {
    if (to !== this.validator) this.#world.transmit(this.validator, to, envelope);
  }

  /** The validator that has a place in this node's epoch. */
  validatorOf(author: number): number {
    return this.#world.membership.validators(this.record.epoch)[author] as number;
  }

  #execute(): void {
    const world = this.#world;
    const millis = this.random.lognormal(world.plan.machine.executeMillis, 0.3);
    this.#later(world.now() + Math.round(millis * 1_000), () => {
      const effect = this.#executing[0] as Extract<Effect, { kind: 'execute' }>;
      // One transaction of the ledger's own database: there is no half of it.
      const block = this.ledger.execute(effect.block);
      for (const observer of world.observers) observer.executed?.(this, block);
      this.#executing.shift();
      if (this.#executing.length > 0) this.#execute();
      this.enqueue(this.#executed(block));
    });
  }

  #executed(block: ExecutedBlock): Event {
    const { header, root, next } = block;
    for (const bytes of block.input.transactions) {
      const transaction = readTransaction(bytes);
      if (transaction !== null) this.mempool.setStatus([transaction.id], 'committed');
    }
    return {
      kind: 'executed',
      height: header.height,
      header,
      root,
      next:
        next === null
          ? null
          : { record: next, author: this.#world.membership.author(next.epoch, this.validator) },
    };
  }

  #verifyCosignatures(effect: Extract<Effect, { kind: 'verifyCosignatures' }>): void {
    const { epoch, size, root, cosignatures } = effect;
    const { record, life } = this;
    this.#world.afterChecks(this.validator, cosignatures.length, () => {
      if (this.life !== life) return;
      const verdicts = cosignatures.map((one) =>
        this.#world.inbound.cosignature(record, size, root, one),
      );
      this.enqueue({
        kind: 'cosignaturesVerified',
        epoch,
        size,
        root,
        good: cosignatures.filter((_, i) => verdicts[i]),
        bad: cosignatures.filter((_, i) => !verdicts[i]),
      });
    });
  }

  #startEpoch(record: EpochRecord, author: number | null): void {
    this.record = record;
    this.author = author;
    this.mempool.requeueAll();
    for (const peer of this.#world.membership.validators(record.epoch)) {
      if (peer !== this.validator && this.#world.connected(this.validator, peer)) {
        this.#announcePeer(peer, true);
      }
    }
    this.#exchange.startEpoch();
  }

  #newExchange(): Exchange {
    const world = this.#world;
    const machine = this;
    return new Exchange(
      {
        validator: this.validator,
        get record() {
          return machine.record;
        },
        enqueue: (event) => this.enqueue(event),
        transmit: (to, envelope) => this.#transmit(to, envelope),
        connected: (peer) => world.connected(this.validator, peer),
        soon: (action) => this.#later(world.now() + READ_MICROS, action),
        atMillis: (millis, action) => this.#later(this.clock.when(millis), action),
        answerFromDisk: (request) => answerFromDisk(this.disk, request),
      },
      world.membership,
      world.inbound,
    );
  }

  #announcePeer(peer: number, up: boolean): void {
    const author = this.#world.membership.author(this.record.epoch, peer);
    if (author === null) return;
    this.enqueue({ kind: 'peer', epoch: this.record.epoch, peer: author, up });
  }
}
