/**
 * What crosses between the main thread and the journal's: calls, and writes as they are stored.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { PeerRequest } from '../core/types.ts';
import type { BootFacts, Journal, JournalOptions } from '../store/journal.ts';
import type { StoredWrite } from '../store/stored-write.ts';

export interface JournalThreadData extends Omit<JournalOptions, 'hash'> {
  readonly genesisId: Bytes32;
}

/** What the thread does: the journal, with writes as they are stored. */
export type JournalCalls = Omit<Journal, 'write' | 'load' | 'close' | 'clearDivergence'> & {
  write(writes: readonly StoredWrite[]): void;
  load(facts: BootFacts): ReturnType<Journal['load']>;
  /** A peer's request, answered in wire bytes; null when nothing of it is here. */
  answer(request: PeerRequest): Bytes | null;
};
