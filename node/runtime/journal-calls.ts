/**
 * What crosses between the main thread and the journal's: calls, and writes with vertices as the
 * bytes they are stored in.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { PeerRequest, Write } from '../core/types.ts';
import { encodeVertex } from '../core/vertex.ts';
import type { BootFacts, EncodedVertex, Journal, JournalOptions } from '../store/journal.ts';

export interface JournalThreadData extends Omit<JournalOptions, 'hash'> {
  readonly genesisId: Bytes32;
}

/** A write on its way to the thread. */
export type PackedWrite = EncodedVertex | Exclude<Write, { kind: 'vertex' }>;

export function packWrite(write: Write): PackedWrite {
  if (write.kind !== 'vertex') return write;
  const { ref, header } = write.vertex;
  return { kind: 'encodedVertex', epoch: header.epoch, ref, bytes: encodeVertex(write.vertex) };
}

/** What the thread does: the journal, with packed writes. */
export type JournalCalls = Omit<
  Journal,
  'write' | 'load' | 'close' | 'clearDivergence'
> & {
  write(writes: readonly PackedWrite[]): void;
  load(facts: BootFacts): ReturnType<Journal['load']>;
  /** A peer's request, answered in wire bytes; null when nothing of it is here. */
  answer(request: PeerRequest): Bytes | null;
};
