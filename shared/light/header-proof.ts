/**
 * A header and its place in the header log: from one certified checkpoint, any block ever
 * (docs/protocol.md §9.4).
 */
import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_LOG_SIZE } from '../chain/limits.ts';
import { verifyInclusion } from '../merkle/list.ts';
import { leafHash } from '../merkle/list-hash.ts';
import type { Branded } from '../primitives/brand.ts';
import type { Bytes32 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { struct, u64 } from '../primitives/struct.ts';
import { inclusionPath } from './hashes.ts';

/** A header that stands in a certified log. */
export type VerifiedHeader = Branded<Header, 'VerifiedHeader'>;

/** The size and root that a proof leads to: a certified checkpoint's, or a trusted state's. */
export interface LogTip {
  readonly size: bigint;
  readonly root: Bytes32;
}

export interface HeaderProof {
  readonly header: Header;
  /** The size of the log that the path leads to. */
  readonly size: bigint;
  readonly path: readonly Hash[];
}

export const headerProofCodec: Codec<HeaderProof> = /* @__PURE__ */ struct('header proof', 2_048, {
  header: headerCodec,
  size: u64,
  path: inclusionPath,
});

/**
 * Checks that a header stands in the log.
 *
 * @param tip a certified checkpoint or a trusted state
 * @throws {VerificationError} `proof/log-size` when the proof is for another size, or what an
 *   inclusion proof throws
 */
export function verifyHeaderProof(proof: HeaderProof, tip: LogTip): VerifiedHeader {
  const { header, size, path } = proof;
  if (size !== tip.size || size > MAX_LOG_SIZE) {
    throw new VerificationError('proof/log-size', 'header proof', `size ${tip.size}`, `${size}`, {
      hint: 'Ask for the proof at the size that you hold.',
    });
  }
  verifyHeaderPath(header, path, tip);
  return header as VerifiedHeader;
}

/** Checks that a header is leaf number `height` of the log. */
export function verifyHeaderPath(header: Header, path: readonly Hash[], tip: LogTip): void {
  const leaf = leafHash(headerCodec.encode(header));
  verifyInclusion({ leaf, index: header.height, size: tip.size, root: tip.root, path });
}

/**
 * Checks that a header is the newest of the log.
 *
 * @throws {VerificationError} `proof/not-the-tip`
 */
export function verifyTipHeader(
  header: Header,
  path: readonly Hash[],
  tip: LogTip,
): VerifiedHeader {
  if (header.height + 1n !== tip.size) {
    throw new VerificationError(
      'proof/not-the-tip',
      'newest header',
      `height ${tip.size - 1n}`,
      `${header.height}`,
    );
  }
  verifyHeaderPath(header, path, tip);
  return header as VerifiedHeader;
}
