/**
 * The journal's writes in the form in which they are stored. Vertices, commits and certificates are
 * bytes in it, so that a step crosses to the journal's thread in few pieces.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { encodeCommit, scheduleCodec } from '../core/commit.ts';
import type { VertexRef, Write } from '../core/types.ts';
import { encodeVertex } from '../core/vertex.ts';
import { certificateCodec } from './journal-records.ts';

export type StoredWrite =
  | {
      readonly kind: 'storedVertex';
      readonly epoch: number;
      readonly ref: VertexRef;
      readonly bytes: Bytes;
    }
  | {
      readonly kind: 'storedCommit';
      readonly epoch: number;
      readonly index: bigint;
      readonly bytes: Bytes;
      readonly schedule: Bytes;
    }
  | {
      readonly kind: 'storedCertificate';
      readonly epoch: number;
      readonly size: bigint;
      readonly bytes: Bytes;
    }
  | Exclude<Write, { kind: 'vertex' | 'commit' | 'certified' }>;

export type JournalWrite = Write | StoredWrite;

/** Brings a write into the form in which it is stored. */
export function storedWrite(write: JournalWrite): StoredWrite {
  if (write.kind === 'vertex') {
    const { ref, header } = write.vertex;
    return { kind: 'storedVertex', epoch: header.epoch, ref, bytes: encodeVertex(write.vertex) };
  }
  if (write.kind === 'commit') {
    const { epoch, index } = write.commit;
    const schedule = scheduleCodec.encode(write.schedule);
    return { kind: 'storedCommit', epoch, index, bytes: encodeCommit(write.commit), schedule };
  }
  if (write.kind === 'certified') {
    const { epoch, size } = write.checkpoint;
    const bytes = certificateCodec.encode(write.checkpoint);
    return { kind: 'storedCertificate', epoch, size, bytes };
  }
  return write;
}
