/**
 * The node's place on the network: links to the members of the consensus, service to followers,
 * questions to anyone. It moves bytes and judges conduct; what the bytes say is the runtime's
 * business.
 */
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Bytes, type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { addressGroup, hostOf, parseAddress } from './addresses.ts';
import { Gate, type RefusalReason } from './gate.ts';
import { type Hello, isHelloOf, NO_CHALLENGE, signHello, type Welcome } from './hello.ts';
import type { NetworkIdentity, PeerName } from './identity.ts';
import { Instances } from './instances.ts';
import { NETWORK_LIMITS } from './limits.ts';
import { LANE_NAMES, type LaneName, Link, type LinkContext } from './link.ts';
import type { QueueName } from './outbox.ts';
import { Quota } from './quota.ts';
import { ReceiveLane } from './receive-lane.ts';
import { type Answer, type AskOptions, ask, serve } from './requests.ts';
import { type Offence, PeerScores } from './score.ts';
import { dataFrame } from './send-lane.ts';
import { listenToTips, TipPublisher } from './tips.ts';
import { startTransport } from './transport.ts';

export interface NetworkOptions {
  readonly identity: NetworkIdentity;
  readonly genesisId: Bytes32;
  /** 16 random bytes of this start. */
  readonly instance: Bytes;
  readonly software: string;
  readonly listen: readonly string[];
  readonly maxFollowers: number;
  readonly handlers: NetworkHandlers;
}

export interface NetworkHandlers {
  /** A member's message, in the order in which it sent them on that lane. */
  onMessage(peer: PeerName, lane: LaneName, body: Bytes): void;
  onState(peer: PeerName, up: boolean): void;
  /** A member proved that another instance with our key is alive. */
  onOtherInstance(witness: PeerName, other: Hello): void;
  /** A member let us in: it sees no other instance of us. */
  onWelcome(peer: PeerName, welcome: Welcome): void;
  /** Answers what any peer may ask. */
  readonly answer: (peer: PeerName, isMember: boolean) => Answer;
}

/** Counts for the metrics; they only grow. */
export interface NetworkCounters {
  readonly sentBytes: Record<LaneName | 'request', number>;
  readonly receivedBytes: Record<LaneName | 'request', number>;
  readonly dials: Record<'success' | 'failure', number>;
  readonly refused: Partial<Record<RefusalReason, number>>;
  readonly offences: Partial<Record<Offence, number>>;
  bans: number;
  disconnects: number;
}

export interface PeerInfo {
  readonly peer: PeerName;
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  readonly member: boolean;
  readonly up: boolean;
  readonly roundTripMillis: number | null;
  readonly software: string | null;
  readonly clockAheadMillis: number | null;
}

interface Follower {
  readonly requests: Quota;
  readonly bytes: Quota;
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #scores: PeerScores;
  readonly #instances: Instances;
  readonly #tips = new TipPublisher();
  readonly #links = new Map<PeerName, Link>();
  readonly #members = new Map<PeerName, readonly string[]>();
  readonly #memberHosts = new Set<string>();
  readonly #received = new Map<PeerName, Set<ReceiveLane>>();
  readonly #followers = new Map<PeerName, Follower>();
  readonly #known = new Map<PeerName, { software: string; clockAheadMillis: number }>();
  readonly #abort = new AbortController();
  readonly #sweep: NodeJS.Timeout;
  readonly #idleSince = new WeakMap<Connection, number>();
  #libp2p!: Libp2p;
  #gate!: Gate;
  #epoch = 0;

  /** Told of each ping that a member answered. */
  onRoundTrip: (millis: number) => void = () => {};
  /** Told of each check of who a member says it is. */
  onHandshake: (millis: number, isGood: boolean) => void = () => {};
  readonly counters: NetworkCounters = {
    sentBytes: { urgent: 0, bulk: 0, request: 0 },
    receivedBytes: { urgent: 0, bulk: 0, request: 0 },
    dials: { success: 0, failure: 0 },
    refused: {},
    offences: {},
    bans: 0,
    disconnects: 0,
  };

  private constructor(options: NetworkOptions) {
    this.#options = options;
    this.#scores = new PeerScores(() => performance.now());
    this.#instances = new Instances((peer, hello) => isHelloOf(peer, hello, options.genesisId));
    this.#sweep = setInterval(() => this.#closeIdle(), 10_000);
    this.#sweep.unref();
  }

  static async start(options: NetworkOptions): Promise<Network> {
    const network = new Network(options);
    await network.#start();
    return network;
  }

  get peer(): PeerName {
    return this.#options.identity.peer;
  }

  /** Where we listen, with our peer id, as others would dial it. */
  get addresses(): string[] {
    return this.#libp2p.getMultiaddrs().map(String);
  }

  get bannedPeers(): number {
    return this.#scores.banned;
  }

  /** Main-thread time that strangers have used. */
  get strangerMillis(): number {
    return this.#gate.strangerTime.usedMillis;
  }

  get tipListeners(): number {
    return this.#tips.listeners;
  }

  /** The epoch we say we are in when we greet. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
  }

  /** Says who the members are now, and where. Links to new ones are sought, to others closed. */
  setMembers(members: ReadonlyMap<PeerName, readonly string[]>): void {
    for (const peer of this.#members.keys()) {
      if (members.has(peer)) continue;
      this.#members.delete(peer);
      this.#links.get(peer)?.close();
      this.#links.delete(peer);
      for (const lane of this.#received.get(peer) ?? [])
        lane.abort(new Error('no longer a member'));
    }
    for (const [peer, addresses] of members) {
      if (peer === this.peer) continue;
      this.#members.set(peer, addresses);
      for (const address of addresses) {
        const host = hostOf(parseAddress(address));
        if (host !== null) this.#memberHosts.add(host);
      }
      const link = this.#links.get(peer);
      if (link !== undefined) link.setAddresses(addresses);
      else this.#links.set(peer, new Link(peer, addresses, this.#linkContext()));
    }
  }

  /** Sends to one member. `false`: the link is down or its queue is full. */
  send(peer: PeerName, queue: QueueName, body: Bytes): boolean {
    return this.#links.get(peer)?.send(queue, dataFrame(body)) ?? false;
  }

  /** Sends to every member, framed once. */
  broadcast(queue: QueueName, body: Bytes): void {
    const framed = dataFrame(body);
    for (const link of this.#links.values()) link.send(queue, framed);
  }

  isUp(peer: PeerName): boolean {
    return this.#links.get(peer)?.up ?? false;
  }

  /** Stops or goes on reading what a member sends. */
  setPaused(peer: PeerName, paused: boolean): void {
    for (const lane of this.#received.get(peer) ?? []) {
      if (paused) lane.pause();
      else lane.resume();
    }
  }

  /** Books misconduct. At enough of it the peer is cut off for a while. */
  offend(peer: PeerName, offence: Offence): void {
    this.counters.offences[offence] = (this.counters.offences[offence] ?? 0) + 1;
    const isMember = this.#members.has(peer);
    const connections = this.#libp2p.getConnections(peerIdFromString(peer));
    let banned = this.#scores.offend(peer, offence, isMember);
    if (!isMember) {
      // A stranger makes a new key in no time: its address answers for it too.
      for (const { remoteAddr } of connections) {
        const host = hostOf(remoteAddr);
        if (host !== null && !this.#memberHosts.has(host)) {
          banned = this.#scores.offend(addressGroup(host), offence, false) || banned;
        }
      }
    }
    if (!banned) return;
    this.counters.bans++;
    for (const connection of connections) connection.abort(new Error(`banned: ${offence}`));
  }

  /** Connects to a peer at an address that names it (`…/p2p/…`) or not. */
  async dial(address: string): Promise<PeerName> {
    try {
      const connection = await this.#libp2p.dial(parseAddress(address), {
        signal: AbortSignal.any([
          this.#abort.signal,
          AbortSignal.timeout(NETWORK_LIMITS.dialMillis),
        ]),
      });
      this.counters.dials.success++;
      return connection.remotePeer.toString();
    } catch (error) {
      this.counters.dials.failure++;
      throw error;
    }
  }

  /** Peers with an open connection, members or not. */
  connected(): PeerName[] {
    return this.#libp2p.getPeers().map(String);
  }

  /** Asks a connected peer; yields the frames of its answer. */
  async *ask(peer: PeerName, request: Bytes, options: AskOptions = {}): AsyncGenerator<Bytes> {
    const connection = this.#connectionTo(peer);
    const signal =
      options.signal === undefined
        ? this.#abort.signal
        : AbortSignal.any([this.#abort.signal, options.signal]);
    this.counters.sentBytes.request += request.length;
    for await (const body of ask(connection, this.#protocol('request'), request, {
      ...options,
      signal,
    })) {
      this.counters.receivedBytes.request += body.length;
      yield body;
    }
  }

  /** Follows a peer's certified tips until the connection ends. */
  async listen(peer: PeerName, onTip: (tip: Bytes) => void): Promise<void> {
    await listenToTips(this.#connectionTo(peer), this.#protocol('tips'), this.#abort.signal, onTip);
  }

  publishTip(tip: Bytes): void {
    this.#tips.publish(tip);
  }

  peers(): PeerInfo[] {
    return this.#libp2p.getConnections().map((connection) => {
      const peer = connection.remotePeer.toString();
      const link = this.#links.get(peer);
      const known = this.#known.get(peer);
      return {
        peer,
        address: connection.remoteAddr.toString(),
        direction: connection.direction,
        member: this.#members.has(peer),
        up: link?.up ?? false,
        roundTripMillis: link?.roundTripMillis ?? connection.rtt ?? null,
        software: known?.software ?? null,
        clockAheadMillis: known?.clockAheadMillis ?? null,
      };
    });
  }

  /** Closes every link and stops listening. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#gate.strangerTime.close();
    this.#abort.abort(new FanalError('network/stopped', 'the network is shutting down'));
    this.#tips.close();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await this.#libp2p.stop();
  }

  async #start(): Promise<void> {
    const options = this.#options;
    this.#gate = new Gate(
      {
        isMember: (peer) => this.#members.has(peer),
        isMemberHost: (host) => this.#memberHosts.has(host),
        connectionsOf: (peer) => this.#libp2p.getConnections(peerIdFromString(peer)).length,
        followerConnections: () =>
          this.#libp2p
            .getConnections()
            .filter(
              (open) =>
                open.direction === 'inbound' && !this.#members.has(open.remotePeer.toString()),
            ).length,
        now: () => performance.now(),
        onRefused: (reason) => {
          this.counters.refused[reason] = (this.counters.refused[reason] ?? 0) + 1;
        },
      },
      this.#scores,
      options.maxFollowers,
    );
    this.#libp2p = await startTransport({
      identity: options.identity,
      listen: options.listen,
      gate: this.#gate,
      maxConnections: 4 * 1_024,
    });
    const limits = {
      maxInboundStreams: NETWORK_LIMITS.streamsPerProtocol,
      maxOutboundStreams: NETWORK_LIMITS.streamsPerProtocol,
    };
    for (const lane of LANE_NAMES) {
      await this.#libp2p.handle(
        this.#protocol(lane),
        (stream, connection) => this.#accept(lane, stream, connection),
        limits,
      );
    }
    await this.#libp2p.handle(
      this.#protocol('request'),
      (stream, connection) => void this.#serve(stream, connection),
      limits,
    );
    await this.#libp2p.handle(this.#protocol('tips'), (stream) => this.#tips.add(stream), {
      maxInboundStreams: 1,
      maxOutboundStreams: 1,
    });
    this.#libp2p.addEventListener('connection:close', () => {
      this.counters.disconnects++;
    });
    this.#libp2p.addEventListener('peer:disconnect', ({ detail }) => {
      if (!this.#members.has(detail.toString())) this.#followers.delete(detail.toString());
    });
  }

  #protocol(name: LaneName | 'request' | 'tips'): string {
    return `/fanal/${toHex(this.#options.genesisId.subarray(0, 8))}/${name}/1`;
  }

  #hello(challenge: Bytes = NO_CHALLENGE): Promise<Hello> {
    const { identity, genesisId, instance, software } = this.#options;
    const time = BigInt(Date.now());
    const hello = { genesisId, instance, challenge, time, epoch: this.#epoch, software };
    return signHello(identity, hello);
  }

  #linkContext(): LinkContext {
    const { handlers } = this.#options;
    return {
      libp2p: this.#libp2p,
      self: this.peer,
      protocol: (lane) => this.#protocol(lane),
      hello: (challenge) => this.#hello(challenge),
      instanceOf: (peer) => this.#instances.current(peer),
      onWelcome: async (peer, welcome) => {
        this.#learn(peer, welcome.software, welcome.time);
        if (welcome.verdict === 'other-instance' && welcome.other !== null) {
          if (await this.#provesOther(welcome.other)) handlers.onOtherInstance(peer, welcome.other);
        }
        if (welcome.verdict !== 'welcome') return false;
        handlers.onWelcome(peer, welcome);
        return true;
      },
      onState: (peer, up) => handlers.onState(peer, up),
      onRoundTrip: (_, millis) => this.onRoundTrip(millis),
      onSent: (lane, bytes) => {
        this.counters.sentBytes[lane] += bytes;
      },
      onDial: (outcome) => {
        this.counters.dials[outcome]++;
      },
      onAddress: ({ remoteAddr }) => {
        const host = hostOf(remoteAddr);
        if (host !== null) this.#memberHosts.add(host);
      },
    };
  }

  /** Says whether a hello shows that another instance with our key runs right now. */
  async #provesOther(other: Hello): Promise<boolean> {
    const { genesisId, instance } = this.#options;
    if (!equalBytes(other.challenge, instance) || equalBytes(other.instance, instance))
      return false;
    return isHelloOf(this.peer, other, genesisId);
  }

  #accept(name: LaneName, stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString();
    const lane = new ReceiveLane(stream, {
      onHello: (hello) => this.#judge(peer, hello, lane),
      onMessage: (body) => {
        this.counters.receivedBytes[name] += body.length;
        this.#options.handlers.onMessage(peer, name, body);
      },
      onClosed: () => {
        this.#instances.leave(peer, lane);
        this.#received.get(peer)?.delete(lane);
        if (this.#received.get(peer)?.size === 0) this.#received.delete(peer);
      },
      onMalformed: () => this.offend(peer, 'malformed'),
    });
  }

  async #judge(peer: PeerName, hello: Hello, lane: ReceiveLane): Promise<Welcome> {
    const { genesisId, instance, software } = this.#options;
    const say = (verdict: Welcome['verdict'], other: Hello | null = null): Welcome => ({
      verdict,
      instance,
      time: BigInt(Date.now()),
      epoch: this.#epoch,
      software,
      other,
    });
    const start = performance.now();
    const isTheirs = await isHelloOf(peer, hello, genesisId);
    if (equalBytes(hello.genesisId, genesisId)) {
      this.onHandshake(performance.now() - start, isTheirs);
    }
    if (!isTheirs) return say('wrong-network');
    if (!this.#members.has(peer)) return say('not-a-member');
    const other = await this.#instances.admit(peer, hello.instance, lane);
    if (other !== null) return say('other-instance', other);
    this.#learn(peer, hello.software, hello.time);
    let lanes = this.#received.get(peer);
    if (lanes === undefined) {
      lanes = new Set();
      this.#received.set(peer, lanes);
    }
    lanes.add(lane);
    this.#links.get(peer)?.hurry();
    return say('welcome');
  }

  #learn(peer: PeerName, software: string, time: bigint): void {
    this.#known.set(peer, { software, clockAheadMillis: Number(time - BigInt(Date.now())) });
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString();
    const isMember = this.#members.has(peer);
    const now = performance.now();
    let follower = this.#followers.get(peer);
    if (follower === undefined) {
      follower = {
        requests: new Quota(
          NETWORK_LIMITS.followerRequestsPerSecond,
          NETWORK_LIMITS.followerRequestBurst,
          now,
        ),
        bytes: new Quota(
          NETWORK_LIMITS.followerBytesPerSecond,
          NETWORK_LIMITS.followerByteBurst,
          now,
        ),
      };
      this.#followers.set(peer, follower);
    }
    const { requests, bytes } = follower;
    const outcome = await serve(
      stream,
      {
        admit: () => {
          if (!requests.take(1, performance.now())) return -1;
          return bytes.waitMillis(1, performance.now()) === 0 ? 0 : -1;
        },
        charge: (count) => {
          this.counters.sentBytes.request += count;
          bytes.charge(count, performance.now());
        },
      },
      this.#options.handlers.answer(peer, isMember),
    );
    if (outcome === 'malformed') this.offend(peer, 'malformed');
  }

  #connectionTo(peer: PeerName): Connection {
    const open = this.#libp2p
      .getConnections(peerIdFromString(peer))
      .find(({ status }) => status === 'open');
    if (open === undefined) {
      throw new FanalError('network/not-connected', `no connection to ${peer}`);
    }
    return open;
  }

  /** A stranger that connects and asks nothing gives its place to the next. */
  #closeIdle(): void {
    const now = performance.now();
    for (const connection of this.#libp2p.getConnections()) {
      if (connection.streams.length > 0 || this.#members.has(connection.remotePeer.toString())) {
        this.#idleSince.delete(connection);
        continue;
      }
      const since = this.#idleSince.get(connection);
      if (since === undefined) this.#idleSince.set(connection, now);
      else if (connection.direction === 'inbound' && now - since > NETWORK_LIMITS.idleMillis) {
        void connection.close().catch(() => {});
      }
    }
  }
}
