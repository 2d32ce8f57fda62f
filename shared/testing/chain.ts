/**
 * A chain in memory, with real trees, real signatures and every version of its state.
 *
 * It executes payments by the protocol's rules and certifies each block at once; there is no
 * consensus, and no registry of validators that changes by transactions. What it answers is what a
 * node answers, so a wallet that works against it has verified everything.
 */
import type { Coin } from '../chain/coin.ts';
import { type EpochState, epochStateCodec } from '../chain/epoch-state.ts';
import type { Genesis } from '../chain/genesis.ts';
import { type GenesisState, genesisState } from '../chain/genesis-state.ts';
import { blockId, type Header } from '../chain/header.ts';
import { coinKey, EPOCH_KEY } from '../chain/state-keys.ts';
import { type SignedTransaction, transactionCodec, witnessesCodec } from '../chain/transaction.ts';
import { checkShape } from '../chain/transaction-check.ts';
import { transactionLeaf, txidOf } from '../chain/transaction-leaf.ts';
import type { ValidatorSet } from '../chain/validators.ts';
import { cosignatureMessage } from '../checkpoint/cosignature.ts';
import type { CosignedCheckpoint } from '../checkpoint/cosigned.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { sign, verify } from '../crypto/ed25519.ts';
import type { TrustState } from '../light/trust.ts';
import { trustGenesis } from '../light/trust-genesis.ts';
import { leafHash, listRoot } from '../merkle/list.ts';
import { EMPTY_MAP, type MapRoot, MapTree } from '../merkle/map-tree.ts';
import { assert } from '../primitives/assert.ts';
import { type Bytes, type Bytes32, toHex, utf8, ZERO_32 } from '../primitives/bytes.ts';
import { type Hash, sha256 } from '../primitives/hash.ts';
import {
  type Account,
  applyPayment,
  coinLeaf,
  emptyAccount,
  findCoin,
  sealAccount,
} from './accounts.ts';
import {
  type TestGenesisOptions,
  type TestValidator,
  testGenesis,
  testValidators,
} from './genesis.ts';

export interface TestChainOptions extends Omit<TestGenesisOptions, 'validators'> {
  readonly validators?: number | readonly TestValidator[];
}

/** A certified block and the state after it. */
export interface TestBlock {
  readonly header: Header;
  /** Signed transactions in canonical bytes. */
  readonly transactions: readonly Bytes[];
  readonly leaves: readonly Hash[];
  readonly txids: readonly Hash[];
  readonly checkpoint: CosignedCheckpoint;
  /** Root of the header log with this header in it. */
  readonly root: Hash;
  /** The set that certified it. */
  readonly validators: ValidatorSet;
  readonly state: MapRoot;
  readonly values: ReadonlyMap<string, Bytes>;
  readonly accounts: ReadonlyMap<string, Account>;
}

export interface AddBlockOptions {
  /** Milliseconds since 1970; half a second after the parent by default. */
  readonly time?: bigint;
  /** When the validators signed; the header's time by default. */
  readonly signedAt?: bigint;
  /** Indexes of the validators that cosign; all by default. */
  readonly cosigners?: readonly number[];
  /** Ends the epoch; the set given goes on, or the same one. */
  readonly endEpoch?: boolean | ValidatorSet;
}

/** Why a transaction was refused, by the codes of the protocol. */
export type Admission =
  | { readonly kind: 'accepted'; readonly txid: Hash }
  | { readonly kind: 'known'; readonly txid: Hash }
  | { readonly kind: 'rejected'; readonly code: string };

export class TestChain {
  readonly genesis: Genesis;
  readonly start: GenesisState;
  readonly validators: readonly TestValidator[];
  /** What a client that knows the genesis file trusts. */
  readonly trust: TrustState;
  readonly tree = new MapTree();
  readonly blocks: TestBlock[] = [];
  readonly headerLeaves: Hash[] = [];
  readonly placeByTxid = new Map<string, { readonly height: number; readonly position: number }>();
  #next: ValidatorSet | null = null;
  #waiting = new Map<string, { readonly signed: SignedTransaction; readonly bytes: Bytes }>();

  constructor(options: TestChainOptions = {}) {
    const { validators = 4, ...rest } = options;
    this.validators = typeof validators === 'number' ? testValidators(validators) : validators;
    this.genesis = testGenesis({ ...rest, validators: this.validators });
    this.start = genesisState(this.genesis);
    this.trust = trustGenesis(this.genesis, this.start);
    this.#begin();
  }

  get tip(): TestBlock {
    return this.blocks.at(-1) as TestBlock;
  }

  /** Headers in the log. */
  get size(): bigint {
    return BigInt(this.blocks.length);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  isWaiting(txid: Bytes): boolean {
    return this.#waiting.has(toHex(txid));
  }

  account(address: AddressBytes, block: TestBlock = this.tip): Account {
    return block.accounts.get(toHex(address)) ?? emptyAccount(address);
  }

  /** Takes a transaction for the next block. */
  submit(bytes: Bytes): Admission {
    const verdict = checkShape(bytes, {
      genesisId: this.start.genesisId,
      params: this.genesis.params,
    });
    if (verdict.kind === 'refused') return { kind: 'rejected', code: verdict.code };
    const { signed, txid, items, witnessAddresses, spentUnits, minFeeUnits } = verdict.shaped;
    const name = toHex(txid);
    if (this.#waiting.has(name) || this.placeByTxid.has(name)) return { kind: 'known', txid };
    const reject = (code: string): Admission => ({ kind: 'rejected', code: `transaction/${code}` });
    if (signed.transaction.actions.length > 0) return reject('action');
    if (signed.transaction.expiry < this.size) return reject('expired');
    if (!items.every((item) => verify(item.message, item.signature, item.publicKey))) {
      return reject('bad-signature');
    }
    const owners: string[] = [];
    let available = 0n;
    for (const input of signed.transaction.inputs) {
      const found = this.#coin(toHex(coinKey(input)));
      if (found === null || this.#isSpentWaiting(toHex(coinKey(input))))
        return reject('coin-spent');
      available += found.coin.amount;
      const owner = toHex(found.account.address);
      if (!owners.includes(owner)) owners.push(owner);
    }
    if (owners.join() !== witnessAddresses.map(toHex).join()) return reject('witnesses');
    if (available < spentUnits + minFeeUnits) return reject('fee-too-low');
    this.#waiting.set(name, { signed, bytes });
    return { kind: 'accepted', txid };
  }

  /** Executes all that waits, in order of arrival, and certifies the block. */
  addBlock(options: AddBlockOptions = {}): TestBlock {
    const parent = this.tip;
    const height = this.size;
    const ended = parent.header.nextValidatorsHash.some((byte) => byte !== 0);
    const validators = ended ? (this.#next as ValidatorSet) : parent.validators;
    const epoch = parent.header.epoch + (ended ? 1 : 0);
    const time = options.time ?? parent.header.time + 500n;
    const accounts = new Map(parent.accounts);
    const values = new Map(parent.values);
    const changed = new Set<string>();
    const transactions: Bytes[] = [];
    const leaves: Hash[] = [];
    const txids: Hash[] = [];
    let fees = 0n;
    for (const [name, { signed, bytes }] of this.#waiting) {
      if (signed.transaction.expiry < height) continue;
      const position = transactions.length;
      const { txid, leaf } = identify(signed);
      const applied = applyPayment(accounts, signed.transaction, txid, height, position);
      fees += applied.fee;
      for (const address of applied.changed) changed.add(address);
      this.placeByTxid.set(name, { height: Number(height), position });
      transactions.push(bytes);
      leaves.push(leaf);
      txids.push(txid);
    }
    this.#waiting = new Map();
    const writes = [...changed].map((name) => {
      const { account, key, value } = sealAccount(this.tree, accounts.get(name) as Account);
      accounts.set(name, account);
      return { key, value };
    });
    const before = epochStateCodec.decode(values.get(toHex(EPOCH_KEY)) as Bytes);
    const epochState: EpochState = { ...before, epoch, fees: before.fees + fees };
    writes.push({ key: EPOCH_KEY, value: epochStateCodec.encode(epochState) });
    for (const { key, value } of writes) values.set(toHex(key), value);
    const { root: state } = this.tree.update(
      parent.state,
      writes.map(({ key, value }) => ({ key, valueHash: sha256(value) })),
    );
    if (options.endEpoch !== undefined && options.endEpoch !== false) {
      this.#next = options.endEpoch === true ? validators : options.endEpoch;
    }
    const header: Header = {
      version: parent.header.version,
      height,
      epoch,
      time,
      previousRoot: parent.root,
      txRoot: listRoot(leaves),
      txCount: leaves.length,
      stateRoot: this.tree.hash(state),
      validatorsHash: validators.hash,
      nextValidatorsHash: options.endEpoch ? (this.#next as ValidatorSet).hash : ZERO_32,
      commitIndex: height,
      commitDigest: sha256(utf8(`commit ${height}`)),
      consensusSnapshotHash: ZERO_32,
    };
    this.headerLeaves.push(blockId(header));
    const root = listRoot(this.headerLeaves);
    const checkpoint = this.cosign(
      { size: height + 1n, root },
      options.signedAt ?? time,
      validators,
      options.cosigners,
    );
    const block: TestBlock = {
      ...{ header, transactions, leaves, txids, checkpoint, root, validators },
      ...{ state, values, accounts },
    };
    this.blocks.push(block);
    return block;
  }

  /** The cosignatures of validators on any root: a test's liar may ask for what it likes. */
  cosign(
    { size, root }: { readonly size: bigint; readonly root: Bytes32 },
    signedAt: bigint,
    set: ValidatorSet = this.tip.validators,
    cosigners: readonly number[] = set.validators.map((_, i) => i),
  ): CosignedCheckpoint {
    const time = signedAt / 1000n;
    const message = cosignatureMessage({ origin: this.start.origin, size, root }, time);
    const cosignatures = cosigners.map((validator) => {
      const member = set.validators[validator];
      const keys = this.validators.find(({ name }) => name === member?.name);
      assert(keys !== undefined, `no test keys for validator ${validator}`);
      return { validator, time, signature: sign(message, keys.checkpointKey.seed) };
    });
    return { size, root, cosignatures };
  }

  /** The set that follows the last block of an epoch. */
  get nextValidators(): ValidatorSet | null {
    return this.#next;
  }

  #begin(): void {
    const { header, addresses, entries, validators } = this.start;
    const { root: state } = this.tree.update(
      EMPTY_MAP,
      entries.map(({ key, value }) => ({ key, valueHash: sha256(value) })),
    );
    const accounts = new Map<string, Account>();
    for (const { address, coin, entry, record } of addresses) {
      const { root } = this.tree.update(EMPTY_MAP, [coinLeaf(coin)]);
      accounts.set(toHex(address), {
        address,
        record,
        coins: new Map([[toHex(coinKey(coin)), coin]]),
        coinsMap: root,
        history: [entry],
      });
    }
    this.headerLeaves.push(blockId(header));
    const root = listRoot(this.headerLeaves);
    this.blocks.push({
      ...{ header, transactions: [], leaves: [], txids: [], root, validators, state, accounts },
      checkpoint: { size: 1n, root, cosignatures: [] },
      values: new Map(entries.map(({ key, value }) => [toHex(key), value])),
    });
  }

  #coin(name: string): { coin: Coin; account: Account } | null {
    return findCoin(this.tip.accounts, name);
  }

  #isSpentWaiting(name: string): boolean {
    for (const { signed } of this.#waiting.values()) {
      if (signed.transaction.inputs.some((input) => toHex(coinKey(input)) === name)) return true;
    }
    return false;
  }
}

function identify({ transaction, witnesses }: SignedTransaction): { txid: Hash; leaf: Hash } {
  const txid = txidOf(transactionCodec.encode(transaction));
  return { txid, leaf: leafHash(transactionLeaf(txid, witnessesCodec.encode(witnesses))) };
}
