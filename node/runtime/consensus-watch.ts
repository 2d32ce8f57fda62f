/**
 * What the metrics tell of consensus, seen from beside it: who cosigned lately, how long commits,
 * rounds, signatures and certificates take, and what this validator itself has signed. Nothing here
 * decides anything.
 */
import { toHex } from 'fanal/primitives/bytes.ts';
import type { Author, Commit, PeerMessage, Vertex, Write } from '../core/types.ts';

/** A checkpoint counts once its cosigners have had so long. */
const SETTLE_MILLIS = 5_000;
/** Checkpoints, rounds, signatures and blocks that are remembered. */
const REMEMBERED = 128;

interface Checkpoint {
  readonly seenAt: number;
  readonly authors: Set<Author>;
}

/** What sending a message says of how long things take; null where it says nothing. */
export interface SendTimes {
  /** Since the own vertex before. */
  readonly roundSeconds: number | null;
  /** Since the signature was handed to the disk. */
  readonly signSeconds: number | null;
}

export class ConsensusWatch {
  readonly #checkpoints = new Map<string, Checkpoint>();
  /** When vertices say that they were made, by round and author. */
  readonly #times = new Map<number, Map<Author, number>>();
  /** When signatures went to the disk, by what they sign. */
  readonly #signing = new Map<string, number>();
  readonly #executed = new Map<bigint, number>();
  #own: { height: number; atMillis: number } | null = null;
  #ownRound: { round: number; atMillis: number } | null = null;
  #lastCommitAt: number | null = null;

  /** A cosignature came from its author, over the author's own link or inside its vertex. */
  cosigned(author: Author, size: bigint, root: Uint8Array, now: number): void {
    const name = `${size} ${toHex(root)}`;
    const known = this.#checkpoints.get(name);
    if (known !== undefined) {
      known.authors.add(author);
      return;
    }
    remember(this.#checkpoints, name, { seenAt: now, authors: new Set([author]) });
  }

  vertex({ ref, header }: Vertex, now: number): void {
    let times = this.#times.get(ref.round);
    if (times === undefined) {
      times = new Map();
      remember(this.#times, ref.round, times);
    }
    if (!times.has(ref.author)) times.set(ref.author, Number(header.time));
    const { cosignature } = header;
    if (cosignature !== null) this.cosigned(ref.author, cosignature.size, cosignature.root, now);
  }

  /** A write is on its way to the disk: that of a guard goes before a signature. */
  wrote(write: Write, now: number): void {
    if (write.kind === 'guard') remember(this.#signing, `round ${write.guard.round}`, now);
    if (write.kind === 'checkpointGuard') remember(this.#signing, `size ${write.guard.size}`, now);
  }

  /** What this validator sends is what it has signed. */
  sent(author: Author, message: PeerMessage, now: number): SendTimes {
    if (message.kind === 'cosignature') {
      const { size, root } = message.cosignature;
      this.cosigned(author, size, root, now);
      this.#own = { height: Number(size) - 1, atMillis: now };
      return { roundSeconds: null, signSeconds: this.#signed(`size ${size}`, now) };
    }
    const times: { -readonly [K in keyof SendTimes]: number | null } = {
      roundSeconds: null,
      signSeconds: null,
    };
    if (message.kind !== 'vertices') return times;
    for (const vertex of message.vertices) {
      const { round } = vertex.ref;
      if (vertex.ref.author !== author) continue;
      this.vertex(vertex, now);
      times.signSeconds ??= this.#signed(`round ${round}`, now);
      const before = this.#ownRound;
      if (before !== null && round <= before.round) continue;
      if (before !== null) times.roundSeconds = seconds(before.atMillis, now);
      this.#ownRound = { round, atMillis: now };
    }
    return times;
  }

  #signed(what: string, now: number): number | null {
    const at = this.#signing.get(what);
    this.#signing.delete(what);
    return at === undefined ? null : seconds(at, now);
  }

  /** Seconds from the leader's vertex to now, or null when the vertex came with the commit. */
  committed({ leader }: Commit, now: number): number | null {
    this.#lastCommitAt = now;
    const time = this.#times.get(leader.round)?.get(leader.author);
    return time === undefined ? null : seconds(time, now);
  }

  executed(height: bigint, now: number): void {
    remember(this.#executed, height, now);
  }

  /** Seconds that each block took that is certified with this one. */
  certified(height: bigint, now: number): number[] {
    const done = [...this.#executed].filter(([executed]) => executed <= height);
    for (const [executed] of done) this.#executed.delete(executed);
    return done.map(([, at]) => seconds(at, now));
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

  /** Authors and rounds have other numbers in the next epoch. */
  clear(): void {
    this.#checkpoints.clear();
    this.#times.clear();
    this.#signing.clear();
    this.#ownRound = null;
  }
}

const seconds = (from: number, to: number) => Math.max(0, to - from) / 1_000;

/** Keeps the newest entries of a map. */
function remember<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.set(key, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value as K);
}
