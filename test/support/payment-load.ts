/**
 * A stream of honest payments for benchmarks: each spends the two oldest coins of somebody and
 * makes two, so the number of coins stays.
 */
import { type Genesis, sortGenesis } from 'fanal/chain/genesis.ts';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { genesisContext } from 'fanal/chain/registration.ts';
import {
  chainBytes,
  signedTransactionCodec,
  type Transaction,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import type { Checkpoint } from 'fanal/checkpoint/checkpoint.ts';
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES, utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { BlockInput, Cosignature } from '../../node/core/types.ts';
import type { Ledger } from '../../node/ledger/ledger.ts';
import { signNatively } from './native.ts';
import { account, seedOf, type TestAccount, testValidator } from './people.ts';

const DOMAIN = 'test.fanal.example';
const NETWORK = 'load';

interface OwnedCoin {
  readonly txid: Bytes32;
  readonly index: number;
  readonly amount: bigint;
}

export interface PaymentLoad {
  readonly genesis: Genesis;
  /** The next signed payments, in an order in which all of them are valid. */
  next(count: number): Bytes[];
}

/**
 * @param people how many addresses take part
 * @param random from 0 to below 1
 */
export function paymentLoad(people: number, random: () => number): PaymentLoad {
  const accounts = Array.from({ length: people }, (_, i) => account(`payer ${i}`));
  const validators = Array.from({ length: 4 }, (_, i) =>
    testValidator(
      `val-${i}`,
      1_000n * UNITS_PER_COIN,
      genesisContext(DOMAIN, NETWORK),
      signNatively,
    ),
  );
  const genesis = sortGenesis({
    domain: DOMAIN,
    network: NETWORK,
    prefix: 'dfan',
    time: 1_700_000_000_000n,
    params: { ...LOCAL_PARAMS, feePerByte: 1n },
    validators: validators.map(({ registration, validator: { stake } }) => ({
      registration,
      stake,
    })),
    balances: accounts.map(({ address }) => ({ address, amount: 100n * UNITS_PER_COIN })),
  });
  const start = genesisState(genesis);
  const { genesisId } = start;
  const coins = new Map(accounts.map((each) => [each, [] as OwnedCoin[]]));
  const byAddress = new Map(accounts.map((each) => [textOf(each.address), each]));
  for (const { address, coin } of start.addresses) {
    coins.get(byAddress.get(textOf(address)) as TestAccount)?.push(coin);
  }
  const pick = (): TestAccount => accounts[Math.floor(random() * people)] as TestAccount;

  /** What the two oldest coins of somebody are worth. */
  const held = (payer: TestAccount): bigint =>
    (coins.get(payer) as OwnedCoin[]).slice(0, 2).reduce((sum, { amount }) => sum + amount, 0n);

  const payment = (): Bytes => {
    let payer = pick();
    while (held(payer) < 100_000n) payer = pick();
    const spent = (coins.get(payer) as OwnedCoin[]).splice(0, 2);
    const total = spent.reduce((sum, { amount }) => sum + amount, 0n) - 1_000n;
    const to = pick();
    const part = total / 3n;
    const transaction: Transaction = {
      chain: chainBytes(genesisId),
      expiry: 1_000_000n,
      inputs: spent.map(({ txid, index }) => ({ txid, index })),
      outputs: [
        { amount: part, address: to.address },
        { amount: total - part, address: payer.address },
      ],
      actions: [],
      note: EMPTY_BYTES,
    };
    const txid = transactionId(transaction);
    coins.get(to)?.push({ txid, index: 0, amount: part });
    coins.get(payer)?.push({ txid, index: 1, amount: total - part });
    const signature = signNatively(transactionSighash(transaction, genesisId), payer.seed);
    const witness = { kind: 'key' as const, publicKey: payer.publicKey, signature };
    return signedTransactionCodec.encode({ transaction, witnesses: [witness] });
  };
  return { genesis, next: (count) => Array.from({ length: count }, payment) };
}

/** The next block of a ledger with these transactions, as consensus would cut it. */
export function blockOf(ledger: Ledger, transactions: readonly Bytes[]): BlockInput {
  const { height, header } = ledger.tip();
  const { epoch } = ledger.epoch();
  return {
    ...{ epoch, transactions },
    height: height + 1n,
    lastOfEpoch: false,
    time: header.time + 500n,
    commitIndex: height + 1n,
    commitDigest: sha256(utf8(`commit ${height}`)),
    consensusSnapshotHash: sha256(utf8(`snapshot ${height}`)),
    equivocations: [],
    rewards: [5, 5, 5, 5],
  };
}

/** What a validator of the load says of a checkpoint. */
export function cosign(name: string, checkpoint: Checkpoint, time: bigint): Cosignature {
  const message = cosignatureMessage(checkpoint, time);
  const signature = signNatively(message, seedOf(`${name} checkpoint`));
  return { size: checkpoint.size, root: checkpoint.root, time, signature };
}

function textOf(bytes: Bytes): string {
  return Buffer.from(bytes).toString('latin1');
}
