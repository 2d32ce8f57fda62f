/**
 * From a member's bytes to an event for the core: taken apart, checked as far as that needs no
 * state, signatures verified off the main thread. The order of each lane of each peer is kept.
 */
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type {
  Author,
  AuthoredCosignature,
  CertifiedCheckpoint,
  Event,
  PeerMessage,
  PeerRequest,
  PeerResponse,
  SignedHeader,
  Verified,
  Vertex,
} from '../core/types.ts';
import { asVerified, checkHeader, checkVertex } from '../core/verify.ts';
import {
  decodeMessage,
  decodeRequest,
  decodeResponse,
  epochOf,
  type MemberMessage,
  type WireContext,
} from '../core/wire.ts';
import type { PeerName } from '../network/identity.ts';
import type { Offence } from '../network/score.ts';
import { openEnvelope } from './envelope.ts';
import { FutureMessages } from './future-messages.ts';
import type { PendingRequests } from './pending-requests.ts';
import type { EpochRoster, Roster } from './roster.ts';
import { SlimVertices, type SlimVerticesOptions } from './slim-vertices.ts';
import type { VerifyPool } from './verify-pool.ts';

/** Where signatures are checked. */
export type SignatureChecks = Pick<VerifyPool, 'verify'>;

export interface IntakeOptions {
  readonly wire: WireContext;
  readonly roster: Roster;
  readonly pool: SignatureChecks;
  readonly requests: PendingRequests;
  /** Reads a message; by default as it stands on the wire. */
  readonly decode?: typeof decodeMessage;
  /** Size of the newest certificate that the core has: older ones need no check. */
  readonly certifiedSize: () => bigint;
  onEvent(event: Event): void;
  /** Slim vertices go out when that saves so many bytes; absent where none are sent. */
  readonly slim?: Pick<SlimVerticesOptions, 'leastBytes' | 'askFull'> & {
    /** What went wrong here, and not at the peer, with a vertex that waited. */
    onFailure(error: unknown): void;
  };
  onVertex(vertex: Vertex): void;
  onTransactions(peer: PeerName, transactions: readonly Bytes[]): void;
  onOffence(peer: PeerName, offence: Offence, error: unknown): void;
}

/** Checked vertices that are remembered: several peers push the same ancestor. */
const REMEMBERED = 4_096;

export class Intake {
  readonly future = new FutureMessages();
  readonly #options: IntakeOptions;
  readonly #checked = new Map<string, Verified<Vertex>>();
  #slim: { readonly epoch: EpochRoster; readonly vertices: SlimVertices } | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** What goes to every member of the running epoch, as it is to be sent. */
  toAll(message: PeerMessage): MemberMessage {
    return this.#slimOf(this.#options.roster.current)?.toAll(message) ?? message;
  }

  close(): void {
    this.#slim?.vertices.close();
  }

  /** Takes one message of a member. Resolves when it has become events, or nothing. */
  take(peer: PeerName, bytes: Bytes): Promise<void> {
    return this.#blaming(peer, async () => {
      const envelope = openEnvelope(bytes);
      switch (envelope.kind) {
        case 'transactions':
          this.#options.onTransactions(peer, envelope.transactions);
          return;
        case 'message':
          if (this.#isOfThisEpoch(peer, bytes, envelope.body)) {
            const { wire, decode = decodeMessage } = this.#options;
            await this.#message(peer, decode(wire, envelope.body));
          }
          return;
        case 'request':
          this.#request(peer, envelope.requestId, decodeRequest(this.#options.wire, envelope.body));
          return;
        case 'response':
          await this.#response(peer, envelope.requestId, envelope.body);
      }
    });
  }

  /** Does work on what a peer sent; what is wrong with it counts against the peer. */
  async #blaming(peer: PeerName, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof FanalError)) throw error;
      if (error.code === 'runtime/stopped') return;
      const offence = error.name === 'DecodeError' ? 'malformed' : 'invalid';
      this.#options.onOffence(peer, offence, error);
    }
  }

  /** What waited for an epoch that now has begun. */
  async begin(epoch: number): Promise<void> {
    this.#checked.clear();
    for (const { peer, body } of this.future.take(epoch)) await this.take(peer, body);
  }

  /** Messages of a later epoch wait until it begins here; those of earlier ones are of no use. */
  #isOfThisEpoch(peer: PeerName, bytes: Bytes, body: Bytes): boolean {
    const { wire, roster } = this.#options;
    const current = roster.current?.record.epoch ?? -1;
    const epoch = epochOf(wire, body);
    if (epoch === null) {
      throw new FanalError('network/wrong-network', 'the message is of another network');
    }
    if (epoch > current) this.future.add(peer, epoch, bytes);
    return epoch === current;
  }

  async #message(peer: PeerName, message: MemberMessage): Promise<void> {
    const { roster, onEvent } = this.#options;
    const epoch = roster.current as EpochRoster;
    const from = epoch.authors.get(peer);
    // A member of another epoch may still be connected.
    if (from === undefined) return;
    const number = message.epoch;
    switch (message.kind) {
      case 'vertices':
        await this.#pushed(epoch, from, message.vertices);
        return;
      case 'slimVertex': {
        if (message.slim.ref.author !== from) {
          throw new FanalError('network/sender', 'only its author sends a slim vertex');
        }
        const vertex = this.#slimOf(epoch)?.take(peer, message.slim) ?? null;
        if (vertex !== null) await this.#pushed(epoch, from, [vertex]);
        return;
      }
      case 'cosignature':
        onEvent({
          kind: 'cosignature',
          ...{ epoch: number, from, cosignature: message.cosignature },
        });
        return;
      case 'certified': {
        const { checkpoint } = message;
        if (checkpoint.size <= this.#options.certifiedSize()) return;
        onEvent({ kind: 'certified', checkpoint: await this.#certify(epoch, checkpoint) });
        return;
      }
      case 'subscribe':
        onEvent({ kind: 'subscribe', epoch: number, from, round: message.round });
        return;
      case 'askOwn':
        onEvent({ kind: 'askOwn', epoch: number, from });
        return;
      case 'ownReport': {
        const [vertex = null] =
          message.vertex === null ? [] : await this.#verify(epoch, [message.vertex]);
        onEvent({ kind: 'ownReport', epoch: number, from, vertex });
      }
    }
  }

  async #pushed(epoch: EpochRoster, from: Author, given: readonly Vertex[]): Promise<void> {
    const vertices = await this.#verify(epoch, given);
    const number = epoch.record.epoch;
    this.#options.onEvent({
      kind: 'vertices',
      ...{ epoch: number, from, via: 'push', requestId: null, vertices },
    });
  }

  /** Slim vertices of an epoch; those of the one before are given up. */
  #slimOf(epoch: EpochRoster | null): SlimVertices | null {
    const { slim, wire } = this.#options;
    if (slim === undefined || epoch === null) return null;
    if (this.#slim?.epoch !== epoch) {
      this.#slim?.vertices.close();
      const onRestored = (peer: PeerName, vertex: Vertex) => {
        const from = epoch.authors.get(peer);
        if (from === undefined) return;
        this.#blaming(peer, () => this.#pushed(epoch, from, [vertex])).catch(slim.onFailure);
      };
      const vertices = new SlimVertices(epoch.committee, {
        ...{ hash: wire.hash, leastBytes: slim.leastBytes, onRestored },
        askFull: (peer, refs) => slim.askFull(peer, refs),
      });
      this.#slim = { epoch, vertices };
    }
    return this.#slim.vertices;
  }

  #request(peer: PeerName, requestId: number, request: PeerRequest): void {
    const { roster, requests, onEvent } = this.#options;
    const id = requests.asking(peer, requestId);
    const from: Author | null = roster.epoch(request.epoch)?.authors.get(peer) ?? null;
    onEvent({ kind: 'request', epoch: request.epoch, from, requestId: id, request });
  }

  async #response(peer: PeerName, requestId: number, body: Bytes): Promise<void> {
    const { requests, roster, wire, onEvent } = this.#options;
    const asked = requests.answered(requestId, peer);
    // Late, or never asked: honest peers are late now and then.
    if (asked === undefined) return;
    const epoch = roster.epoch(asked.epoch);
    const from = epoch?.authors.get(peer);
    if (epoch === undefined || from === undefined) return;
    try {
      const response = decodeResponse(wire, body);
      if (response.epoch !== asked.epoch || response.kind !== asked.request.kind) {
        throw new FanalError('network/answer', 'the answer is to another question');
      }
      onEvent(await this.#answerEvent(epoch, from, requestId, response));
    } catch (error) {
      onEvent({ kind: 'fetchFailed', epoch: asked.epoch, requestId, from });
      throw error;
    }
  }

  async #answerEvent(
    epoch: EpochRoster,
    from: Author,
    requestId: number,
    response: PeerResponse,
  ): Promise<Event> {
    const number = response.epoch;
    switch (response.kind) {
      case 'vertices': {
        const vertices = await this.#verify(epoch, response.vertices);
        return { kind: 'vertices', ...{ epoch: number, from, via: 'fetch', requestId, vertices } };
      }
      case 'commits': {
        const voters = await this.#verifyHeaders(epoch, response.voters);
        const { commits, vertices } = response;
        return {
          kind: 'commits',
          ...{ epoch: number, from, requestId, commits, vertices, voters },
        };
      }
      case 'checkpoint': {
        const { checkpoint } = response;
        if (checkpoint === null) return { kind: 'fetchFailed', epoch: number, requestId, from };
        return { kind: 'certified', checkpoint: await this.#certify(epoch, checkpoint) };
      }
    }
  }

  /** @throws {FanalError} when one of them breaks a rule or is not signed by its author */
  async #verify(epoch: EpochRoster, vertices: readonly Vertex[]): Promise<Verified<Vertex>[]> {
    const found = vertices.map((vertex) => this.#checked.get(nameOf(vertex)) ?? null);
    const fresh: { readonly place: number; readonly vertex: Vertex; readonly item: SignedItem }[] =
      [];
    vertices.forEach((vertex, place) => {
      if (found[place] === null) fresh.push({ place, ...checkVertex(vertex, epoch.checks) });
    });
    const verdicts = await this.#options.pool.verify(
      'vertex',
      fresh.map(({ item }) => item),
    );
    fresh.forEach(({ place, vertex }, i) => {
      if (verdicts[i] !== true) throw badSignature(vertex);
      const verified = asVerified(vertex);
      found[place] = verified;
      this.#remember(verified);
      this.#options.onVertex(verified);
    });
    return found as Verified<Vertex>[];
  }

  /** @throws {FanalError} when one of them breaks a rule or is not signed by its author */
  async #verifyHeaders(
    epoch: EpochRoster,
    headers: readonly SignedHeader[],
  ): Promise<Verified<SignedHeader>[]> {
    const items = headers.map((header) => checkHeader(header, epoch.checks));
    const verdicts = await this.#options.pool.verify('vertex', items);
    return headers.map((header, i) => {
      if (verdicts[i] !== true) throw badSignature(header);
      return asVerified(header);
    });
  }

  #remember(vertex: Verified<Vertex>): void {
    this.#checked.set(nameOf(vertex), vertex);
    if (vertex.header.epoch === this.#slim?.epoch.record.epoch) this.#slim.vertices.note(vertex);
    if (this.#checked.size > REMEMBERED) {
      this.#checked.delete(this.#checked.keys().next().value as string);
    }
  }

  /** @throws {FanalError} unless members with a quorum of stake really cosigned it */
  async #certify(
    epoch: EpochRoster,
    checkpoint: CertifiedCheckpoint,
  ): Promise<Verified<CertifiedCheckpoint>> {
    const { committee, record } = epoch;
    let stake = 0;
    for (const { author } of checkpoint.cosignatures) stake += committee.stakes[author] ?? 0;
    if (stake < committee.quorum) {
      throw new FanalError('checkpoint/no-quorum', `a certificate with stake ${stake}`);
    }
    const { size, root } = checkpoint;
    const good = await verifyCosignatures(
      this.#options.pool,
      { record, committee },
      { size, root },
      checkpoint.cosignatures,
    );
    if (!good.every(Boolean)) {
      throw new FanalError('checkpoint/bad-cosignature', `a certificate of size ${size}`);
    }
    return checkpoint as Verified<CertifiedCheckpoint>;
  }
}

/** Checks cosignatures of one checkpoint: one verdict each, `false` for unknown authors. */
export function verifyCosignatures(
  pool: SignatureChecks,
  { record, committee }: Pick<EpochRoster, 'record' | 'committee'>,
  { size, root }: Pick<CertifiedCheckpoint, 'size' | 'root'>,
  cosignatures: readonly AuthoredCosignature[],
): Promise<boolean[]> {
  const items = cosignatures.map(({ author, cosignature: { time, signature } }): SignedItem => {
    const message = cosignatureMessage({ origin: record.origin, size, root }, time);
    // An empty key verifies nothing.
    const publicKey = committee.members[author]?.checkpointKey ?? new Uint8Array(0);
    return { message, signature, publicKey };
  });
  return pool.verify('cosignature', items);
}

function nameOf({ ref: { digest } }: Vertex): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1');
}

function badSignature({ ref: { round, author } }: SignedHeader): FanalError {
  return new FanalError('vertex/signature', `bad signature (round ${round}, author ${author})`);
}
