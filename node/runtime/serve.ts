/**
 * Answers other nodes: what followers and nodes that catch up ask for, out of the ledger.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import type { DialVerdict } from '../network/dial-back.ts';
import type { Answer } from '../network/requests.ts';
import {
  blockAnswerCodec,
  dialAnswerCodec,
  type ExchangeRequest,
  exchangeRequestCodec,
  peersAnswerCodec,
  submitAnswerCodec,
  tipAnswerCodec,
} from './exchange.ts';
import { RUNTIME_LIMITS } from './limits.ts';

/** What answers are made of. */
export interface ServeSources {
  readonly ledger: AsyncLedger;
  /** Takes transactions; for each an empty text, or the code of why not. */
  submit(transactions: readonly Bytes[]): Promise<readonly string[]>;
  /** Peers to tell others of. */
  peers(): readonly string[];
  /** Tries an address at which the asker says it is. */
  dialBack(address: string): Promise<DialVerdict>;
  readonly snapshots: SnapshotSource | null;
}

export interface SnapshotSource {
  /** Manifests, newest first. */
  list(): Promise<readonly Bytes[]>;
  chunk(height: bigint, index: number): Promise<Bytes | null>;
}

/** Makes the answer to one request. Refusals are `FanalError`s; their code travels. */
export function answerWith(sources: ServeSources): Answer {
  return (bytes) => answer(sources, exchangeRequestCodec.decode(bytes));
}

async function* answer(sources: ServeSources, request: ExchangeRequest): AsyncGenerator<Bytes> {
  const { ledger } = sources;
  switch (request.kind) {
    case 'tip': {
      const { note, header } = await ledger.certifiedTip();
      yield tipAnswerCodec.encode({ note, header });
      return;
    }
    case 'handover':
      yield found(await ledger.handover(request.epoch));
      return;
    case 'blocks':
      yield* blocks(ledger, request.first, request.count, request.at);
      return;
    case 'submit':
      yield submitAnswerCodec.encode(await sources.submit(request.transactions));
      return;
    case 'peers':
      yield peersAnswerCodec.encode(sources.peers());
      return;
    case 'snapshots':
      if (sources.snapshots === null) return;
      for (const manifest of await sources.snapshots.list()) yield manifest;
      return;
    case 'chunk':
      yield found((await sources.snapshots?.chunk(request.height, request.index)) ?? null);
      return;
    case 'dial':
      yield dialAnswerCodec.encode(await sources.dialBack(request.address));
  }
}

async function* blocks(
  ledger: AsyncLedger,
  first: bigint,
  count: number,
  at: bigint,
): AsyncGenerator<Bytes> {
  const last = first + BigInt(Math.min(count, RUNTIME_LIMITS.syncBlocks));
  let sent = 0;
  for (let height = first; height < last && height < at; height++) {
    const [proof, block] = await Promise.all([
      ledger.headerProof(height, at),
      ledger.block(height),
    ]);
    if (proof === null || block === null) {
      // What is here has been sent; the asker goes on elsewhere.
      if (height > first) return;
      throw new FanalError('ledger/pruned', `block ${height} is not kept here`);
    }
    yield blockAnswerCodec.encode({ proof, block });
    sent += block.length;
    if (sent > RUNTIME_LIMITS.syncBytes) return;
  }
}

function found<T>(value: T | null): T {
  if (value === null) throw new FanalError('request/not-found', 'this node does not have it');
  return value;
}
