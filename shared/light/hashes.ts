/**
 * Paths in canonical bytes: hashes behind their count.
 */
import { MAX_CONSISTENCY_HASHES, MAX_INCLUSION_HASHES, MAX_RANGE_HASHES } from '../chain/limits.ts';
import type { Hash } from '../primitives/hash.ts';
import { bytes32, type Field, listOf } from '../primitives/struct.ts';

export const inclusionPath: Field<readonly Hash[]> = /* @__PURE__ */ listOf(
  MAX_INCLUSION_HASHES,
  32,
  bytes32,
);

export const consistencyPath: Field<readonly Hash[]> = /* @__PURE__ */ listOf(
  MAX_CONSISTENCY_HASHES,
  32,
  bytes32,
);

export const rangePath: Field<readonly Hash[]> = /* @__PURE__ */ listOf(
  MAX_RANGE_HASHES,
  32,
  bytes32,
);
