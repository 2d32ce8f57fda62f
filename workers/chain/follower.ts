/**
 * Follows the chain as a light client does, and files what every new tip needs before the tip is
 * served.
 *
 * A new tip is committed in an order that survives a crash at any line: stage the new objects,
 * swap the trusted tip, write the objects where they belong, publish. Each step may run twice. What
 * was staged for a trusted tip is written when the follower starts again.
 */

import { targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { MAX_UPDATE_BYTES } from 'fanal/chain/limits.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { trimCosignatures } from 'fanal/checkpoint/certify.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { type Evidence, evidenceCodec } from 'fanal/light/evidence.ts';
import { follow, requireTrust } from 'fanal/light/follow.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { type TrustState, trustedTip } from 'fanal/light/trust.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import { leafHash } from 'fanal/merkle/list.ts';
import { encodeEntries, entriesPath, TILE_WIDTH, tilePath } from 'fanal/merkle/tiles.ts';
import { equalBytes, toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import type { Metrics } from '../gateway/metrics.ts';
import type { Blob } from './blob.ts';
import { MAX_FILED_HEADERS } from './limits.ts';
import { readEdge, readHeaders } from './log-reader.ts';
import type { StagedObject, Store, StoredHeader } from './store.ts';
import { EMPTY_EDGE, edgeRoot, type FullTile, growEdge, type TileEdge } from './tile-edge.ts';
import { objectKey, type Tip, type TipReading, tipCodec, tipSize } from './tip.ts';
import type { Upstream } from './upstream.ts';
import { Unhelpful, type UpstreamPool } from './upstream-pool.ts';

export interface FollowerPorts {
  readonly store: Store;
  readonly blob: Blob;
  readonly pool: UpstreamPool;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly verify: VerifyBatch;
  readonly metrics: Metrics;
  /** What the operator trusts to begin with. */
  readonly anchor: TrustState;
  /** Hears of every tip once it may be served, with the headers that led to it. */
  readonly onPublish: (tip: Tip, headers: readonly Header[]) => void;
}

/** What one look at the nodes brought. */
export type StepResult = 'advanced' | 'same' | 'forked' | 'halted' | 'lost-race';

/** A newer tip, verified, with all that has to be filed for it. */
interface NewTip {
  readonly tip: Tip;
  readonly update: Update;
  readonly headers: readonly StoredHeader[];
  readonly full: readonly FullTile[];
}

type Looked =
  | { readonly kind: 'same' }
  | { readonly kind: 'forked'; readonly evidence: Evidence }
  | { readonly kind: 'newer'; readonly next: NewTip };

export class Follower {
  readonly #ports: FollowerPorts;
  readonly #originHash: string;
  #trusted: Tip | null = null;
  #published: Tip | null = null;
  #publishedBytes: Uint8Array | null = null;
  #conflicts = 0;
  /** Whether what a crash may have interrupted has been finished. */
  #isWhole = false;

  constructor(ports: FollowerPorts) {
    this.#ports = ports;
    this.#originHash = originHash(ports.anchor.origin);
    this.#load();
  }

  /** SHA-256 of the origin: what the chain's objects are kept under. */
  get originHash(): string {
    return this.#originHash;
  }

  /** The tip that may be served, or null before the first. */
  get published(): Tip | null {
    return this.#published;
  }

  /** Forks that were seen. With one, nothing is published any more. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Finishes what a crash interrupted. */
  async start(): Promise<void> {
    await this.#putStaged();
    // Everything the trusted tip needs is in place now, so it may be served.
    if (this.#trusted !== null && this.#conflicts === 0) this.#publish();
    this.#isWhole = true;
  }

  /**
   * Looks for a newer tip, and commits it.
   *
   * @throws {Problem} when no node gave an answer that verifies
   */
  async step(): Promise<StepResult> {
    if (!this.#isWhole) await this.start();
    if (this.#conflicts > 0) return 'halted';
    try {
      return await this.#step();
    } catch (cause) {
      // Whatever is half done in memory is forgotten: what is stored is the truth.
      if (!(cause instanceof Problem)) this.#load();
      throw cause;
    }
  }

  /** Stops publishing for good and keeps the proof of why. */
  halt(evidence: Evidence): void {
    const file = evidenceCodec.encode(evidence);
    const id = toHex(sha256(file));
    this.#ports.store.keepEvidence({ id, foundAt: this.#ports.now(), file });
    this.#conflicts = this.#ports.store.evidence().length;
    this.#ports.metrics.set('conflicting_checkpoints', this.#conflicts);
  }

  /** A node showed the published tip, or one that leads to it. */
  confirm(sources: number): void {
    if (this.#published === null) return;
    const verifiedAt = BigInt(this.#ports.now());
    this.#published = { ...this.#published, verifiedAt, sources };
  }

  /** The published tip for someone who knows the one of `size`. */
  reading(size: bigint): TipReading | null {
    if (this.#published === null) return null;
    const { verifiedAt, sources } = this.#published;
    if (tipSize(this.#published) === size) {
      return { tip: null, verifiedAt, sources, conflicts: this.#conflicts };
    }
    this.#publishedBytes ??= tipCodec.encode(this.#published);
    return { tip: this.#publishedBytes, verifiedAt, sources, conflicts: this.#conflicts };
  }

  /** Takes what is stored for the truth. */
  #load(): void {
    const { store } = this.#ports;
    this.#trusted = store.trusted();
    this.#published = store.published();
    this.#publishedBytes = null;
    this.#conflicts = store.evidence().length;
    this.#isWhole = false;
  }

  async #step(): Promise<StepResult> {
    const { pool, now, anchor } = this.#ports;
    const state = this.#start(anchor);
    requireTrust(state, BigInt(now()));
    const { size } = trustedTip(state);
    const looked = await pool.find<Looked>({
      target: targetOf('update', { from: size, format: 'bytes' }),
      maxBytes: MAX_UPDATE_BYTES,
      verify: (body, upstream) => this.#look(state, updateCodec.decode(body), upstream),
    });
    switch (looked.kind) {
      case 'same':
        this.confirm(this.#sources());
        return 'same';
      case 'forked':
        this.halt(looked.evidence);
        return 'forked';
      case 'newer':
        return this.#commit(looked.next);
    }
  }

  /** Where to go on from: what is stored, unless that has grown too old and the operator's is not. */
  #start(anchor: TrustState): TrustState {
    const stored = this.#trusted?.state;
    if (stored === undefined) return anchor;
    const isExpired = BigInt(this.#ports.now()) - stored.sureAt > stored.trustingPeriodMillis;
    return isExpired && anchor.sureAt > stored.sureAt ? anchor : stored;
  }

  async #look(state: TrustState, update: Update, upstream: Upstream): Promise<Looked> {
    const { size, root } = trustedTip(state);
    const { checkpoint } = update;
    if (checkpoint.size === size && equalBytes(checkpoint.root, root)) {
      upstream.verifiedSize = size;
      return { kind: 'same' };
    }
    const started = this.#ports.now();
    const { state: followed, verdict } = await this.#follow(state, update);
    const { metrics } = this.#ports;
    const seconds = (this.#ports.now() - started) / 1000;
    metrics.observe('verify_duration_seconds', seconds, { kind: 'checkpoint' });
    if (verdict.kind === 'forked') return { kind: 'forked', evidence: verdict.evidence };
    const next = await this.#gather(state, followed, update, upstream);
    upstream.verifiedSize = tipSize(next.tip);
    metrics.count('checkpoints_verified_total', { upstream: upstream.name });
    return { kind: 'newer', next };
  }

  async #follow(state: TrustState, update: Update) {
    const { now, verify } = this.#ports;
    try {
      return await follow(state, update, { now: BigInt(now()), verify });
    } catch (cause) {
      // A node that is behind, or a clock that is, tells no lie.
      if (cause instanceof VerificationError && NO_LIES.has(cause.code)) {
        throw new Unhelpful(cause.message);
      }
      throw cause;
    }
  }

  /** Reads the headers in between, or the log's edge where those are too many. */
  async #gather(
    from: TrustState,
    state: TrustState,
    update: Update,
    upstream: Upstream,
  ): Promise<NewTip> {
    const { size, root } = trustedTip(state);
    const before = this.#edgeOf(from);
    const ask = { pool: this.#ports.pool, upstream };
    let edge: TileEdge;
    let full: FullTile[] = [];
    let headers: StoredHeader[] = [
      { height: size - 1n, header: headerCodec.encode(update.header) },
    ];
    if (before !== null && size - before.size <= MAX_FILED_HEADERS) {
      if (size - before.size > 1n) headers = await readHeaders(ask, before.size, size);
      // The very first header is ours already: a log begins with the one that is trusted.
      if (before.size === 1n) headers = [firstOf(from), ...headers];
      const added = headers.filter(({ height }) => height >= before.size);
      ({ edge, full } = growEdge(
        before,
        added.map(({ header }) => leafHash(header)),
      ));
    } else {
      edge = await readEdge(ask, size);
    }
    const found = edgeRoot(edge);
    if (!equalBytes(found, root)) {
      throw new VerificationError('proof/tile-mismatch', 'right edge', toHex(root), toHex(found));
    }
    const verifiedAt = BigInt(this.#ports.now());
    const tip: Tip = { state, edge, verifiedAt, sources: this.#sources() };
    return { tip, update, headers, full };
  }

  /** The edge that belongs to a state: the stored one, or that of a log with one header. */
  #edgeOf(state: TrustState): TileEdge | null {
    const { size, root } = trustedTip(state);
    if (this.#trusted !== null && tipSize(this.#trusted) === size) return this.#trusted.edge;
    const { edge } = growEdge(EMPTY_EDGE, [leafHash(headerCodec.encode(state.header))]);
    return equalBytes(edgeRoot(edge), root) ? edge : null;
  }

  async #commit(next: NewTip): Promise<StepResult> {
    const { store } = this.#ports;
    const from = this.#trusted === null ? null : tipSize(this.#trusted);
    // Dying here leaves objects that no tip refers to; they go at the next start.
    store.stage(this.#objects(next), tipSize(next.tip));
    // Dying after this line leaves a trusted tip whose objects are staged: `start` writes them.
    if (!store.swap(from, next.tip, next.headers)) {
      this.#load();
      return 'lost-race';
    }
    this.#trusted = next.tip;
    // Dying in here leaves some objects written and staged both: they are written again.
    await this.#putStaged();
    // Dying before this line leaves the older tip served, which is as true as it was.
    this.#publish();
    this.#ports.onPublish(
      next.tip,
      next.headers.map(({ header }) => headerCodec.decode(header)),
    );
    return 'advanced';
  }

  async #putStaged(): Promise<void> {
    const { store, blob } = this.#ports;
    for (const { key, bytes } of store.staged()) {
      await blob.put(key, bytes);
      store.unstage(key);
    }
  }

  #publish(): void {
    this.#ports.store.publish();
    this.#published = this.#trusted;
    this.#publishedBytes = null;
  }

  /** What has become immutable with this tip. */
  #objects({ tip, update, headers, full }: NewTip): StagedObject[] {
    const at = (target: string) => objectKey(this.#originHash, target);
    const objects = full.map(({ tile, bytes }) => ({ key: at(`/${tilePath(tile)}`), bytes }));
    for (const { tile } of full) {
      if (tile.level > 0) continue;
      const bundle = this.#bundle(tile.index, headers);
      if (bundle === null) continue;
      objects.push({ key: at(`/${entriesPath(tile)}`), bytes: bundle });
    }
    let set = this.#trusted?.state.validators ?? this.#ports.anchor.validators;
    for (const handover of update.handovers) {
      // The set that certified it checked a quorum and no more: that much is kept.
      const cosignatures = trimCosignatures(handover.checkpoint.cosignatures, set, 0);
      const checkpoint = { ...handover.checkpoint, cosignatures };
      objects.push({
        key: at(targetOf('handover', { epoch: handover.header.epoch })),
        bytes: handoverCodec.encode({ ...handover, checkpoint }),
      });
      set = handover.nextValidators ?? set;
      objects.push(this.#setObject(set));
    }
    if (this.#trusted === null) objects.push(this.#setObject(tip.state.validators));
    return objects;
  }

  #setObject(set: TrustState['validators']): StagedObject {
    const target = targetOf('validatorSet', { hash: set.hash });
    return { key: objectKey(this.#originHash, target), bytes: validatorSetCodec.encode(set) };
  }

  /** A full bundle of entries, if every header of it is at hand. */
  #bundle(index: bigint, fresh: readonly StoredHeader[]): Uint8Array | null {
    const first = index * BigInt(TILE_WIDTH);
    const byHeight = new Map<bigint, Uint8Array>();
    for (const { height, header } of this.#ports.store.headers(first, TILE_WIDTH)) {
      byHeight.set(height, header);
    }
    for (const { height, header } of fresh) byHeight.set(height, header);
    const entries: Uint8Array[] = [];
    for (let i = 0n; i < BigInt(TILE_WIDTH); i++) {
      const header = byHeight.get(first + i);
      if (header === undefined) return null;
      entries.push(header);
    }
    return encodeEntries(entries);
  }

  /** Nodes that have shown a size we have verified. */
  #sources(): number {
    const size = this.#trusted === null ? 0n : tipSize(this.#trusted);
    const seen = this.#ports.pool.upstreams.filter(({ verifiedSize }) => verifiedSize >= size);
    return Math.max(1, seen.length);
  }
}

/** The header that a state trusts, as it is stored. */
function firstOf({ header }: TrustState): StoredHeader {
  return { height: header.height, header: headerCodec.encode(header) };
}

/** SHA-256 of an origin: two chains never share a key. */
export function originHash(origin: string): string {
  return toHex(sha256(utf8(origin)));
}

/** Refusals that do not make a node a liar. */
const NO_LIES: ReadonlySet<string> = new Set([
  'update/rollback',
  'freshness/future',
  'trust/expired',
  'trust/clock',
]);
