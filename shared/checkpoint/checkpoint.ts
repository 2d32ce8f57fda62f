/**
 * A checkpoint: the size and root of a header log, in the three lines that get signed
 * (C2SP tlog-checkpoint; docs/protocol.md §7.1).
 */
import { MAX_LOG_SIZE, MAX_ORIGIN_BYTES } from '../chain/limits.ts';
import { asBytes32, type Bytes32, equalBytes, fromBase64, toBase64 } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { u64FromText } from '../primitives/units.ts';

export interface Checkpoint {
  readonly origin: string;
  /** Headers in the log: the newest has height size − 1. */
  readonly size: bigint;
  readonly root: Bytes32;
}

/** The lines that are signed: origin, size, root in base64. */
export function checkpointBody({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads the body of a checkpoint.
 *
 * @throws {DecodeError} `checkpoint/body` unless it is three lines as we would write them;
 *   `checkpoint/extension` when more follow
 */
export function parseCheckpointBody(text: string): Checkpoint {
  const lines = text.split('\n');
  const [origin, size, root, ...rest] = lines;
  if (origin === undefined || size === undefined || root === undefined || rest.length === 0) {
    throw new DecodeError('checkpoint/body', `expected three lines, found ${lines.length - 1}`);
  }
  if (rest.length > 1 || rest[0] !== '') {
    throw new DecodeError('checkpoint/extension', 'expected no line after the root');
  }
  if (origin === '' || origin.length > MAX_ORIGIN_BYTES) {
    throw new DecodeError('checkpoint/body', `an origin of ${origin.length} characters`);
  }
  const checkpoint = { origin, size: u64FromText(size), root: asBytes32(fromBase64(root)) };
  if (checkpoint.size > MAX_LOG_SIZE) {
    throw new DecodeError('checkpoint/body', `expected at most ${MAX_LOG_SIZE}, found ${size}`);
  }
  return checkpoint;
}

/**
 * Says whether two checkpoints state the same. Their signers and times may differ: no two notes of
 * one checkpoint need be equal.
 */
export function sameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return a.origin === b.origin && a.size === b.size && equalBytes(a.root, b.root);
}

/** How a checkpoint stands to another, before any proof between them. */
export type CheckpointRelation =
  | 'same'
  /** Equal sizes and different roots: at most one of them can be the chain's. */
  | 'conflicting'
  | 'older'
  | 'newer'
  | 'another-log';

/** Says how `a` stands to `b`. */
export function relateCheckpoints(a: Checkpoint, b: Checkpoint): CheckpointRelation {
  if (a.origin !== b.origin) return 'another-log';
  if (a.size !== b.size) return a.size < b.size ? 'older' : 'newer';
  return equalBytes(a.root, b.root) ? 'same' : 'conflicting';
}
