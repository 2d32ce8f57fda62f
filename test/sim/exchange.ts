/**
 * A simulated validator's talk with its peers: messages become events of the core, requests find
 * their answers, and what is not valid goes no further.
 */
import type {
  Effect,
  EpochRecord,
  Event,
  PeerMessage,
  PeerRequest,
  PeerResponse,
} from 'fanal-node/core/types.ts';
import type { Envelope } from './envelope.ts';
import type { Inbound } from './inbound.ts';
import type { Membership } from './membership.ts';

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
  answerFromDisk(request: PeerRequest): PeerResponse;
}

interface Outstanding {
  readonly to: number;
  readonly request: PeerRequest;
}

/** Messages of an epoch that has not begun here, kept for one peer. */
const MAX_FUTURE_PER_PEER = 64;

export class Exchange {
  readonly #port: ExchangePort;
  readonly #membership: Membership;
  readonly #inbound: Inbound;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #incoming = new Map<number, { readonly from: number; readonly id: number }>();
  #nextIncoming = 1;
  #future = new Map<number, PeerMessage[]>();

  constructor(port: ExchangePort, membership: Membership, inbound: Inbound) {
    this.#port = port;
    this.#membership = membership;
    this.#inbound = inbound;
  }

  receive(from: number, envelope: Envelope): void {
    switch (envelope.kind) {
      case 'message':
        this.#message(from, envelope.message);
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
      for (const message of messages) this.#message(from, message);
    }
  }

  #message(from: number, message: PeerMessage): void {
    const { record } = this.#port;
    const { epoch } = message;
    if (epoch > record.epoch) {
      const kept = this.#future.get(from) ?? [];
      if (kept.length < MAX_FUTURE_PER_PEER) this.#future.set(from, [...kept, message]);
      return;
    }
    const author = this.#membership.author(epoch, from);
    if (epoch < record.epoch || author === null) return;
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
