/**
 * What this validator signed, sent once more to those who lack it, and what it lacks of the others,
 * asked for (docs/consensus.md §8 and §11, rules Y2 and R3).
 */
import type { Certifier } from './certifier.ts';
import type { Committee } from './committee.ts';
import type { Dag } from './dag.ts';
import { MAX_REPLAY_VERTICES } from './limits.ts';
import type { StepOutput } from './output.ts';
import { Replays } from './replays.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Vertex } from './types.ts';

export interface OwnVerticesPorts {
  readonly committee: Committee;
  readonly self: number | null;
  readonly dag: Dag;
  readonly certifier: Certifier;
  readonly output: StepOutput;
  /** Whether a round is too far ahead to be looked at (rule A4). */
  readonly isAhead: (round: number) => boolean;
}

export class OwnVertices {
  readonly #ports: OwnVerticesPorts;
  readonly #replays: Replays;
  readonly #subscriptions: Subscriptions;

  constructor(ports: OwnVerticesPorts) {
    this.#ports = ports;
    this.#replays = new Replays(ports.committee.size);
    this.#subscriptions = new Subscriptions(ports.self);
  }

  /** A vertex was too far ahead to be looked at. */
  leftAhead(author: number, round: number): void {
    this.#subscriptions.leftAhead(author, round);
  }

  /** Someone honest is at rounds that are too far ahead to be looked at. */
  get isLeftBehind(): boolean {
    const { committee } = this.#ports;
    let stake = 0;
    for (const author of this.#subscriptions.ahead) stake += committee.stakes[author] as number;
    return stake >= committee.validity;
  }

  /** Asks a peer for its vertices above the newest that is here. */
  subscribe(peer: number): void {
    const { committee, dag, output } = this.#ports;
    const round = dag.newestRounds[peer] as number;
    output.run({
      kind: 'send',
      to: peer,
      message: { kind: 'subscribe', epoch: committee.epoch, round },
      queue: 'sync',
    });
  }

  /** Asks once more for what was lost, or came too early. */
  askAnew(): void {
    const { committee, dag, isAhead } = this.#ports;
    const authors = committee.members.keys();
    for (const peer of this.#subscriptions.due(dag.quorumRound, authors, isAhead)) {
      this.subscribe(peer);
    }
  }

  /** A peer lacks our vertices above a round. */
  subscribed(from: number, round: number, now: number): void {
    const { committee, self } = this.#ports;
    if (self === null || from < 0 || from >= committee.size) return;
    const above = this.#replays.asked(from, round, this.#newestRound(self), now);
    if (above !== null) this.resend(from, above);
  }

  /** Sends what peers asked for too early, and may have now. */
  resendDue(now: number): void {
    const { self } = this.#ports;
    if (self === null) return;
    for (const { peer, above } of this.#replays.due(this.#newestRound(self), now)) {
      this.resend(peer, above);
    }
  }

  /** Sends own vertices above a round again, and the newest cosignature: liveness needs both. */
  resend(to: number | 'all', above: number): void {
    const { committee, self, dag, certifier, output } = this.#ports;
    if (self === null) return;
    const { epoch } = committee;
    const vertices: Vertex[] = [];
    const newest = this.#newestRound(self);
    const from = Math.max(above + 1, dag.gcRound + 1, newest - MAX_REPLAY_VERTICES + 1);
    for (let round = from; round <= newest; round++) {
      const vertex = dag.round(round)?.first[self]?.vertex;
      if (vertex !== undefined && vertex !== null) vertices.push(vertex);
    }
    if (to === 'all') vertices.splice(0, Math.max(0, vertices.length - 1));
    if (vertices.length > 0) {
      output.runAfterSync({
        kind: 'send',
        to,
        message: { kind: 'vertices', epoch, vertices },
        queue: 'vertex',
      });
    }
    const cosignature = certifier.newest;
    if (cosignature !== null && to !== 'all') {
      output.runAfterSync({
        kind: 'send',
        to,
        message: { kind: 'cosignature', epoch, cosignature },
        queue: 'cosignature',
      });
    }
  }

  /** Tells a peer that lost its memory how far we are (rule R6). */
  report(to: number, now: number): void {
    const { committee, self, dag, output } = this.#ports;
    if (self === null || !this.#replays.mayReport(to, now)) return;
    const newest = this.#newestRound(self);
    const vertex = newest === 0 ? null : (dag.round(newest)?.first[self]?.vertex ?? null);
    if (newest > 0 && vertex === null) return;
    output.runAfterSync({
      kind: 'send',
      to,
      message: { kind: 'ownReport', epoch: committee.epoch, vertex },
      queue: 'sync',
    });
  }

  #newestRound(self: number): number {
    return this.#ports.dag.newestRounds[self] as number;
  }
}
