/**
 * A chain with a past: people who paid each other, epochs that ended, more headers than one tile
 * holds. Its newest block is of this moment.
 */
import { addressKey, PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import {
  chainBytes,
  signedTransactionCodec,
  type Transaction,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { type AddressBytes, addressFromKey, encodeAddress } from 'fanal/crypto/address.ts';
import { sign } from 'fanal/crypto/ed25519.ts';
import type { KeyPair } from 'fanal/crypto/keys.ts';
import { type Bytes, EMPTY_BYTES, toHex } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { testKey } from 'fanal/testing/genesis.ts';

export interface Person {
  readonly key: KeyPair;
  readonly address: AddressBytes;
  readonly text: string;
}

export interface Story {
  readonly chain: TestChain;
  readonly alice: Person;
  readonly bob: Person;
  /** Somebody whom no transaction ever touched. */
  readonly nobody: Person;
  /** Committed transactions, in hex, oldest first. */
  readonly txids: readonly string[];
}

export interface StoryOptions {
  /** Blocks after genesis. */
  readonly blocks?: number;
  /** Heights that end an epoch. */
  readonly epochEnds?: readonly number[];
  /** Heights at which Alice pays Bob. */
  readonly payments?: readonly number[];
  readonly validators?: number;
  /** The newest block's time; now by default. */
  readonly endsAt?: bigint;
  /** Makes a chain whose genesis differs from that of another story. */
  readonly seed?: bigint;
}

export function person(name: string): Person {
  const key = testKey(name);
  const address = addressFromKey(key.publicKey);
  return { key, address, text: encodeAddress(address, 'dfan') };
}

/** Makes a chain. */
export function tellStory({
  blocks = 12,
  epochEnds = [4],
  payments = [1, 2, 3, 6],
  validators = 4,
  endsAt = BigInt(Date.now()),
  seed = 0n,
}: StoryOptions = {}): Story {
  const [alice, bob, nobody] = [person('alice'), person('bob'), person('nobody')];
  const begin = endsAt - BigInt(blocks + 1) * 500n - 60_000n - seed;
  const chain = new TestChain({
    validators,
    time: begin,
    balances: [{ address: alice.address, amount: 1_000n * UNITS_PER_COIN }],
  });
  const txids: string[] = [];
  for (let height = 1; height <= blocks; height++) {
    if (payments.includes(height)) {
      const outcome = chain.submit(payment(chain, alice, bob.address, BigInt(height) * 1_000_000n));
      if (outcome.kind !== 'accepted') throw new Error(`payment refused: ${outcome.kind}`);
      txids.push(toHex(outcome.txid));
    }
    chain.addBlock({
      time: endsAt - BigInt(blocks - height) * 500n,
      endEpoch: epochEnds.includes(height),
    });
  }
  return { chain, alice, bob, nobody, txids };
}

/** A signed payment out of one coin, with the change back. */
export function payment(
  chain: TestChain,
  from: Person,
  to: AddressBytes,
  amount: bigint,
  note: Bytes = EMPTY_BYTES,
): Bytes {
  const coin = [...chain.account(from.address).coins.values()].sort((a, b) =>
    a.amount > b.amount ? -1 : 1,
  )[0];
  if (coin === undefined) throw new Error('nothing to pay with');
  const fee = 10_000n;
  const transaction: Transaction = {
    chain: chainBytes(chain.start.genesisId),
    expiry: chain.size + 1_000n,
    inputs: [{ txid: coin.txid, index: coin.index }],
    outputs: [
      { amount, address: to },
      { amount: coin.amount - amount - fee, address: from.address },
    ],
    actions: [],
    note,
  };
  const sighash = transactionSighash(transaction, chain.start.genesisId);
  const signature = sign(sighash, from.key.seed);
  return signedTransactionCodec.encode({
    transaction,
    witnesses: [{ kind: 'key', publicKey: from.key.publicKey, signature }],
  });
}

/** A block of this moment, so that the tip is fresh. */
export function addBlockNow(chain: TestChain): void {
  chain.addBlock({ time: BigInt(Date.now()) });
}

/** One target for every proved route, each pinned to a size where it can be. */
export function provedTargets({ chain, alice, bob, nobody, txids }: Story): Record<string, string> {
  const at = chain.size;
  const txid = txids[0] as string;
  const set = toHex(chain.tip.validators.hash);
  const f = 'format=bytes';
  return {
    genesis: `/v1/genesis?${f}`,
    handover: `/v1/epochs/0/handover?${f}`,
    validatorSet: `/v1/validators/${set}?${f}`,
    header: `/v1/headers/2?at=${at}&${f}`,
    'header at an older size': `/v1/headers/2?at=${at - 3n}&${f}`,
    headers: `/v1/headers?from=1&limit=5&${f}`,
    block: `/v1/blocks/1?${f}`,
    'empty block': `/v1/blocks/5?${f}`,
    blockTransactions: '/v1/blocks/1/transactions',
    transaction: `/v1/transactions/${txid}?${f}`,
    transactionProof: `/v1/transactions/${txid}/proof?at=${at}&${f}`,
    'transactionProof at an older size': `/v1/transactions/${txid}/proof?at=${at - 1n}&${f}`,
    address: `/v1/addresses/${alice.text}?at=${at}&${f}`,
    'address at an older size': `/v1/addresses/${alice.text}?at=${at - 2n}&${f}`,
    'unused address': `/v1/addresses/${nobody.text}?at=${at}&${f}`,
    coins: `/v1/addresses/${bob.text}/coins?at=${at}&${f}`,
    'page of coins': `/v1/addresses/${bob.text}/coins?at=${at}&limit=2&${f}`,
    history: `/v1/addresses/${alice.text}/history?at=${at}&from=1&limit=3&${f}`,
    state: `/v1/state/${toHex(PARAMETERS_KEY)}?at=${at}&${f}`,
    'absent state': `/v1/state/${toHex(addressKey(nobody.address))}?at=${at}&${f}`,
    tile: `/tile/0/000.p/${Number(at) % 256}`,
    entries: `/tile/entries/000.p/${Number(at) % 256}`,
    update: `/v1/update?from=3&${f}`,
    'update over an epoch': `/v1/update?from=1&${f}`,
    receipt: `/v1/transactions/${txid}/receipt?${f}`,
  };
}
