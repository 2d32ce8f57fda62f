/**
 * Vertices of one thread's validators: whoever receives the same bytes gets the same object, with
 * its payments named. A vertex of a hundred ancestors takes tens of kilobytes, and a validator that
 * comes back asks for thousands.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Vertex } from '../core/types.ts';
import { decodeVertex, encodeVertex, withTransactionIds } from '../core/vertex.ts';
import { nativeTaggedHash, nativeTransactionId } from '../runtime/native-crypto.ts';

const SIGNATURE_BYTES = 64;

export class SharedVertices {
  readonly #limit: number;
  readonly #bySignature = new Map<string, Vertex>();
  readonly #transactionIds = new WeakMap<Bytes, Bytes32>();

  /** @param limit vertices that are remembered, the newest */
  constructor(limit: number) {
    this.#limit = limit;
  }

  decode(bytes: Bytes): Vertex {
    const from = Math.max(0, bytes.length - SIGNATURE_BYTES);
    const key = viewOf(bytes.subarray(from)).toString('latin1');
    const known = this.#bySignature.get(key);
    if (known !== undefined && viewOf(encodeVertex(known)).equals(bytes)) return known;
    const decoded = decodeVertex(bytes, nativeTaggedHash);
    const ids = decoded.payload.map((transaction) => this.transactionId(transaction));
    const vertex = withTransactionIds(decoded, ids);
    this.#bySignature.set(key, vertex);
    if (this.#bySignature.size > this.#limit) {
      this.#bySignature.delete(this.#bySignature.keys().next().value as string);
    }
    return vertex;
  }

  /** The id of a payment, found once for its bytes. */
  transactionId(transaction: Bytes): Bytes32 {
    const known = this.#transactionIds.get(transaction);
    if (known !== undefined) return known;
    const id = nativeTransactionId(transaction);
    this.#transactionIds.set(transaction, id);
    return id;
  }
}

function viewOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
