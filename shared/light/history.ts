/**
 * An address's history by pages, each proved to be that stretch of the whole with nothing left out
 * (docs/protocol.md §9.9).
 *
 * The record's history size says how many lines there are, so pages from 0 to there are all of it.
 */
import { addressField } from '../chain/address-codec.ts';
import {
  HISTORY_ENTRY_BYTES,
  type HistoryEntry,
  historyEntryCodec,
} from '../chain/history-entry.ts';
import { MAX_HISTORY_PER_PAGE, MAX_PAGE_BYTES } from '../chain/limits.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { leafHash } from '../merkle/list-hash.ts';
import { verifyRange } from '../merkle/list-range.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { listOf, struct, u64 } from '../primitives/struct.ts';
import { type ProvedAddress, requireAbout } from './address-proof.ts';
import { rangePath } from './hashes.ts';

export interface HistoryPage {
  readonly address: AddressBytes;
  /** The height at which the history holds. */
  readonly height: bigint;
  /** The place of the first entry in the whole history. */
  readonly from: bigint;
  readonly entries: readonly HistoryEntry[];
  /** The hashes beside the entries, left to right. */
  readonly path: readonly Hash[];
}

export const historyPageCodec: Codec<HistoryPage> = /* @__PURE__ */ struct(
  'page of history',
  MAX_PAGE_BYTES,
  {
    address: addressField,
    height: u64,
    from: u64,
    entries: /* @__PURE__ */ listOf(MAX_HISTORY_PER_PAGE, HISTORY_ENTRY_BYTES, historyEntryCodec),
    path: rangePath,
  },
);

/**
 * Checks that a page is the stretch of the history that begins at `from`.
 *
 * @param from the place that was asked for
 * @throws {VerificationError} `proof/address`, `proof/height`, `history/from`, or what a range proof
 *   throws
 */
export function verifyHistoryPage(
  page: HistoryPage,
  from: bigint,
  proved: ProvedAddress,
): readonly HistoryEntry[] {
  const step = 'page of history';
  requireAbout(step, page, proved);
  if (page.from !== from) {
    throw new VerificationError('history/from', step, `from entry ${from}`, `${page.from}`);
  }
  verifyRange({
    from,
    leaves: page.entries.map((entry) => leafHash(historyEntryCodec.encode(entry))),
    size: proved.record.historySize,
    root: proved.record.historyRoot,
    path: page.path,
  });
  return page.entries;
}
