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
import { blockCodec } from 'fanal/chain/block.ts';
import { DEFAULT_PAGE_ITEMS, MAX_WAIT_SECONDS } from 'fanal/chain/limits.ts';
import { joinTransaction, signedTransactionCodec, transactionId } from 'fanal/chain/transaction.ts';
import { checkShape } from 'fanal/chain/transaction-check.ts';
import { receiptCodec } from 'fanal/light/receipt.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import { type TransactionProof, transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import { type Bytes, type Bytes32, concat, utf8 } from 'fanal/primitives/bytes.ts';
import type { ChainView } from '../chain/chain-view.ts';
import { fromRefusal } from '../chain/loaded.ts';
import { linkTo } from './address-routes.ts';
import { json, octets, text } from './answer.ts';
import { handoversBetween } from './chain-routes.ts';
import { type Context, type Handlers, notFound, ofTip, sized } from './handler.ts';
import type { RelayAnswer } from './ports.ts';

export const transactionRoutes: Handlers<
  | 'blockTransactions'
  | 'transaction'
  | 'transactionProof'
  | 'receipt'
  | 'transactionStatus'
  | 'submit'
  | 'faucet'
> = {
  async blockTransactions({ name, parameters }, { load, tips, prefix }) {
    const { height, limit = DEFAULT_PAGE_ITEMS, cursor: given } = parameters;
    const cursor = given === undefined ? null : readCursor(given);
    const first = cursor === null ? 0 : Number(cursor.after);
    if (given !== undefined && (cursor?.at !== height + 1n || !Number.isSafeInteger(first))) {
      throw invalidRequest('/query/cursor', 'expected the cursor of the page before');
    }
    if (height >= (await tips.view()).size) throw notFound('block/above-tip');
    const { transactions } = blockCodec.decode(await load(targetOf('block', { height })));
    const end = first + limit;
    const items = transactions.slice(first, end).map((bytes, i) => {
      const signed = signedTransactionCodec.decode(bytes);
      return { txid: transactionId(signed.transaction), height, position: first + i, signed };
    });
    const next =
      end < transactions.length ? writeCursor({ at: height + 1n, after: `${end}` }) : null;
    return json(transactionPageShape(prefix).to({ height, items, next }), 'immutable', {
      headers: linkTo(next, (cursor) => targetOf(name, { height, limit, cursor })),
    });
  },

  async transaction({ parameters }, context) {
    const place = await placeOf(parameters.txid, context);
    const { transaction, witnesses, position, header } = place;
    if (parameters.format === 'bytes') return octets(concat(transaction, witnesses), 'immutable');
    return json(
      placedTransactionShape(context.prefix).to({
        txid: parameters.txid,
        height: header.header.height,
        position,
        signed: joinTransaction(place),
      }),
      'immutable',
    );
  },

  async transactionProof({ name, parameters }, context) {
    const { view, size, cache, more } = await sized(context, name, parameters);
    const proof = await proofAt(parameters.txid, size, view, context);
    if (parameters.format === 'bytes') {
      return octets(transactionProofCodec.encode(proof), cache, more);
    }
    return json(transactionProofShape(context.prefix).to(proof), cache, more);
  },

  async receipt({ parameters }, context) {
    const view = await context.tips.view();
    const { size } = view;
    const { origin, header, root, cosignatures, validators } = view.tip.state;
    if (cosignatures.length === 0) throw notFound('receipt/genesis');
    const epoch = parameters.epoch ?? header.epoch;
    if (epoch > header.epoch) throw new Problem('not-yet-certified');
    const [proof, handovers] = await Promise.all([
      proofAt(parameters.txid, size, view, context),
      handoversBetween(epoch, header.epoch, context),
    ]);
    const receipt = {
      origin,
      epoch,
      handovers,
      checkpoint: { size, root, cosignatures },
      header: proof.header.header,
      path: proof.header.path,
      transaction: proof,
    };
    if (parameters.format === 'bytes') {
      return octets(receiptCodec.encode(receipt), 'tip', ofTip(view));
    }
    return text(formatReceipt(receipt, validators), 'tip', ofTip(view));
  },

  async transactionStatus({ parameters }, context) {
    return json(transactionStatusShape.to(await statusOf(parameters.txid, context)), 'none');
  },

  async submit(_, context) {
    const bytes = transactionIn(context);
    const txid = await requireShape(bytes, context);
    const answers = await context.nodes.relay(targetOf('submit', {}), bytes, OCTETS);
    const status = outcomeOf(answers, context);
    const seconds = context.waitSeconds;
    const standing =
      seconds === 0 ? await statusOf(txid, context) : await settled(txid, seconds, context);
    return json(submittedShape.to({ txid, status: standing }), 'none', {
      status: standing.kind === 'certified' ? 200 : status,
      headers: {
        location: context.identity.basePath + targetOf('transactionStatus', { txid }),
        ...(seconds === 0 ? {} : { 'preference-applied': `wait=${seconds}` }),
      },
    });
  },

  async faucet(_, context) {
    if (!context.identity.faucet) throw notFound('faucet/none');
    const shape = faucetRequestShape(context.prefix);
    const asked = shape.from(parseJson(context.body), '/body');
    const body = utf8(JSON.stringify(shape.to(asked)));
    // Two nodes would give twice: a grant has no name by which to know it again.
    const answers = await context.nodes.relay(targetOf('faucet', {}), body, JSON_TYPE, 1);
    for (const answer of answers) {
      if (answer.kind !== 'taken') continue;
      const grant = faucetGrantShape.from(parseJson(answer.body));
      return json(faucetGrantShape.to(grant), 'none', { status: 202 });
    }
    throw refusalOf(answers);
  },
};

const OCTETS = 'application/octet-stream';
const JSON_TYPE = 'application/json';

/** A transaction's place in its block, which no tip changes. */
async function placeOf(txid: Bytes32, { load }: Context): Promise<TransactionProof> {
  return transactionProofCodec.decode(await load(targetOf('transactionProof', { txid })));
}

/** The proof in the log of `size` headers: the place as it was loaded, the path out of tiles. */
async function proofAt(
  txid: Bytes32,
  size: bigint,
  view: ChainView,
  context: Context,
): Promise<TransactionProof> {
  const place = await placeOf(txid, context);
  const { header } = place.header;
  if (header.height >= size) throw notFound('transaction/above-size');
  return {
    ...place,
    header: { header, size, path: await view.log.inclusion(header.height, size) },
  };
}

/**
 * Where a transaction stands. That it is certified is never taken on anybody's word: it is proved,
 * or it is not said.
 */
async function statusOf(txid: Bytes32, context: Context): Promise<TransactionStatus> {
  const target = targetOf('transactionStatus', { txid });
  const said = await context.nodes.report(target, (body) =>
    transactionStatusShape.from(parseJson(body)),
  );
  if (said.kind !== 'certified' && said.kind !== 'committed') return said;
  try {
    const { position, header } = await placeOf(txid, context);
    return { kind: 'certified', height: header.header.height, position };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    return said.kind === 'committed' ? said : { ...said, kind: 'committed' };
  }
}

const LOOK_AGAIN_MILLIS = 200;

/** The status once it cannot change any more, or when the time is up. */
async function settled(
  txid: Bytes32,
  seconds: number,
  context: Context,
): Promise<TransactionStatus> {
  const until = context.now() + seconds * 1000;
  let size = 0n;
  let status: TransactionStatus = { kind: 'pending' };
  while (context.now() < until) {
    const view = await context.tips.view();
    // Only a new block can change anything.
    if (view.size > size) {
      size = view.size;
      status = await statusOf(txid, context);
      if (status.kind === 'certified' || status.kind === 'rejected') return status;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MILLIS));
  }
  return status;
}

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

/**
 * Refuses here what every node would refuse, so that junk costs the nodes nothing.
 *
 * @throws {Problem} `transaction-invalid`
 */
async function requireShape(bytes: Bytes, context: Context): Promise<Bytes32> {
  const { genesisId } = context.identity.anchor;
  const verdict = checkShape(bytes, { genesisId, params: await context.params() });
  if (verdict.kind === 'refused') {
    throw new Problem('transaction-invalid', { reason: verdict.code });
  }
  const { txid, items } = verdict.shaped;
  const valid = await context.verify(items);
  if (!valid.every((one) => one)) {
    throw new Problem('transaction-invalid', { reason: 'transaction/bad-signature' });
  }
  return txid;
}

/** The seconds in `Prefer: wait=10` (RFC 7240 §4.3), at most 30. */
export function waitSeconds(prefer: string | null): number {
  const match = /(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])/.exec(prefer ?? '');
  return match === null ? 0 : Math.min(Number(match[1]), MAX_WAIT_SECONDS);
}

/** 202 if a node took it, 200 if one had it already. */
function outcomeOf(answers: readonly RelayAnswer[], { metrics }: Context): number {
  const taken = answers.filter((answer) => answer.kind === 'taken');
  if (taken.length === 0) {
    const isRefused = answers.some((answer) => answer.kind === 'refused');
    metrics.count('broadcasts_total', { outcome: isRefused ? 'rejected' : 'failed' });
    throw refusalOf(answers);
  }
  const isNew = taken.some(({ status }) => status === 202);
  metrics.count('broadcasts_total', { outcome: isNew ? 'accepted' : 'known' });
  return isNew ? 202 : 200;
}

function refusalOf(answers: readonly RelayAnswer[]): Problem {
  for (const answer of answers) {
    if (answer.kind !== 'refused') continue;
    return fromRefusal(answer.problem);
  }
  return new Problem('upstream-unverified', { retryAfterSeconds: 1 });
}
