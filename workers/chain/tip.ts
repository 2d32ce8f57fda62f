/**
 * The verified tip: what a light client trusts, the right edge of the log, and who agreed.
 */
import { STALE_TIP_MILLIS } from 'fanal/chain/limits.ts';
import { checkpointNote } from 'fanal/checkpoint/cosigned.ts';
import { type TrustState, trustStateCodec } from 'fanal/light/trust.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { type Codec, codec } from 'fanal/primitives/codec.ts';
import { MAX_TILE_BYTES, MAX_TILE_LEVELS } from './limits.ts';
import { edgeFromBytes, edgeToBytes, type TileEdge } from './tile-edge.ts';

export interface Tip {
  readonly state: TrustState;
  readonly edge: TileEdge;
  /** When a node last confirmed it, in milliseconds since 1970. */
  readonly verifiedAt: bigint;
  /** How many nodes have shown us this checkpoint, or one that proves it. */
  readonly sources: number;
}

const MAX_TIP_BYTES = 2 * 1024 * 1024;

export const tipCodec: Codec<Tip> = codec(
  'tip',
  MAX_TIP_BYTES,
  (writer, { state, edge, verifiedAt, sources }) => {
    trustStateCodec.write(writer, state);
    writer.list(edgeToBytes(edge), MAX_TILE_LEVELS, (w, bytes) => {
      w.longBytes(bytes);
    });
    writer.u64(verifiedAt).u16(sources);
  },
  (reader) => {
    const state = trustStateCodec.read(reader);
    const levels = reader.list(MAX_TILE_LEVELS, 4, (item) => item.longBytes(MAX_TILE_BYTES));
    return {
      state,
      edge: edgeFromBytes(state.header.height + 1n, levels),
      verifiedAt: reader.u64(),
      sources: reader.u16(),
    };
  },
);

/** Headers in the log. */
export function tipSize({ state }: Tip): bigint {
  return state.header.height + 1n;
}

/** The checkpoint as a signed note, with the cosignatures that we have checked and no others. */
export function tipNote({ state }: Tip): string {
  const { header, root, cosignatures, origin, validators } = state;
  return checkpointNote({ size: header.height + 1n, root, cosignatures }, origin, validators);
}

/** Milliseconds since more than one third of the stake was known to stand behind the tip. */
export function tipAgeMillis({ state }: Tip, now: bigint): bigint {
  return now > state.sureAt ? now - state.sureAt : 0n;
}

/** Whether the tip is too old to be served as the newest there is. */
export function isStale(tip: Tip, now: bigint): boolean {
  return tipAgeMillis(tip, now) > BigInt(STALE_TIP_MILLIS);
}

/** Keys of the chain's objects in the object store. */
export function objectKey(originHash: string, target: string): string {
  return `v1/${originHash}${target}`;
}

/** What of a tip changes while its size stays. */
export interface TipPulse {
  readonly verifiedAt: bigint;
  readonly sources: number;
}

/** A tip for whoever knows the one of `size`: null when that is still the newest. */
export interface TipReading extends TipPulse {
  readonly tip: Bytes | null;
  readonly conflicts: number;
}
