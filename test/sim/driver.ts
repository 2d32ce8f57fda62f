/**
 * The driver of a simulated validator: feeds the real core one event at a time, the way the real
 * driver does.
 *
 * The writes of a step go to the disk, then its effects run, those that must wait for the disk once
 * it is done. The process can end between any two of these. A driver lives as long as one run of
 * the core; whatever comes later than its end is dropped.
 */
import type {
  CertifiedCheckpoint,
  Core,
  Effect,
  EpochRecord,
  Event,
  StepResult,
  StoredState,
  TimerId,
} from 'fanal-node/core/types.ts';
import type { Envelope } from './envelope.ts';
import { Exchange } from './exchange.ts';
import { type ExecutedBlock, readTransaction } from './ledger.ts';
import type { SimNode } from './node.ts';
import type { Micros } from './queue.ts';
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

/** Reading an answer from the journal. */
const READ_MICROS = 500;

export class SimDriver {
  readonly core: Core;
  readonly exchange: Exchange;
  record: EpochRecord;
  author: number | null;
  readonly #node: SimNode;
  readonly #world: World;
  readonly #timers = new Map<TimerId, number>();
  readonly #inbox: Event[] = [];
  readonly #executing: Extract<Effect, { kind: 'execute' }>[] = [];
  /** The newest certificate that the ledger has not been told of. */
  #untold: CertifiedCheckpoint | null = null;
  /** Certificates that the ledger is writing down. */
  #certifying = 0;
  #waiters: Waiter[] = [];
  #appended = 0;
  #synced = 0;
  #syncing = false;
  #running = false;
  #ended = false;
  #busyUntil: Micros = 0;
  #wakeAt: Micros = 0;
  #crash: PlannedCrash | null = null;

  constructor(node: SimNode, world: World, stored: StoredState) {
    this.#node = node;
    this.#world = world;
    this.record = stored.epoch;
    this.author = stored.author;
    this.core = world.makeCore(node.validator);
    this.exchange = this.#newExchange();
  }

  /** Whatever was under way is forgotten. */
  end(): void {
    this.#ended = true;
  }

  /** The next step that writes or sends anything ends the process at one of its boundaries. */
  crashSoon(crash: PlannedCrash): void {
    this.#crash = crash;
  }

  /** True when nothing waits and all that was written is on stable storage. */
  isQuiet(): boolean {
    const waiting = this.#inbox.length + this.#executing.length + this.#waiters.length;
    const unwritten = this.#node.disk.pending + this.#certifying;
    return waiting === 0 && unwritten === 0 && this.#untold === null;
  }

  enqueue(event: Event): void {
    if (this.#ended) return;
    this.#inbox.push(event);
    this.drain();
  }

  /** Tells the core whether a validator can be reached, if it has a place in the epoch. */
  announcePeer(peer: number, up: boolean): void {
    const { epoch } = this.record;
    const author = this.#world.membership.author(epoch, peer);
    if (author !== null) this.enqueue({ kind: 'peer', epoch, peer: author, up });
  }

  announcePeers(): void {
    const { validator } = this.#node;
    for (const peer of this.#world.membership.validators(this.record.epoch)) {
      if (peer !== validator && this.#world.connected(validator, peer))
        this.announcePeer(peer, true);
    }
  }

  /** Handles what waits, unless the machine stands still. */
  drain(): void {
    if (this.#running) return;
    const world = this.#world;
    this.#running = true;
    try {
      while (this.#inbox.length > 0 && !this.#ended) {
        const free = Math.max(this.#node.pausedUntil, this.#busyUntil);
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
      this.drain();
    });
  }

  #later(at: Micros, action: () => void): void {
    this.#world.at(at, () => {
      if (!this.#ended) action();
    });
  }

  #step(event: Event): void {
    const world = this.#world;
    const node = this.#node;
    const result = this.core.step(node.clock.now(world.now()), event);
    for (const observer of world.observers) observer.stepped?.(node, event, result);
    const crash = this.#crash;
    const crashAt = this.#crashBoundary(result);
    let boundary = 0;
    const stopHere = () => {
      if (crashAt !== boundary++) return false;
      world.stopped(node, crash as PlannedCrash);
      return true;
    };
    if (stopHere()) return;
    if (result.writes.length > 0) {
      node.disk.append(result.writes);
      this.#appended++;
    }
    if (stopHere()) return;
    for (const effect of result.now) {
      this.#run(effect);
      if (this.#ended || stopHere()) return;
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
    const node = this.#node;
    if (this.#synced === this.#appended) {
      this.#release();
      return;
    }
    this.#syncing = true;
    const { syncMillis, syncSigma, blocking } = world.plan.disk;
    const count = node.disk.pending;
    const upTo = this.#appended;
    const millis = node.random.lognormal(syncMillis, syncSigma) + node.diskState.slowMillis;
    const done = world.now() + Math.round(millis * 1_000);
    if (blocking) this.#busyUntil = Math.max(this.#busyUntil, done);
    this.#later(done, () => {
      if (node.diskState.full) {
        world.stopped(node, 'disk');
        return;
      }
      this.#syncing = false;
      node.disk.synced(count, world.now());
      this.#synced = upTo;
      this.#release();
      if (this.#waiters.length > 0) this.#sync();
      this.drain();
    });
  }

  /** Runs the effects whose writes are on stable storage. */
  #release(): void {
    const world = this.#world;
    const node = this.#node;
    while (this.#waiters.length > 0 && !this.#ended) {
      const waiter = this.#waiters[0] as Waiter;
      if (waiter.upTo > this.#synced) return;
      this.#waiters.shift();
      let boundary = 0;
      const stopHere = () => {
        if (waiter.crashAfter !== boundary++) return false;
        world.stopped(node, waiter.crash as PlannedCrash);
        return true;
      };
      if (stopHere()) return;
      node.disk.writeGuardFile();
      if (stopHere()) return;
      for (const effect of waiter.effects) {
        this.#run(effect);
        if (this.#ended || stopHere()) return;
      }
    }
  }

  #run(effect: Effect): void {
    const world = this.#world;
    const node = this.#node;
    switch (effect.kind) {
      case 'send': {
        for (const observer of world.observers) observer.sending?.(node, effect.message);
        const { message } = effect;
        const named = effect.to === 'all' ? this.exchange.named(message) : null;
        const envelope: Envelope = { kind: 'message', message, named };
        const validators = world.membership.validators(this.record.epoch);
        if (effect.to === 'all') for (const peer of validators) this.#transmit(peer, envelope);
        else this.#transmit(validators[effect.to] as number, envelope);
        return;
      }
      case 'fetch':
        this.exchange.fetch(effect);
        return;
      case 'respond':
        this.exchange.respond(effect.requestId, effect.response);
        return;
      case 'serve': {
        const { requestId, request } = effect;
        this.#later(world.now() + READ_MICROS, () => {
          this.exchange.respond(requestId, answerFromDisk(node.disk, request));
        });
        return;
      }
      case 'timer':
        this.#timers.set(effect.id, effect.generation);
        this.#later(Math.max(world.now(), node.clock.when(effect.at)), () => {
          const { id, generation } = effect;
          if (this.#timers.get(id) === generation) this.enqueue({ kind: 'timer', id, generation });
        });
        return;
      case 'cancel':
        this.#timers.delete(effect.id);
        return;
      case 'pullPayload': {
        const { round, maxBytes, maxTransactions } = effect;
        const transactions = node.mempool.pull(maxBytes, maxTransactions);
        this.enqueue({ kind: 'payload', round, transactions });
        return;
      }
      case 'transactionStatus':
        node.mempool.setStatus(effect.ids, effect.status);
        return;
      case 'execute':
        this.#executing.push(effect);
        if (this.#executing.length === 1) this.#execute();
        return;
      case 'verifyCosignatures':
        this.#verifyCosignatures(effect);
        return;
      case 'certified':
        for (const observer of world.observers) observer.certified?.(node, effect.checkpoint);
        this.#untold = effect.checkpoint;
        this.#tellLedger();
        return;
      case 'epochStart':
        this.#startEpoch(effect.record, effect.author);
        return;
      case 'halt':
        world.halted(node, effect.reason, effect.info);
        return;
      case 'mark':
        for (const observer of world.observers) {
          observer.marked?.(node, effect.name, effect.count);
        }
        return;
      case 'alarm':
      case 'cosigningReport':
        return;
    }
  }

  #transmit(to: number, envelope: Envelope): void {
    const { validator } = this.#node;
    if (to !== validator) this.#world.transmit(validator, to, envelope);
  }

  #execute(): void {
    const world = this.#world;
    const node = this.#node;
    const millis = node.random.lognormal(world.plan.machine.executeMillis, 0.3);
    this.#later(world.now() + Math.round(millis * 1_000), () => {
      const effect = this.#executing[0] as Extract<Effect, { kind: 'execute' }>;
      // One transaction of the ledger's own database: there is no half of it.
      const block = node.ledger.execute(effect.block);
      for (const observer of world.observers) observer.executed?.(node, block);
      this.#executing.shift();
      if (this.#executing.length > 0) this.#execute();
      this.#settlePayments(block);
      this.enqueue(this.#executed(block));
      this.#tellLedger();
    });
  }

  #executed({ header, root, next }: ExecutedBlock): Event {
    const { membership } = this.#world;
    const { height } = header;
    const { certifiedSize } = this.#node.ledger;
    const event = { kind: 'executed', height, header, root, certifiedSize } as const;
    if (next === null) return { ...event, next };
    const author = membership.author(next.epoch, this.#node.validator);
    return { ...event, next: { record: next, author } };
  }

  /** What a block carried is done with, whether it took effect or cannot any more. */
  #settlePayments({ input }: ExecutedBlock): void {
    for (const bytes of input.transactions) {
      const transaction = readTransaction(bytes);
      if (transaction !== null) this.#node.mempool.setStatus([transaction.id], 'committed');
    }
  }

  /** The ledger hears of a certificate when it has executed that far, and writes it down. */
  #tellLedger(): void {
    const { ledger } = this.#node;
    const checkpoint = this.#untold;
    if (checkpoint === null || checkpoint.size > ledger.height + 1n) return;
    this.#untold = null;
    const millis = this.#world.plan.machine.executeMillis / 2;
    this.#certifying++;
    this.#later(this.#world.now() + Math.round(millis * 1_000), () => {
      this.#certifying--;
      ledger.certify(checkpoint);
    });
  }

  #verifyCosignatures(effect: Extract<Effect, { kind: 'verifyCosignatures' }>): void {
    const { epoch, size, root, cosignatures } = effect;
    const { record } = this;
    this.#world.afterChecks(this.#node.validator, cosignatures.length, () => {
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
    this.#node.mempool.requeueAll();
    if (author === null) {
      this.#node.leave();
      return;
    }
    this.announcePeers();
    this.exchange.startEpoch();
  }

  #newExchange(): Exchange {
    const world = this.#world;
    const node = this.#node;
    const driver = this;
    return new Exchange(
      {
        get record() {
          return driver.record;
        },
        enqueue: (event) => this.enqueue(event),
        transmit: (to, envelope) => this.#transmit(to, envelope),
        connected: (peer) => world.connected(node.validator, peer),
        soon: (action) => this.#later(world.now() + READ_MICROS, action),
        nowMillis: () => node.clock.now(world.now()),
        atMillis: (millis, action) => this.#later(node.clock.when(millis), action),
        answerFromDisk: (request) => answerFromDisk(node.disk, request),
      },
      world.membership,
      world.inbound,
      world.plan.chain.slimLeastBytes,
    );
  }
}
