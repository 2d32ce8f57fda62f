/**
 * Who has misbehaved, how badly, and for how long it stays out.
 *
 * Points fade by half every minute; at 100 a peer is banned, and each further ban is longer. A
 * validator of the set in force is only kept out for seconds: cutting it off for good would turn a
 * bug into a lost quorum.
 */
import { NETWORK_LIMITS } from './limits.ts';

/** What a peer can do wrong, and the points for it. */
export const OFFENCES = {
  /** A frame of impossible length, a message that does not decode: no honest node sends it. */
  malformed: 60,
  /** A vertex or cosignature whose signature or content fails. */
  invalid: 35,
  /** An answer that does not match the question, or does not verify. */
  falseAnswer: 35,
  /** More than its quota, again and again. */
  excessive: 5,
  /** Promised and did not deliver in time. */
  unresponsive: 2,
} as const;
export type Offence = keyof typeof OFFENCES;

interface Standing {
  points: number;
  at: number;
  bans: number;
  bannedUntil: number;
}

const HALF_LIFE_MILLIS = 60_000;
const BAN_POINTS = 100;
const STRANGER_BAN_MILLIS = 60_000;
const STRANGER_BAN_MAX_MILLIS = 3_600_000;
const VALIDATOR_BAN_MILLIS = 1_000;
const VALIDATOR_BAN_MAX_MILLIS = 30_000;

export class PeerScores {
  readonly #standings = new Map<string, Standing>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Books an offence; `true` when it leads to a ban. `who` is a peer id or an address. */
  offend(who: string, offence: Offence, isValidator: boolean): boolean {
    const now = this.#now();
    const standing = this.#standings.get(who) ?? { points: 0, at: now, bans: 0, bannedUntil: 0 };
    standing.points = fade(standing, now) + OFFENCES[offence];
    standing.at = now;
    const banned = standing.points >= BAN_POINTS;
    if (banned) {
      const first = isValidator ? VALIDATOR_BAN_MILLIS : STRANGER_BAN_MILLIS;
      const longest = isValidator ? VALIDATOR_BAN_MAX_MILLIS : STRANGER_BAN_MAX_MILLIS;
      standing.bannedUntil = now + Math.min(longest, first * 2 ** Math.min(standing.bans, 20));
      standing.bans++;
      standing.points = 0;
    }
    // Re-inserted, so that the oldest entry is the first to go when the table is full.
    this.#standings.delete(who);
    this.#standings.set(who, standing);
    if (this.#standings.size > NETWORK_LIMITS.bannedPeers) {
      this.#standings.delete(this.#standings.keys().next().value as string);
    }
    return banned;
  }

  isBanned(who: string): boolean {
    const standing = this.#standings.get(who);
    return standing !== undefined && standing.bannedUntil > this.#now();
  }

  points(who: string): number {
    const standing = this.#standings.get(who);
    return standing === undefined ? 0 : fade(standing, this.#now());
  }

  get banned(): number {
    const now = this.#now();
    let count = 0;
    for (const standing of this.#standings.values()) if (standing.bannedUntil > now) count++;
    return count;
  }
}

function fade(standing: Standing, now: number): number {
  return standing.points * 0.5 ** ((now - standing.at) / HALF_LIFE_MILLIS);
}
