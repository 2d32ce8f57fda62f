/**
 * Consensus at work in this process: the core in its driver, and around it everything that its
 * effects ask for. One instance lives from a boot of the core to its end: this validator is not in
 * the next set, the others are epochs ahead, or the core has halted.
 */
import { FanalError } from 'fanal/primitives/errors.ts';
import { createCore } from '../core/core.ts';
import { DEFAULT_LOCAL_PARAMS, type LocalParams } from '../core/params.ts';
import type {
  Alarm,
  Author,
  Core,
  CoreStatus,
  CryptoPort,
  EpochRecord,
  Event,
  MarkName,
  PeerMessage,
  StoredState,
  VertexRef,
  Write,
} from '../core/types.ts';
import { encodeMessage, encodeRequest, encodeResponse, type WireContext } from '../core/wire.ts';
import type { AsyncLedger, CosigningReport } from '../ledger/ledger.ts';
import type { PeerName } from '../network/identity.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';
import type { LaneName } from '../network/link.ts';
import type { Network } from '../network/network.ts';
import { Driver, type WorldEffect } from './driver.ts';
import { messageEnvelope, requestEnvelope, responseEnvelope } from './envelope.ts';
import type { Execution } from './execution.ts';
import { Inbox } from './inbox.ts';
import { Intake, verifyCosignatures } from './intake.ts';
import type { JournalClient } from './journal-client.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import type { Log } from './log.ts';
import type { NodeMempool } from './node-mempool.ts';
import { PendingRequests } from './pending-requests.ts';
import type { EpochRoster, Roster } from './roster.ts';
import type { VerifiedPayloads } from './verified-payloads.ts';
import type { VerifyPool } from './verify-pool.ts';

export interface ConsensusOptions {
  readonly crypto: CryptoPort;
  readonly local: Partial<LocalParams>;
  readonly wire: WireContext;
  /** Own vertices go out slim when that saves so many bytes. */
  readonly slimLeastBytes: number;
  readonly stored: StoredState;
  readonly network: Network;
  readonly roster: Roster;
  readonly journal: JournalClient;
  readonly ledger: AsyncLedger;
  readonly execution: (onEvent: (event: Event) => void) => Execution;
  readonly mempool: NodeMempool;
  readonly payloads: VerifiedPayloads;
  readonly pool: VerifyPool;
  readonly log: Log;
  /** A new epoch has begun; its members are to be sought. */
  onEpoch(record: EpochRecord, author: Author | null): void;
  onStep(event: Event, millis: number): void;
  /** For the metrics: what a step wrote, what was sent, and who cosigned a certified size. */
  onWrites(writes: readonly Write[]): void;
  onSend(author: Author, message: PeerMessage): void;
  onCosigning(author: Author | null, report: CosigningReport): void;
  onMark(name: MarkName, count: number): void;
  onAlarm(alarm: Alarm, info: string): void;
  /** A member sent something that breaks a rule. */
  onRefused(error: unknown): void;
}

/** Why an instance of consensus came to an end by itself. */
export type ConsensusEnd = 'left' | 'behind';

/** Requests below are the core's. */
const FIRST_OWN_REQUEST = 0x8000_0000;

/** What keys a message waits under: a member's lane. */
type LaneKey = `${LaneName} ${PeerName}`;

export class Consensus {
  readonly #options: ConsensusOptions;
  readonly #core: Core;
  readonly #driver: Driver;
  readonly #requests = new PendingRequests();
  readonly #inbox: Inbox<LaneKey>;
  readonly #intake: Intake;
  readonly #execution: Execution;
  readonly #timers: NodeJS.Timeout[] = [];
  #settle: { resolve(end: ConsensusEnd): void; reject(error: Error): void } | null = null;
  #wallOffset = 0;
  #behindSince: number | null = null;
  #pumping = false;
  #fullRequests = 0;

  constructor(options: ConsensusOptions) {
    this.#options = options;
    const { crypto, local, journal, network, roster, pool, wire } = options;
    this.#core = createCore({ ...DEFAULT_LOCAL_PARAMS, ...local }, crypto);
    this.#driver = new Driver({
      core: this.#core,
      journal: {
        write: (writes) => {
          options.onWrites(writes);
          journal.write(writes);
        },
        afterSync: (callback) => journal.afterSync(callback),
        get isBehind() {
          return journal.isBehind;
        },
      },
      now: wholeMillis,
      onEffect: (effect) => this.#run(effect),
      onFailure: (error) => this.#fail(error),
      onStep: options.onStep,
    });
    this.#execution = options.execution((event) => this.#driver.push(event));
    this.#inbox = new Inbox(
      { maxBytes: NETWORK_LIMITS.inboxBytes, maxItems: NETWORK_LIMITS.inboxFrames },
      (key, paused) => network.setPaused(key.slice(key.indexOf(' ') + 1), paused),
    );
    this.#intake = new Intake({
      ...{ wire, roster, pool, requests: this.#requests },
      certifiedSize: () => this.status().certifiedSize,
      slim: {
        leastBytes: options.slimLeastBytes,
        askFull: (peer, refs) => this.#askFull(peer, refs),
        onFailure: (error) => this.#fail(error as Error),
      },
      onEvent: (event) => this.#driver.push(event),
      onVertex: (vertex) => options.payloads.check(vertex),
      onTransactions: (peer, transactions) => {
        void options.mempool.receive(peer, transactions).catch(() => {});
      },
      onOffence: (peer, offence, error) => {
        options.log.warn({ peer, err: error }, 'a member sent something wrong');
        options.onRefused(error);
        network.offend(peer, offence);
      },
    });
  }

  status(): CoreStatus {
    return this.#core.status();
  }

  /** Events and messages that wait, for the metrics. */
  get waiting(): { events: number; messages: number; blocks: number } {
    return {
      events: this.#driver.waiting,
      messages: this.#inbox.waiting,
      blocks: this.#execution.waiting,
    };
  }

  /**
   * Boots the core and works until it ends.
   *
   * @throws {FanalError} `safety/…` when the core halted, and whatever broke it otherwise
   */
  run(signal: AbortSignal): Promise<ConsensusEnd> {
    const { stored, network, roster } = this.#options;
    const epoch = roster.begin(stored.epoch);
    network.setEpoch(stored.epoch.epoch);
    this.#wallOffset = Date.now() - wholeMillis();
    this.#driver.push({ kind: 'boot', stored, wallOffset: this.#wallOffset });
    this.#announcePeers(epoch);
    this.#timers.push(
      setInterval(() => this.#checkClock(), RUNTIME_LIMITS.clockMillis),
      setInterval(() => this.#checkBehind(), RUNTIME_LIMITS.behindMillis),
    );
    return new Promise<ConsensusEnd>((resolve, reject) => {
      this.#settle = { resolve, reject };
      signal.addEventListener('abort', () => this.#fail(signal.reason as Error), { once: true });
      if (signal.aborted) this.#fail(signal.reason as Error);
    }).finally(() => this.#close());
  }

  /** A message of a member came in. */
  onMessage(peer: PeerName, lane: LaneName, body: Uint8Array): void {
    this.#inbox.push(`${lane} ${peer}`, body);
    this.#pump();
  }

  /** A link to a member came up or went down. */
  onState(peer: PeerName, up: boolean): void {
    const epoch = this.#options.roster.current;
    const author = epoch?.authors.get(peer);
    if (epoch === null || author === undefined) return;
    const number = epoch.record.epoch;
    this.#driver.push({ kind: 'peer', epoch: number, peer: author, up });
    if (up) return;
    this.#intake.future.drop(peer);
    for (const requestId of this.#requests.lost(peer)) {
      this.#driver.push({ kind: 'fetchFailed', epoch: number, requestId, from: author });
    }
  }

  /** Others are in a later epoch: the way there is by blocks. */
  fallBehind(): void {
    this.#settle?.resolve('behind');
  }

  /** Moves messages from the inbox into the core, in turns, as long as it keeps up. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#driver.isBusy) {
      const next = this.#inbox.take();
      if (next === undefined) break;
      const { peer: key, body } = next;
      this.#intake
        .take(key.slice(key.indexOf(' ') + 1), body)
        .catch((error: Error) => this.#fail(error))
        .finally(() => {
          this.#inbox.done(key);
          this.#pump();
        });
    }
    this.#pumping = false;
    // Nobody else would wake us when the core has caught up.
    if (this.#driver.isBusy && this.#inbox.waiting > 0) {
      setTimeout(() => this.#pump(), RUNTIME_LIMITS.busyMillis);
    }
  }

  #run(effect: WorldEffect): void {
    const { network, roster, mempool, log } = this.#options;
    switch (effect.kind) {
      case 'send': {
        const { author } = this.status();
        if (author !== null) this.#options.onSend(author, effect.message);
        const { wire } = this.#options;
        if (effect.to === 'all') {
          const message = this.#intake.toAll(effect.message);
          network.broadcast(effect.queue, messageEnvelope(encodeMessage(wire, message)));
        } else {
          const body = messageEnvelope(encodeMessage(wire, effect.message));
          const peer = roster.peer(effect.to);
          if (peer !== undefined) network.send(peer, effect.queue, body);
        }
        return;
      }
      case 'fetch':
        this.#fetch(effect);
        return;
      case 'respond': {
        const asking = this.#requests.answer(effect.requestId);
        if (asking === undefined) return;
        const body = encodeResponse(this.#options.wire, effect.response);
        network.send(asking.peer, 'sync', responseEnvelope(asking.requestId, body));
        return;
      }
      case 'serve':
        this.#serve(effect.requestId, effect.request);
        return;
      case 'pullPayload': {
        const { round, maxBytes, maxTransactions } = effect;
        const transactions = mempool.pool.pull(maxBytes, maxTransactions);
        this.#options.payloads.mark(transactions.map(({ bytes }) => bytes));
        this.#driver.pushFirst({ kind: 'payload', round, transactions });
        return;
      }
      case 'transactionStatus':
        if (effect.status === 'requeue') mempool.pool.requeue(effect.ids);
        else mempool.pool.proposed(effect.ids);
        return;
      case 'execute':
        this.#execution.execute(effect.block);
        return;
      case 'verifyCosignatures':
        this.#verifyCosignatures(effect);
        return;
      case 'certified':
        this.#execution.certified(effect.checkpoint);
        return;
      case 'cosigningReport': {
        const { kind: _, ...report } = effect;
        this.#options.onCosigning(this.status().author, report);
        this.#options.ledger.recordCosigning(report).catch((error) => this.#fail(error));
        return;
      }
      case 'epochStart':
        this.#startEpoch(effect.record, effect.author);
        return;
      case 'alarm':
        log.error({ alarm: effect.alarm }, effect.info);
        this.#options.onAlarm(effect.alarm, effect.info);
        return;
      case 'halt':
        this.#fail(haltError(effect.reason, effect.info));
        return;
      case 'mark':
        this.#options.onMark(effect.name, effect.count);
    }
  }

  #fetch(effect: Extract<WorldEffect, { kind: 'fetch' }>): void {
    const { roster, network, wire } = this.#options;
    const { requestId, request, to } = effect;
    const failed = () =>
      this.#driver.push({ kind: 'fetchFailed', epoch: request.epoch, requestId, from: to });
    const peer = roster.peer(to);
    const body = requestEnvelope(requestId, encodeRequest(wire, request));
    const millis = effect.deadline - wholeMillis();
    const isAsked =
      peer !== undefined &&
      this.#requests.ask(requestId, peer, request.epoch, request, millis, failed);
    if (isAsked && network.send(peer, 'vertex', body)) return;
    if (isAsked) this.#requests.answered(requestId, peer);
    failed();
  }

  /** The full form of a slim vertex, from its author. Without an answer the core fetches it once it is named. */
  #askFull(peer: PeerName, refs: readonly VertexRef[]): void {
    const { network, wire, roster } = this.#options;
    const epoch = roster.current?.record.epoch;
    if (epoch === undefined) return;
    const request = { kind: 'vertices', epoch, refs } as const;
    const requestId = FIRST_OWN_REQUEST + (this.#fullRequests++ % FIRST_OWN_REQUEST);
    const millis = RUNTIME_LIMITS.fullVertexMillis;
    if (!this.#requests.ask(requestId, peer, epoch, request, millis, () => {})) return;
    network.send(peer, 'vertex', requestEnvelope(requestId, encodeRequest(wire, request)));
  }

  /** Answers a peer out of the journal; no answer tells it to ask another. */
  #serve(id: number, request: Extract<WorldEffect, { kind: 'serve' }>['request']): void {
    const asking = this.#requests.answer(id);
    if (asking === undefined) return;
    this.#options.journal
      .call('answer', [request])
      .then((body) => {
        if (body === null) return;
        const envelope = responseEnvelope(asking.requestId, body);
        this.#options.network.send(asking.peer, 'sync', envelope);
      })
      .catch((error: Error) => this.#fail(error));
  }

  #verifyCosignatures(effect: Extract<WorldEffect, { kind: 'verifyCosignatures' }>): void {
    const { roster, pool } = this.#options;
    const { epoch, size, root, cosignatures } = effect;
    const members = roster.epoch(epoch);
    if (members === undefined) return;
    verifyCosignatures(pool, members, { size, root }, cosignatures)
      .then((verdicts) => {
        this.#driver.push({
          kind: 'cosignaturesVerified',
          ...{ epoch, size, root },
          good: cosignatures.filter((_, i) => verdicts[i]),
          bad: cosignatures.filter((_, i) => !verdicts[i]),
        });
      })
      .catch((error: Error) => this.#fail(error));
  }

  #startEpoch(record: EpochRecord, author: Author | null): void {
    const epoch = this.#options.roster.begin(record);
    this.#options.network.setEpoch(record.epoch);
    this.#behindSince = null;
    this.#options.onEpoch(record, author);
    if (author === null) {
      this.#settle?.resolve('left');
      return;
    }
    this.#announcePeers(epoch);
    void this.#intake.begin(record.epoch).catch((error: Error) => this.#fail(error));
  }

  /** Tells the core which members of its epoch can be reached. */
  #announcePeers({ record, peers }: EpochRoster): void {
    peers.forEach((peer, author) => {
      if (!this.#options.network.isUp(peer)) return;
      this.#driver.push({ kind: 'peer', epoch: record.epoch, peer: author, up: true });
    });
  }

  #checkClock(): void {
    const offset = Date.now() - wholeMillis();
    if (Math.abs(offset - this.#wallOffset) < RUNTIME_LIMITS.clockJumpMillis) return;
    this.#wallOffset = offset;
    this.#driver.push({ kind: 'clock', wallOffset: offset });
  }

  /** At least one honest member writes from a later epoch, and we do not get there by ourselves. */
  #checkBehind(): void {
    const epoch = this.#options.roster.current;
    if (epoch === null) return;
    let stake = 0;
    for (const peer of this.#intake.future.peersAfter(epoch.record.epoch)) {
      stake += epoch.committee.stakes[epoch.authors.get(peer) ?? -1] ?? 0;
    }
    const now = performance.now();
    if (stake < epoch.committee.validity) this.#behindSince = null;
    else this.#behindSince ??= now;
    if (this.#behindSince !== null && now - this.#behindSince > RUNTIME_LIMITS.behindForMillis) {
      this.#settle?.resolve('behind');
    }
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
  }

  #close(): void {
    this.#driver.stop();
    this.#intake.close();
    this.#requests.close();
    for (const timer of this.#timers) clearInterval(timer);
  }
}

/** The driver's clock: whole milliseconds that never fall. */
function wholeMillis(): number {
  return Math.floor(performance.now());
}

function haltError(reason: Alarm, info: string): FanalError {
  const hints: Record<Alarm, string> = {
    divergence:
      'This node’s state differs from the certified one. Keep data and log, and compare versions. With a fixed program run `fanal repair`, and start again.',
    selfEquivocation:
      'This validator’s key has signed elsewhere. Look for a second machine; do not restart before it is found.',
    assumptionBroken:
      'More validators broke the rules than the protocol bears. Keep everything and publish the evidence.',
  };
  return new FanalError(`safety/${reason}`, info, { hint: hints[reason] });
}
