/**
 * How often a peer is told again what it was told before (docs/consensus.md §8, rule Y2).
 *
 * A few bytes ask for many vertices, so each peer gets an answer a second, and in it what the last
 * one left out; a flood of questions costs the one who asks.
 */
import { REPLAY_AGAIN_MILLIS, REPLAY_PAUSE_MILLIS } from './limits.ts';

interface Replay {
  at: number;
  /** What was sent since then is not sent again, but for the newest. */
  since: number;
  /** The newest round that was sent. */
  round: number;
  /** From which round on the peer has asked since. */
  owed: number | null;
}

export class Replays {
  readonly #peers: Replay[];
  readonly #reportedAt: Float64Array;

  constructor(peers: number) {
    this.#peers = Array.from({ length: peers }, () => ({
      at: Number.NEGATIVE_INFINITY,
      since: Number.NEGATIVE_INFINITY,
      round: 0,
      owed: null,
    }));
    this.#reportedAt = new Float64Array(peers).fill(Number.NEGATIVE_INFINITY);
  }

  /**
   * A peer asks for rounds above `round`; the newest there is has number `newest`.
   *
   * @returns above which round to send now; null for later
   */
  asked(peer: number, round: number, newest: number, now: number): number | null {
    const replay = this.#peers[peer] as Replay;
    if (now - replay.at < REPLAY_PAUSE_MILLIS) {
      replay.owed = Math.min(round, replay.owed ?? round);
      return null;
    }
    const isRecent = now - replay.since < REPLAY_AGAIN_MILLIS;
    const sent = isRecent ? replay.round : 0;
    const since = isRecent ? replay.since : now;
    Object.assign(replay, { at: now, since, round: newest, owed: null });
    // The newest one goes out in any case: all may be waiting for it.
    return Math.max(round, Math.min(sent, newest - 1));
  }

  /** What peers asked for too early, and may have now. */
  *due(newest: number, now: number): Generator<{ readonly peer: number; readonly above: number }> {
    for (const [peer, { owed }] of this.#peers.entries()) {
      const above = owed === null ? null : this.asked(peer, owed, newest, now);
      if (above !== null) yield { peer, above };
    }
  }

  /** Says whether a peer that lost its memory is answered now; it asks again by itself. */
  mayReport(peer: number, now: number): boolean {
    if (now - (this.#reportedAt[peer] as number) < REPLAY_PAUSE_MILLIS / 2) return false;
    this.#reportedAt[peer] = now;
    return true;
  }
}
