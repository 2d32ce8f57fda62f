/**
 * Asks several nodes for their checkpoint and holds each against our own log.
 *
 * Safety is the quorum's. This is how a split view comes to light that no single node would show:
 * two certified notes that no log can have both of.
 */
import { targetOf } from 'fanal/api/match.ts';
import { MAX_CHECKPOINT_NOTE_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import { type CosignedCheckpoint, parseCheckpointNote } from 'fanal/checkpoint/cosigned.ts';
import { noteFromBytes } from 'fanal/checkpoint/note.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import type { ForkEvidence } from 'fanal/light/evidence.ts';
import { equalBytes } from 'fanal/primitives/bytes.ts';
import type { HeaderLog } from './header-log.ts';
import { CROSS_CHECK_NODES } from './limits.ts';
import { type Tip, tipSize } from './tip.ts';
import type { Upstream } from './upstream.ts';
import { Unhelpful, type UpstreamPool } from './upstream-pool.ts';

export interface CrossCheck {
  /** Nodes that showed our checkpoint, or one that ours grew from. At least 1: who gave it to us. */
  readonly sources: number;
  readonly evidence: ForkEvidence | null;
}

type Seen =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'forks'; readonly evidence: ForkEvidence };

/** Compares the tip with what `CROSS_CHECK_NODES` and more nodes show. */
export async function crossCheck(
  tip: Tip,
  log: HeaderLog,
  pool: UpstreamPool,
  verify: VerifyBatch,
): Promise<CrossCheck> {
  const asked = pool.upstreams
    .filter((upstream) => upstream.standing < 2)
    // Whom we have not heard from for longest goes first.
    .sort((a, b) => (a.verifiedSize < b.verifiedSize ? -1 : 1))
    .slice(0, Math.max(CROSS_CHECK_NODES, pool.upstreams.length));
  const seen = await Promise.all(
    asked.map((upstream) => look(upstream, tip, log, pool, verify).catch(() => null)),
  );
  const forks = seen.filter(
    (one): one is Extract<Seen, { kind: 'forks' }> => one?.kind === 'forks',
  );
  return {
    sources: Math.max(1, seen.filter((one) => one?.kind === 'agrees').length),
    evidence: forks[0]?.evidence ?? null,
  };
}

function look(
  upstream: Upstream,
  tip: Tip,
  log: HeaderLog,
  pool: UpstreamPool,
  verify: VerifyBatch,
): Promise<Seen> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS);
  const question = {
    target: targetOf('checkpoint', {}),
    maxBytes: MAX_CHECKPOINT_NOTE_BYTES,
    verify: async (body: Uint8Array): Promise<Seen> => {
      const { origin, validators } = tip.state;
      const shown = parseCheckpointNote(noteFromBytes(body), origin, validators);
      const size = tipSize(tip);
      // What is newer than ours is for the follower to verify; it comes by in a moment.
      if (shown.size > size || shown.size === 0n) throw new Unhelpful('newer than our own');
      const root = await log.rootAt(shown.size);
      if (equalBytes(root, shown.root)) {
        if (shown.size > upstream.verifiedSize) upstream.verifiedSize = shown.size;
        return { kind: 'agrees' };
      }
      // Another root: either the note is forged, which throws, or there are two histories.
      await certify(shown, origin, validators, verify);
      const path = await log.consistency(shown.size, size);
      return { kind: 'forks', evidence: forkOf(tip, shown, { root, path }) };
    },
  };
  return pool.ask(upstream, question, signal);
}

/** The evidence: their checkpoint, ours at the same size or a larger one, and what joins ours. */
function forkOf(
  { state }: Tip,
  theirs: CosignedCheckpoint,
  ours: { readonly root: CosignedCheckpoint['root']; readonly path: ForkEvidence['path'] },
): ForkEvidence {
  const { origin, genesisId, header, validators, root, cosignatures } = state;
  return {
    kind: 'fork',
    origin,
    genesisId,
    epoch: header.epoch,
    validators,
    older: { handovers: [], checkpoint: theirs },
    newer: { handovers: [], checkpoint: { size: header.height + 1n, root, cosignatures } },
    otherRoot: ours.root,
    path: ours.path,
  };
}
