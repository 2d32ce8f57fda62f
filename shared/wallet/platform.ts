/**
 * The world as a client needs it, and the one place that takes it from `globalThis`.
 *
 * Everything can be handed in instead: tests hand in a clock and a network of their own.
 */

import type { VerifyBatch } from '../crypto/filter.ts';
import { selfTestVerifier } from '../crypto/self-test.ts';
import { type SubtleVerifier, verifyWithWebCrypto } from '../crypto/webcrypto.ts';
import type { Bytes } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';

/** The part of `fetch` that a client uses. */
export type Fetch = (
  url: string,
  init: {
    method: string;
    headers: Record<string, string>;
    body?: Uint8Array<ArrayBuffer>;
    signal: AbortSignalLike;
    /** Never followed: not even Workers, which know no `error`, go elsewhere. */
    redirect: 'manual';
  },
) => Promise<FetchResponse>;

export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Absent or null where bodies cannot be streamed. */
  readonly body?: {
    getReader(): {
      read(): Promise<{ done: boolean; value?: Uint8Array }>;
      cancel(): Promise<void>;
    };
  } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface AbortControllerLike {
  readonly signal: AbortSignalLike;
  abort(reason?: unknown): void;
}

/** The part of a WebSocket that a client uses. */
export interface WebSocketLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: (() => void) | null;
  close(): void;
}

/** Clock, timers, network, randomness and signature checks. */
export interface Platform {
  readonly fetch: Fetch;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => bigint;
  readonly sleep: (millis: number, signal?: AbortSignalLike) => Promise<void>;
  readonly abortController: () => AbortControllerLike;
  /** Unpredictable bytes, good enough for keys. */
  readonly random: (length: number) => Bytes;
  /** From 0 to below 1: spreads retries, and nothing else. */
  readonly jitter: () => number;
  readonly verify: VerifyBatch;
  /** Opens event streams by WebSocket in place of `fetch`; null where `fetch` can stream. */
  readonly webSocket: ((url: string) => WebSocketLike) | null;
}

interface Global {
  fetch?: Fetch;
  Date: { now(): number };
  Math: { random(): number };
  setTimeout(callback: () => void, millis: number): unknown;
  clearTimeout(timer: unknown): void;
  AbortController: new () => AbortControllerLike;
  ReadableStream?: unknown;
  WebSocket?: new (url: string) => WebSocketLike;
  crypto?: {
    getRandomValues(bytes: Uint8Array): Uint8Array;
    subtle?: SubtleVerifier<unknown>;
  };
}

/** The platform this runs on, with what the caller has of its own in place of the defaults. */
export function platform(own: Partial<Platform> = {}): Platform {
  const world = globalThis as unknown as Global;
  return {
    fetch: own.fetch ?? ((url, init) => need(world.fetch, 'fetch')(url, init)),
    now: own.now ?? (() => BigInt(world.Date.now())),
    sleep: own.sleep ?? ((millis, signal) => sleep(world, millis, signal)),
    abortController: own.abortController ?? (() => new world.AbortController()),
    jitter: own.jitter ?? (() => world.Math.random()),
    random:
      own.random ??
      ((length) => need(world.crypto, 'crypto').getRandomValues(new Uint8Array(length))),
    verify: own.verify ?? defaultVerify(world),
    webSocket: own.webSocket ?? (canStream(world) ? null : socketOf(world)),
  };
}

/** React Native has `fetch` without streams, and WebSockets. */
function canStream(world: Global): boolean {
  return world.ReadableStream !== undefined;
}

function socketOf(world: Global): ((url: string) => WebSocketLike) | null {
  const { WebSocket } = world;
  return WebSocket === undefined ? null : (url) => new WebSocket(url);
}

/**
 * WebCrypto where it knows Ed25519, else plain JavaScript, which is loaded only then. The verdicts
 * are the same.
 */
function defaultVerify(world: Global): VerifyBatch {
  const subtle = world.crypto?.subtle;
  let chosen: Promise<VerifyBatch> | undefined;
  return async (items) => {
    chosen ??= chooseVerify(subtle);
    return (await chosen)(items);
  };
}

/** A platform that fails the self-test, or has no Ed25519 at all, is not asked. */
async function chooseVerify(subtle: SubtleVerifier<unknown> | undefined): Promise<VerifyBatch> {
  if (subtle !== undefined) {
    const native = verifyWithWebCrypto(subtle);
    const isFit = await selfTestVerifier(native).then(
      () => true,
      () => false,
    );
    if (isFit) return native;
  }
  return (await import('../crypto/ed25519.ts')).verifyInJavaScript;
}

function sleep(world: Global, millis: number, signal?: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      world.clearTimeout(timer);
      reject(signal?.reason ?? new FanalError('client/aborted', 'the caller gave up'));
    };
    const timer = world.setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, millis);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

function need<T>(value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new FanalError('client/platform', `this platform has no ${name}`, {
      hint: 'Load a polyfill, or hand one in as an option.',
    });
  }
  return value;
}
