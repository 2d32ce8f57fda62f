/**
 * Calls across threads: an object of functions that lives in a worker, as promises on this side.
 *
 * Errors keep their code and hint on the way. When the thread itself dies, every call that waits
 * fails and `onDeath` is told, once.
 */
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { assert } from 'fanal/primitives/assert.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function at all may be called.
type AnyFunction = (...args: any[]) => unknown;
type Functions<Api> = { [Name in keyof Api]: Api[Name] extends AnyFunction ? Api[Name] : never };

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError };

interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

/** An error that happened in another thread, with what it said there. */
export class ThreadError extends FanalError {
  constructor(plain: PlainError) {
    super(
      plain.code ?? 'internal/thread',
      plain.message,
      plain.hint === undefined ? {} : { hint: plain.hint },
    );
    this.name = plain.name;
    if (plain.stack !== undefined) this.stack = plain.stack;
  }
}

export interface Thread<Api> {
  call<Name extends keyof Api & string>(
    name: Name,
    args: Api[Name] extends (...args: infer Args) => unknown ? Args : never,
    transfer?: readonly ArrayBuffer[],
  ): Promise<Api[Name] extends (...args: never) => infer Result ? Awaited<Result> : never>;
  readonly waiting: number;
  /** Ends the thread once what was called has been answered. */
  close(): Promise<void>;
}

/** Starts a worker thread that runs `serveThread`. */
export function startThread<Api>(
  module: URL,
  name: string,
  data: unknown,
  onDeath: (error: Error) => void,
): Thread<Api> {
  const worker = new Worker(module, {
    workerData: data,
    name,
    // Short-lived garbage is taken out early rather than kept in a large nursery.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let nextId = 1;
  let dead: Error | null = null;
  let closing = false;
  const die = (error: Error) => {
    if (dead !== null) return;
    dead = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (!closing) onDeath(error);
  };
  worker.on('message', (reply: Reply) => {
    const call = waiting.get(reply.id);
    if (call === undefined) return;
    waiting.delete(reply.id);
    if ('error' in reply) call.reject(new ThreadError(reply.error));
    else call.resolve(reply.value);
  });
  worker.on('error', (error: Error) => die(error));
  worker.on('exit', (code) => die(new Error(`thread ${name} ended with code ${code}`)));
  return {
    call(fn, args, transfer = []) {
      if (dead !== null) return Promise.reject(dead);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ id, name: fn, args } satisfies Call, [...transfer]);
      });
    },
    get waiting() {
      return waiting.size;
    },
    async close() {
      if (dead !== null) return;
      closing = true;
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      // Calls are answered in order, so this comes after all of them.
      worker.postMessage(null);
      await ended;
    },
  };
}

/** What `startThread` was given as `data`. */
export function threadData<Data>(): Data {
  return workerData as Data;
}

/** What a thread offers, and how it ends. */
export interface Served<Api extends object> {
  readonly api: Functions<Api>;
  readonly onClose: () => void;
}

/**
 * Answers calls, in order of arrival. When `open` throws, every call is answered with its error,
 * so that the other side learns the code and the hint.
 */
export function serveThread<Api extends object>(open: () => Served<Api>): void {
  const port = parentPort as MessagePort | null;
  assert(port !== null, 'this module runs only as a worker thread');
  let served: Served<Api> | null = null;
  let failure: unknown = null;
  try {
    served = open();
  } catch (error) {
    failure = error;
  }
  let last: Promise<void> = Promise.resolve();
  port.on('message', (call: Call | null) => {
    if (call === null) {
      last = last.then(() => {
        served?.onClose();
        port.close();
      });
      return;
    }
    last = last.then(async () => {
      if (served !== null) await answer(served.api, call, port);
      else port.postMessage({ id: call.id, error: plain(failure) } satisfies Reply);
    });
  });
}

async function answer(api: object, call: Call, port: MessagePort): Promise<void> {
  try {
    const fn = (api as Record<string, AnyFunction>)[call.name] as AnyFunction;
    port.postMessage({ id: call.id, value: await fn(...call.args) } satisfies Reply);
  } catch (error) {
    port.postMessage({ id: call.id, error: plain(error) } satisfies Reply);
  }
}

function plain(error: unknown): PlainError {
  const known = error instanceof Error ? error : new Error(String(error));
  return {
    name: known.name,
    message: known.message,
    code: error instanceof FanalError ? error.code : null,
    hint: error instanceof FanalError ? error.hint : undefined,
    stack: known.stack,
  };
}
