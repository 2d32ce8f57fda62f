/**
 * One run: a world made of a plan, first with every fault in it, then healed.
 *
 * Everything that happens is an event of one queue, and every choice comes from the streams of the
 * plan's seed, so a plan always runs the same, bit for bit.
 */
import { DEFAULT_LOCAL_PARAMS, type LocalParams } from 'fanal-node/core/params.ts';
import type { Alarm, Core, CryptoPort } from 'fanal-node/core/types.ts';
import { makeByzantine } from './byzantine/make.ts';
import { SimClock } from './clock.ts';
import { Connections } from './connections.ts';
import { type Envelope, envelopeChecks, envelopeSize } from './envelope.ts';
import { scheduleFault } from './faults.ts';
import { Inbound } from './inbound.ts';
import { type Signatures, signatures, taggedHash } from './keys.ts';
import { LeaderOracle } from './leader-oracle.ts';
import type { ExecutedBlock } from './ledger.ts';
import { isHopeless, Load, type PendingPayment } from './load.ts';
import { GENESIS_TIME, Membership } from './membership.ts';
import { Network, type Packet } from './network.ts';
import { SimNode } from './node.ts';
import { type Observer, Violation } from './observer.ts';
import type { Plan } from './plan.ts';
import { Processors } from './processor.ts';
import { EventQueue, type Micros } from './queue.ts';
import { type Random, stream } from './random.ts';
import type { PlannedCrash, World } from './world.ts';

/** Makes the core of a validator; tests hand in broken ones. */
export type CoreFactory = (crypto: CryptoPort, local: LocalParams, validator: number) => Core;

/** A validator as the network sees it. */
export interface Endpoint {
  readonly up: boolean;
  receive(from: number, envelope: Envelope): void;
  peerChanged(peer: number, up: boolean): void;
}

export interface SimulationOptions {
  readonly makeCore: CoreFactory;
  readonly realCrypto: boolean;
}

/** How often observers may look at everything. */
const SAMPLE_MICROS = 250_000;
const RETRY_PAYMENT_MICROS = 5_000_000;
const BURST_MICROS = 10_000_000;
/** How long an operator takes to replace a faulty program. */
const REPAIR_MICROS = 3_000_000;

export class Simulation implements World {
  readonly plan: Plan;
  readonly signatures: Signatures;
  readonly membership: Membership;
  readonly inbound: Inbound;
  readonly network: Network<Envelope>;
  readonly oracle: LeaderOracle;
  readonly observers: Observer[] = [];
  readonly load: Load;
  /** How often a validator caught up by blocks. */
  ledgerSyncs = 0;
  /** How often no honest validator was left running. */
  blackouts = 0;
  /** Honest machines, by validator; undefined for Byzantine validators. */
  readonly machines: (SimNode | undefined)[] = [];
  readonly endpoints: Endpoint[] = [];
  readonly #options: SimulationOptions;
  readonly #queue = new EventQueue<() => void>();
  readonly #processors: Processors;
  readonly #connections: Connections;
  readonly #loadRandom: Random;
  readonly #faultRandom: Random;
  #faulty = true;
  #executedHeight = 0n;

  constructor(plan: Plan, options: SimulationOptions) {
    this.plan = plan;
    this.#options = options;
    const { seed } = plan;
    const nodes = plan.stakes.length;
    this.signatures = signatures(seed, options.realCrypto);
    this.membership = new Membership(plan, this.signatures);
    this.inbound = new Inbound(this.membership, this.signatures);
    this.network = new Network(nodes, plan.network, stream(seed, 'network'));
    this.oracle = new LeaderOracle(this.membership, taggedHash);
    this.observers.push(this.oracle, { executed: (node, block) => this.#executed(node, block) });
    this.load = new Load(plan.load, this.membership.genesis.genesisId, stream(seed, 'load'));
    this.#loadRandom = stream(seed, 'load-times');
    this.#faultRandom = stream(seed, 'fault-times');
    this.#processors = new Processors(nodes, plan.machine.checkMicros);
    this.#connections = new Connections(
      nodes,
      {
        now: () => this.now(),
        at: (time, action) => this.at(time, action),
        isUp: (validator) => this.endpoints[validator]?.up ?? false,
        isReachable: (a, b) => !this.network.isCut(a, b) && !this.network.isCut(b, a),
        changed: (from, to, up) => this.endpoints[from]?.peerChanged(to, up),
      },
      stream(seed, 'connections'),
    );
    this.#build();
  }

  // What machines need of the world.

  now(): Micros {
    return this.#queue.now;
  }

  at(time: Micros, action: () => void): void {
    this.#queue.push(time, action);
  }

  connected(from: number, to: number): boolean {
    return this.#connections.connected(from, to);
  }

  transmit(from: number, to: number, envelope: Envelope): void {
    if (!this.#connections.connected(from, to)) return;
    const packet: Packet<Envelope> = {
      from,
      to,
      message: envelope,
      sizeBytes: envelopeSize(envelope),
      sentAt: this.now(),
      isAnswer: envelope.kind === 'response',
    };
    const { arrivals, broken } = this.network.send(packet);
    for (const at of arrivals) this.at(at, () => this.#arrive(packet));
    if (broken) this.#connections.broke(from, to);
  }

  afterChecks(validator: number, checks: number, action: () => void): void {
    this.#reach(this.#processors.checked(validator, checks, this.now()), action);
  }

  makeCore(validator: number): Core {
    const keyring = this.signatures.keyring(validator);
    const { minRoundDelayMillis, leaderTimeoutMillis } = this.plan.chain;
    return this.#options.makeCore(
      {
        hash: taggedHash,
        signVertex: (digest) => keyring.vertex.sign(digest),
        signCheckpoint: (message) => keyring.checkpoint.sign(message),
      },
      {
        ...DEFAULT_LOCAL_PARAMS,
        minRoundDelay: minRoundDelayMillis,
        leaderTimeout: leaderTimeoutMillis,
      },
      validator,
    );
  }

  reachable(validator: number): SimNode[] {
    return this.running().filter((peer) => this.connected(validator, peer.validator));
  }

  ledgerSynced(): void {
    this.ledgerSyncs++;
  }

  stopped(node: SimNode, why: PlannedCrash | 'disk'): void {
    if (why === 'disk') {
      this.#stop(node);
      return;
    }
    this.#stop(node, why);
    this.restart(node.validator, why.downMillis);
  }

  halted(node: SimNode, reason: Alarm, info: string): void {
    if (reason !== 'divergence' || !node.ledger.wrong) {
      throw new Violation('S0', `validator ${node.validator} halted, ${reason}: ${info}`);
    }
    this.at(this.now() + REPAIR_MICROS, () => {
      if (node.up) this.#stop(node);
      node.repair();
      this.restart(node.validator, 0);
    });
  }

  // The run.

  /** True until the network is healed. */
  get faulty(): boolean {
    return this.#faulty;
  }

  /** Milliseconds since 1970, by a clock that is never wrong. */
  trueTime(): bigint {
    return GENESIS_TIME + BigInt(Math.floor(this.now() / 1_000));
  }

  /** The same world, for machines that nobody watches: those of Byzantine validators. */
  unobserved(): World {
    return {
      plan: this.plan,
      membership: this.membership,
      inbound: this.inbound,
      observers: [],
      now: () => this.now(),
      at: (time, action) => this.at(time, action),
      connected: (a, b) => this.connected(a, b),
      transmit: (from, to, envelope) => this.transmit(from, to, envelope),
      afterChecks: (validator, checks, action) => this.afterChecks(validator, checks, action),
      makeCore: (validator) => this.makeCore(validator),
      reachable: (validator) => this.reachable(validator),
      ledgerSynced: () => {},
      stopped: (node) => node.stop(),
      halted: () => {},
    };
  }

  /** Honest validators whose process runs. */
  running(): SimNode[] {
    return this.machines.filter((machine): machine is SimNode => machine?.up ?? false);
  }

  /** Starts every validator and lays out everything that the plan has in store. */
  start(): void {
    for (const [validator, machine] of this.machines.entries()) {
      if (this.plan.absent.includes(validator)) continue;
      this.at(0, () => {
        machine?.boot();
        this.#connections.started(validator);
      });
    }
    for (const fault of this.plan.faults) scheduleFault(this.#faultPort(), fault);
    if (this.plan.network.replay > 0) this.#replayLater();
    if (this.plan.load.transactionsPerSecond > 0) this.#pay();
    if (this.plan.load.burst > 0) this.at(BURST_MICROS, () => this.#burst());
    this.#sampleLater();
  }

  /** Lets virtual time pass until then, or until `done` says so. */
  runUntil(end: Micros, done: () => boolean = () => false): void {
    for (;;) {
      const next = this.#queue.nextAt();
      if (next === undefined || next > end || done()) return;
      (this.#queue.pop() as () => void)();
    }
  }

  /** Ends every fault and brings all honest validators back, except those that stay dead. */
  heal(): void {
    this.#faulty = false;
    this.network.heal();
    for (const [validator, machine] of this.machines.entries()) {
      if (machine === undefined) continue;
      machine.diskState = { slowMillis: 0, full: false };
      machine.pause(0);
      machine.correctClock();
      machine.ledger.executeRightly();
      if (this.plan.dead.includes(validator)) {
        if (machine.up) this.#stop(machine);
      } else if (!machine.up) {
        this.restart(validator, this.#faultRandom.below(500));
      }
    }
    for (const payment of this.load.pending.values()) this.#submit(payment);
    for (const observer of this.observers) observer.healed?.(this.now());
  }

  restart(validator: number, downMillis: number): void {
    this.at(this.now() + Math.round(downMillis * 1_000), () => {
      const machine = this.machines[validator];
      if (machine === undefined || machine.up) return;
      if (!this.#faulty && this.plan.dead.includes(validator)) return;
      machine.boot();
      this.#connections.started(validator);
    });
  }

  #stop(machine: SimNode, crash?: PlannedCrash): void {
    machine.stop(crash?.damage, crash?.backupMillis);
    this.#connections.ended(machine.validator);
    if (this.running().length === 0) this.blackouts++;
  }

  #build(): void {
    const { plan } = this;
    for (let validator = 0; validator < plan.stakes.length; validator++) {
      const byzantine = plan.byzantine.find((one) => one.validator === validator);
      if (byzantine === undefined) {
        const machine = this.machine(validator, this);
        this.machines.push(machine);
        this.endpoints.push(machine);
      } else {
        this.machines.push(undefined);
        this.endpoints.push(makeByzantine(byzantine, this));
      }
    }
  }

  /** A machine that runs the core, watched by the observers of `world`. */
  machine(validator: number, world: World): SimNode {
    const { machine, faults, seed } = this.plan;
    const random = stream(seed, `machine ${validator}`);
    const skew = Math.round(random.real(-1, 1) * machine.clockSkewMillis);
    const drift = (random.real(-1, 1) * machine.clockDriftMillis) / 1_000;
    const backups = faults.some(
      (fault) => fault.kind === 'crash' && fault.node === validator && fault.damage === 'backup',
    );
    const isMeasured = this.plan.profile === 'wan' || this.plan.profile === 'hops';
    const needs = { backups, vertices: !isMeasured };
    return new SimNode(validator, new SimClock(skew, drift), random, world, needs);
  }

  #arrive(packet: Packet<Envelope>): void {
    const { from, to, message, sizeBytes } = packet;
    const endpoint = this.endpoints[to] as Endpoint;
    if (!endpoint.up) return;
    const received = this.network.received(to, sizeBytes, this.now());
    const checked = this.#processors.checked(to, envelopeChecks(message), received);
    this.#reach(checked, () => endpoint.receive(from, message));
  }

  /** Does something at a time that may be now. */
  #reach(time: Micros, action: () => void): void {
    if (time <= this.now()) action();
    else this.at(time, action);
  }

  #replayLater(): void {
    const gap = this.#faultRandom.exponential(1_000_000 / this.plan.network.replay);
    this.at(this.now() + gap, () => {
      if (!this.#faulty) return;
      const packet = this.network.replay();
      if (packet !== undefined) this.#arrive(packet);
      this.#replayLater();
    });
  }

  #sampleLater(): void {
    this.at(this.now() + SAMPLE_MICROS, () => {
      for (const observer of this.observers) observer.sampled?.(this.now());
      this.#sampleLater();
    });
  }

  #pay(): void {
    const gap = this.#loadRandom.exponential(1_000_000 / this.plan.load.transactionsPerSecond);
    this.at(this.now() + gap, () => {
      this.#payOnce();
      this.#pay();
    });
  }

  #burst(): void {
    for (let i = 0; i < this.plan.load.burst; i++) this.#payOnce();
    if (this.#faulty) this.at(this.now() + BURST_MICROS, () => this.#burst());
  }

  #payOnce(): void {
    const payment = this.load.make(this.now());
    if (payment !== undefined) this.#submit(payment);
  }

  /** Hands a payment to two honest validators, or to all; and once more if nothing comes of it. */
  #submit(payment: PendingPayment): void {
    const running = this.running();
    const all = this.#loadRandom.chance(this.plan.load.duplicated);
    const chosen = all ? running : this.#loadRandom.sample(running, 2);
    for (const machine of chosen) machine.mempool.add(payment.transaction);
    this.at(this.now() + RETRY_PAYMENT_MICROS, () => {
      if (this.load.pending.has(payment.known.key)) this.#submit(payment);
    });
  }

  /** The first to execute a block tells the clients. */
  #executed(node: SimNode, block: ExecutedBlock): void {
    if (block.header.height <= this.#executedHeight) return;
    this.#executedHeight = block.header.height;
    for (const key of block.executed) this.load.executed(key);
    if (block.executed.length === 0) return;
    for (const [key, { known }] of this.load.pending) {
      if (isHopeless(known, (coin) => node.ledger.isSpent(coin))) this.load.refused(key);
    }
  }

  #faultPort(): Parameters<typeof scheduleFault>[0] {
    return {
      nodes: this.plan.stakes.length,
      network: this.network,
      random: this.#faultRandom,
      faulty: () => this.#faulty,
      at: (millis, action) => this.at(millis * 1_000, action),
      nowMillis: () => this.now() / 1_000,
      machine: (validator) => this.machines[validator],
      stop: (machine) => this.#stop(machine),
      restart: (validator, downMillis) => this.restart(validator, downMillis),
      isLeader: (validator, round) => this.oracle.leadingValidator(round) === validator,
    };
  }
}
