/**
 * The journal on a thread of its own: the main thread never waits for the disk.
 *
 * Vertices cross as the bytes they are stored in.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { PeerRequest, Write } from '../core/types.ts';
import { decodeVertex, encodeVertex } from '../core/vertex.ts';
import {
  type BootFacts,
  type Journal,
  type JournalOptions,
  openJournal,
} from '../store/journal.ts';
import { answerFromJournal } from './journal-answers.ts';
import { nativeTaggedHash } from './native-crypto.ts';
import { serveThread, threadData } from './thread.ts';

export interface JournalThreadData extends Omit<JournalOptions, 'hash'> {
  readonly genesisId: Bytes32;
}

/** A write on its way to the thread. */
export type PackedWrite =
  | { readonly kind: 'packedVertex'; readonly bytes: Bytes }
  | Exclude<Write, { kind: 'vertex' }>;

export function packWrite(write: Write): PackedWrite {
  return write.kind === 'vertex'
    ? { kind: 'packedVertex', bytes: encodeVertex(write.vertex) }
    : write;
}

function unpackWrite(write: PackedWrite): Write {
  return write.kind === 'packedVertex'
    ? { kind: 'vertex', vertex: decodeVertex(write.bytes, nativeTaggedHash) }
    : write;
}

/** What the thread does: the journal, with packed writes. */
export type JournalCalls = Omit<Journal, 'write' | 'load' | 'close'> & {
  write(writes: readonly PackedWrite[]): void;
  load(facts: BootFacts): ReturnType<Journal['load']>;
  /** A peer's request, answered in wire bytes; null when nothing of it is here. */
  answer(request: PeerRequest): Bytes | null;
};

/** Runs in the thread. */
export function runJournalThread(): void {
  serveThread<JournalCalls>(() => {
    const data = threadData<JournalThreadData>();
    const journal = openJournal({ ...data, hash: nativeTaggedHash });
    return {
      api: {
        write: (writes) => journal.write(writes.map(unpackWrite), 'sync'),
        load: (facts) => journal.load(facts),
        answer: (request) =>
          answerFromJournal(
            journal,
            { genesisId: data.genesisId, hash: nativeTaggedHash },
            request,
          ),
        flush: () => journal.flush(),
        newestEpoch: () => journal.newestEpoch(),
        beginSigning: () => journal.beginSigning(),
        vertices: (epoch, refs) => journal.vertices(epoch, refs),
        commits: (epoch, first, count) => journal.commits(epoch, first, count),
        verticesFrom: (epoch, round, limit) => journal.verticesFrom(epoch, round, limit),
        certificate: (size) => journal.certificate(size),
        divergence: () => journal.divergence(),
        clearDivergence: () => journal.clearDivergence(),
        sizeBytes: () => journal.sizeBytes(),
      },
      onClose: () => journal.close(),
    };
  });
}
