/**
 * The validators of one thread: each on its own, with links between them and to the other groups.
 *
 * They share what cannot differ: a vertex is decoded and its payments are named once, the table of
 * the DAG's entries exists once, a block is executed once. What each decides and checks for itself
 * is its own: rules of vertices, every signature, certificates.
 */
import type { MessagePort } from 'node:worker_threads';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { EntryTable, genesisVertices } from '../core/entry.ts';
import type { EpochRecord, ExecutedTip } from '../core/types.ts';
import { decodeMessage, type MemberMessage } from '../core/wire.ts';
import { peerOfKey } from '../network/identity.ts';
import { nativeCryptoPort, nativeTaggedHash } from '../runtime/native-crypto.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import type {
  FromGroup,
  GroupData,
  GroupStats,
  Parcel,
  TestnetKeys,
  ToGroup,
} from './group-protocol.ts';
import { Links } from './links.ts';
import { MemoryJournal } from './memory-journal.ts';
import { PaymentQueue } from './payment-queue.ts';
import { SeededRandom } from './random.ts';
import { SharedExecution } from './shared-execution.ts';
import { SharedVertices } from './shared-vertices.ts';
import { TestValidator, type ValidatorWorld } from './validator.ts';

const STATS_MILLIS = 1_000;
/** Rounds whose vertices are remembered: as many as journals keep for those who come back. */
const KEPT_ROUNDS = 120;

interface Seat {
  readonly world: ValidatorWorld;
  readonly queue: PaymentQueue;
  validator: TestValidator | null;
  /** It was never stopped, so its latencies are those of a validator at work. */
  steady: boolean;
  executed: ExecutedTip;
}

/** An entry table for all validators of the group, which tells who joins it. */
class SharedTable extends EntryTable {
  onJoin: (user: object) => void = () => {};

  override join(user: object): void {
    super.join(user);
    this.onJoin(user);
  }
}

export class Group {
  readonly #data: GroupData;
  readonly #post: (message: FromGroup) => void;
  readonly #links: Links;
  readonly #execution: SharedExecution;
  readonly #seats = new Map<number, Seat>();
  readonly #tables = new Map<number, SharedTable>();
  readonly #decoded = new WeakMap<ArrayBufferLike, MemberMessage>();
  readonly #vertices: SharedVertices;
  /** Validators of all groups whose process runs. */
  readonly #running: Set<number>;
  readonly #marks: Record<string, number> = {};
  readonly #timer: NodeJS.Timeout;
  #commitMillis: number[] = [];
  #certifiedSize = 1n;
  #signatures = 0;
  #verifyMillis = 0;

  constructor(data: GroupData, post: (message: FromGroup) => void) {
    this.#data = data;
    this.#vertices = new SharedVertices(KEPT_ROUNDS * data.record.members.length);
    this.#post = post;
    this.#running = new Set(
      data.groups.flatMap((group, validator) => (group < 0 ? [] : validator)),
    );
    this.#links = new Links(
      data.links,
      new SeededRandom(data.seed * 1_000 + data.group),
      (from, to, bytes) => this.#seats.get(to)?.validator?.receive(from, bytes),
    );
    this.#execution = new SharedExecution({
      onFirst: (block, fingerprint) => {
        const transactions = block.transactions.map((bytes) => bytes.slice());
        const { group } = this.#data;
        post({ kind: 'block', group, fingerprint, block: { ...block, transactions } });
      },
      onFork: (height, validator) => post({ kind: 'fork', height, validator }),
    });
    const peers = data.record.members.map(({ networkKey }) => peerOfKey(networkKey));
    const validatorByPeer = new Map(peers.map((peer, validator) => [peer, validator]));
    for (const [validator, keys] of data.keys) {
      this.#seats.set(validator, this.#seat(keys, peers, validatorByPeer));
    }
    data.ports.forEach((port) => {
      port?.on('message', (parcel: Parcel) => this.#arrive(parcel));
    });
    this.#timer = setInterval(() => post({ kind: 'stats', stats: this.#stats() }), STATS_MILLIS);
  }

  handle(message: ToGroup): void {
    switch (message.kind) {
      case 'start':
        for (const [validator, { executed }] of this.#seats) {
          this.#boot(validator, this.#data.record, executed, 1n);
        }
        return;
      case 'executed':
        this.#execution.executed(message.execution);
        return;
      case 'payments':
        this.#seats.get(message.validator)?.queue.add(message.payments);
        return;
      case 'hold':
        for (const validator of message.validators) this.#hold(validator, true);
        return;
      case 'release':
        for (const validator of message.validators) this.#hold(validator, false);
        return;
      case 'kill':
        for (const validator of message.validators) this.#kill(validator);
        return;
      case 'restart':
        for (const validator of message.validators) this.#restart(validator, message);
        return;
      case 'clock':
        for (const validator of message.validators) {
          const seat = this.#seats.get(validator);
          if (seat === undefined) continue;
          seat.steady = false;
          seat.validator?.setClock(message.aheadMillis);
        }
        return;
      case 'partition':
        this.#partition(message.side);
        return;
      case 'stop':
        this.#stop();
    }
  }

  #seat(
    keys: TestnetKeys,
    peers: readonly string[],
    validatorByPeer: ReadonlyMap<string, number>,
  ): Seat {
    const queue = new PaymentQueue();
    const { record } = this.#data;
    const seat: Seat = {
      queue,
      validator: null,
      steady: true,
      executed: this.#data.executed,
      world: {
        crypto: nativeCryptoPort(keys.vertexSeed, keys.checkpointSeed),
        vertexKey: publicKeyFromSeed(keys.vertexSeed),
        local: this.#data.local,
        wire: {
          genesisId: record.genesisId,
          hash: nativeTaggedHash,
          readVertex: (bytes) => this.#vertices.decode(bytes),
        },
        journal: new MemoryJournal((_, leader) => {
          if (!seat.steady || leader === undefined) return;
          this.#commitMillis.push(Date.now() - Number(leader.header.time));
        }),
        execution: this.#execution,
        checks: { verify: (_, items) => Promise.resolve(this.#verify(items)) },
        decode: (context, body) => {
          const known = this.#decoded.get(body.buffer);
          if (known !== undefined) return known;
          const message = decodeMessage(context, body);
          this.#decoded.set(body.buffer, message);
          return message;
        },
        transactionId: (transaction) => this.#vertices.transactionId(transaction),
        makeTable: (committee, epoch, onJoin) => this.#table(committee, epoch, onJoin),
        ...{ queue, peers, validatorByPeer },
        send: (from, to, bytes) => this.#send(from, to, bytes),
        isReachable: (from, to) =>
          from !== to && this.#running.has(to) && !this.#links.isCut(from, to),
        onCertified: (checkpoint) => {
          if (checkpoint.size <= this.#certifiedSize) return;
          this.#certifiedSize = checkpoint.size;
          this.#post({ kind: 'certified', checkpoint });
        },
        onCosigning: (validator, report) => {
          if (validator === this.#observer()) this.#post({ kind: 'cosigning', report });
        },
        onMark: (name, count) => {
          this.#marks[name] = (this.#marks[name] ?? 0) + count;
        },
        onEvidence: (about) => this.#post({ kind: 'evidence', about }),
        onBroken: (validator, error) => {
          this.#running.delete(validator);
          this.#post({ kind: 'broken', validator, message: error.stack ?? error.message });
        },
      },
    };
    return seat;
  }

  /** Every signature is checked for every validator that receives it. */
  #verify(items: Parameters<typeof verifyNatively>[0]): boolean[] {
    const start = performance.now();
    const verdicts = [...verifyNatively(items)];
    this.#signatures += items.length;
    this.#verifyMillis += performance.now() - start;
    return verdicts;
  }

  #table(committee: Committee, record: EpochRecord, onJoin: (user: object) => void): EntryTable {
    let table = this.#tables.get(record.epoch);
    if (table === undefined) {
      table = new SharedTable(committee, genesisVertices(nativeTaggedHash, record));
      this.#tables.set(record.epoch, table);
      for (const epoch of this.#tables.keys()) {
        if (epoch < record.epoch - 1) this.#tables.delete(epoch);
      }
    }
    table.onJoin = onJoin;
    return table;
  }

  #send(from: number, to: number | null, bytes: Bytes): void {
    const { group, groups, ports } = this.#data;
    if (to !== null) {
      const home = groups[to] as number;
      if (home === group) this.#links.send(from, to, bytes);
      else if (home >= 0) ports[home]?.postMessage({ from, to, bytes } satisfies Parcel);
      return;
    }
    const parcel: Parcel = { from, to, bytes };
    for (const port of ports) port?.postMessage(parcel);
    this.#arrive(parcel);
  }

  #arrive({ from, to, bytes }: Parcel): void {
    if (to !== null) {
      this.#links.send(from, to, bytes);
      return;
    }
    for (const [validator, { validator: running }] of this.#seats) {
      if (validator !== from && running !== null) this.#links.send(from, validator, bytes);
    }
  }

  #boot(validator: number, record: EpochRecord, executed: ExecutedTip, size: bigint): void {
    const seat = this.#seats.get(validator) as Seat;
    const author = record.members.findIndex(
      ({ vertexKey }) => vertexKey.join() === seat.world.vertexKey.join(),
    );
    const stored = (seat.world.journal as MemoryJournal).stored(record, author, executed, size);
    seat.validator = new TestValidator(validator, seat.world, stored);
    for (const peer of this.#running) {
      if (seat.world.isReachable(validator, peer)) seat.validator.peerChanged(peer, true);
    }
  }

  #kill(validator: number): void {
    this.#running.delete(validator);
    const seat = this.#seats.get(validator);
    if (seat?.validator != null) {
      seat.executed = seat.validator.executed;
      seat.validator.stop();
      seat.validator = null;
      seat.steady = false;
      seat.queue.clear();
    }
    this.#announce(validator, false);
  }

  #restart(validator: number, message: Extract<ToGroup, { kind: 'restart' }>): void {
    this.#running.add(validator);
    const seat = this.#seats.get(validator);
    if (seat !== undefined) {
      const { record, start, certifiedSize } = message;
      // Whoever slept through an epoch's end gets its blocks from peers' ledgers first.
      const slept = seat.executed.height < record.startHeight;
      const size = slept ? certifiedSize : this.#ownCertified(seat, record);
      this.#boot(validator, record, slept ? start : seat.executed, size);
    }
    this.#announce(validator, true);
  }

  /** A journal's certificate may be of an earlier epoch than the one to boot in. */
  #ownCertified(seat: Seat, record: EpochRecord): bigint {
    const answer = (seat.world.journal as MemoryJournal).answer({
      kind: 'checkpoint',
      epoch: record.epoch,
      size: 1n,
    });
    const known = answer?.kind === 'checkpoint' ? (answer.checkpoint?.size ?? 1n) : 1n;
    const executed = seat.executed.height + 1n;
    return known < executed ? known : executed;
  }

  #announce(validator: number, up: boolean): void {
    for (const [other, { validator: running }] of this.#seats) {
      if (other === validator || this.#links.isCut(other, validator)) continue;
      running?.peerChanged(validator, up);
    }
  }

  #hold(validator: number, held: boolean): void {
    const seat = this.#seats.get(validator);
    if (seat === undefined) return;
    if (held) {
      seat.steady = false;
      this.#links.hold(validator);
    } else this.#links.release(validator);
  }

  #partition(side: readonly number[]): void {
    const all = [...this.#running];
    const before = (a: number, b: number) => this.#links.isCut(a, b);
    const changes: { own: number; peer: number; was: boolean }[] = [];
    for (const own of this.#seats.keys()) {
      for (const peer of all) if (peer !== own) changes.push({ own, peer, was: before(own, peer) });
    }
    this.#links.cut(side);
    for (const { own, peer, was } of changes) {
      const is = this.#links.isCut(own, peer);
      if (is === was) continue;
      const seat = this.#seats.get(own) as Seat;
      if (is && side.includes(own)) seat.steady = false;
      seat.validator?.peerChanged(peer, !is);
    }
  }

  /** Of the first group the first validator that runs: its view goes on the board. */
  #observer(): number | null {
    if (this.#data.group !== 0) return null;
    for (const [validator, { validator: running }] of this.#seats) if (running) return validator;
    return null;
  }

  #stats(): GroupStats {
    const commitMillis = Float64Array.from(this.#commitMillis);
    this.#commitMillis = [];
    let round = 0;
    let waiting = 0;
    const validators = [...this.#seats].map(([validator, seat]) => {
      const running = seat.validator;
      const status = running?.core.status();
      if (status !== undefined && status.round > round) round = status.round;
      waiting += running?.waiting ?? 0;
      const { height } = running?.executed ?? seat.executed;
      return {
        validator,
        running: this.#running.has(validator),
        executedHeight: height,
        blockId: this.#execution.blockId(height),
        phase: status?.phase ?? ('booting' as const),
      };
    });
    return {
      group: this.#data.group,
      ...{ commitMillis, validators, round, waiting },
      marks: { ...this.#marks },
      signaturesVerified: this.#signatures,
      verifyMillis: this.#verifyMillis,
      netBytes: this.#links.bytes,
      netMessages: this.#links.messages,
      netLost: this.#links.lost,
      heapBytes: process.memoryUsage().heapUsed,
    };
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#post({ kind: 'stats', stats: this.#stats() });
    for (const { validator } of this.#seats.values()) validator?.stop();
    this.#links.close();
    for (const port of this.#data.ports) (port as MessagePort | null)?.close();
    this.#post({ kind: 'stopped' });
  }
}
