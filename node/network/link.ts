/**
 * Our side of the talk with one member: find it, keep two lanes open to it, and try again for ever
 * when they break. Urgent messages (vertices, cosignatures) have a lane of their own, so that a
 * long answer to someone who catches up never stands in front of them.
 */
import type { Connection, Libp2p } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { addressOfPeer } from './addresses.ts';
import { Backoff } from './backoff.ts';
import type { Hello, Welcome } from './hello.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';
import { Outbox, type QueueName } from './outbox.ts';
import { SendLane } from './send-lane.ts';

/** The lanes between two members, and the queues each carries. */
export const LANES = {
  urgent: ['vertex', 'cosignature'],
  bulk: ['sync'],
} as const satisfies Record<string, readonly QueueName[]>;
export type LaneName = keyof typeof LANES;
export const LANE_NAMES = Object.keys(LANES) as LaneName[];

/** What a link needs from the network around it. */
export interface LinkContext {
  readonly libp2p: Libp2p;
  readonly self: PeerName;
  protocol(lane: LaneName): string;
  /** Our signed hello, as it is or in answer to a challenge. */
  hello(challenge?: Bytes): Promise<Hello>;
  /** The instance of the peer that we let in, if any. */
  instanceOf(peer: PeerName): Bytes | null;
  onWelcome(peer: PeerName, welcome: Welcome): Promise<boolean>;
  onState(peer: PeerName, up: boolean): void;
  onRoundTrip(peer: PeerName, millis: number): void;
  onSent(queueLane: LaneName, bytes: number): void;
  onDial(outcome: 'success' | 'failure'): void;
  onAddress(host: Connection): void;
}

export class Link {
  readonly peer: PeerName;
  readonly #context: LinkContext;
  readonly #outbox = new Outbox(NETWORK_LIMITS.outboxBytes);
  readonly #backoff = new Backoff(
    NETWORK_LIMITS.backoffFirstMillis,
    NETWORK_LIMITS.backoffMaxMillis,
  );
  readonly #lanes: Record<LaneName, SendLane | null> = { urgent: null, bulk: null };
  #addresses: readonly string[];
  #timer: NodeJS.Timeout | undefined;
  #connecting = false;
  #closed = false;
  #up = false;
  #roundTripMillis: number | null = null;

  constructor(peer: PeerName, addresses: readonly string[], context: LinkContext) {
    this.peer = peer;
    this.#addresses = addresses;
    this.#context = context;
    // Of two members the one with the smaller name dials first, so that they rarely cross.
    this.#schedule(context.self < peer ? 0 : NETWORK_LIMITS.secondDialMillis);
  }

  get up(): boolean {
    return this.#up;
  }

  get roundTripMillis(): number | null {
    return this.#roundTripMillis;
  }

  get queuedBytes(): number {
    return this.#outbox.bytes;
  }

  get droppedFrames(): number {
    return this.#outbox.dropped;
  }

  setAddresses(addresses: readonly string[]): void {
    this.#addresses = addresses;
  }

  /** Sends a framed message; while the link is down it is dropped, the peer asks after it. */
  send(queue: QueueName, frame: Bytes): boolean {
    if (!this.#up) return false;
    const kept = this.#outbox.push(queue, frame);
    this.#lanes[queue === 'sync' ? 'bulk' : 'urgent']?.pump();
    return kept;
  }

  /** The peer reached us: no need to wait for the next attempt. */
  hurry(): void {
    if (!this.#up && !this.#connecting) {
      this.#backoff.reset();
      this.#schedule(0);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const name of LANE_NAMES) this.#lanes[name]?.abort(new Error('the link is closed'));
    this.#setUp(false);
  }

  #schedule(millis: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), millis);
    this.#timer.unref();
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#closed) return;
    this.#connecting = true;
    try {
      const connection = await this.#connection();
      for (const name of LANE_NAMES) {
        if (this.#lanes[name] === null) await this.#openLane(name, connection);
      }
      this.#backoff.reset();
      if (!this.#closed && LANE_NAMES.every((name) => this.#lanes[name] !== null))
        this.#setUp(true);
    } catch {
      // Whatever it was, the answer is the same: try again, later each time.
    } finally {
      this.#connecting = false;
      if (!this.#up) this.#schedule(this.#backoff.nextMillis());
    }
  }

  /** An open connection to the peer, dialled at every known address if there is none. */
  async #connection(): Promise<Connection> {
    const { libp2p } = this.#context;
    const id = peerIdFromString(this.peer);
    const open = libp2p.getConnections(id).filter(({ status }) => status === 'open');
    const last = open.at(-1);
    if (last !== undefined) return last;
    const addresses = this.#addresses.map((address) => addressOfPeer(address, this.peer));
    if (addresses.length === 0) throw new FanalError('network/no-address', 'no address is known');
    try {
      const connection = await libp2p.dial(addresses, {
        signal: AbortSignal.timeout(NETWORK_LIMITS.dialMillis),
      });
      this.#context.onDial('success');
      this.#context.onAddress(connection);
      return connection;
    } catch (error) {
      this.#context.onDial('failure');
      throw error;
    }
  }

  async #openLane(name: LaneName, connection: Connection): Promise<void> {
    const stream = await connection.newStream(this.#context.protocol(name), {
      signal: AbortSignal.timeout(NETWORK_LIMITS.negotiationMillis),
      maxOutboundStreams: NETWORK_LIMITS.streamsPerProtocol,
    });
    const lane = new SendLane(stream, this.#outbox, LANES[name], {
      onClosed: () => this.#laneClosed(name, lane),
      onRoundTrip: (millis) => {
        if (name !== 'urgent') return;
        const before = this.#roundTripMillis ?? millis;
        this.#roundTripMillis = before * 0.8 + millis * 0.2;
        this.#context.onRoundTrip(this.peer, millis);
      },
      onSent: (bytes) => this.#context.onSent(name, bytes),
      onChallenge: (number) => this.#context.hello(number),
    });
    const welcome = await lane.greet(await this.#context.hello());
    // With two instances about, the one we let in is the one we talk to.
    const expected = this.#context.instanceOf(this.peer);
    if (expected !== null && !equalBytes(expected, welcome.instance)) {
      connection.abort(new Error('another instance of the peer'));
      throw new FanalError('network/instance', 'reached another instance of the peer');
    }
    if (!(await this.#context.onWelcome(this.peer, welcome))) {
      stream.abort(new Error(`refused: ${welcome.verdict}`));
      throw new FanalError('network/refused', `the peer refused us: ${welcome.verdict}`);
    }
    if (stream.status !== 'open') throw new FanalError('network/closed', 'the stream closed');
    this.#lanes[name] = lane;
  }

  #laneClosed(name: LaneName, lane: SendLane): void {
    if (this.#lanes[name] !== lane) return;
    this.#lanes[name] = null;
    this.#setUp(false);
    this.#schedule(this.#backoff.nextMillis());
  }

  #setUp(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    if (!up) this.#outbox.clear();
    this.#context.onState(this.peer, up);
    if (up) for (const name of LANE_NAMES) this.#lanes[name]?.pump();
  }
}
