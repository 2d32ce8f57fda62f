/**
 * Following the chain: from a trusted state and an update to a newer trusted state, checked
 * offline (docs/protocol.md §9.2).
 */
import { MAX_CLIENT_AHEAD_MILLIS } from '../chain/limits.ts';
import { type CertifiedCheckpoint, certify } from '../checkpoint/certify.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { verifyConsistency } from '../merkle/list.ts';
import { equalBytes } from '../primitives/bytes.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { ForkEvidence } from './evidence.ts';
import { freshness, type Verdict, vouchedMillis } from './freshness.ts';
import { type EpochTrust, requireSet, takeHandover } from './handover.ts';
import { type VerifiedHeader, verifyTipHeader } from './header-proof.ts';
import { type TrustState, trustedTip } from './trust.ts';
import type { Update } from './update.ts';

export interface FollowOptions {
  /** Milliseconds since 1970, by the client's clock. */
  readonly now: bigint;
  readonly verify: VerifyBatch;
  /** How old a tip may be and still count as fresh. */
  readonly freshMillis?: bigint;
}

export interface Followed {
  /** The newer state; the old one when the verdict is `forked`. */
  readonly state: TrustState;
  readonly verdict: Verdict;
}

/**
 * Follows an update. Nothing of it is believed before all of it is checked.
 *
 * A fork is a verdict, with the evidence; anything else that is wrong is thrown, and the caller
 * keeps the state it has.
 *
 * @throws {VerificationError} `trust/expired`, `trust/clock`, `update/…`, `handover/…`,
 *   `checkpoint/…`, `proof/…`, `freshness/future`
 */
export async function follow(
  state: TrustState,
  update: Update,
  { now, verify, freshMillis }: FollowOptions,
): Promise<Followed> {
  requireTrust(state, now);
  requireStart(state, update);
  const epoch = await takeHandovers(state, update, verify);
  const { origin, validators } = epoch;
  const checkpoint = await certify(update.checkpoint, origin, validators, verify);
  const isFork = checkHistory(state, update, checkpoint);
  if (isFork) return { state, verdict: { kind: 'forked', evidence: forkEvidence(state, update) } };
  const header = checkHeader(state, update, epoch, checkpoint, now);
  const vouched = vouchedMillis(checkpoint, validators);
  requireNotAhead('checkpoint', vouched, now);
  const sureAt = later(vouched, state.sureAt);
  const { root, cosignatures } = checkpoint;
  return {
    state: { ...state, validators, header, root, cosignatures, sureAt },
    verdict: freshness(sureAt, now, freshMillis),
  };
}

/** Step 1: the state is young enough to trust, by a clock that can be right. */
export function requireTrust(state: TrustState, now: bigint): void {
  if (now - state.sureAt > state.trustingPeriodMillis) {
    throw new VerificationError(
      'trust/expired',
      'trusting period',
      `a state not older than ${state.trustingPeriodMillis} ms`,
      `one of ${now - state.sureAt} ms`,
      { hint: 'Get a new trust file from somebody you trust: the old validators may have left.' },
    );
  }
  if (state.sureAt - now > MAX_CLIENT_AHEAD_MILLIS) {
    throw new VerificationError(
      'trust/clock',
      'clock',
      `a time of at least ${state.sureAt}`,
      `${now}`,
      { hint: 'The clock of this device is behind. Set it right.' },
    );
  }
}

/** The update must start where the state stands, and never lead back. */
function requireStart(state: TrustState, { from, checkpoint }: Update): void {
  const { size } = trustedTip(state);
  if (from.size !== size) {
    throw new VerificationError('update/start', 'update', `one from size ${size}`, `${from.size}`);
  }
  if (checkpoint.size < size) {
    throw new VerificationError(
      'update/rollback',
      'update',
      `a size of at least ${size}`,
      `${checkpoint.size}`,
      { hint: 'The server is behind, or wants you to be. Ask another one.' },
    );
  }
}

/** Step 2: one handover after the other, each certified by the set held before it. */
async function takeHandovers(
  state: TrustState,
  { from, handovers, checkpoint }: Update,
  verify: VerifyBatch,
): Promise<EpochTrust> {
  const { origin, validators, header } = state;
  let epoch: EpochTrust = { origin, epoch: header.epoch, validators };
  let size = trustedTip(state).size;
  for (const [i, handover] of handovers.entries()) {
    const { size: found, root } = handover.checkpoint;
    // Only the first may end at the trusted header itself; then it must be that very log.
    const repeats = found === size && (i > 0 || !equalBytes(root, from.root));
    if (found < size || repeats || found >= checkpoint.size) {
      throw new VerificationError(
        'update/order',
        `handover of epoch ${epoch.epoch}`,
        `a size from ${size} on and below ${checkpoint.size}`,
        `${found}`,
      );
    }
    epoch = await takeHandover(epoch, handover, verify);
    size = found;
  }
  return epoch;
}

/**
 * Step 4: the log that the update shows began as the log that is trusted.
 *
 * @returns whether it began otherwise, though certified: then there are two histories
 */
function checkHistory(
  state: TrustState,
  { from, consistency }: Update,
  { size, root }: CertifiedCheckpoint,
): boolean {
  verifyConsistency({
    oldSize: from.size,
    oldRoot: from.root,
    newSize: size,
    newRoot: root,
    path: consistency,
  });
  if (equalBytes(from.root, state.root)) return false;
  if (state.cosignatures.length > 0) return true;
  throw new VerificationError(
    'update/another-genesis',
    'genesis',
    'a log that begins with the trusted genesis',
    'one that begins otherwise',
  );
}

/** The evidence of a fork between a trusted state and an update that contradicts it. */
function forkEvidence(state: TrustState, update: Update): ForkEvidence {
  const { size, root } = trustedTip(state);
  return {
    kind: 'fork',
    origin: state.origin,
    genesisId: state.genesisId,
    epoch: state.header.epoch,
    validators: state.validators,
    older: { handovers: [], checkpoint: { size, root, cosignatures: state.cosignatures } },
    newer: { handovers: update.handovers, checkpoint: update.checkpoint },
    otherRoot: update.from.root,
    path: update.consistency,
  };
}

/** Step 5: the header is the newest, of the epoch and set that certified it, and not of tomorrow. */
function checkHeader(
  state: TrustState,
  { header, inclusion }: Update,
  { epoch, validators }: EpochTrust,
  checkpoint: CertifiedCheckpoint,
  now: bigint,
): VerifiedHeader {
  const verified = verifyTipHeader(header, inclusion, checkpoint);
  if (header.epoch !== epoch) {
    throw new VerificationError(
      'update/epoch',
      'newest header',
      `epoch ${epoch}`,
      `${header.epoch}`,
    );
  }
  requireSet('update/validators', validators, header.validatorsHash);
  if (header.time < state.header.time) {
    throw new VerificationError(
      'update/time',
      'newest header',
      `a time from ${state.header.time} on`,
      `${header.time}`,
    );
  }
  requireNotAhead('newest header', header.time, now);
  return verified;
}

function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

function requireNotAhead(step: string, time: bigint, now: bigint): void {
  if (time - now <= MAX_CLIENT_AHEAD_MILLIS) return;
  throw new VerificationError(
    'freshness/future',
    step,
    `a time of at most ${now + MAX_CLIENT_AHEAD_MILLIS}`,
    `${time}`,
    { hint: 'The clock of this device may be behind.' },
  );
}
