/**
 * What the metrics tell of consensus, seen from beside it: who cosigned lately, how long commits
 * take, and what this validator itself has signed. Nothing here decides anything.
 */
import { toHex } from 'fanal/primitives/bytes.ts';
import type { Author, Commit, PeerMessage, Vertex } from '../core/types.ts';

/** A checkpoint counts once its cosigners have had so long. */
const SETTLE_MILLIS = 5_000;
/** Checkpoints and rounds that are remembered. */
const MAX_CHECKPOINTS = 128;
const MAX_ROUNDS = 128;

interface Checkpoint {
  readonly seenAt: number;
  readonly authors: Set<Author>;
}

export class ConsensusWatch {
  readonly #checkpoints = new Map<string, Checkpoint>();
  /** When vertices say that they were made, by round and author. */
  readonly #times = new Map<number, Map<Author, number>>();
  #own: { height: number; atMillis: number } | null = null;
  #lastCommitAt: number | null = null;

  /** A cosignature came from its author, over the author's own link or inside its vertex. */
  cosigned(author: Author, size: bigint, root: Uint8Array, now: number): void {
    const name = `${size} ${toHex(root)}`;
    const known = this.#checkpoints.get(name);
    if (known !== undefined) {
      known.authors.add(author);
      return;
    }
    this.#checkpoints.set(name, { seenAt: now, authors: new Set([author]) });
    if (this.#checkpoints.size > MAX_CHECKPOINTS) {
      this.#checkpoints.delete(this.#checkpoints.keys().next().value as string);
    }
  }

  vertex({ ref, header }: Vertex, now: number): void {
    let times = this.#times.get(ref.round);
    if (times === undefined) {
      times = new Map();
      this.#times.set(ref.round, times);
      if (this.#times.size > MAX_ROUNDS) {
        this.#times.delete(this.#times.keys().next().value as number);
      }
    }
    if (!times.has(ref.author)) times.set(ref.author, Number(header.time));
    const { cosignature } = header;
    if (cosignature !== null) this.cosigned(ref.author, cosignature.size, cosignature.root, now);
  }

  /** What this validator sends is what it has signed. */
  sent(author: Author, message: PeerMessage, now: number): void {
    if (message.kind === 'vertices') {
      for (const vertex of message.vertices) {
        if (vertex.ref.author === author) this.vertex(vertex, now);
      }
    }
    if (message.kind !== 'cosignature') return;
    const { size, root } = message.cosignature;
    this.cosigned(author, size, root, now);
    this.#own = { height: Number(size) - 1, atMillis: now };
  }

  /** Seconds from the leader's vertex to now, or null when the vertex came with the commit. */
  committed({ leader }: Commit, now: number): number | null {
    this.#lastCommitAt = now;
    const time = this.#times.get(leader.round)?.get(leader.author);
    return time === undefined ? null : Math.max(0, now - time) / 1_000;
  }

  get lastCommitAt(): number | null {
    return this.#lastCommitAt;
  }

  /** The own last cosignature since the start. */
  get own(): { readonly height: number; readonly atMillis: number } | null {
    return this.#own;
  }

  /** Share of the stake that cosigned the newest checkpoint that has settled; null before one. */
  cosignedShare(stakes: readonly number[], now: number): number | null {
    const total = stakes.reduce((sum, stake) => sum + stake, 0);
    for (const { seenAt, authors } of [...this.#checkpoints.values()].reverse()) {
      if (now - seenAt < SETTLE_MILLIS) continue;
      let stake = 0;
      for (const author of authors) stake += stakes[author] ?? 0;
      return total === 0 ? null : stake / total;
    }
    return null;
  }

  /** Authors have other numbers in the next epoch. */
  clear(): void {
    this.#checkpoints.clear();
    this.#times.clear();
  }
}
