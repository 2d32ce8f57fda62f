/**
 * Who leads a round (docs/consensus.md §7).
 *
 * A leader is drawn by stake with a generator defined here, so that every implementation draws the
 * same one. Authors who did not vote for past leaders lose their slots to those who did. All of it
 * is a function of the commit prefix.
 */
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import type { Committee } from './committee.ts';
import type { ConsensusParams } from './params.ts';
import type { ScheduleState } from './types.ts';
import type { TaggedHash } from './vertex.ts';

/** Rounds whose leaders are remembered. */
const MAX_CACHED_ROUNDS = 512;

export class LeaderSchedule {
  readonly #hash: TaggedHash;
  readonly #seed: Bytes32;
  readonly #committee: Committee;
  readonly #leaders: number;
  readonly #interval: number;
  readonly #badPercent: number;
  readonly #cache = new Map<number, readonly number[]>();
  #bad: readonly number[] = [];
  #good: readonly number[] = [];
  #scores: number[];
  #commits = 0;
  #caught: readonly number[] = [];

  constructor(
    hash: TaggedHash,
    startBlockId: Bytes32,
    committee: Committee,
    params: ConsensusParams,
  ) {
    this.#hash = hash;
    this.#seed = startBlockId;
    this.#committee = committee;
    this.#leaders = Math.min(params.leadersPerRound, committee.size);
    this.#interval = params.scheduleInterval;
    this.#badPercent = params.badStakePercent;
    this.#scores = new Array<number>(committee.size).fill(0);
  }

  get state(): ScheduleState {
    return {
      bad: this.#bad,
      good: this.#good,
      scores: [...this.#scores],
      commits: this.#commits,
      caught: this.#caught,
    };
  }

  /** Goes on from a stored commit. */
  restore(state: ScheduleState): void {
    this.#bad = state.bad;
    this.#good = state.good;
    this.#scores = [...state.scores];
    this.#commits = state.commits;
    this.#caught = state.caught;
    this.#cache.clear();
  }

  /** The authors whose vertices are leaders of a round, in the order of their slots (rule S1). */
  leadersOf(round: number): readonly number[] {
    const known = this.#cache.get(round);
    if (known !== undefined) return known;
    const leaders = this.#elect(round);
    if (this.#cache.size >= MAX_CACHED_ROUNDS) this.#cache.clear();
    this.#cache.set(round, leaders);
    return leaders;
  }

  /** A committed vertex voted for the committed leader of the round before it (rule S2). */
  addScore(author: number): void {
    this.#scores[author] = (this.#scores[author] as number) + 1;
  }

  /** The linearizer saw two vertices of an author in one slot (rule S4). */
  addCaught(author: number): void {
    if (this.#caught.includes(author)) return;
    this.#caught = [...this.#caught, author].sort((a, b) => a - b);
  }

  /** Counts a commit. True when it completes an interval and the schedule changes (rule S3). */
  addCommit(): boolean {
    this.#commits += 1;
    if (this.#commits < this.#interval) return false;
    this.#swap();
    this.#scores = new Array<number>(this.#committee.size).fill(0);
    this.#commits = 0;
    this.#cache.clear();
    return true;
  }

  /** Whether the present schedule gives the slots of some authors to others. */
  get hasSwaps(): boolean {
    return this.#bad.length > 0;
  }

  #swap(): void {
    for (const author of this.#caught) this.#scores[author] = 0;
    const { size, stakes, total } = this.#committee;
    const limit = Math.floor((total * this.#badPercent) / 100);
    const scoreOf = (author: number) => this.#scores[author] as number;
    const rising = Array.from({ length: size }, (_, author) => author).sort(
      (a, b) => scoreOf(a) - scoreOf(b) || a - b,
    );
    const falling = [...rising].sort((a, b) => scoreOf(b) - scoreOf(a) || a - b);
    const best = scoreOf(falling[0] as number);
    this.#bad = takeStake(rising, stakes, limit)
      .filter((author) => scoreOf(author) < best)
      .sort((a, b) => a - b);
    const top = takeStake(falling, stakes, limit);
    this.#good = (top.length > 0 ? top : falling.slice(0, 1))
      .filter((author) => !this.#bad.includes(author))
      .sort((a, b) => a - b);
    if (this.#good.length === 0) this.#bad = [];
  }

  #elect(round: number): number[] {
    const draw = new Draw(this.#hash, this.#seed, round);
    const elected: number[] = [];
    let left = this.#committee.total;
    while (elected.length < this.#leaders) {
      let point = draw.below(left);
      let author = 0;
      for (; author < this.#committee.size; author++) {
        if (elected.includes(author)) continue;
        const stake = this.#committee.stakes[author] as number;
        if (point < stake) break;
        point -= stake;
      }
      elected.push(author);
      left -= this.#committee.stakes[author] as number;
    }
    return this.#substitute(elected, draw);
  }

  /** Gives the slots of bad authors to good ones that do not lead this round already. */
  #substitute(elected: number[], draw: Draw): number[] {
    for (let slot = 0; slot < elected.length; slot++) {
      if (!this.#bad.includes(elected[slot] as number)) continue;
      const free = this.#good.filter((author) => !elected.includes(author));
      if (free.length > 0) elected[slot] = free[draw.below(free.length)] as number;
    }
    return elected;
  }
}

/** Authors from the front of a list while their stake stays within a limit. */
function takeStake(authors: readonly number[], stakes: readonly number[], limit: number): number[] {
  const taken: number[] = [];
  let stake = 0;
  for (const author of authors) {
    stake += stakes[author] as number;
    if (stake > limit) break;
    taken.push(author);
  }
  return taken;
}

const TWO_64 = 1n << 64n;

/**
 * Uniform integers: the n-th comes from the first 8 bytes of H(leader, seed ‖ round ‖ n); those in
 * the last, incomplete stretch of the range are passed over.
 */
class Draw {
  readonly #hash: TaggedHash;
  readonly #seed: Bytes32;
  readonly #round: number;
  #count = 0;

  constructor(hash: TaggedHash, seed: Bytes32, round: number) {
    this.#hash = hash;
    this.#seed = seed;
    this.#round = round;
  }

  /** An integer from 0 up to but not including `bound`. */
  below(bound: number): number {
    assert(Number.isSafeInteger(bound) && bound > 0, `cannot draw below ${bound}`);
    const range = BigInt(bound);
    const end = TWO_64 - (TWO_64 % range);
    for (;;) {
      const writer = new Writer(40).bytes(this.#seed, 32).u32(this.#round).u32(this.#count);
      this.#count += 1;
      const digest = this.#hash('fanal/leader/v1', writer.finish());
      const value = new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0);
      if (value < end) return Number(value % range);
    }
  }
}
