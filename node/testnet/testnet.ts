/**
 * A test network in one process: validators with real cryptography spread over a few threads,
 * payments handed to them, faults done to them, one real ledger that executes what they agree on,
 * a light client that follows, and a report of it all.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { blockId, headerCodec } from 'fanal/chain/header.ts';
import { type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import type { CertifiedCheckpoint, EpochRecord, ExecutedTip } from '../core/types.ts';
import type { AsyncLedger, ExecutedBlock, Ledger } from '../ledger/ledger.ts';
import { openLedger } from '../ledger/sqlite-ledger.ts';
import { currentEpochRecord } from '../runtime/epoch-record.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import { LightFollower } from './follower.ts';
import type { FromGroup, GroupData, GroupStats, ToGroup } from './group-protocol.ts';
import type { Fault, TestnetOptions } from './options.ts';
import { checkOptions, TESTNET_LIMITS } from './options.ts';
import { Payers } from './payers.ts';
import { SeededRandom } from './random.ts';
import { Samples } from './samples.ts';
import { makeChain, type TestnetChain, testnetLocalParams } from './setting.ts';

/** What a run is known by from outside while it goes on. */
export interface TestnetProgress {
  readonly elapsedMillis: number;
  readonly height: bigint;
  readonly certifiedHeight: bigint;
  readonly round: number;
  readonly txPerSecond: number;
  readonly live: number;
  readonly faultsDone: number;
  /** Events that wait for the cores: growing means too much for the machine. */
  readonly waiting: number;
}

/** A payment that is in no block after so long is handed to another validator. */
const RESEND_MILLIS = 20_000;
const TICK_MILLIS = 50;
const FOLLOW_MILLIS = 5_000;
/** How long the network may take to certify what it has at the end. */
const STOP_MILLIS = 10_000;
const ACCOUNTS = 100;
/** Blocks back to which the inputs of all groups are compared. */
const COMPARED_BLOCKS = 10_000n;
/** How far a clock is put forward that a fault is done to. */
const CLOCK_AHEAD_MILLIS = 10_000;
const HEAP_MEGABYTES = 6_144;
const YOUNG_MEGABYTES = 256;

export class Testnet {
  readonly options: TestnetOptions;
  readonly setting: TestnetChain;
  readonly silent: readonly number[];
  readonly payers: Payers;
  readonly follower: LightFollower;
  readonly ledger: Ledger;
  readonly startedAt = Date.now();
  readonly loadBefore = loadavg()[0] as number;
  readonly cpuBefore = process.cpuUsage();
  // What the judge looks at.
  readonly commitMillis = new Samples();
  readonly executedMillis = new Samples();
  readonly certifiedMillis = new Samples();
  readonly blockIntervals = new Samples();
  readonly stats = new Map<number, GroupStats>();
  readonly targets = new Map<Fault, readonly number[]>();
  readonly forks: string[] = [];
  readonly evidence: string[] = [];
  readonly broken = new Map<number, string>();
  readonly rejected: string[] = [];
  /** When something was certified, in milliseconds since the start. */
  readonly certifiedAt: number[] = [];
  transactions = 0;
  submitted = 0;
  peakPerSecond = 0;
  rssPeakBytes = 0;
  blocks = 0;
  readonly #folder: string;
  readonly #random: SeededRandom;
  readonly #workers: Worker[] = [];
  /** What was handed in for the newest blocks, by height. */
  readonly #fingerprints = new Map<bigint, Bytes32>();
  /** The ids of those blocks, certified or not. */
  readonly #blockIds = new Map<bigint, Bytes32>();
  readonly #uncertified: { readonly size: bigint; readonly submittedAt: readonly number[] }[] = [];
  readonly #down = new Set<number>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #perSecond: { readonly at: number; readonly count: number }[] = [];
  #certificate: CertifiedCheckpoint | null = null;
  #record: EpochRecord | null = null;
  #failure: Error | null = null;
  #lastTime: bigint | null = null;
  #owed = 0;
  #stopping = false;
  #begunAt = 0;

  constructor(options: TestnetOptions) {
    checkOptions(options);
    this.options = options;
    this.#random = new SeededRandom(options.seed);
    this.setting = makeChain(options.validators, ACCOUNTS, options.seed);
    this.silent = this.#random.sample(options.validators, options.byzantine);
    const { chain, accounts } = this.setting;
    // Enough coins for twenty seconds of payments on their way.
    const wanted = Math.min(
      TESTNET_LIMITS.openPayments,
      Math.max(200, 20 * options.paymentsPerSecond),
    );
    this.payers = new Payers(chain, accounts, wanted, this.#random);
    this.follower = new LightFollower(chain.genesis, this.#random);
    this.#folder = mkdtempSync(join(tmpdir(), 'fanal-testnet-'));
    this.ledger = openLedger({
      path: join(this.#folder, 'ledger.sqlite'),
      genesis: chain.genesis,
      verify: verifyNatively,
    });
  }

  /** The id of the executed block of a height. */
  blockId(height: bigint): string | null {
    const recent = this.#blockIds.get(height);
    if (recent !== undefined) return toHex(recent);
    const [header] = this.ledger.headers(height, 1);
    return header === undefined ? null : toHex(blockId(headerCodec.decode(header)));
  }

  nameOf(validator: number): string {
    return this.setting.keys[validator]?.name ?? `validator ${validator}`;
  }

  /**
   * Runs until the time is over or `signal` aborts. Returns for how many seconds.
   *
   * @throws {Error} when a thread died
   */
  async run(signal: AbortSignal, onProgress: (progress: TestnetProgress) => void): Promise<number> {
    await this.#start();
    this.#begunAt = performance.now();
    await this.#work(signal, onProgress);
    const seconds = (performance.now() - this.#begunAt) / 1_000;
    await this.#stop();
    await this.follower.sync(this.ledger);
    return seconds;
  }

  /** Ends what still runs, and removes the files. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.ledger.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { validators, links, seed } = this.options;
    const threads = Math.min(this.options.threads, validators);
    const silent = new Set(this.silent);
    const speaking = Array.from({ length: validators }, (_, i) => i).filter((i) => !silent.has(i));
    const groups = Array.from({ length: validators }, () => -1);
    speaking.forEach((validator, i) => {
      groups[validator] = i % threads;
    });
    const ports = portsBetween(threads);
    this.#record = await currentEpochRecord(this.ledger as unknown as AsyncLedger);
    const executed = this.#executedTip();
    for (let group = 0; group < threads; group++) {
      const own = speaking.filter((validator) => groups[validator] === group);
      const data: GroupData = {
        ...{ group, groups, executed, links, seed },
        keys: new Map(own.map((i) => [i, this.setting.keys[i] as GroupKeys])),
        record: this.#record,
        local: testnetLocalParams(validators),
        ports: ports[group] as (MessagePort | null)[],
      };
      this.#workers.push(this.#startWorker(group, data));
    }
    this.#tell({ kind: 'start' });
  }

  #startWorker(group: number, data: GroupData): Worker {
    const worker = new Worker(new URL('./group-worker.ts', import.meta.url), {
      name: `validators-${group}`,
      workerData: data,
      transferList: data.ports.filter((port) => port !== null),
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MEGABYTES,
        // Most of what a round makes is dead within it: fewer, cheaper collections.
        maxYoungGenerationSizeMb: YOUNG_MEGABYTES,
      },
    });
    worker.on('message', (message: FromGroup) => {
      try {
        this.#handle(message);
      } catch (error) {
        this.#failure ??= error as Error;
      }
    });
    worker.on('error', (error: Error) => {
      this.#failure ??= error;
    });
    return worker;
  }

  async #work(signal: AbortSignal, onProgress: (progress: TestnetProgress) => void): Promise<void> {
    const { durationMillis, faults } = this.options;
    for (const fault of faults) {
      this.#later(fault.atMillis, () => this.#inflict(fault));
      this.#later(fault.atMillis + fault.forMillis, () => this.#heal(fault));
    }
    let followAt = FOLLOW_MILLIS;
    let last = performance.now();
    while (!signal.aborted && this.#failure === null) {
      const now = performance.now();
      const elapsedMillis = now - this.#begunAt;
      if (elapsedMillis >= durationMillis) break;
      this.#pay(now - last);
      last = now;
      if (elapsedMillis > followAt) {
        followAt += FOLLOW_MILLIS;
        await this.follower.sync(this.ledger);
        this.#resend();
      }
      this.rssPeakBytes = Math.max(this.rssPeakBytes, process.memoryUsage.rss());
      onProgress(this.#progress(elapsedMillis));
      await new Promise((resolve) => setTimeout(resolve, TICK_MILLIS));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Hands in what is due, to validators that run, in turns. */
  #pay(millis: number): void {
    this.#owed += (this.options.paymentsPerSecond * millis) / 1_000;
    const live = this.#live();
    const batches = new Map<number, Uint8Array[]>();
    while (this.#owed >= 1 && this.payers.open.size < TESTNET_LIMITS.openPayments) {
      const next = this.payers.next(performance.now());
      // Every coin is on its way: what is due now is not made up for later.
      if (next === null) this.#owed = 0;
      if (next === null) break;
      this.#owed--;
      this.submitted++;
      const to = live[this.submitted % live.length] as number;
      const batch = batches.get(to);
      if (batch === undefined) batches.set(to, [next.payment.bytes]);
      else batch.push(next.payment.bytes);
    }
    for (const [validator, payments] of batches)
      this.#tell({ kind: 'payments', validator, payments });
  }

  /** The validator that had a payment may have been killed with it. */
  #resend(): void {
    const now = performance.now();
    const live = this.#live();
    for (const payment of this.payers.open.values()) {
      if (now - payment.sentAt < RESEND_MILLIS) continue;
      payment.sentAt = now;
      const validator = live[this.#random.below(live.length)] as number;
      this.#tell({ kind: 'payments', validator, payments: [payment.bytes] });
    }
  }

  #live(): number[] {
    const away = new Set([...this.silent, ...this.#down, ...this.broken.keys()]);
    return this.setting.keys.flatMap((_, validator) => (away.has(validator) ? [] : validator));
  }

  #inflict(fault: Fault): void {
    const live = this.#live();
    const targets = this.#random
      .sample(live.length, Math.min(fault.count, live.length))
      .map((at) => live[at] as number);
    this.targets.set(fault, targets);
    for (const validator of targets) this.#down.add(validator);
    switch (fault.kind) {
      case 'partition':
        this.#tell({ kind: 'partition', side: targets });
        return;
      case 'pause':
        this.#tell({ kind: 'hold', validators: targets });
        return;
      case 'clock':
        // They go on, by a clock of their own.
        for (const validator of targets) this.#down.delete(validator);
        this.#tell({ kind: 'clock', validators: targets, aheadMillis: CLOCK_AHEAD_MILLIS });
        return;
      case 'kill':
      case 'stop':
      case 'restart':
        this.#tell({ kind: 'kill', validators: targets });
    }
  }

  #heal(fault: Fault): void {
    const targets = this.targets.get(fault) ?? [];
    for (const validator of targets) this.#down.delete(validator);
    if (fault.kind === 'partition') this.#tell({ kind: 'partition', side: [] });
    else if (fault.kind === 'pause') this.#tell({ kind: 'release', validators: targets });
    else if (fault.kind === 'clock')
      this.#tell({ kind: 'clock', validators: targets, aheadMillis: 0 });
    else {
      const record = this.#record as EpochRecord;
      this.#tell({
        kind: 'restart',
        ...{ record, validators: targets },
        start: this.#executedTip(),
        certifiedSize: this.ledger.certifiedTip().size,
      });
    }
  }

  #handle(message: FromGroup): void {
    switch (message.kind) {
      case 'block':
        this.#execute(message);
        return;
      case 'certified':
        if (message.checkpoint.size > (this.#certificate?.size ?? 0n)) {
          this.#certificate = message.checkpoint;
          this.#certify();
        }
        return;
      case 'cosigning':
        this.ledger.recordCosigning(message.report);
        return;
      case 'fork':
        this.forks.push(`${this.nameOf(message.validator)} at height ${message.height}`);
        return;
      case 'evidence':
        this.evidence.push(message.about);
        return;
      case 'broken':
        this.broken.set(message.validator, message.message);
        return;
      case 'stats':
        for (const millis of message.stats.commitMillis) this.commitMillis.add(millis);
        this.stats.set(message.stats.group, message.stats);
        return;
      case 'stopped':
        return;
    }
  }

  #execute({ block, fingerprint }: Extract<FromGroup, { kind: 'block' }>): void {
    const known = this.#fingerprints.get(block.height);
    if (known !== undefined) {
      if (!equalBytes(known, fingerprint)) {
        this.forks.push(`two groups of validators at height ${block.height}`);
      }
      return;
    }
    // A group that was far behind catches up with what was compared long ago.
    if (block.height <= this.ledger.tip().height) return;
    this.#fingerprints.set(block.height, fingerprint);
    this.#fingerprints.delete(block.height - COMPARED_BLOCKS);
    const executed = this.ledger.execute(block);
    this.#blockIds.set(block.height, executed.blockId);
    this.#blockIds.delete(block.height - COMPARED_BLOCKS);
    this.#settle(executed);
    void this.#announce(executed, block.lastOfEpoch).catch((error: Error) => {
      this.#failure ??= error;
    });
    this.#certify();
  }

  async #announce(executed: ExecutedBlock, lastOfEpoch: boolean): Promise<void> {
    const { height, header, blockId, root, certifiedSize } = executed;
    const next = lastOfEpoch
      ? await currentEpochRecord(this.ledger as unknown as AsyncLedger)
      : null;
    if (next !== null) this.#record = next;
    const encoded = headerCodec.encode(header) as never;
    const execution = { height, blockId, header: encoded, root, certifiedSize, next };
    this.#tell({ kind: 'executed', execution });
  }

  /** Payments of an executed block are done with; their coins can be spent again. */
  #settle({ size, header, outcomes }: ExecutedBlock): void {
    const now = performance.now();
    const submittedAt: number[] = [];
    for (const outcome of outcomes) {
      if (outcome.kind === 'rejected') this.rejected.push(outcome.code);
      if (outcome.kind !== 'included') continue;
      this.transactions++;
      const payment = this.payers.included(outcome.txid);
      if (payment === undefined) continue;
      this.executedMillis.add(now - payment.submittedAt);
      submittedAt.push(payment.submittedAt);
    }
    this.#uncertified.push({ size, submittedAt });
    const { time } = header;
    if (this.#lastTime !== null) this.blockIntervals.add(Number(time - this.#lastTime));
    this.#lastTime = time;
    this.blocks++;
    this.#perSecond.push({ at: now, count: submittedAt.length });
    while ((this.#perSecond[0]?.at ?? now) < now - 10_000) this.#perSecond.shift();
    const rate = this.#rate();
    if (now - this.#begunAt > 10_000) this.peakPerSecond = Math.max(this.peakPerSecond, rate);
  }

  /** Payments a second over the last ten. */
  #rate(): number {
    return this.#perSecond.reduce((sum, { count }) => sum + count, 0) / 10;
  }

  #certify(): void {
    const checkpoint = this.#certificate;
    if (checkpoint === null || checkpoint.size > this.ledger.tip().size) return;
    if (checkpoint.size <= this.ledger.certifiedTip().size) return;
    this.ledger.certified(checkpoint);
    const now = performance.now();
    this.certifiedAt.push(now - this.#begunAt);
    while ((this.#uncertified[0]?.size ?? checkpoint.size + 1n) <= checkpoint.size) {
      for (const at of this.#uncertified.shift()?.submittedAt ?? []) {
        this.certifiedMillis.add(now - at);
      }
    }
  }

  /** Where a ledger stands that has just caught up. */
  #executedTip(): ExecutedTip {
    const { height, header, root } = this.ledger.tip();
    const isStart = height === (this.#record as EpochRecord).startHeight;
    return {
      ...{ height, root },
      time: header.time,
      commitIndex: isStart ? 0n : header.commitIndex,
      next: null,
    };
  }

  #progress(elapsedMillis: number): TestnetProgress {
    const stats = [...this.stats.values()];
    return {
      elapsedMillis,
      height: this.ledger.tip().height,
      certifiedHeight: this.ledger.certifiedTip().height,
      round: Math.max(0, ...stats.map(({ round }) => round)),
      txPerSecond: this.#rate(),
      live: this.#live().length,
      faultsDone: this.targets.size,
      waiting: stats.reduce((sum, { waiting }) => sum + waiting, 0),
    };
  }

  #tell(message: ToGroup): void {
    for (const worker of this.#workers) worker.postMessage(message);
  }

  /** Lets every group say how it stands, then ends them. */
  async #stop(): Promise<void> {
    this.#stopping = true;
    const stopped = this.#workers.map(
      (worker) =>
        new Promise<void>((resolve) => {
          worker.on('message', ({ kind }: FromGroup) => kind === 'stopped' && resolve());
          setTimeout(resolve, STOP_MILLIS).unref();
        }),
    );
    this.#tell({ kind: 'stop' });
    await Promise.all(stopped);
  }

  #later(millis: number, action: () => void): void {
    this.#timers.push(
      setTimeout(() => {
        if (!this.#stopping) action();
      }, millis),
    );
  }
}

type GroupKeys = TestnetChain['keys'][number];

/** A channel between every two groups: row g has the ports of group g. */
function portsBetween(groups: number): (MessagePort | null)[][] {
  const ports: (MessagePort | null)[][] = Array.from({ length: groups }, () =>
    Array.from({ length: groups }, () => null),
  );
  for (let a = 0; a < groups; a++) {
    for (let b = a + 1; b < groups; b++) {
      const { port1, port2 } = new MessageChannel();
      (ports[a] as MessagePort[])[b] = port1;
      (ports[b] as MessagePort[])[a] = port2;
    }
  }
  return ports;
}
