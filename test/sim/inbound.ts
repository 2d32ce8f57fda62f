/**
 * What a validator checks of a message before its core sees it: everything that needs no state.
 *
 * A verdict follows from the bytes and the epoch's set alone, so it is computed once for all
 * simulated validators that receive the same object.
 */
import { judgeCertification, planCertification } from 'fanal/checkpoint/certify.ts';
import { cosignatureItem } from 'fanal/checkpoint/cosignature.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { type Committee, createCommittee } from 'fanal-node/core/committee.ts';
import { genesisVertices } from 'fanal-node/core/entry.ts';
import type {
  AuthoredCosignature,
  CertifiedCheckpoint,
  EpochRecord,
  SignedHeader,
  Verified,
  Vertex,
  VertexRef,
} from 'fanal-node/core/types.ts';
import {
  asVerified,
  checkHeader,
  checkVertex,
  type VerifyContext,
} from 'fanal-node/core/verify.ts';
import { cosignedOf } from './checkers/certified.ts';
import { type Signatures, taggedHash } from './keys.ts';
import { readTransaction } from './ledger.ts';
import type { Membership } from './membership.ts';

export class Inbound {
  readonly #membership: Membership;
  readonly #signatures: Signatures;
  readonly #vertices = new WeakMap<Vertex, Verified<Vertex> | null>();
  readonly #contexts = new Map<number, VerifyContext>();
  readonly #certificates = new WeakMap<CertifiedCheckpoint, boolean>();

  constructor(membership: Membership, signatures: Signatures) {
    this.#membership = membership;
    this.#signatures = signatures;
  }

  /** Round 0 of an epoch, by author. */
  genesis(record: EpochRecord): readonly VertexRef[] {
    return this.#context(record).genesis;
  }

  committee(record: EpochRecord): Committee {
    return this.#context(record).committee;
  }

  /** The vertex, if it is valid in this epoch; null if not. */
  vertex(vertex: Vertex, record: EpochRecord): Verified<Vertex> | null {
    if (vertex.header.epoch !== record.epoch) return null;
    const known = this.#vertices.get(vertex);
    if (known !== undefined) return known;
    const verdict = this.#checked(vertex, record);
    this.#vertices.set(vertex, verdict);
    return verdict;
  }

  /** Those that are valid. */
  vertices(vertices: readonly Vertex[], record: EpochRecord): Verified<Vertex>[] {
    return vertices
      .map((vertex) => this.vertex(vertex, record))
      .filter((vertex) => vertex !== null);
  }

  /** Those headers that are valid. */
  headers(headers: readonly SignedHeader[], record: EpochRecord): Verified<SignedHeader>[] {
    return headers.flatMap((header) => {
      const verdict = this.#unlessRefused(() => {
        const item = checkHeader(header, this.#context(record));
        return this.#signatures.verify(item) ? asVerified(header) : null;
      });
      return verdict === null ? [] : [verdict];
    });
  }

  /** The certificate, if a quorum of the epoch's set signed it; null if not. */
  certificate(
    checkpoint: CertifiedCheckpoint,
    record: EpochRecord,
  ): Verified<CertifiedCheckpoint> | null {
    if (checkpoint.epoch !== record.epoch) return null;
    let verdict = this.#certificates.get(checkpoint);
    if (verdict === undefined) {
      verdict = this.#isCertified(checkpoint);
      this.#certificates.set(checkpoint, verdict);
    }
    return verdict ? (checkpoint as Verified<CertifiedCheckpoint>) : null;
  }

  /** Says whether one cosignature of a size and root is good. */
  cosignature(
    { epoch, origin }: EpochRecord,
    size: bigint,
    root: CertifiedCheckpoint['root'],
    { author, cosignature }: AuthoredCosignature,
  ): boolean {
    const { time, signature } = cosignature;
    const set = this.#membership.set(epoch);
    const item = cosignatureItem(
      { origin, size, root },
      { validator: author, time, signature },
      set,
    );
    return this.#signatures.verify(item);
  }

  #checked(vertex: Vertex, record: EpochRecord): Verified<Vertex> | null {
    return this.#unlessRefused(() => {
      const checked = checkVertex(vertex, this.#context(record));
      return this.#signatures.verify(checked.item) ? asVerified(checked.vertex) : null;
    });
  }

  #unlessRefused<T>(check: () => T): T | null {
    try {
      return check();
    } catch (error) {
      // Anything but a refusal is our own fault, and must be seen.
      if (error instanceof FanalError) return null;
      throw error;
    }
  }

  #context(record: EpochRecord): VerifyContext {
    let context = this.#contexts.get(record.epoch);
    if (context === undefined) {
      const committee = createCommittee(record.epoch, record.members);
      context = {
        record,
        committee,
        genesis: genesisVertices(taggedHash, record),
        hash: taggedHash,
        transactionId: idOf,
      };
      this.#contexts.set(record.epoch, context);
    }
    return context;
  }

  #isCertified(checkpoint: CertifiedCheckpoint): boolean {
    const { genesis } = this.#membership;
    try {
      const set = this.#membership.set(checkpoint.epoch);
      const plan = planCertification(cosignedOf(checkpoint), genesis.origin, set);
      judgeCertification(plan, plan.items.map(this.#signatures.verify));
      return true;
    } catch {
      return false;
    }
  }
}

function idOf(bytes: Bytes): Bytes32 {
  const transaction = readTransaction(bytes);
  if (transaction === null) throw new FanalError('vertex/transaction', 'not a transaction');
  return transaction.id;
}
