/**
 * S2 (first half): at most one vertex of a slot has a certificate, counted over every vertex that
 * any honest validator ever accepted.
 */

import { createCommittee } from 'fanal-node/core/committee.ts';
import type { EpochRecord, Event, StepResult, Vertex } from 'fanal-node/core/types.ts';
import { bytesKey } from '../ledger.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';

/** All vertices of an epoch, by round, then author, then digest. */
type Rounds = Map<number, Map<number, Map<string, Vertex>>>;

export class CertificateChecker implements Observer {
  readonly #epochs = new Map<number, { readonly record: EpochRecord; readonly rounds: Rounds }>();
  /** Equivocating leaders that got a certificate: a counter that must be hit. */
  equivocatorsCertified = 0;

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    for (const write of writes) {
      if (write.kind === 'vertex') this.#add(node.record, write.vertex);
    }
  }

  finished(): void {
    for (const { record, rounds } of this.#epochs.values()) {
      for (const [round, slots] of rounds) {
        for (const [author, variants] of slots) {
          if (variants.size > 1) this.#check(record, rounds, round, author, [...variants.keys()]);
        }
      }
    }
  }

  #check(
    record: EpochRecord,
    rounds: Rounds,
    round: number,
    author: number,
    variants: readonly string[],
  ): void {
    const { stakes, quorum } = createCommittee(record.epoch, record.members);
    const certified = new Set<string>();
    for (const slot of rounds.get(round + 2)?.values() ?? []) {
      for (const certifier of slot.values()) {
        const stakeByVariant = new Map<string, number>();
        for (const ref of certifier.header.ancestors) {
          if (ref.round !== round + 1) continue;
          const voter = rounds
            .get(round + 1)
            ?.get(ref.author)
            ?.get(bytesKey(ref.digest));
          const vote = voter?.header.ancestors.find(
            (a) => a.round === round && a.author === author,
          );
          if (vote === undefined) continue;
          const key = bytesKey(vote.digest);
          const stake = (stakeByVariant.get(key) ?? 0) + (stakes[ref.author] as number);
          stakeByVariant.set(key, stake);
        }
        for (const [variant, stake] of stakeByVariant) if (stake >= quorum) certified.add(variant);
      }
    }
    if (certified.size > 1) {
      throw new Violation(
        'S2',
        `${certified.size} vertices of ${round}/${author} have certificates`,
      );
    }
    if (variants.some((variant) => certified.has(variant))) this.equivocatorsCertified++;
  }

  #add(record: EpochRecord, vertex: Vertex): void {
    const { epoch } = vertex.header;
    let known = this.#epochs.get(epoch);
    if (known === undefined) {
      known = { record, rounds: new Map() };
      this.#epochs.set(epoch, known);
    }
    const { round, author, digest } = vertex.ref;
    const slots = known.rounds.get(round) ?? new Map<number, Map<string, Vertex>>();
    known.rounds.set(round, slots);
    const variants = slots.get(author) ?? new Map<string, Vertex>();
    slots.set(author, variants);
    variants.set(bytesKey(digest), vertex);
  }
}
