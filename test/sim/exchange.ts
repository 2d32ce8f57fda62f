/**
 * A simulated validator's talk with its peers: messages become events of the core, requests find
 * their answers, and what is not valid goes no further.
 */
import type { AuthorSet } from 'fanal-node/core/author-set.ts';
import { SLIM_WAIT_MILLIS } from 'fanal-node/core/limits.ts';
import { withMissing } from 'fanal-node/core/slim-inbox.ts';
import type {
  Effect,
  EpochRecord,
  Event,
  PeerMessage,
  PeerRequest,
  PeerResponse,
  Vertex,
  VertexRef,
} from 'fanal-node/core/types.ts';
import type { Envelope } from './envelope.ts';
import type { Inbound } from './inbound.ts';
import type { Membership } from './membership.ts';
import { SimSlim, type SlimArrival } from './slim.ts';

/** What the exchange needs of its machine. */
export interface ExchangePort {
  /** The epoch that the core is in. */
  readonly record: EpochRecord;
  enqueue(event: Event): void;
  transmit(to: number, envelope: Envelope): void;
  connected(peer: number): boolean;
  /** Soon, if the process lives so long. */
  soon(action: () => void): void;
  /** At a time of the machine's own clock. */
  atMillis(millis: number, action: () => void): void;
  /** By the same clock. */
  nowMillis(): number;
  answerFromDisk(request: PeerRequest): PeerResponse;
}

interface Outstanding {
  readonly to: number;
  readonly request: PeerRequest;
}

/** A message of an epoch that has not begun here. */
interface Early {
  readonly message: PeerMessage;
  readonly named: AuthorSet | null;
}

/** Requests from here on ask for the full form of a slim vertex; those below are the core's. */
const FIRST_FULL_REQUEST = 0x8000_0000;
/** Messages of an epoch that has not begun here, kept for one peer. */
const MAX_FUTURE_PER_PEER = 64;

export class Exchange {
  readonly #port: ExchangePort;
  readonly #membership: Membership;
  readonly #inbound: Inbound;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #incoming = new Map<number, { readonly from: number; readonly id: number }>();
  readonly #slimLeastBytes: number;
  #nextIncoming = 1;
  #nextFull = FIRST_FULL_REQUEST;
  #isLooking = false;
  #future = new Map<number, Early[]>();
  #slim: { readonly epoch: number; readonly vertices: SimSlim } | null = null;

  constructor(
    port: ExchangePort,
    membership: Membership,
    inbound: Inbound,
    slimLeastBytes: number,
  ) {
    this.#slimLeastBytes = slimLeastBytes;
    this.#port = port;
    this.#membership = membership;
    this.#inbound = inbound;
  }

  receive(from: number, envelope: Envelope): void {
    switch (envelope.kind) {
      case 'message':
        this.#message(from, envelope.message, envelope.named ?? null);
        return;
      case 'request':
        this.#request(from, envelope.id, envelope.request);
        return;
      case 'response':
        this.#response(from, envelope.id, envelope.response);
        return;
    }
  }

  fetch({ to, requestId, request, deadline }: Extract<Effect, { kind: 'fetch' }>): void {
    const peer = this.#membership.validators(this.#port.record.epoch)[to] as number;
    this.#outstanding.set(requestId, { to: peer, request });
    if (!this.#port.connected(peer)) {
      this.#port.soon(() => this.#failed(requestId));
      return;
    }
    this.#port.transmit(peer, { kind: 'request', id: requestId, request });
    this.#port.atMillis(deadline, () => this.#failed(requestId));
  }

  respond(requestId: number, response: PeerResponse): void {
    const asked = this.#incoming.get(requestId);
    if (asked === undefined) return;
    this.#incoming.delete(requestId);
    this.#port.transmit(asked.from, { kind: 'response', id: asked.id, response });
  }

  /** A connection broke: nothing that was asked there will be answered. */
  lost(peer: number): void {
    for (const [requestId, { to }] of [...this.#outstanding]) {
      if (to === peer) this.#failed(requestId);
    }
  }

  /** Says whether members with the stake of an honest one have written from a later epoch. */
  isPassedBy({ epoch, members }: EpochRecord): boolean {
    let ahead = 0n;
    let total = 0n;
    for (const [author, { stake }] of members.entries()) {
      const validator = this.#membership.validators(epoch)[author] as number;
      total += stake;
      if (this.#future.has(validator)) ahead += stake;
    }
    return ahead > (total - 1n) / 3n;
  }

  /** A new epoch: earlier requests are void, and what came too early comes now. */
  startEpoch(): void {
    this.#outstanding.clear();
    const early = [...this.#future];
    this.#future = new Map();
    for (const [from, messages] of early) {
      for (const { message, named } of messages) this.#message(from, message, named);
    }
  }

  /** What a message to all may leave out; null when it goes out whole. */
  named(message: PeerMessage): AuthorSet | null {
    if (message.kind !== 'vertices' || message.vertices.length > 1) return null;
    const [vertex] = message.vertices;
    if (vertex === undefined) return null;
    this.#note(vertex);
    return this.#slimOf(this.#port.record).named(vertex);
  }

  #message(from: number, message: PeerMessage, named: AuthorSet | null): void {
    const { record } = this.#port;
    const { epoch } = message;
    if (epoch > record.epoch) {
      const kept = this.#future.get(from) ?? [];
      if (kept.length < MAX_FUTURE_PER_PEER) this.#future.set(from, [...kept, { message, named }]);
      return;
    }
    const author = this.#membership.author(epoch, from);
    if (epoch < record.epoch || author === null) return;
    if (message.kind === 'vertices' && named !== null) {
      this.#slimArrived({ from, ref: vertexOf(message).ref, named, vertex: vertexOf(message) });
      return;
    }
    const event = this.#eventOf(message, author, record);
    if (event !== null) this.#port.enqueue(event);
  }

  /** What the core hears of a message; null when there is nothing valid in it. */
  #eventOf(message: PeerMessage, from: number, record: EpochRecord): Event | null {
    const { epoch } = message;
    switch (message.kind) {
      case 'vertices': {
        const vertices = this.#inbound.vertices(message.vertices, record);
        if (vertices.length === 0) return null;
        for (const vertex of vertices) this.#note(vertex);
        return { kind: 'vertices', epoch, from, via: 'push', requestId: null, vertices };
      }
      case 'cosignature':
        return { kind: 'cosignature', epoch, from, cosignature: message.cosignature };
      case 'certified': {
        const checkpoint = this.#inbound.certificate(message.checkpoint, record);
        return checkpoint === null ? null : { kind: 'certified', checkpoint };
      }
      case 'subscribe':
        return { kind: 'subscribe', epoch, from, round: message.round };
      case 'askOwn':
        return { kind: 'askOwn', epoch, from };
      case 'ownReport': {
        if (message.vertex === null) return { kind: 'ownReport', epoch, from, vertex: null };
        const vertex = this.#inbound.vertex(message.vertex, record);
        return vertex === null ? null : { kind: 'ownReport', epoch, from, vertex };
      }
    }
  }

  #slimOf(record: EpochRecord): SimSlim {
    if (this.#slim?.epoch !== record.epoch) {
      const committee = this.#inbound.committee(record);
      const vertices = new SimSlim(committee, this.#slimLeastBytes);
      this.#slim = { epoch: record.epoch, vertices };
    }
    return this.#slim.vertices;
  }

  #note(vertex: Vertex): void {
    const { record } = this.#port;
    if (vertex.header.epoch !== record.epoch) return;
    for (const arrival of this.#slimOf(record).note(vertex)) this.#restore(arrival);
  }

  #slimArrived(arrival: SlimArrival): void {
    const { inbox } = this.#slimOf(this.#port.record);
    const now = this.#port.nowMillis();
    const outcome = inbox.offer(arrival, now);
    if (outcome === 'known') this.#restore(arrival);
    if (outcome === 'full') this.#askFull(arrival, [arrival.ref]);
    if (outcome === 'due') this.#askOverdue(inbox);
    if (outcome === 'waits' || outcome === 'due') this.#lookLater(inbox);
  }

  #askOverdue(inbox: SimSlim['inbox']): void {
    for (const { slim, missing } of inbox.overdue(this.#port.nowMillis())) {
      this.#askFull(slim, withMissing(slim.ref, missing));
    }
  }

  #lookLater(inbox: SimSlim['inbox']): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#port.atMillis(this.#port.nowMillis() + SLIM_WAIT_MILLIS / 2, () => {
      this.#isLooking = false;
      this.#askOverdue(inbox);
      if (inbox.count > 0) this.#lookLater(inbox);
    });
  }

  #restore(arrival: SlimArrival): void {
    const { record } = this.#port;
    const { from, vertex } = arrival;
    const slim = this.#slimOf(record);
    if (!slim.isRestored(arrival)) {
      this.#askFull(arrival, [arrival.ref]);
      for (const other of slim.inbox.told(arrival.ref)) this.#restore(other);
      return;
    }
    const { epoch } = record;
    const message: PeerMessage = { kind: 'vertices', epoch, vertices: [vertex] };
    this.#message(from, message, null);
  }

  #askFull({ from }: SlimArrival, refs: readonly VertexRef[]): void {
    const { epoch } = this.#port.record;
    const id = this.#nextFull++;
    const request: PeerRequest = { kind: 'vertices', epoch, refs };
    this.#outstanding.set(id, { to: from, request });
    this.#port.transmit(from, { kind: 'request', id, request });
  }

  #request(from: number, id: number, request: PeerRequest): void {
    const { epoch } = request;
    if (epoch !== this.#port.record.epoch) {
      // An earlier epoch is over for the core; the journal still serves it.
      const response = this.#port.answerFromDisk(request);
      this.#port.soon(() => this.#port.transmit(from, { kind: 'response', id, response }));
      return;
    }
    const requestId = this.#nextIncoming++;
    this.#incoming.set(requestId, { from, id });
    const author = this.#membership.author(epoch, from);
    this.#port.enqueue({ kind: 'request', epoch, from: author, requestId, request });
  }

  #response(from: number, requestId: number, response: PeerResponse): void {
    const asked = this.#outstanding.get(requestId);
    if (asked === undefined || asked.to !== from) return;
    const { record } = this.#port;
    const author = this.#membership.author(record.epoch, from);
    const fits = response.epoch === record.epoch && response.kind === asked.request.kind;
    const event =
      author === null || !fits ? null : this.#answerOf(response, author, requestId, record);
    if (event === null) {
      this.#failed(requestId);
      return;
    }
    this.#outstanding.delete(requestId);
    this.#port.enqueue(event);
  }

  /** What the core hears of an answer; null when any of it is not valid. */
  #answerOf(
    response: PeerResponse,
    from: number,
    requestId: number,
    record: EpochRecord,
  ): Event | null {
    const { epoch } = response;
    switch (response.kind) {
      case 'vertices': {
        const vertices = this.#inbound.vertices(response.vertices, record);
        if (vertices.length !== response.vertices.length) return null;
        for (const vertex of vertices) this.#note(vertex);
        return { kind: 'vertices', epoch, from, via: 'fetch', requestId, vertices };
      }
      case 'commits': {
        const voters = this.#inbound.headers(response.voters, record);
        if (voters.length !== response.voters.length) return null;
        const { commits, vertices } = response;
        return { kind: 'commits', epoch, from, requestId, commits, vertices, voters };
      }
      case 'checkpoint': {
        const { checkpoint } = response;
        if (checkpoint === null) return null;
        const certified = this.#inbound.certificate(checkpoint, record);
        return certified === null ? null : { kind: 'certified', checkpoint: certified };
      }
    }
  }

  #failed(requestId: number): void {
    const asked = this.#outstanding.get(requestId);
    if (asked === undefined) return;
    this.#outstanding.delete(requestId);
    const { epoch } = asked.request;
    const from = this.#membership.author(epoch, asked.to);
    if (from !== null) this.#port.enqueue({ kind: 'fetchFailed', epoch, requestId, from });
  }
}

function vertexOf({ vertices }: Extract<PeerMessage, { kind: 'vertices' }>): Vertex {
  return vertices[0] as Vertex;
}
