/**
 * What is asked of nodes, by route, and what makes each answer true.
 *
 * Every function gives canonical bytes that it has checked against the log of the verified tip.
 * Parts that cannot be checked are left out.
 */
import { targetOf } from 'fanal/api/match.ts';
import { cursorKey, readCursor } from 'fanal/api/parameters.ts';
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import type { RouteParameters } from 'fanal/api/routes.ts';
import { type Block, blockCodec } from 'fanal/chain/block.ts';
import type { Coin } from 'fanal/chain/coin.ts';
import { genesisCodec } from 'fanal/chain/genesis.ts';
import { blockId } from 'fanal/chain/header.ts';
import {
  DEFAULT_PAGE_ITEMS,
  MAX_GENESIS_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGE_ITEMS,
  MAX_PROOF_BYTES,
} from 'fanal/chain/limits.ts';
import { coinKey } from 'fanal/chain/state-keys.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { type ValidatorSet, validatorSetCodec } from 'fanal/chain/validators.ts';
import { trimCosignatures } from 'fanal/checkpoint/certify.ts';
import { type AddressBytes, decodeAddress } from 'fanal/crypto/address.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import {
  addressProofCodec,
  type ProvedAddress,
  verifyAddressProof,
} from 'fanal/light/address-proof.ts';
import { coinsPageCodec, finishCoins, NO_COINS_YET, takeCoinsPage } from 'fanal/light/coins.ts';
import { handoverCodec, requireSet, takeHandover } from 'fanal/light/handover.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { stateProofCodec, verifyStateProof } from 'fanal/light/state-proof.ts';
import { transactionProofCodec, verifyTransactionProof } from 'fanal/light/transaction-proof.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { leafHash, listRoot } from 'fanal/merkle/list.ts';
import { type Bytes, compareBytes, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import type { ChainView } from './chain-view.ts';
import { MAX_BLOCK_ANSWER_BYTES, MAX_PROVED_COINS } from './limits.ts';

export interface QuestionContext {
  readonly view: ChainView;
  readonly verify: VerifyBatch;
  /** Another verified answer. */
  load(target: string): Promise<Bytes>;
  /** One node's answer that passed `check`, which may ask the same node for more. */
  ask<T>(
    target: string,
    maxBytes: number,
    check: (body: Bytes, more: AskMore) => Promise<T> | T,
  ): Promise<T>;
}

/** Asks the node whose answer is being checked: what one list is made of must come from one node. */
export type AskMore = (target: string, maxBytes: number) => Promise<Bytes>;

type Question<Name extends Parameters<typeof targetOf>[0]> = (
  parameters: RouteParameters<Name>,
  context: QuestionContext,
) => Promise<Bytes>;

const genesis: Question<'genesis'> = (_, { view, ask }) =>
  ask(targetOf('genesis', { format: 'bytes' }), MAX_GENESIS_BYTES, (body) => {
    const { genesisId } = trustGenesis(genesisCodec.decode(body));
    const expected = view.tip.state.genesisId;
    if (equalBytes(genesisId, expected)) return body;
    throw new VerificationError('genesis/id', 'genesis', toHex(expected), toHex(genesisId));
  });

const validatorSet: Question<'validatorSet'> = ({ hash }, { ask }) =>
  ask(targetOf('validatorSet', { hash, format: 'bytes' }), MAX_PAGE_BYTES, (body) => {
    requireSet('handover/validators', validatorSetCodec.decode(body), hash);
    return body;
  });

const handover: Question<'handover'> = ({ epoch }, context) =>
  context.ask(
    targetOf('handover', { epoch, format: 'bytes' }),
    MAX_PROOF_BYTES * 8,
    async (body) => {
      const { view, verify } = context;
      const found = handoverCodec.decode(body);
      const { origin } = view.tip.state;
      const validators = await setOf(found.header.validatorsHash, context);
      const { header } = await takeHandover({ origin, epoch, validators }, found, verify);
      // Its own checkpoint proves it; that the checkpoint is of our log is what this line adds.
      await requireLeaf(view, header);
      await requireRoot(view, found.checkpoint);
      const cosignatures = trimCosignatures(found.checkpoint.cosignatures, validators, 0);
      const checkpoint = { ...found.checkpoint, cosignatures };
      return handoverCodec.encode({ ...found, checkpoint });
    },
  );

/** A block as far as its header proves it: what only execution can check is left empty. */
const block: Question<'block'> = ({ height }, { view, ask }) => {
  if (height >= view.size) throw new Problem('not-found', { reason: 'block/above-tip' });
  const target = targetOf('block', { height, format: 'bytes' });
  return ask(target, MAX_BLOCK_ANSWER_BYTES, async (body) => {
    const found = blockCodec.decode(body);
    await requireLeaf(view, found.header, height);
    requireTransactions(found);
    const { header, transactions, nextValidators } = found;
    if (nextValidators !== null) {
      requireSet('handover/next-validators', nextValidators, header.nextValidatorsHash);
    }
    return blockCodec.encode({
      header,
      transactions,
      committed: [],
      equivocations: [],
      nextValidators,
    });
  });
};

const transactionProof: Question<'transactionProof'> = ({ txid }, { view, ask }) => {
  const at = view.size;
  const target = targetOf('transactionProof', { txid, at, format: 'bytes' });
  return ask(target, MAX_PROOF_BYTES, async (body) => {
    const found = transactionProofCodec.decode(body);
    const proved = verifyTransactionProof(found, await view.logAt(at));
    if (!equalBytes(proved.txid, txid)) {
      throw new VerificationError('proof/txid', 'transaction', toHex(txid), toHex(proved.txid));
    }
    return body;
  });
};

const state: Question<'state'> = ({ key, at }, { view, ask }) => {
  const size = view.sizeOf(at);
  return ask(
    targetOf('state', { key, at: size, format: 'bytes' }),
    MAX_PROOF_BYTES,
    async (body) => {
      verifyStateProof(stateProofCodec.decode(body), key, await view.header(size - 1n));
      return body;
    },
  );
};

const address: Question<'address'> = ({ address: text, at }, { view, ask }) => {
  const size = view.sizeOf(at);
  const target = targetOf('address', { address: text, at: size, format: 'bytes' });
  return ask(target, MAX_PROOF_BYTES, async (body) => {
    const header = await view.header(size - 1n);
    verifyAddressProof(addressProofCodec.decode(body), readAddress(text, view), header);
    return body;
  });
};

const history: Question<'history'> = async ({ address: text, at, from = 0n, limit }, context) => {
  const size = context.view.sizeOf(at);
  const proved = await provedAddress(text, size, context);
  const target = targetOf('history', {
    address: text,
    at: size,
    from,
    limit: limit ?? DEFAULT_PAGE_ITEMS,
    format: 'bytes',
  });
  return context.ask(target, MAX_PAGE_BYTES, (body) => {
    verifyHistoryPage(historyPageCodec.decode(body), from, proved);
    return body;
  });
};

/**
 * A page of coins proves nothing by itself: only the whole list gives the root in the address
 * record. So the list is read whole, checked, and the page is cut from it.
 */
const coins: Question<'coins'> = async ({ address: text, at, limit, cursor }, context) => {
  const pinned = cursor === undefined ? null : readCursor(cursor);
  const size = context.view.sizeOf(pinned?.at ?? at);
  const after = pinned === null ? null : cursorKey(pinned);
  if (pinned !== null && (after === null || (at !== undefined && at !== pinned.at))) {
    throw invalidRequest('/query/cursor', 'expected a cursor of this list');
  }
  const proved = await provedAddress(text, size, context);
  const all = await allCoins(text, size, proved, context);
  const first =
    after === null ? 0 : all.findIndex((coin) => compareBytes(coinKey(coin), after) > 0);
  const begin = first < 0 ? all.length : first;
  const page = all.slice(begin, begin + (limit ?? DEFAULT_PAGE_ITEMS));
  return coinsPageCodec.encode({
    address: proved.address,
    height: proved.height,
    coins: page,
    hasMore: begin + page.length < all.length,
  });
};

/** By route. Tiles are asked for through the log. */
export const QUESTIONS = {
  genesis,
  validatorSet,
  handover,
  block,
  transactionProof,
  state,
  address,
  coins,
  history,
} as const;

/** Reads a list of coins to its end from one node, and checks that it is complete. */
function allCoins(
  text: string,
  size: bigint,
  proved: ProvedAddress,
  { ask }: QuestionContext,
): Promise<readonly Coin[]> {
  if (proved.record.coinCount > BigInt(MAX_PROVED_COINS)) {
    throw new Problem('upstream-unverified', { reason: 'coins/too-many' });
  }
  if (proved.record.coinCount === 0n) return Promise.resolve([]);
  const target = (cursor?: string) =>
    targetOf('coins', {
      address: text,
      at: size,
      limit: MAX_PAGE_ITEMS,
      ...(cursor === undefined ? {} : { cursor }),
      format: 'bytes',
    });
  return ask(target(), MAX_PAGE_BYTES, async (body, more) => {
    let soFar = takeCoinsPage(NO_COINS_YET, coinsPageCodec.decode(body), proved);
    while (!soFar.isLast) {
      const last = soFar.leaves.at(-1)?.key as Bytes;
      const next = await more(target(`${size}-${toHex(last)}`), MAX_PAGE_BYTES);
      soFar = takeCoinsPage(soFar, coinsPageCodec.decode(next), proved);
    }
    return finishCoins(soFar, proved);
  });
}

async function provedAddress(
  text: string,
  size: bigint,
  { view, load }: QuestionContext,
): Promise<ProvedAddress> {
  const bytes = await load(targetOf('address', { address: text, at: size }));
  const header = await view.header(size - 1n);
  return verifyAddressProof(addressProofCodec.decode(bytes), readAddress(text, view), header);
}

/** @throws {Problem} `invalid-request` for a wrong checksum, or another network's address */
export function readAddress(text: string, view: ChainView): AddressBytes {
  try {
    return decodeAddress(text, view.tip.state.prefix).address;
  } catch (cause) {
    throw new Problem('invalid-request', {
      errors: [{ pointer: '/path/address', detail: 'expected an address of this network' }],
      cause,
    });
  }
}

async function setOf(
  hash: ValidatorSet['hash'],
  { view, load }: QuestionContext,
): Promise<ValidatorSet> {
  const { validators } = view.tip.state;
  if (equalBytes(validators.hash, hash)) return validators;
  return validatorSetCodec.decode(await load(targetOf('validatorSet', { hash })));
}

async function requireLeaf(
  view: ChainView,
  header: Block['header'],
  height = header.height,
): Promise<void> {
  if (height >= view.size) throw new Problem('not-yet-certified');
  const expected = await view.log.leaf(height);
  const found = blockId(header);
  if (equalBytes(expected, found)) return;
  throw new VerificationError('proof/root-mismatch', 'header', toHex(expected), toHex(found));
}

async function requireRoot(
  view: ChainView,
  { size, root }: { size: bigint; root: Bytes },
): Promise<void> {
  const { root: expected } = await view.logAt(size);
  if (equalBytes(expected, root)) return;
  throw new VerificationError('proof/root-mismatch', 'checkpoint', toHex(expected), toHex(root));
}

/** The transactions are those of the header: their leaves give its root. */
function requireTransactions({ header, transactions }: Block): void {
  const leaves = transactions.map((bytes) => {
    const { transaction, witnesses } = splitTransaction(bytes);
    return leafHash(transactionLeaf(txidOf(transaction), witnesses));
  });
  const found = listRoot(leaves);
  if (leaves.length === header.txCount && equalBytes(found, header.txRoot)) return;
  throw new VerificationError('proof/root-mismatch', 'block', toHex(header.txRoot), toHex(found));
}
