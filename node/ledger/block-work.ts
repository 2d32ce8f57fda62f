/**
 * A block being executed: which transactions stand in it, and what they did so far.
 *
 * A transaction is checked to the end before anything of it is applied, so a refused one leaves no
 * trace.
 */

import type { Outpoint } from 'fanal/chain/coin.ts';
import type { HistoryEntry } from 'fanal/chain/history-entry.ts';
import { checkShape, type ShapedTransaction } from 'fanal/chain/transaction-check.ts';
import { transactionLeaf } from 'fanal/chain/transaction-leaf.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { type Bytes, type Bytes32, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { type Account, draftOf } from './account.ts';
import type { AccountStore } from './account-store.ts';
import { applyActions } from './actions.ts';
import type { BlockPayment, BlockStore } from './block-store.ts';
import { textOf } from './byte-text.ts';
import type { CoinStore } from './coin-store.ts';
import type { TransactionOutcome } from './ledger.ts';
import { nativeListHasher, nativeSha256, nativeTaggedHash } from './native-hash.ts';
import type { RegistryDraft } from './registry.ts';
import { coinKeyOf, outpointBytes, type StoredCoin } from './stored-coin.ts';
import { checkCoins, type InputCoin, isExpired } from './transaction-rules.ts';

/** What a block's execution works with. */
export interface BlockTools {
  readonly genesisId: Bytes32;
  readonly origin: string;
  readonly accounts: AccountStore;
  readonly coins: CoinStore;
  readonly blocks: BlockStore;
  readonly verify: (items: readonly SignedItem[]) => readonly boolean[];
}

/** A coin of the block or from before it, with its key as text and its owner at hand. */
interface OpenCoin extends InputCoin {
  readonly stored: StoredCoin;
  readonly keyText: string;
  readonly account: Account;
}

export class BlockWork {
  readonly height: bigint;
  readonly draft: RegistryDraft;
  readonly payments: BlockPayment[] = [];
  readonly outcomes: TransactionOutcome[] = [];
  /** Accounts that the block touched, each once, in the order of the first touch. */
  readonly touched: Account[] = [];
  readonly #tools: BlockTools;
  /** Outpoints that its transactions spent, in order. */
  readonly spent: Bytes[] = [];
  readonly #txids = new Set<string>();
  /** Coins that the block made and nobody spent in it, by the text of their key. */
  readonly #created = new Map<string, OpenCoin>();
  /** Coins from before the block that it spent. */
  readonly #spent = new Map<string, OpenCoin>();

  constructor(tools: BlockTools, height: bigint, draft: RegistryDraft) {
    this.#tools = tools;
    this.height = height;
    this.draft = draft;
  }

  /** Takes a transaction into the block, or says why not. */
  add(bytes: Bytes, isVerified: boolean): void {
    const verdict = checkShape(bytes, {
      genesisId: this.#tools.genesisId,
      params: this.draft.params,
      taggedHash: nativeTaggedHash,
    });
    if (verdict.kind === 'refused') {
      this.outcomes.push({ kind: 'rejected', txid: ZERO_32, code: verdict.code });
      return;
    }
    const { shaped } = verdict;
    const { txid } = shaped;
    const outcome = this.#txids.has(textOf(txid)) ? 'duplicate' : this.#include(shaped, isVerified);
    if (outcome === 'duplicate') {
      this.outcomes.push({ kind: 'duplicate', txid });
    } else if (outcome !== null) {
      this.outcomes.push({ kind: 'rejected', txid, code: outcome });
    } else {
      const position = this.payments.length;
      const witnesses = bytes.subarray(shaped.witnessesAt);
      const leaf = nativeListHasher.leaf(transactionLeaf(txid, witnesses, nativeSha256));
      this.payments.push({ txid, bytes, leaf });
      this.outcomes.push({ kind: 'included', txid, position });
    }
  }

  /** Pays the coins that the protocol makes at an epoch's end. */
  pay(id: Bytes32, payouts: readonly { address: AddressBytes; amount: bigint }[]): void {
    const position = this.payments.length;
    const receivedBy = new Map<Account, bigint>();
    payouts.forEach(({ address, amount }, index) => {
      const account = this.#tools.accounts.open(address);
      this.#create({ txid: id, index }, amount, account);
      receivedBy.set(account, (receivedBy.get(account) ?? 0n) + amount);
    });
    for (const [account, received] of receivedBy) {
      this.#record(account, { height: this.height, position, txid: id, received, spent: 0n });
    }
  }

  /** Ends the block: each touched account learns which coins it gained and lost for good. */
  finish(): void {
    for (const { stored, account } of this.#created.values()) {
      draftOf(account, this.touched).created.push(stored);
    }
    for (const { stored, account } of this.#spent.values()) {
      draftOf(account, this.touched).spent.push(stored);
    }
  }

  /** Null when the transaction is now part of the block, else why not. */
  #include(shaped: ShapedTransaction, isVerified: boolean): string | null {
    const { transaction } = shaped.signed;
    if (isExpired(shaped, this.height)) return 'transaction/expired';
    const payers = shaped.witnessAddresses.map((address) => this.#tools.accounts.known(address));
    const inputs: OpenCoin[] = [];
    for (const outpoint of transaction.inputs) {
      const coin = this.#find(outpoint, payers);
      if (typeof coin === 'string') {
        // A transaction that is in an earlier block finds its own coins spent.
        return this.#tools.blocks.payment(shaped.txid) === null ? coin : 'duplicate';
      }
      inputs.push(coin);
    }
    const fee = checkCoins(shaped, inputs);
    if (typeof fee === 'string') return fee;
    if (!isVerified && !this.#tools.verify(shaped.items).every((verdict) => verdict)) {
      return 'transaction/bad-signature';
    }
    if (transaction.actions.length > 0) {
      const { height } = this;
      const { genesisId, origin, verify } = this.#tools;
      const owners = new Set(shaped.witnessAddresses.map(textOf));
      const fork = this.draft.fork();
      const context = { height, genesisId, origin, owners, verify };
      const problem = applyActions(fork, transaction.actions, context);
      if (problem !== null) return problem;
      this.draft.join(fork);
    }
    this.#apply(shaped, inputs, fee);
    return null;
  }

  #apply(shaped: ShapedTransaction, inputs: readonly OpenCoin[], fee: bigint): void {
    const { txid } = shaped;
    const movements: Movement[] = [];
    for (const outpoint of shaped.signed.transaction.inputs) {
      this.spent.push(outpointBytes(outpoint).slice());
    }
    for (const coin of inputs) {
      this.#spend(coin);
      movementOf(movements, coin.account).spent += coin.amount;
    }
    shaped.signed.transaction.outputs.forEach(({ address, amount }, index) => {
      const account = this.#tools.accounts.open(address);
      this.#create({ txid, index }, amount, account);
      movementOf(movements, account).received += amount;
    });
    const position = this.payments.length;
    for (const { account, received, spent } of movements) {
      this.#record(account, { height: this.height, position, txid, received, spent });
    }
    this.draft.epoch = { ...this.draft.epoch, fees: this.draft.epoch.fees + fee };
    this.#txids.add(textOf(txid));
  }

  /** The unspent coin that an input names, among those of the payers, or why there is none. */
  #find(
    outpoint: Outpoint,
    payers: readonly (Account | null)[],
  ): OpenCoin | 'transaction/coin-spent' | 'transaction/coin-unknown' {
    const key = coinKeyOf(outpoint);
    const keyText = textOf(key);
    const fresh = this.#created.get(keyText);
    if (fresh !== undefined) return fresh;
    if (this.#spent.has(keyText)) return 'transaction/coin-spent';
    for (const account of payers) {
      const stored = account === null ? null : this.#tools.coins.get(account, key);
      if (stored !== null && account !== null) return openCoin(stored, keyText, account);
    }
    return 'transaction/coin-unknown';
  }

  #spend(coin: OpenCoin): void {
    // A coin that was made in this block leaves no trace of its own.
    if (!this.#created.delete(coin.keyText)) this.#spent.set(coin.keyText, coin);
    const draft = draftOf(coin.account, this.touched);
    draft.balance -= coin.amount;
    draft.coinCount -= 1n;
  }

  #create(outpoint: Outpoint, amount: bigint, account: Account): void {
    const key = coinKeyOf(outpoint);
    const { height } = this;
    const stored = { ...outpoint, key, amount, height, addressId: account.id };
    const keyText = textOf(key);
    this.#created.set(keyText, openCoin(stored, keyText, account));
    const draft = draftOf(account, this.touched);
    draft.balance += amount;
    draft.coinCount += 1n;
  }

  #record(account: Account, entry: HistoryEntry): void {
    draftOf(account, this.touched).entries.push(entry);
  }
}

/** What one transaction moves for one account. */
interface Movement {
  readonly account: Account;
  received: bigint;
  spent: bigint;
}

/** The movement of an account, begun at its first mention. There are few, so a scan will do. */
function movementOf(movements: Movement[], account: Account): Movement {
  const known = movements.find((movement) => movement.account === account);
  if (known !== undefined) return known;
  const movement = { account, received: 0n, spent: 0n };
  movements.push(movement);
  return movement;
}

function openCoin(stored: StoredCoin, keyText: string, account: Account): OpenCoin {
  const { txid, index, amount, height } = stored;
  return { txid, index, amount, height, address: account.address, stored, keyText, account };
}
