/**
 * Who claims one root for one size of the header log, and how much stake that is: unverified, asked
 * for, or good. The sums are kept, since every cosignature of a large set asks for them.
 */
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Committee } from './committee.ts';
import type { AuthoredCosignature, Cosignature } from './types.ts';

/** One validator's claim of a root, and what is known of its signature. */
interface Claim {
  readonly cosignature: Cosignature;
  state: 'unverified' | 'asked' | 'good';
}

export class RootClaims {
  readonly root: Bytes32;
  readonly #committee: Committee;
  readonly #claims = new Map<number, Claim>();
  /** Stake of all that claim it. */
  possible = 0;
  /** Stake whose signatures are good. */
  good = 0;
  #asked = 0;

  constructor(root: Bytes32, committee: Committee) {
    this.root = root;
    this.#committee = committee;
  }

  get size(): number {
    return this.#claims.size;
  }

  has(author: number): boolean {
    return this.#claims.has(author);
  }

  authors(): Iterable<number> {
    return this.#claims.keys();
  }

  /** A claim that waits to be verified. */
  add(author: number, cosignature: Cosignature): void {
    if (this.#claims.has(author)) return;
    this.#claims.set(author, { cosignature, state: 'unverified' });
    this.possible += this.#stakeOf(author);
  }

  /** The own claim, which needs no check, in place of an earlier one. */
  addOwn(author: number, cosignature: Cosignature): void {
    this.#remove(author);
    this.#claims.set(author, { cosignature, state: 'good' });
    this.possible += this.#stakeOf(author);
    this.good += this.#stakeOf(author);
  }

  /** What came of a check. A bad one makes room for a good one of the same author. */
  verified(author: number, isGood: boolean): void {
    const claim = this.#claims.get(author);
    if (claim?.state !== 'asked') return;
    if (!isGood) {
      this.#remove(author);
      return;
    }
    claim.state = 'good';
    this.#asked -= this.#stakeOf(author);
    this.good += this.#stakeOf(author);
  }

  /** Those to verify so that the good ones may reach `needed`, by author; none while they cannot. */
  toVerify(needed: number): AuthoredCosignature[] {
    if (this.possible < needed || this.good + this.#asked >= needed) return [];
    const chosen: AuthoredCosignature[] = [];
    for (const author of [...this.#claims.keys()].sort((a, b) => a - b)) {
      if (this.good + this.#asked >= needed) break;
      const claim = this.#claims.get(author) as Claim;
      if (claim.state !== 'unverified') continue;
      claim.state = 'asked';
      this.#asked += this.#stakeOf(author);
      chosen.push({ author, cosignature: claim.cosignature });
    }
    return chosen;
  }

  /** The good ones, by author. */
  goodOnes(): AuthoredCosignature[] {
    return [...this.#claims]
      .filter(([, claim]) => claim.state === 'good')
      .map(([author, { cosignature }]) => ({ author, cosignature }))
      .sort((a, b) => a.author - b.author);
  }

  #remove(author: number): void {
    const claim = this.#claims.get(author);
    if (claim === undefined) return;
    this.#claims.delete(author);
    const stake = this.#stakeOf(author);
    this.possible -= stake;
    if (claim.state === 'good') this.good -= stake;
    if (claim.state === 'asked') this.#asked -= stake;
  }

  #stakeOf(author: number): number {
    return this.#committee.stakes[author] as number;
  }
}
