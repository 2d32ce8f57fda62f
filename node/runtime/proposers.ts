/**
 * Who proposes a transaction: the same order at every node, by stake, drawn anew for each
 * transaction and epoch. It spreads the work and changes no outcome (docs/consensus.md §11).
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Author } from '../core/types.ts';
import { nativeTaggedHash } from './native-crypto.ts';
import type { EpochRoster } from './roster.ts';

/** Orders of recent transactions that are kept: each is asked for several times. */
const KEPT = 10_000;

export class ProposerOrder {
  #epoch = -1;
  readonly #orders = new Map<string, readonly Author[]>();

  /** The authors of an epoch, in the order in which they propose a transaction. */
  of({ record, committee }: EpochRoster, txid: Bytes32): readonly Author[] {
    if (record.epoch !== this.#epoch) {
      this.#epoch = record.epoch;
      this.#orders.clear();
    }
    const name = Buffer.from(txid.buffer, txid.byteOffset, 32).toString('latin1');
    const known = this.#orders.get(name);
    if (known !== undefined) return known;
    const scores = scoresOf(txid, record.epoch, committee.stakes);
    const order = scores
      .map((_, author) => author)
      .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
    this.#orders.set(name, order);
    if (this.#orders.size > KEPT) {
      this.#orders.delete(this.#orders.keys().next().value as string);
    }
    return order;
  }
}

/** One hash draws for so many authors. */
const DRAWS = 8;

/** Weighted rendezvous hashing: who has twice the stake comes first twice as often. */
function scoresOf(txid: Bytes32, epoch: number, stakes: readonly number[]): number[] {
  const place: Bytes = new Uint8Array(6);
  const input = new DataView(place.buffer);
  input.setUint32(0, epoch);
  let draws = input;
  return stakes.map((stake, author) => {
    if (author % DRAWS === 0) {
      input.setUint16(4, author / DRAWS);
      const hash = nativeTaggedHash('fanal/proposer/v1', txid, place);
      draws = new DataView(hash.buffer, hash.byteOffset);
    }
    const draw = draws.getUint32(4 * (author % DRAWS));
    return stake / -Math.log((draw + 0.5) / 2 ** 32);
  });
}
