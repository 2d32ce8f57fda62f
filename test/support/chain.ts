/**
 * A small real chain in memory: real keys, real signatures, payments and epochs, and every proof
 * that a node would serve of it.
 *
 *     const chain = testChain();
 *     chain.pay('alice', 'bob', 5n);          // into the next block
 *     chain.block();                          // one block with what is pending
 *     chain.endEpoch();                       // the last block of the epoch
 *     await follow(chain.genesisTrust(), chain.update(1n), { now: chain.now(), verify });
 */

import type { Action } from 'fanal/chain/action.ts';
import type { Block } from 'fanal/chain/block.ts';
import type { Coin } from 'fanal/chain/coin.ts';
import { type Genesis, sortGenesis } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import { blockId, type Header } from 'fanal/chain/header.ts';
import { historyEntryCodec } from 'fanal/chain/history-entry.ts';
import type { Params } from 'fanal/chain/params.ts';
import { PUBLIC_PARAMS } from 'fanal/chain/params-presets.ts';
import { genesisContext } from 'fanal/chain/registration.ts';
import { addressKey, coinKey } from 'fanal/chain/state-keys.ts';
import {
  chainBytes,
  type SignedTransaction,
  signedTransactionCodec,
  type Transaction,
  transactionId,
  transactionSighash,
  witnessesCodec,
} from 'fanal/chain/transaction.ts';
import { transactionLeaf } from 'fanal/chain/transaction-leaf.ts';
import { type Validator, type ValidatorSet, validatorSet } from 'fanal/chain/validators.ts';
import { type Cosignature, cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { type CosignedCheckpoint, checkpointNote } from 'fanal/checkpoint/cosigned.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { sign as signInJavaScript } from 'fanal/crypto/ed25519.ts';
import type { AddressProof } from 'fanal/light/address-proof.ts';
import type { CoinsPage } from 'fanal/light/coins.ts';
import type { Handover } from 'fanal/light/handover.ts';
import type { HeaderProof } from 'fanal/light/header-proof.ts';
import type { HistoryPage } from 'fanal/light/history.ts';
import type { Receipt } from 'fanal/light/receipt.ts';
import type { StateProof } from 'fanal/light/state-proof.ts';
import type { TransactionProof } from 'fanal/light/transaction-proof.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import type { Update } from 'fanal/light/update.ts';
import {
  appendLeaf,
  consistencyProof,
  EMPTY_ROOT,
  emptyRange,
  inclusionProof,
  leafHash,
  listRoot,
  rangeProof,
  rangeRoot,
} from 'fanal/merkle/list.ts';
import { type Bytes32, EMPTY_BYTES, toHex, utf8, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { ChainState } from './chain-state.ts';
import {
  account,
  type Sign,
  type TestAccount,
  type TestValidator,
  testValidator,
} from './people.ts';

export const TEST_DOMAIN = 'test.fanal.example';

export interface TestChainOptions {
  /** How many validators, or the stake of each in coins. Four of 1,000 by default. */
  readonly validators?: number | readonly bigint[];
  /** Names of people who own 1,000 coins at genesis. */
  readonly people?: readonly string[];
  readonly network?: string;
  /** Milliseconds since 1970. */
  readonly time?: bigint;
  readonly params?: Partial<Params>;
  /** A faster signer, where thousands of signatures are made. */
  readonly sign?: Sign;
}

/** What is signed and when, in a checkpoint made by hand. */
export interface CosignOptions {
  /** Names of the cosigners; everybody by default. */
  readonly signers?: readonly string[];
  /** Unix seconds; one second after the newest header by default. */
  readonly time?: bigint;
}

export interface BlockOptions {
  readonly transactions?: readonly SignedTransaction[];
  readonly time?: bigint;
  /** The next epoch's set: the block ends the epoch. */
  readonly nextValidators?: ValidatorSet;
  /** Fields that differ from what an honest chain would have: a lunatic's header. */
  readonly forge?: Partial<Header>;
}

/** Starts a chain: genesis alone, size 1. */
export function testChain(options: TestChainOptions = {}): TestChain {
  return new TestChain(options);
}

export class TestChain {
  readonly genesis: Genesis;
  readonly genesisState: GenesisState;
  /** Everybody who ever validated, by name. */
  readonly validators = new Map<string, TestValidator>();
  readonly blocks: Block[] = [];
  readonly #sign: Sign;
  readonly #people = new Map<string, TestAccount>();
  readonly #state: ChainState;
  readonly #leaves: Hash[] = [];
  readonly #roots: Hash[] = [EMPTY_ROOT];
  #range = emptyRange();
  readonly #sets: ValidatorSet[] = [];
  readonly #places = new Map<string, { height: number; position: number }>();
  #pending: SignedTransaction[] = [];
  #spentByPending = new Set<string>();

  constructor(options: TestChainOptions) {
    const { validators = 4, people = ['alice', 'bob', 'carol'], network = 'unit' } = options;
    const { time = 1_750_000_000_000n, params = {}, sign = signInJavaScript } = options;
    this.#sign = sign;
    const stakes =
      typeof validators === 'number' ? new Array<bigint>(validators).fill(1_000n) : validators;
    const context = genesisContext(TEST_DOMAIN, network);
    stakes.forEach((coins, i) => {
      const name = `val-${String(i + 1).padStart(3, '0')}`;
      this.validators.set(name, testValidator(name, coins * UNITS_PER_COIN, context, sign));
    });
    this.genesis = sortGenesis({
      domain: TEST_DOMAIN,
      network,
      prefix: 'dfan',
      time,
      params: { ...PUBLIC_PARAMS, protocolVersion: 1, ...params },
      validators: [...this.validators.values()].map(({ registration, validator }) => ({
        registration,
        stake: validator.stake,
      })),
      balances: people.map((name) => ({
        address: this.person(name).address,
        amount: 1_000n * UNITS_PER_COIN,
      })),
    });
    this.genesisState = genesisState(this.genesis);
    this.#sets.push(this.genesisState.validators);
    this.#state = new ChainState(this.genesisState, {
      epoch: 0,
      startTime: time,
      supply: this.genesis.balances.reduce(
        (sum, { amount }) => sum + amount,
        this.genesisState.validators.totalStake,
      ),
      fees: 0n,
      committed: this.genesisState.validators.validators.map(() => 0n),
    });
    this.#append({
      header: this.genesisState.header,
      transactions: [],
      committed: [],
      equivocations: [],
      nextValidators: null,
    });
  }

  get origin(): string {
    return this.genesisState.origin;
  }

  get genesisId(): Hash {
    return this.genesisState.genesisId;
  }

  /** Headers so far. */
  get size(): bigint {
    return BigInt(this.#leaves.length);
  }

  get tip(): Header {
    return (this.blocks.at(-1) as Block).header;
  }

  /** The set of the epoch that the next block belongs to. */
  get set(): ValidatorSet {
    return this.#sets.at(-1) as ValidatorSet;
  }

  /** A client's clock: two seconds after the newest header. */
  now(): bigint {
    return this.tip.time + 2_000n;
  }

  person(name: string): TestAccount {
    const known = this.#people.get(name) ?? account(name);
    this.#people.set(name, known);
    return known;
  }

  header(height: bigint): Header {
    return (this.blocks[Number(height)] as Block).header;
  }

  root(size = this.size): Hash {
    return this.#roots[Number(size)] as Hash;
  }

  setOf(epoch: number): ValidatorSet {
    return this.#sets[epoch] as ValidatorSet;
  }

  /** Puts a payment into the next block. */
  pay(from: string, to: string, coins: bigint, note = ''): SignedTransaction {
    return this.submit(this.payment(from, [{ to, units: coins * UNITS_PER_COIN }], note));
  }

  /** Puts any transaction into the next block. */
  submit(signed: SignedTransaction): SignedTransaction {
    this.#pending.push(signed);
    for (const input of signed.transaction.inputs) this.#spentByPending.add(toHex(coinKey(input)));
    return signed;
  }

  /** Builds and signs a payment from coins that nothing pending spends. */
  payment(
    from: string,
    to: readonly { readonly to: string; readonly units: bigint }[],
    note = '',
    actions: readonly Action[] = [],
  ): SignedTransaction {
    const payer = this.person(from);
    const outputs = to.map((item) => ({
      amount: item.units,
      address: this.person(item.to).address,
    }));
    const bonded = actions.reduce((n, a) => n + (a.kind === 'bond' ? a.amount : 0n), 0n);
    const needed = outputs.reduce((sum, { amount }) => sum + amount, bonded) + 200_000n;
    const coins = this.#choose(payer.address, needed);
    const total = coins.reduce((sum, { amount }) => sum + amount, 0n);
    const build = (change: bigint): SignedTransaction =>
      this.sign(
        {
          chain: chainBytes(this.genesisId),
          expiry: this.tip.height + 1_000n,
          inputs: coins.map(({ txid, index }) => ({ txid, index })),
          outputs: [...outputs, { amount: change, address: payer.address }],
          actions,
          note: note === '' ? EMPTY_BYTES : utf8(note),
        },
        [payer],
      );
    const { length } = signedTransactionCodec.encode(build(1_000n));
    const fee = this.genesis.params.feePerByte * BigInt(length);
    return build(total - (needed - 200_000n) - fee);
  }

  /** Signs a transaction by people who own its inputs, in order of first use. */
  sign(transaction: Transaction, signers: readonly TestAccount[]): SignedTransaction {
    const sighash = transactionSighash(transaction, this.genesisId);
    const witnesses = signers.map(({ seed, publicKey }) => ({
      kind: 'key' as const,
      publicKey,
      signature: this.#sign(sighash, seed),
    }));
    return { transaction, witnesses };
  }

  /** Makes the next block, of what is pending unless told otherwise. */
  block(options: BlockOptions = {}): Block {
    const { transactions = this.#pending, nextValidators = null, forge = {} } = options;
    const parent = this.tip;
    const height = parent.height + 1n;
    const time = options.time ?? parent.time + this.genesis.params.blockIntervalMillis;
    this.#state.execute(height, time, transactions, nextValidators);
    const encoded = transactions.map((signed) => signedTransactionCodec.encode(signed));
    const header: Header = {
      version: 1,
      height,
      epoch: this.#sets.length - 1,
      time,
      previousRoot: this.root(),
      txRoot: listRoot(transactions.map(leafOf)),
      txCount: transactions.length,
      stateRoot: this.#state.root(),
      validatorsHash: this.set.hash,
      nextValidatorsHash: nextValidators?.hash ?? ZERO_32,
      commitIndex: height,
      commitDigest: sha256(utf8(`commit ${height}`)),
      consensusSnapshotHash: sha256(utf8(`snapshot ${height}`)),
      ...forge,
    };
    transactions.forEach(({ transaction }, position) => {
      this.#places.set(toHex(transactionId(transaction)), { height: Number(height), position });
    });
    this.#pending = [];
    this.#spentByPending.clear();
    const block: Block = {
      header,
      transactions: encoded,
      committed: this.set.validators.map(() => 0),
      equivocations: [],
      nextValidators,
    };
    this.#append(block);
    if (nextValidators !== null) this.#sets.push(nextValidators);
    return block;
  }

  /** Makes `count` blocks. */
  grow(count: number): this {
    for (let i = 0; i < count; i++) this.block();
    return this;
  }

  /** Makes the last block of the epoch. The same validators go on unless told otherwise. */
  endEpoch(nextValidators: ValidatorSet = this.set, options: BlockOptions = {}): Block {
    return this.block({ ...options, nextValidators });
  }

  /** A set of the present validators with changed stakes (in coins; 0 leaves) and newcomers. */
  changedSet(stakes: Readonly<Record<string, bigint>>): ValidatorSet {
    const members = new Map(this.set.validators.map((v): [string, Validator] => [v.name, v]));
    for (const [name, coins] of Object.entries(stakes)) {
      const stake = coins * UNITS_PER_COIN;
      const known =
        this.validators.get(name) ?? testValidator(name, stake, this.genesisId, this.#sign);
      this.validators.set(name, known);
      if (coins === 0n) members.delete(name);
      else members.set(name, { ...known.validator, stake });
    }
    return validatorSet([...members.values()]);
  }

  /** The set that certifies the checkpoint of a size. */
  certifierOf(size: bigint): ValidatorSet {
    return this.setOf(this.header(size - 1n).epoch);
  }

  /** A checkpoint, cosigned. */
  checkpoint(size = this.size, options: CosignOptions = {}): CosignedCheckpoint {
    const root = this.root(size);
    return { size, root, cosignatures: this.cosign(size, root, options) };
  }

  /** Cosignatures of any root at a size, by members of the set that certifies it. */
  cosign(size: bigint, root: Bytes32, { signers, time }: CosignOptions = {}): Cosignature[] {
    const set = this.certifierOf(size > this.size ? this.size : size);
    const last = this.header((size > this.size ? this.size : size) - 1n);
    const at = time ?? last.time / 1_000n + 1n;
    return set.validators.flatMap(({ name }, validator) => {
      if (signers !== undefined && !signers.includes(name)) return [];
      const { seeds } = this.validators.get(name) as TestValidator;
      const message = cosignatureMessage({ origin: this.origin, size, root }, at);
      return [{ validator, time: at, signature: this.#sign(message, seeds.checkpoint) }];
    });
  }

  /** The checkpoint as a signed note. */
  note(size = this.size, options: CosignOptions = {}): string {
    return checkpointNote(this.checkpoint(size, options), this.origin, this.certifierOf(size));
  }

  genesisTrust(): TrustState {
    return trustGenesis(this.genesis, this.genesisState);
  }

  /** The state of a client that followed to a size. */
  trust(size = this.size): TrustState {
    const { cosignatures } = this.checkpoint(size);
    return {
      ...this.genesisTrust(),
      validators: this.certifierOf(size),
      header: this.header(size - 1n),
      root: this.root(size),
      cosignatures,
      sureAt: (cosignatures[0]?.time ?? 0n) * 1_000n,
    };
  }

  handover(epoch: number): Handover {
    const last = this.blocks.find(({ header, nextValidators }) => {
      return header.epoch === epoch && nextValidators !== null;
    });
    if (last === undefined) throw new Error(`epoch ${epoch} has not ended`);
    const { header, nextValidators } = last;
    const size = header.height + 1n;
    const isSame = toHex(header.nextValidatorsHash) === toHex(header.validatorsHash);
    return {
      checkpoint: this.checkpoint(size),
      header,
      path: inclusionProof(this.#leaves, header.height, size),
      nextValidators: isSame ? null : nextValidators,
    };
  }

  /** What leads a client from one size to another. */
  update(from: bigint, to = this.size, options: CosignOptions = {}): Update {
    const first = this.header(from - 1n).epoch;
    const last = this.header(to - 1n).epoch;
    return {
      from: { size: from, root: this.root(from) },
      handovers: Array.from({ length: last - first }, (_, i) => this.handover(first + i)),
      checkpoint: this.checkpoint(to, options),
      header: this.header(to - 1n),
      inclusion: inclusionProof(this.#leaves, to - 1n, to),
      consistency: consistencyProof(this.#leaves, from, to),
    };
  }

  headerProof(height: bigint, size = this.size): HeaderProof {
    return {
      header: this.header(height),
      size,
      path: inclusionProof(this.#leaves, height, size),
    };
  }

  transactionProof(signed: SignedTransaction, size = this.size): TransactionProof {
    const place = this.#places.get(toHex(transactionId(signed.transaction)));
    if (place === undefined) throw new Error('the transaction is in no block');
    const { height, position } = place;
    const transactions = this.transactionsOf(height);
    const bytes = signedTransactionCodec.encode(signed);
    const witnesses = witnessesCodec.encode(signed.witnesses);
    return {
      header: this.headerProof(BigInt(height), size),
      transaction: bytes.slice(0, bytes.length - witnesses.length),
      witnesses,
      position,
      path: inclusionProof(transactions.map(leafOf), BigInt(position)),
    };
  }

  transactionsOf(height: number): SignedTransaction[] {
    const { transactions } = this.blocks[height] as Block;
    return transactions.map((bytes) => signedTransactionCodec.decode(bytes));
  }

  receipt(signed: SignedTransaction, size = this.size): Receipt {
    const { header, ...transaction } = this.transactionProof(signed, size);
    return {
      origin: this.origin,
      epoch: this.header(size - 1n).epoch,
      handovers: [],
      checkpoint: this.checkpoint(size),
      header: header.header,
      path: header.path,
      transaction,
    };
  }

  stateProof(key: Bytes32, height = this.tip.height): StateProof {
    return {
      height,
      value: this.#state.value(key, Number(height)),
      proof: this.#state.prove(key, Number(height)),
    };
  }

  addressProof(address: AddressBytes, height = this.tip.height): AddressProof {
    return {
      address,
      height,
      record: this.#state.address(address, Number(height))?.record ?? null,
      proof: this.#state.prove(addressKey(address), Number(height)),
    };
  }

  coinsOf(address: AddressBytes, height = this.tip.height): readonly Coin[] {
    return this.#state.address(address, Number(height))?.coins ?? [];
  }

  /** Coins from place `first` on, at most `limit`. */
  coinsPage(address: AddressBytes, height = this.tip.height, first = 0, limit = 1_000): CoinsPage {
    const coins = this.coinsOf(address, height);
    return {
      address,
      height,
      coins: coins.slice(first, first + limit),
      hasMore: first + limit < coins.length,
    };
  }

  historyPage(
    address: AddressBytes,
    height = this.tip.height,
    from = 0n,
    limit = 1_000,
  ): HistoryPage {
    const history = this.#state.address(address, Number(height))?.history ?? [];
    const entries = history.slice(Number(from), Number(from) + limit);
    const leaves = history.map((entry) => leafHash(historyEntryCodec.encode(entry)));
    const to = from + BigInt(entries.length);
    return {
      address,
      height,
      from,
      entries,
      path: entries.length === 0 ? [] : rangeProof(leaves, from, to),
    };
  }

  #append(block: Block): void {
    this.blocks.push(block);
    const leaf = blockId(block.header);
    this.#leaves.push(leaf);
    this.#range = appendLeaf(this.#range, leaf);
    this.#roots.push(rangeRoot(this.#range));
  }

  #choose(address: AddressBytes, needed: bigint): Coin[] {
    const chosen: Coin[] = [];
    let total = 0n;
    for (const coin of this.coinsOf(address)) {
      if (total >= needed) break;
      if (this.#spentByPending.has(toHex(coinKey(coin)))) continue;
      chosen.push(coin);
      total += coin.amount;
    }
    if (total < needed) throw new Error(`a test spends ${needed} units and has ${total}`);
    return chosen;
  }
}

function leafOf({ transaction, witnesses }: SignedTransaction): Hash {
  const txid = transactionId(transaction);
  return leafHash(transactionLeaf(txid, witnessesCodec.encode(witnesses)));
}
