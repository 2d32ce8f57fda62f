/**
 * Settles, at start, what two guards say a validator has signed.
 *
 * The journal is written before the file, and the file before anything is sent. So the file is at
 * most as new as the journal. When it is newer, the journal was lost or put back from a copy, and
 * what was signed since is unknown.
 */
import { equalBytes, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { MAX_U64 } from 'fanal/primitives/units.ts';
import { StoreError } from './errors.ts';
import type { CheckpointGuard, SignState, VertexGuard } from './sign-state.ts';

/** What a validator may sign from, and why it must be careful. */
export interface SigningStart {
  /** Null: the last signed round is not known, and a quorum of peers has to tell. */
  readonly guard: VertexGuard | null;
  readonly checkpointGuard: CheckpointGuard;
  /** Why the guards are not trusted, in words; null when they are. */
  readonly amnesia: string | null;
  /** No checkpoint guard is left: this checkpoint key must never sign again. */
  readonly checkpointKeyLost: boolean;
}

/** The journal's guards, as far as it has them. */
export interface StoredGuards {
  readonly vertex: VertexGuard | null;
  readonly checkpoint: CheckpointGuard | null;
}

/** A guard that no size ever passes. */
const NEVER_AGAIN: CheckpointGuard = { epoch: 0, size: MAX_U64, root: ZERO_32 };

/**
 * @throws {StoreError} `store/sign-state-conflict` when the two name different roots for one size
 */
export function settleGuards(journal: StoredGuards, file: SignState | null): SigningStart {
  const checkpointGuard = largerCheckpoint(journal.checkpoint, file?.checkpoint ?? null);
  const amnesia = doubt(journal.vertex, file?.vertex ?? null);
  return {
    guard: amnesia === null ? journal.vertex : null,
    checkpointGuard: checkpointGuard ?? NEVER_AGAIN,
    amnesia,
    checkpointKeyLost: checkpointGuard === null || checkpointGuard.size === NEVER_AGAIN.size,
  };
}

/** The larger of two sign states, for a restore: it never moves back. */
export function largerSignState(a: SignState, b: SignState): SignState {
  return {
    vertex: compareVertex(a.vertex, b.vertex) >= 0 ? a.vertex : b.vertex,
    checkpoint: largerCheckpoint(a.checkpoint, b.checkpoint) as CheckpointGuard,
  };
}

function doubt(journal: VertexGuard | null, file: VertexGuard | null): string | null {
  if (journal === null) return 'the journal does not know the last signed round';
  if (file === null) return 'the sign-state file is missing';
  const order = compareVertex(file, journal);
  if (order > 0) {
    return `the sign-state file is at round ${file.round} of epoch ${file.epoch}, the journal at round ${journal.round} of epoch ${journal.epoch}`;
  }
  if (order === 0 && !equalBytes(file.digest, journal.digest)) {
    return `journal and sign-state file name different vertices of round ${file.round}`;
  }
  return null;
}

function compareVertex(a: VertexGuard, b: VertexGuard): number {
  return a.epoch === b.epoch ? a.round - b.round : a.epoch - b.epoch;
}

function largerCheckpoint(
  a: CheckpointGuard | null,
  b: CheckpointGuard | null,
): CheckpointGuard | null {
  if (a === null || b === null) return a ?? b;
  if (a.size !== b.size) return a.size > b.size ? a : b;
  if (!equalBytes(a.root, b.root)) {
    throw new StoreError(
      'store/sign-state-conflict',
      `journal and sign-state file name different roots for size ${a.size}`,
      { hint: 'Two nodes may have signed with this key. Retire it, and look for the other one.' },
    );
  }
  return a;
}
