/**
 * A Byzantine validator: it knows the protocol, holds real keys, and does with them what its
 * behaviour says.
 *
 * By itself a puppet follows the rules well enough to be believed: it keeps every vertex it sees,
 * proposes one a round, cosigns what others cosign, and answers requests. A behaviour replaces any
 * of these.
 */
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { type Committee, createCommittee } from 'fanal-node/core/committee.ts';
import { EntryTable } from 'fanal-node/core/entry.ts';
import { medianTimeOf } from 'fanal-node/core/median-time.ts';
import type {
  CommitRef,
  Cosignature,
  EpochRecord,
  PeerMessage,
  PeerRequest,
  PeerResponse,
  Vertex,
  VertexHeader,
  VertexRef,
} from 'fanal-node/core/types.ts';
import {
  payloadDigest,
  payloadSize,
  VERTEX_VERSION,
  vertexDigest,
} from 'fanal-node/core/vertex.ts';
import { refKey } from '../disk.ts';
import type { Envelope } from '../envelope.ts';
import { taggedHash, type ValidatorKeyring } from '../keys.ts';
import type { Micros } from '../queue.ts';
import { type Random, stream } from '../random.ts';
import type { Endpoint, Simulation } from '../simulation.ts';

/** What a vertex will say, before it is signed. */
export type Draft = Omit<VertexHeader, 'payloadDigest' | 'payloadBytes' | 'transactionCount'> & {
  readonly payload: readonly Bytes[];
};

/** How a puppet breaks the rules. What is left out, it does as a correct validator would. */
export interface Behaviour {
  /** Sends something, or nothing, for a round that it may propose in. */
  propose?(puppet: Puppet, draft: Draft): void;
  /** Sends cosignatures, or none, for a root that others cosign. */
  cosign?(puppet: Puppet, size: bigint, root: Cosignature['root']): void;
  /** The answer to a request; null for none. */
  answer?(puppet: Puppet, from: number, request: PeerRequest): PeerResponse | null;
  /** Hears of every message that comes in. */
  received?(puppet: Puppet, from: number, message: PeerMessage): void;
  /** Once in a while. */
  tick?(puppet: Puppet): void;
  /** Holds back everything that it sends. */
  readonly delayMicros?: number;
}

const TICK_MICROS = 200_000;
/** Rounds of vertices that a puppet remembers. */
const KEPT_ROUNDS = 200;

export class Puppet implements Endpoint {
  readonly validator: number;
  readonly simulation: Simulation;
  readonly random: Random;
  readonly up = true;
  record: EpochRecord;
  committee: Committee;
  table: EntryTable;
  author: number | null;
  /** Own vertices of this epoch, oldest first. */
  own: Vertex[] = [];
  /** The vertex that the next own one names as its own previous one. */
  tip: VertexRef | undefined;
  /** The newest commit that anybody voted for. */
  newestVote: CommitRef | null = null;
  readonly #keys: ValidatorKeyring;
  readonly #behaviour: Behaviour;
  /** By round, then by author: the first vertex seen. */
  readonly #rounds = new Map<number, Map<number, Vertex>>();
  readonly #vertices = new Map<string, Vertex>();
  readonly #cosigned = new Set<bigint>();
  #proposedAt: Micros = 0;
  #waiting = false;

  constructor(validator: number, simulation: Simulation, behaviour: Behaviour) {
    this.validator = validator;
    this.simulation = simulation;
    this.#behaviour = behaviour;
    this.random = stream(simulation.plan.seed, `byzantine ${validator}`);
    this.#keys = simulation.signatures.keyring(validator);
    this.record = simulation.membership.genesis;
    this.committee = createCommittee(0, this.record.members);
    this.table = this.#newTable();
    this.author = simulation.membership.author(0, validator);
    simulation.at(0, () => this.#tick());
  }

  /** Every other validator of the epoch. */
  peers(): number[] {
    const { membership } = this.simulation;
    return membership.validators(this.record.epoch).filter((peer) => peer !== this.validator);
  }

  /** Validators that the puppet knows to be honest; accomplices are told nothing. */
  get faultyCount(): number {
    return Math.floor((this.committee.size - 1) / 3);
  }

  /** Milliseconds since 1970, right to the millisecond. */
  time(): bigint {
    return this.simulation.trueTime();
  }

  peerChanged(peer: number, up: boolean): void {
    if (!up || this.author === null) return;
    const { epoch } = this.record;
    this.send([peer], { kind: 'subscribe', epoch, round: 0 });
    const newest = this.own.at(-1);
    if (newest !== undefined && this.#behaviour.propose === undefined) {
      this.send([peer], { kind: 'vertices', epoch, vertices: [newest] });
    }
  }

  receive(from: number, envelope: Envelope): void {
    switch (envelope.kind) {
      case 'message':
        this.#behaviour.received?.(this, from, envelope.message);
        this.#message(envelope.message, from);
        return;
      case 'request': {
        const answer = this.#behaviour.answer ?? honestAnswer;
        const response = answer(this, from, envelope.request);
        if (response !== null) this.transmit(from, { kind: 'response', id: envelope.id, response });
        return;
      }
      case 'response':
        if (envelope.response.kind === 'vertices') {
          for (const vertex of envelope.response.vertices) this.#keep(vertex);
        }
        return;
    }
  }

  /** Sends a message to some validators. */
  send(to: readonly number[], message: PeerMessage): void {
    for (const peer of to) this.transmit(peer, { kind: 'message', message });
  }

  sendVertices(to: readonly number[], ...vertices: Vertex[]): void {
    this.send(to, { kind: 'vertices', epoch: this.record.epoch, vertices });
  }

  transmit(to: number, envelope: Envelope): void {
    const { simulation, validator } = this;
    const delay = this.#behaviour.delayMicros ?? 0;
    if (delay === 0) simulation.transmit(validator, to, envelope);
    else
      simulation.at(simulation.now() + delay, () => simulation.transmit(validator, to, envelope));
  }

  /** Signs a vertex, whatever it says. */
  sign(draft: Draft): Vertex {
    const { payload, ...rest } = draft;
    const header: VertexHeader = {
      ...rest,
      payloadDigest: payloadDigest(taggedHash, payload),
      payloadBytes: payloadSize(payload),
      transactionCount: payload.length,
    };
    const digest = vertexDigest(taggedHash, header);
    return {
      ref: { round: header.round, author: header.author, digest },
      header,
      payload,
      signature: this.#keys.vertex.sign(digest),
      transactionIds: [],
    };
  }

  /** Takes an own vertex for its newest, and answers requests with it. */
  adopt(vertex: Vertex): void {
    this.own.push(vertex);
    if (this.own.length > KEPT_ROUNDS) this.own.shift();
    this.tip = vertex.ref;
    this.#store(vertex);
  }

  /** Keeps a vertex so that requests for it are answered, without building on it. */
  keep(vertex: Vertex): void {
    this.#vertices.set(refKey(vertex.ref), vertex);
  }

  cosignature(size: bigint, root: Cosignature['root']): Cosignature {
    const time = this.time() / 1_000n;
    const message = cosignatureMessage({ origin: this.record.origin, size, root }, time);
    return { size, root, time, signature: this.#keys.checkpoint.sign(message) };
  }

  vertex(ref: VertexRef): Vertex | undefined {
    return this.#vertices.get(refKey(ref));
  }

  /** Vertices seen in a round, by author. */
  round(round: number): readonly Vertex[] {
    return [...(this.#rounds.get(round)?.values() ?? [])].sort(
      (a, b) => a.ref.author - b.ref.author,
    );
  }

  /** The median time that a vertex with these ancestors must state. */
  medianTime(round: number, ancestors: readonly VertexRef[]): bigint {
    const parents = ancestors
      .filter((ref) => ref.round === round - 1)
      .map((ref) => this.table.intern(ref))
      .filter((entry) => entry.round === 0 || entry.vertex !== null);
    return medianTimeOf(this.committee, parents);
  }

  #message(message: PeerMessage, from: number): void {
    this.#followEpoch();
    if (message.epoch !== this.record.epoch || this.author === null) return;
    switch (message.kind) {
      case 'vertices':
        for (const vertex of message.vertices) this.#keep(vertex);
        this.#proposeSoon();
        return;
      case 'cosignature': {
        const { size, root } = message.cosignature;
        // Two of its kind would answer each other without end.
        if (this.#cosigned.has(size) || this.simulation.machines[from] === undefined) return;
        this.#cosigned.add(size);
        if (this.#behaviour.cosign !== undefined) this.#behaviour.cosign(this, size, root);
        else this.sendCosignature(this.peers(), size, root);
        return;
      }
      case 'subscribe': {
        if (this.#behaviour.propose !== undefined) return;
        const newer = this.own.filter((vertex) => vertex.ref.round > message.round).slice(0, 16);
        if (newer.length > 0) this.sendVertices([from], ...newer);
        return;
      }
      case 'askOwn': {
        const { epoch } = this.record;
        this.send([from], { kind: 'ownReport', epoch, vertex: this.own.at(-1) ?? null });
        return;
      }
      case 'certified':
      case 'ownReport':
        return;
    }
  }

  sendCosignature(to: readonly number[], size: bigint, root: Cosignature['root']): void {
    const cosignature = this.cosignature(size, root);
    this.send(to, { kind: 'cosignature', epoch: this.record.epoch, cosignature });
  }

  #keep(vertex: Vertex): void {
    const { commitVote, epoch } = vertex.header;
    if (epoch !== this.record.epoch) return;
    if (this.simulation.inbound.vertex(vertex, this.record) === null) return;
    if (commitVote !== null && commitVote.index > (this.newestVote?.index ?? 0n)) {
      this.newestVote = commitVote;
    }
    this.#store(vertex);
  }

  #store(vertex: Vertex): void {
    const { round, author } = vertex.ref;
    this.#vertices.set(refKey(vertex.ref), vertex);
    this.table.link(vertex);
    const slots = this.#rounds.get(round) ?? new Map<number, Vertex>();
    this.#rounds.set(round, slots);
    if (!slots.has(author)) slots.set(author, vertex);
    this.#rounds.delete(round - KEPT_ROUNDS);
  }

  #proposeSoon(): void {
    if (this.#waiting) return;
    const { simulation } = this;
    const delay = simulation.plan.chain.minRoundDelayMillis * 1_000;
    this.#waiting = true;
    simulation.at(Math.max(simulation.now(), this.#proposedAt + delay), () => {
      this.#waiting = false;
      this.#propose();
    });
  }

  #propose(): void {
    if (this.author === null) return;
    const round = this.#targetRound();
    if (round === undefined) return;
    this.#proposedAt = this.simulation.now();
    const draft = this.#draft(round, this.author);
    if (this.#behaviour.propose !== undefined) this.#behaviour.propose(this, draft);
    else {
      const vertex = this.sign(draft);
      this.adopt(vertex);
      this.sendVertices(this.peers(), vertex);
    }
  }

  /** The newest round whose round before has a quorum and that is above the last own one. */
  #targetRound(): number | undefined {
    const after = this.tip?.round ?? 0;
    let best: number | undefined;
    if (after === 0) best = 1;
    for (const [round, slots] of this.#rounds) {
      if (round < after || round + 1 <= (best ?? 0)) continue;
      let stake = 0;
      for (const author of slots.keys()) stake += this.committee.stakes[author] as number;
      if (stake >= this.committee.quorum) best = round + 1;
    }
    return best !== undefined && best > after ? best : undefined;
  }

  #draft(round: number, author: number): Draft {
    const { record } = this;
    const own = this.tip ?? this.genesisRef(author);
    const others =
      round === 1
        ? this.committee.members.map((_, peer) => this.genesisRef(peer))
        : this.round(round - 1).map((vertex) => vertex.ref);
    const ancestors = [own, ...others.filter((ref) => ref.author !== author)];
    return {
      version: VERTEX_VERSION,
      genesisId: record.genesisId,
      epoch: record.epoch,
      round,
      author,
      time: this.time(),
      ancestors,
      medianTime: this.medianTime(round, ancestors),
      payload: [],
      commitVote: this.newestVote,
      cosignature: null,
      misbehaviour: [],
    };
  }

  genesisRef(author: number): VertexRef {
    return (this.table.genesis[author] as EntryTable['genesis'][number]).ref;
  }

  #tick(): void {
    this.#followEpoch();
    if (this.author !== null) {
      this.#behaviour.tick?.(this);
      this.#proposeSoon();
    }
    this.simulation.at(this.simulation.now() + TICK_MICROS, () => this.#tick());
  }

  /** A new epoch began somewhere: start over in it. */
  #followEpoch(): void {
    const { record } = this.simulation.oracle;
    if (record.epoch <= this.record.epoch) return;
    this.record = record;
    this.committee = createCommittee(record.epoch, record.members);
    this.table = this.#newTable();
    this.author = this.simulation.membership.author(record.epoch, this.validator);
    this.own = [];
    this.tip = undefined;
    this.newestVote = null;
    this.#rounds.clear();
    this.#vertices.clear();
  }

  #newTable(): EntryTable {
    return new EntryTable(this.committee, this.simulation.inbound.genesis(this.record));
  }
}

/** What a correct validator would answer, as far as a puppet knows it. */
export function honestAnswer(
  puppet: Puppet,
  _from: number,
  request: PeerRequest,
): PeerResponse | null {
  const { epoch } = request;
  switch (request.kind) {
    case 'vertices': {
      const vertices = request.refs
        .map((ref) => puppet.vertex(ref))
        .filter((vertex) => vertex !== undefined);
      return { kind: 'vertices', epoch, vertices };
    }
    case 'commits':
      return { kind: 'commits', epoch, commits: [], vertices: [], voters: [] };
    case 'checkpoint':
      return { kind: 'checkpoint', epoch, checkpoint: null };
  }
}
