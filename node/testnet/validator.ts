/**
 * One validator of a test network: the core that real nodes run, in the driver that real nodes
 * run, behind the intake that checks every vertex and signature for itself. Its links, its journal
 * and its ledger are those of the group.
 */

import { headerCodec } from 'fanal/chain/header.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { createCore } from '../core/core.ts';
import type { EntryTable } from '../core/entry.ts';
import type { LocalParams } from '../core/params.ts';
import type {
  CertifiedCheckpoint,
  Core,
  CryptoPort,
  EpochRecord,
  Event,
  ExecutedTip,
  StoredState,
} from '../core/types.ts';
import { encodeMessage, encodeRequest, encodeResponse, type WireContext } from '../core/wire.ts';
import type { CosigningReport } from '../ledger/ledger.ts';
import { Driver, type WorldEffect } from '../runtime/driver.ts';
import { messageEnvelope, requestEnvelope, responseEnvelope } from '../runtime/envelope.ts';
import { authorOf } from '../runtime/epoch-record.ts';
import { Intake, type IntakeOptions, verifyCosignatures } from '../runtime/intake.ts';
import { PendingRequests } from '../runtime/pending-requests.ts';
import { Roster } from '../runtime/roster.ts';
import type { Execution } from './group-protocol.ts';
import type { MemoryJournal } from './memory-journal.ts';
import type { PaymentQueue } from './payment-queue.ts';
import type { SharedExecution } from './shared-execution.ts';

/** What a validator finds around it. */
export interface ValidatorWorld {
  readonly crypto: CryptoPort;
  readonly vertexKey: Bytes;
  readonly local: LocalParams;
  readonly wire: WireContext;
  readonly journal: MemoryJournal;
  readonly queue: PaymentQueue;
  readonly execution: SharedExecution;
  readonly checks: IntakeOptions['pool'];
  readonly decode: NonNullable<IntakeOptions['decode']>;
  readonly transactionId: (transaction: Bytes) => Bytes32;
  makeTable(committee: Committee, record: EpochRecord, onJoin: (user: object) => void): EntryTable;
  /** Names of peers by validator, and back. */
  readonly peers: readonly string[];
  readonly validatorByPeer: ReadonlyMap<string, number>;
  send(from: number, to: number | null, bytes: Bytes): void;
  isReachable(from: number, to: number): boolean;
  onCertified(checkpoint: CertifiedCheckpoint): void;
  onCosigning(validator: number, report: CosigningReport): void;
  onMark(name: string, count: number): void;
  onEvidence(about: string): void;
  onBroken(validator: number, error: Error): void;
}

export class TestValidator {
  readonly index: number;
  readonly core: Core;
  readonly #world: ValidatorWorld;
  readonly #driver: Driver;
  readonly #roster: Roster;
  readonly #requests = new PendingRequests();
  readonly #intake: Intake;
  readonly #tables: { readonly table: EntryTable; readonly user: object }[] = [];
  executed: ExecutedTip;
  #stopped = false;

  constructor(index: number, world: ValidatorWorld, stored: StoredState) {
    this.index = index;
    this.#world = world;
    this.#roster = new Roster(world.transactionId);
    this.executed = stored.executed;
    this.core = createCore(world.local, world.crypto, {
      makeTable: (committee, record) => {
        const table = world.makeTable(committee, record, (user) => {
          this.#tables.push({ table, user });
        });
        return table;
      },
    });
    this.#driver = new Driver({
      core: this.core,
      journal: world.journal,
      now: wholeMillis,
      onEffect: (effect) => this.#run(effect),
      onFailure: (error) => this.#broken(error),
    });
    this.#intake = new Intake({
      wire: world.wire,
      roster: this.#roster,
      pool: world.checks,
      requests: this.#requests,
      decode: world.decode,
      certifiedSize: () => this.core.status().certifiedSize,
      onEvent: (event) => this.#driver.push(event),
      onVertex: () => {},
      onTransactions: () => {},
      onOffence: (peer, _, error) => {
        // Nobody here sends anything wrong: what looks like it is a fault of ours.
        this.#broken(new Error(`from ${peer}: ${(error as Error).message}`, { cause: error }));
      },
    });
    this.#roster.begin(stored.epoch);
    const wallOffset = Date.now() - wholeMillis();
    this.#driver.push({ kind: 'boot', stored, wallOffset });
  }

  get waiting(): number {
    return this.#driver.waiting;
  }

  receive(from: number, bytes: Bytes): void {
    if (this.#stopped) return;
    this.#intake
      .take(this.#world.peers[from] as string, bytes)
      .catch((error: Error) => this.#broken(error));
  }

  /** Its clock is put so far ahead of the machine's. */
  setClock(aheadMillis: number): void {
    if (this.#stopped) return;
    const wallOffset = Date.now() + aheadMillis - wholeMillis();
    this.#driver.push({ kind: 'clock', wallOffset });
  }

  /** The link to a validator came up or broke. */
  peerChanged(validator: number, up: boolean): void {
    const name = this.#world.peers[validator] as string;
    const record = this.#roster.current?.record as EpochRecord;
    const author = this.#roster.author(name);
    if (author === undefined || this.#stopped) return;
    this.#driver.push({ kind: 'peer', epoch: record.epoch, peer: author, up });
    if (up) return;
    this.#intake.future.drop(name);
    for (const requestId of this.#requests.lost(name)) {
      this.#driver.push({ kind: 'fetchFailed', epoch: record.epoch, requestId, from: author });
    }
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#driver.stop();
    this.#requests.close();
    for (const { table, user } of this.#tables) table.leave(user);
  }

  #broken(error: Error): void {
    if (this.#stopped) return;
    this.stop();
    this.#world.onBroken(this.index, error);
  }

  #run(effect: WorldEffect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'send': {
        const body = messageEnvelope(encodeMessage(world.wire, effect.message));
        world.send(this.index, effect.to === 'all' ? null : this.#validator(effect.to), body);
        return;
      }
      case 'fetch':
        this.#fetch(effect);
        return;
      case 'respond': {
        const asking = this.#requests.answer(effect.requestId);
        if (asking === undefined) return;
        this.#answer(asking, encodeResponse(world.wire, effect.response));
        return;
      }
      case 'serve': {
        const asking = this.#requests.answer(effect.requestId);
        const response = world.journal.answer(effect.request);
        if (asking === undefined || response === null) return;
        this.#answer(asking, encodeResponse(world.wire, response));
        return;
      }
      case 'pullPayload': {
        const { round, maxBytes, maxTransactions } = effect;
        const transactions = world.queue.pull(maxBytes, maxTransactions);
        this.#driver.pushFirst({ kind: 'payload', round, transactions });
        return;
      }
      case 'transactionStatus':
        world.queue.setStatus(effect.ids, effect.status);
        return;
      case 'execute':
        world.execution.execute(this.index, effect.block, (execution) => {
          if (!this.#stopped) this.#executed(execution, effect.block.commitIndex);
        });
        return;
      case 'verifyCosignatures':
        this.#verifyCosignatures(effect);
        return;
      case 'certified':
        world.onCertified(effect.checkpoint);
        return;
      case 'cosigningReport': {
        const { kind: _, ...report } = effect;
        world.onCosigning(this.index, report);
        return;
      }
      case 'epochStart':
        this.#startEpoch(effect.record);
        return;
      case 'alarm':
        world.onEvidence(`${effect.alarm}: ${effect.info}`);
        return;
      case 'halt':
        this.#broken(new Error(`halted: ${effect.reason}: ${effect.info}`));
        return;
      case 'mark':
        world.onMark(effect.name, effect.count);
    }
  }

  #validator(author: number): number {
    return this.#world.validatorByPeer.get(this.#roster.peer(author) as string) as number;
  }

  #fetch(effect: Extract<WorldEffect, { kind: 'fetch' }>): void {
    const { requestId, request, to } = effect;
    const failed = () =>
      this.#driver.push({ kind: 'fetchFailed', epoch: request.epoch, requestId, from: to });
    const peer = this.#roster.peer(to);
    if (peer === undefined || !this.#world.isReachable(this.index, this.#validator(to))) {
      failed();
      return;
    }
    const millis = effect.deadline - wholeMillis();
    if (!this.#requests.ask(requestId, peer, request.epoch, request, millis, failed)) {
      failed();
      return;
    }
    const body = requestEnvelope(requestId, encodeRequest(this.#world.wire, request));
    this.#world.send(this.index, this.#validator(to), body);
  }

  #answer(asking: { peer: string; requestId: number }, body: Bytes): void {
    const to = this.#world.validatorByPeer.get(asking.peer) as number;
    this.#world.send(this.index, to, responseEnvelope(asking.requestId, body));
  }

  #executed({ height, header, root, certifiedSize, next }: Execution, commitIndex: bigint): void {
    const decoded = headerCodec.decode(header);
    const following =
      next === null ? null : { record: next, author: authorOf(next, this.#world.vertexKey) };
    this.executed = {
      ...{ height, root, commitIndex },
      time: decoded.time,
      next: following,
    };
    const event: Event = {
      kind: 'executed',
      ...{ height, header: decoded, root, certifiedSize },
      next: following,
    };
    this.#driver.push(event);
  }

  #verifyCosignatures(effect: Extract<WorldEffect, { kind: 'verifyCosignatures' }>): void {
    const { epoch, size, root, cosignatures } = effect;
    const members = this.#roster.epoch(epoch);
    if (members === undefined) return;
    verifyCosignatures(this.#world.checks, members, { size, root }, cosignatures)
      .then((verdicts) => {
        this.#driver.push({
          kind: 'cosignaturesVerified',
          ...{ epoch, size, root },
          good: cosignatures.filter((_, i) => verdicts[i]),
          bad: cosignatures.filter((_, i) => !verdicts[i]),
        });
      })
      .catch((error: Error) => this.#broken(error));
  }

  #startEpoch(record: EpochRecord): void {
    this.#roster.begin(record);
    for (const validator of this.#world.validatorByPeer.values()) {
      if (this.#world.isReachable(this.index, validator)) this.peerChanged(validator, true);
    }
    void this.#intake.begin(record.epoch).catch((error: Error) => this.#broken(error));
  }
}

/** The driver's clock: whole milliseconds that never fall. */
function wholeMillis(): number {
  return Math.floor(performance.now());
}
