/**
 * What can be wrong with a transaction before anyone looks at the state: cheap checks first, the
 * signatures handed out at the end (docs/protocol.md §3.4).
 */
import type { SignedItem } from '../crypto/filter.ts';
import { type Bytes, type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { Reader } from '../primitives/codec.ts';
import { DecodeError } from '../primitives/errors.ts';
import { type Hash, type TaggedHash, taggedHash } from '../primitives/hash.ts';
import { bondedUnits } from './action.ts';
import { MAX_SUPPLY, MAX_TRANSACTION_BYTES, MIN_TRANSACTION_BYTES } from './limits.ts';
import type { Params } from './params.ts';
import { hasDistinctKeys, possessionItems } from './registration.ts';
import {
  CHAIN_BYTES,
  type SignedTransaction,
  type Transaction,
  transactionCodec,
  witnessesCodec,
} from './transaction.ts';
import { witnessAddress, witnessItems } from './witness.ts';

/** Why a transaction is refused. The first four need no more than its bytes. */
export type TransactionProblemCode =
  | 'transaction/malformed'
  | 'transaction/too-small'
  | 'transaction/too-large'
  | 'transaction/wrong-chain'
  | 'transaction/no-inputs'
  | 'transaction/duplicate-input'
  | 'transaction/dust'
  | 'transaction/overflow'
  | 'transaction/action'
  | 'transaction/witnesses'
  | 'transaction/bad-signature';

/** What the checks need to know about the chain. */
export interface TransactionRules {
  readonly genesisId: Bytes32;
  readonly params: Pick<Params, 'dust' | 'feePerByte' | 'minStake'>;
  /** A faster one than plain JavaScript's, where thousands are checked. */
  readonly taggedHash?: TaggedHash;
}

/** A transaction whose shape is right; its signatures and coins are still to be checked. */
export interface ShapedTransaction {
  readonly signed: SignedTransaction;
  readonly txid: Hash;
  /** With witnesses. */
  readonly sizeBytes: number;
  /** Where in its bytes the witnesses begin. */
  readonly witnessesAt: number;
  /** Units of all outputs and bonds: what the inputs must cover besides the fee. */
  readonly spentUnits: bigint;
  /** The least fee for its size. */
  readonly minFeeUnits: bigint;
  /** The address of each witness, in order. */
  readonly witnessAddresses: readonly Bytes[];
  /** Every signature it carries, possession proofs included. All must be valid. */
  readonly items: readonly SignedItem[];
}

export type ShapeVerdict =
  | { readonly kind: 'shaped'; readonly shaped: ShapedTransaction }
  | {
      readonly kind: 'refused';
      readonly code: TransactionProblemCode;
      readonly message: string;
    };

/**
 * Checks the shape of a transaction given in bytes.
 *
 * The caller goes on with the signatures (`items`), then with the coins: that the inputs exist,
 * that each witness is the one of its input's address in order of first use, and that
 * inputs − `spentUnits` is at least `minFeeUnits`.
 */
export function checkShape(bytes: Bytes, rules: TransactionRules): ShapeVerdict {
  if (bytes.length > MAX_TRANSACTION_BYTES) {
    return refused('too-large', `expected at most ${MAX_TRANSACTION_BYTES} bytes`);
  }
  if (bytes.length < MIN_TRANSACTION_BYTES) {
    return refused('too-small', `expected at least ${MIN_TRANSACTION_BYTES} bytes`);
  }
  let signed: SignedTransaction;
  const reader = new Reader(bytes, 'signed transaction');
  let witnessesAt: number;
  try {
    const transaction = transactionCodec.read(reader);
    witnessesAt = bytes.length - reader.remaining;
    signed = { transaction, witnesses: witnessesCodec.read(reader) };
    reader.end();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return refused('malformed', error.message);
  }
  const { transaction, witnesses } = signed;
  const { genesisId, params, taggedHash: hash = taggedHash } = rules;
  if (!equalBytes(transaction.chain, genesisId.subarray(0, CHAIN_BYTES))) {
    return refused('wrong-chain', `the transaction is for chain ${toHex(transaction.chain)}`);
  }
  if (transaction.inputs.length === 0) return refused('no-inputs', 'nothing pays the fee');
  const amounts = checkAmounts(transaction, params.dust);
  if (typeof amounts !== 'bigint') return amounts;
  const problem = checkInputs(transaction) ?? checkActions(transaction, params.minStake);
  if (problem !== null) return problem;
  if (witnesses.length === 0 || witnesses.length > transaction.inputs.length) {
    return refused('witnesses', 'expected one witness for each distinct input address');
  }
  const witnessAddresses = witnesses.map((witness) => witnessAddress(witness, hash));
  if (!areDistinct(witnessAddresses)) {
    return refused('witnesses', 'two witnesses speak for one address');
  }
  const encoded = bytes.subarray(0, witnessesAt);
  const sighash = hash('fanal/sighash/v1', genesisId, encoded);
  const items = witnesses.flatMap((witness) => witnessItems(witness, sighash));
  for (const action of transaction.actions) {
    if (action.kind === 'register') items.push(...possessionItems(action.registration, genesisId));
  }
  return {
    kind: 'shaped',
    shaped: {
      signed,
      txid: hash('fanal/txid/v1', encoded),
      sizeBytes: bytes.length,
      witnessesAt,
      spentUnits: amounts,
      minFeeUnits: params.feePerByte * BigInt(bytes.length),
      witnessAddresses,
      items,
    },
  };
}

/** The sum of outputs and bonds, or what is wrong with one of them. */
function checkAmounts({ outputs, actions }: Transaction, dust: bigint): bigint | ShapeVerdict {
  let sum = 0n;
  for (const { amount } of outputs) {
    if (amount < dust)
      return refused('dust', `an output of ${amount} units; dust is below ${dust}`);
    sum += amount;
  }
  for (const action of actions) sum += bondedUnits(action);
  if (sum > MAX_SUPPLY) return refused('overflow', `outputs and bonds sum to ${sum} units`);
  return sum;
}

function checkInputs({ inputs }: Transaction): ShapeVerdict | null {
  if (inputs.length === 1) return null;
  const seen = new Set<string>();
  for (const { txid, index } of inputs) {
    const name = `${toHex(txid)}:${index}`;
    if (seen.has(name)) return refused('duplicate-input', `${name} is spent twice`);
    seen.add(name);
  }
  return null;
}

function areDistinct(addresses: readonly Bytes[]): boolean {
  return addresses.length === 1 || new Set(addresses.map(toHex)).size === addresses.length;
}

/** Amounts are positive; a registration has distinct keys and is followed by its first bond. */
function checkActions({ actions }: Transaction, minStake: bigint): ShapeVerdict | null {
  for (const [i, action] of actions.entries()) {
    if ((action.kind === 'bond' || action.kind === 'unbond') && action.amount === 0n) {
      return refused('action', `${action.kind} of nothing`);
    }
    if (action.kind === 'ready' && action.version === 0) {
      return refused('action', 'ready for no version');
    }
    if (action.kind !== 'register') continue;
    const { registration } = action;
    if (!hasDistinctKeys(registration)) {
      return refused('action', `${registration.name}: one key is used for two things`);
    }
    const bond = actions[i + 1];
    if (bond?.kind !== 'bond' || bond.validator !== registration.name || bond.amount < minStake) {
      return refused(
        'action',
        `${registration.name}: a bond of at least ${minStake} units must follow its registration`,
      );
    }
  }
  return null;
}

function refused(
  problem: TransactionProblemCode extends `transaction/${infer Problem}` ? Problem : never,
  message: string,
): ShapeVerdict {
  return { kind: 'refused', code: `transaction/${problem}`, message };
}
