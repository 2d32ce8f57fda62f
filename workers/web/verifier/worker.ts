/**
 * The verifying worker: the page asks, it answers with what it has checked. Crypto stays off the
 * page's own thread.
 */
import { DecodeError, FanalError, VerificationError } from 'fanal/primitives/errors.ts';
import type { FromPage, FromWorker, Refusal, RequestName, Requests } from '../model.ts';
import { Session } from './session.ts';
import { forgetAll, openStore } from './store.ts';
import type { PageWallet } from './wallet.ts';

const say = (message: FromWorker) => postMessage(message);

let base = '';
let opening: Promise<Session> | null = null;
let wallet: PageWallet | null = null;

/** The session once `start` was asked; one at a time, tried again after a failure. */
function session(): Promise<Session> {
  opening ??= openStore()
    .then((store) => Session.open({ base, store, tell: (notice) => say({ notice }) }))
    .catch((error) => {
      opening = null;
      throw error;
    });
  return opening;
}

function openWallet(): PageWallet {
  if (wallet === null) throw new FanalError('page/no-wallet', 'make a key first');
  return wallet;
}

const ANSWERS: {
  readonly [Name in RequestName]: (ask: Requests[Name]['ask']) => Promise<Requests[Name]['answer']>;
} = {
  start: async (ask) => {
    base = ask.base;
    return (await session()).view;
  },
  block: async ({ height }) => (await session()).block(height),
  payment: async ({ id }) => (await session()).payment(id),
  address: async ({ address, lines }) => (await session()).address(address, lines),
  validators: async () => (await session()).validators(),
  trial: async ({ kind }) => (await session()).trial(kind),
  receipt: async ({ text }) => (await session()).receipt(text),
  walletOpen: async ({ words }) => {
    const { client } = await session();
    const module = await import('./wallet.ts');
    wallet = await module.PageWallet.open(client, base, words, (view) =>
      say({ notice: { kind: 'wallet', wallet: view } }),
    );
    return { words: wallet.words, wallet: wallet.view() };
  },
  walletFaucet: async () => ({ id: await openWallet().faucet() }),
  walletSend: async ({ to, amount, note }) => ({ id: await openWallet().send(to, amount, note) }),
  forget: async () => {
    await forgetAll();
    return null;
  },
};

addEventListener('message', ({ data }: MessageEvent<FromPage>) => {
  const answer = ANSWERS[data.name] as (ask: unknown) => Promise<unknown>;
  answer(data.ask)
    .then((value) => say({ id: data.id, answer: value }))
    .catch((error: unknown) => say({ id: data.id, refusal: refusalOf(error) }));
});

function refusalOf(error: unknown): Refusal {
  if (error instanceof FanalError) {
    return {
      code: error.code,
      message: error.message,
      hint: error.hint ?? null,
      step: stepOf(error),
    };
  }
  const message = String((error as Error)?.message ?? error);
  return { code: 'page/internal', message, hint: null, step: null };
}

function stepOf(error: FanalError): string | null {
  if (error instanceof VerificationError) return error.step;
  return error instanceof DecodeError ? 'reading the bytes' : null;
}
