/**
 * How long an answer may be kept, by kind: the same words from a node and from a gateway.
 */

/** The kinds of answers that caches tell apart. */
export type CacheClass =
  /** Moves with every checkpoint. */
  | 'tip'
  /** Never changes: its URL names a size, a hash, or something past. */
  | 'immutable'
  /** A tile that is still filling: the same bytes for its width, but replaced by a full one. */
  | 'partial'
  /** A proof that named no size: short, with the immutable form in `Content-Location`. */
  | 'unsized'
  /** Reported, not proved: fees, mempool. */
  | 'reported'
  /** Nothing there yet. */
  | 'absent'
  | 'docs'
  | 'none';

const CACHE_CONTROL: Readonly<Record<CacheClass, string>> = {
  tip: 'public, max-age=1, stale-while-revalidate=5, stale-if-error=30',
  immutable: 'public, max-age=31536000, immutable',
  partial: 'public, max-age=604800, immutable',
  unsized: 'public, max-age=1',
  reported: 'public, max-age=2',
  absent: 'public, max-age=2',
  docs: 'public, max-age=3600',
  none: 'no-store',
};

/** The `Cache-Control` header of a class. */
export function cacheControl(cache: CacheClass): string {
  return CACHE_CONTROL[cache];
}
