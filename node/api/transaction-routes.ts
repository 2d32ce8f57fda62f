/**
 * Routes about transactions: what is in the chain, and what wants to be.
 */
import { faucetGrantShape, faucetRequestShape } from 'fanal/api/chain.ts';
import { parseJson } from 'fanal/api/json.ts';
import { targetOf } from 'fanal/api/match.ts';
import { readCursor, writeCursor } from 'fanal/api/parameters.ts';
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import {
  placedTransactionShape,
  submitShape,
  submittedShape,
  type TransactionStatus,
  transactionPageShape,
  transactionProofShape,
  transactionStatusShape,
} from 'fanal/api/transaction.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { DEFAULT_PAGE_ITEMS, MAX_WAIT_SECONDS } from 'fanal/chain/limits.ts';
import { signedTransactionCodec } from 'fanal/chain/transaction.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { receiptCodec } from 'fanal/light/receipt.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import { transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { StoredTransaction } from '../ledger/ledger.ts';
import { bytes, json, text } from './answer.ts';
import { type Context, found, type Handlers, sized } from './handler.ts';

export const transactionRoutes: Handlers<
  | 'blockTransactions'
  | 'transaction'
  | 'transactionProof'
  | 'receipt'
  | 'transactionStatus'
  | 'submit'
  | 'faucet'
> = {
  async blockTransactions({ name, parameters }, context) {
    const { height, limit = DEFAULT_PAGE_ITEMS, cursor: given } = parameters;
    const cursor = given === undefined ? null : readCursor(given);
    if (given !== undefined && (cursor === null || cursor.at !== height + 1n)) {
      throw invalidRequest('/query/cursor', 'expected the cursor of the page before');
    }
    const first = cursor === null ? 0 : Number(cursor.after);
    const { height: certified } = await context.tip();
    const page = found(
      height > certified ? null : await context.ledger.blockTransactions(height, first, limit + 1),
    );
    const items = page.slice(0, limit);
    const next =
      page.length > limit ? writeCursor({ at: height + 1n, after: `${first + limit}` }) : null;
    const { prefix } = context.identity;
    return json(
      transactionPageShape(prefix).to({ height, items: items.map(placed), next }),
      'immutable',
      next === null
        ? {}
        : { headers: { link: `<${targetOf(name, { height, limit, cursor: next })}>; rel="next"` } },
    );
  },

  async transaction({ parameters }, { ledger, identity }) {
    const stored = found(await ledger.transaction(parameters.txid));
    if (!stored.certified) throw new Problem('not-found');
    if (parameters.format === 'bytes') return bytes(stored.bytes, 'immutable');
    return json(placedTransactionShape(identity.prefix).to(placed(stored)), 'immutable');
  },

  async transactionProof({ name, parameters }, context) {
    const proof = found(await context.ledger.transactionProof(parameters.txid, parameters.at));
    const { cache, headers } = await sized(context, name, parameters);
    if (parameters.format === 'bytes') return bytes(proof, cache, { headers });
    const shape = transactionProofShape(context.identity.prefix);
    return json(shape.to(transactionProofCodec.decode(proof)), cache, { headers });
  },

  async receipt({ parameters }, { ledger }) {
    const encoded = found(await ledger.receipt(parameters.txid, parameters.epoch));
    if (parameters.format === 'bytes') return bytes(encoded, 'tip');
    const receipt = receiptCodec.decode(encoded);
    const certified = found(await ledger.header(receipt.checkpoint.size - 1n));
    const { validatorsHash } = headerCodec.decode(certified);
    const set = validatorSetCodec.decode(found(await ledger.validatorSet(validatorsHash)));
    return text(formatReceipt(receipt, set), 'tip');
  },

  async transactionStatus({ parameters }, context) {
    return json(transactionStatusShape.to(await statusOf(context, parameters.txid)), 'none');
  },

  async submit(_, context) {
    const outcome = await context.mempool.submit(transactionIn(context), context.client);
    if (outcome.kind === 'rejected') {
      throw new Problem(outcome.problem, { reason: outcome.reason });
    }
    const { txid } = outcome;
    const seconds = waitSeconds(context.request.headers.get('prefer'));
    const status =
      seconds > 0
        ? await settled(context, txid, seconds)
        : // What was taken a moment ago waits: no need to look it up.
          outcome.kind === 'accepted'
          ? ({ kind: 'pending' } as const)
          : await statusOf(context, txid);
    return json(submittedShape.to({ txid, status }), 'none', {
      status: outcome.kind === 'accepted' && status.kind !== 'certified' ? 202 : 200,
      headers: {
        location: targetOf('transactionStatus', { txid }),
        ...(seconds === 0 ? {} : { 'preference-applied': `wait=${seconds}` }),
      },
    });
  },

  async faucet(_, context) {
    if (context.faucet === null) throw new Problem('not-found');
    const { address } = faucetRequestShape(context.identity.prefix).from(
      parseJson(context.body),
      '/body',
    );
    const grant = await context.faucet.send(address);
    if (grant === null) throw new Problem('quota-exceeded', { retryAfterSeconds: 60 });
    return json(faucetGrantShape.to(grant), 'none', { status: 202 });
  },
};

/** A submitted transaction: canonical octets, or JSON with them in hex. */
function transactionIn({ request, body }: Context): Bytes {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/octet-stream') return body;
  if (type === 'application/json') return submitShape.from(parseJson(body), '/body').transaction;
  throw invalidRequest(
    '/header/content-type',
    'expected application/octet-stream or application/json',
  );
}

/** The seconds in `Prefer: wait=10` (RFC 7240 §4.3), at most 30. */
function waitSeconds(prefer: string | null): number {
  const match = /(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])/.exec(prefer ?? '');
  return match === null ? 0 : Math.min(Number(match[1]), MAX_WAIT_SECONDS);
}

async function statusOf({ ledger, mempool }: Context, txid: Bytes32): Promise<TransactionStatus> {
  const status = await ledger.transactionStatus(txid);
  if (status.kind === 'committed' || status.kind === 'certified') return status;
  const waiting = mempool.status(txid);
  // That it waits here, again perhaps, is newer than a block that left it out.
  if (waiting?.kind === 'pending' || status.kind === 'unknown') return waiting ?? status;
  return status;
}

/** The status once it cannot change any more, or when the time is up. */
async function settled(
  context: Context,
  txid: Bytes32,
  seconds: number,
): Promise<TransactionStatus> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = async () => {
    const status = await statusOf(context, txid);
    if (status.kind === 'certified' || status.kind === 'rejected') resolve();
  };
  // Listens first and looks then, so that nothing falls between.
  const unsubscribe = context.feed.subscribe(() => void look().catch(() => resolve()));
  const timer = setTimeout(resolve, seconds * 1000);
  context.signal.addEventListener('abort', () => resolve(), { once: true });
  try {
    await look();
    await promise;
    return await statusOf(context, txid);
  } finally {
    unsubscribe();
    clearTimeout(timer);
  }
}

function placed({ txid, height, position, bytes: encoded }: StoredTransaction) {
  return { txid, height, position, signed: signedTransactionCodec.decode(encoded) };
}
