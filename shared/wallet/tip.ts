/**
 * The trusted tip: follows the chain from several sources and holds them against one another.
 *
 * Every source is followed from the same trusted state. Where they end at different sizes, the
 * longer one has to prove that the shorter is its beginning: two certified histories that cannot
 * be joined are a fork, with the evidence in hand.
 */
import { MAX_HANDOVERS } from '../chain/limits.ts';
import { type Evidence, evidenceCodec } from '../light/evidence.ts';
import { type Followed, follow } from '../light/follow.ts';
import { freshness } from '../light/freshness.ts';
import { type TrustState, trustedTip, trustStateCodec } from '../light/trust.ts';
import { type Update, updateCodec } from '../light/update.ts';
import { type Bytes, type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { FanalError, VerificationError } from '../primitives/errors.ts';
import { ForkError, StaleError, TrustExpiredError } from './errors.ts';
import type { AbortSignalLike, Platform } from './platform.ts';
import { type Attempt, isOutOfReach, mostTelling, type Sources } from './sources.ts';
import type { Store } from './store.ts';
import { bytesCall } from './transport.ts';

/** The newest header that is proved, and how fresh it is. */
export interface Tip {
  readonly trust: 'proved';
  readonly height: bigint;
  /** Size and root of the header log: what proofs lead to. */
  readonly size: bigint;
  readonly root: Bytes32;
  readonly epoch: number;
  /** The header's time, in ms since 1970. */
  readonly time: bigint;
  /** When more than a third of the stake last vouched for it, in ms since 1970. */
  readonly sureAt: bigint;
  readonly freshness: 'fresh' | 'stale';
  /** Sources that were asked, and of them those whose history was verified to be one with it. */
  readonly asked: number;
  readonly agreed: number;
}

export interface SyncOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Called after each verified step on the way from a state that is far behind. */
  readonly onProgress?: (tip: Tip) => void;
}

export interface TipOptions {
  readonly anchor: TrustState;
  readonly sources: Sources;
  readonly platform: Platform;
  readonly store: Store;
  /** How old a tip may be and still count as fresh. */
  readonly freshMillis?: bigint;
}

interface Answer extends Followed {
  readonly update: Update;
}

/** Follows the chain and remembers how far it is. */
export class TrustedTip {
  readonly #options: TipOptions;
  readonly #names: { readonly trust: string; readonly fork: string };
  #state: TrustState;
  #counts = { asked: 0, agreed: 0 };
  #loaded: Promise<void> | null = null;
  #running: Promise<Tip> | null = null;
  readonly #listeners = new Set<(tip: Tip) => void>();
  #syncedAt: bigint | null = null;
  /** Once there are two histories, neither is believed again. */
  #fork: ForkError | null = null;

  constructor(options: TipOptions) {
    this.#options = options;
    this.#state = options.anchor;
    const chain = toHex(options.anchor.genesisId);
    this.#names = { trust: `trust/${chain}`, fork: `fork/${chain}` };
  }

  /** What is trusted now, without asking anyone. */
  get state(): TrustState {
    return this.#state;
  }

  /**
   * Asks the sources for what is new. Calls at the same time share one, so a caller who gives up
   * leaves alone and the others get their answer.
   */
  async sync({ signal, onProgress }: SyncOptions = {}): Promise<Tip> {
    if (onProgress !== undefined) this.#listeners.add(onProgress);
    this.#running ??= this.#sync().finally(() => {
      this.#running = null;
    });
    try {
      return await abortable(this.#running, signal);
    } finally {
      if (onProgress !== undefined) this.#listeners.delete(onProgress);
    }
  }

  /**
   * A tip that is good to act on: synced within `maxAgeMillis`, and fresh.
   *
   * @throws {StaleError} unless `allowStale`
   */
  async usable(maxAgeMillis: bigint, allowStale: boolean, signal?: AbortSignalLike): Promise<Tip> {
    const now = this.#options.platform.now();
    const isRecent = this.#syncedAt !== null && now - this.#syncedAt <= maxAgeMillis;
    const tip = isRecent ? this.describe() : await this.sync({ signal });
    if (tip.freshness === 'stale' && !allowStale) {
      throw new StaleError(tip.sureAt, this.#options.platform.now() - tip.sureAt);
    }
    return tip;
  }

  describe(state: TrustState = this.#state): Tip {
    const { platform, freshMillis } = this.#options;
    const { header, sureAt } = state;
    const verdict = freshness(sureAt, platform.now(), freshMillis);
    return {
      trust: 'proved',
      height: header.height,
      ...trustedTip(state),
      epoch: header.epoch,
      time: header.time,
      sureAt,
      freshness: verdict.kind === 'fresh' ? 'fresh' : 'stale',
      ...this.#counts,
    };
  }

  async #sync(): Promise<Tip> {
    this.#loaded ??= this.#load();
    await this.#loaded;
    for (;;) {
      if (this.#fork !== null) throw this.#fork;
      const answer = await this.#step().catch((error: unknown) => this.#mind(error));
      await this.#keep(answer.state);
      // An update carries so many handovers and no more: there may be further ones.
      if (answer.update.handovers.length < MAX_HANDOVERS) break;
      this.#report();
    }
    this.#syncedAt = this.#options.platform.now();
    return this.#report();
  }

  #report(): Tip {
    const tip = this.describe();
    for (const listener of this.#listeners) listener(tip);
    return tip;
  }

  /** One update from each of several sources; the furthest that all agree on. */
  async #step(): Promise<Answer> {
    const { sources } = this.#options;
    const state = this.#state;
    const call = bytesCall('update', { from: trustedTip(state).size });
    const attempts = await sources.several(sources.compare, call, (bytes) =>
      this.#follow(state, bytes),
    );
    for (const attempt of attempts) {
      if (attempt.kind === 'failed' && attempt.error instanceof ForkError) throw attempt.error;
    }
    const answers = attempts.filter((attempt) => attempt.kind === 'answered');
    const furthest = answers.toSorted((a, b) =>
      sizeOf(a) === sizeOf(b) ? 0 : sizeOf(a) > sizeOf(b) ? -1 : 1,
    )[0];
    if (furthest === undefined) throw this.#whyNone(attempts);
    let agreed = 0;
    for (const other of answers) {
      if (await this.#joins(other, furthest)) agreed++;
    }
    this.#counts = { asked: attempts.length, agreed };
    return furthest.value;
  }

  async #follow(state: TrustState, bytes: Bytes): Promise<Answer> {
    const { platform, freshMillis } = this.#options;
    const update = updateCodec.decode(bytes);
    const { verify } = platform;
    const followed = await follow(state, update, {
      now: platform.now(),
      verify,
      ...(freshMillis === undefined ? {} : { freshMillis }),
    });
    if (followed.verdict.kind === 'forked') throw forkError(followed.verdict.evidence);
    return { ...followed, update };
  }

  /** Whether one source's history begins the other's. False when that could not be found out. */
  async #joins(
    shorter: Extract<Attempt<Answer>, { kind: 'answered' }>,
    longer: Extract<Attempt<Answer>, { kind: 'answered' }>,
  ): Promise<boolean> {
    if (shorter.source === longer.source) return true;
    const [a, b] = [shorter.value.state, longer.value.state];
    if (sizeOf(shorter) === sizeOf(longer) && equalBytes(a.root, b.root)) return true;
    const call = bytesCall('update', { from: sizeOf(shorter) });
    const joined = await this.#options.sources.ask(longer.source, call, (bytes) =>
      this.#follow(a, bytes),
    );
    if (joined.kind === 'failed' && joined.error instanceof ForkError) throw joined.error;
    return joined.kind === 'answered';
  }

  #whyNone(attempts: readonly Attempt<unknown>[]): unknown {
    const errors = attempts.map((attempt) => (attempt.kind === 'failed' ? attempt.error : null));
    const expired = errors.find(
      (error) => error instanceof VerificationError && error.code === 'trust/expired',
    );
    if (expired instanceof VerificationError) return new TrustExpiredError(expired.message);
    // A source that is only behind us has nothing new: that is what staleness is for.
    if (errors.length > 0 && errors.every(isOutOfReach)) {
      const { sureAt } = this.#state;
      return new StaleError(sureAt, this.#options.platform.now() - sureAt);
    }
    return mostTelling(errors);
  }

  /** Keeps the evidence of a fork for good, and passes every error on. */
  async #mind(error: unknown): Promise<never> {
    if (error instanceof ForkError) {
      this.#fork = error;
      await this.#options.store.set(this.#names.fork, error.evidence);
    }
    throw error;
  }

  async #keep(state: TrustState): Promise<void> {
    if (state === this.#state) return;
    this.#state = state;
    await this.#options.store.set(this.#names.trust, trustStateCodec.encode(state));
  }

  /** Takes up the stored state when it is of this chain and further than the anchor. */
  async #load(): Promise<void> {
    const { anchor, store } = this.#options;
    const evidence = await store.get(this.#names.fork);
    if (evidence !== null) this.#fork = new ForkError('a fork was found before', evidence);
    const bytes = await store.get(this.#names.trust);
    if (bytes === null) return;
    try {
      const stored = trustStateCodec.decode(bytes);
      const isOurs =
        stored.origin === anchor.origin && equalBytes(stored.genesisId, anchor.genesisId);
      if (isOurs && stored.sureAt >= anchor.sureAt) this.#state = stored;
    } catch (error) {
      if (!(error instanceof FanalError)) throw error;
    }
  }
}

/** Gives up waiting when the signal says so; what was waited for goes on. */
function abortable<T>(work: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new FanalError('client/aborted', 'the caller gave up'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function sizeOf(attempt: Extract<Attempt<Answer>, { kind: 'answered' }>): bigint {
  return trustedTip(attempt.value.state).size;
}

function forkError(evidence: Evidence): ForkError {
  const size = evidence.kind === 'fork' ? evidence.older.checkpoint.size : 0n;
  return new ForkError(
    `two certified histories contradict each other at size ${size}`,
    evidenceCodec.encode(evidence),
  );
}
