/**
 * What the gateway needs from the world. The app knows these and no platform.
 */

import type { EventTopic } from 'fanal/api/parameters.ts';
import type { ProblemCode } from 'fanal/api/problem.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { EvidenceFile } from '../chain/store.ts';
import type { TipReading } from '../chain/tip.ts';
import type { Health, HealthBucket } from './health.ts';
import type { Metrics, MetricsDelta } from './metrics.ts';
import type { ApiKeys, LeasedQuota } from './quota.ts';
import type { Allowance, Limiter } from './rate-limit.ts';
import type { Defer } from './single-flight.ts';

export interface GatewayPorts {
  readonly chain: ChainPort;
  readonly objects: ObjectsPort;
  readonly nodes: NodesPort;
  readonly push: PushPort;
  readonly limits: LimitsPort;
  readonly metrics: Metrics;
  readonly pulse: PulsePort;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly verify: VerifyBatch;
  /** Whether `new Response` copies the headers it is given, as the standard says. */
  readonly copiesHeaders: boolean;
  readonly identity: Identity;
  /** Reports what was our own fault. */
  readonly onError: (error: unknown) => void;
}

/** Who this gateway is. */
export interface Identity {
  readonly anchor: TrustState;
  readonly version: string;
  readonly commit: string;
  /** What stands before every path, such as `/testnet`; empty for none. */
  readonly basePath: string;
  /** Whoever knows it may read `/metrics`; without one nobody may. */
  readonly metricsToken: string | null;
  /** Whoever knows it may take API keys back; without one nobody may. */
  readonly operatorToken: string | null;
  /** Whether `POST /v1/faucet` is handed on to the nodes. */
  readonly faucet: boolean;
}

/** The one writer of the chain. */
export interface ChainPort {
  /** The newest verified tip, for someone who knows the one of `size`; null before the first. */
  read(size: bigint): Promise<TipReading | null>;
  evidence(): Promise<readonly EvidenceFile[]>;
}

/** An answer of the nodes that was verified, and where it was found. */
export type Loaded =
  | { readonly ok: true; readonly bytes: Bytes; readonly from: 'cache' | 'nodes' }
  | { readonly ok: false; readonly problem: Refusal };

/** A problem as plain data, for the way between isolates. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/** What only nodes have, by canonical target, verified. */
export interface ObjectsPort {
  load(target: string, call: Call): Promise<Loaded>;
}

/** What nodes say and nobody can prove, and what is handed on to them. */
export interface NodesPort {
  /** One node's answer; `check` throws when it is not even plausible. */
  report<T>(target: string, check: (body: Bytes) => T): Promise<T>;
  /** Hands a request on to several nodes, or to `count` of them, and gives what each said. */
  relay(target: string, body: Bytes, type: string, count?: number): Promise<readonly RelayAnswer[]>;
}

/** What one node said to what was handed on. */
export type RelayAnswer =
  | { readonly kind: 'taken'; readonly status: number; readonly body: Bytes }
  | { readonly kind: 'refused'; readonly problem: Refusal }
  | { readonly kind: 'failed' };

export interface PushPort {
  /** Answers a request for events: an open stream or socket, or a refusal. */
  open(request: Request, interest: Interest, call: Call): Promise<Response>;
}

/** What a stream wants to hear of, and from where on. */
export interface Interest {
  readonly topics: readonly EventTopic[];
  readonly addresses: readonly AddressBytes[];
  /** The height seen last; null to begin with the tip. */
  readonly after: bigint | null;
}

export interface LimitsPort {
  readonly anonymous: Limiter;
  readonly allowance: Allowance;
  /** Null where there are no API keys. */
  readonly keys: ApiKeys | null;
  readonly quota: LeasedQuota | null;
  /** Refuses a key from now on, wherever it is used, or takes that back. */
  readonly revoke: (keyHash: string, isRevoked: boolean) => Promise<void>;
  /** A limiter for one plan. */
  readonly ofPlan: (name: string, allowance: Allowance) => Limiter;
}

/** Where isolates bring their counts together. */
export interface PulsePort {
  /** Hands counts on; called now and then, after an answer. */
  report(delta: MetricsDelta, buckets: readonly HealthBucket[]): Promise<void>;
  health(): Promise<Health>;
  metricsText(): Promise<string>;
}

/** What the platform says of one request. */
export interface Call {
  /** The client's address as the platform saw it. */
  readonly client: string | null;
  readonly defer: Defer;
  /** Path and query exactly as they came. */
  readonly target: string;
  /** The platform's cache in front of what never changes; null where there is none. */
  readonly immutable: ThroughEdge | null;
}

/** Gets a URL through the platform's cache; `answer` is asked where that has none. */
export type ThroughEdge = (
  url: string,
  answer: (request: Request) => Promise<Response>,
) => Promise<Response>;
