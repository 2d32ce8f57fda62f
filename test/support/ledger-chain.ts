/**
 * A real ledger on disk with real keys, driven block by block as consensus would.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action } from 'fanal/chain/action.ts';
import type { Outpoint } from 'fanal/chain/coin.ts';
import { type Genesis, sortGenesis } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import type { Params } from 'fanal/chain/params.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { genesisContext } from 'fanal/chain/registration.ts';
import {
  chainBytes,
  type Output,
  signedTransactionCodec,
  type Transaction,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES, utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { BlockInput, CertifiedCheckpoint, Equivocation } from '../../node/core/types.ts';
import type { ExecutedBlock, Ledger } from '../../node/ledger/ledger.ts';
import { type LedgerOptions, openLedger } from '../../node/ledger/sqlite-ledger.ts';
import { verifyNatively } from '../../node/runtime/native-verify.ts';
import { signNatively } from './native.ts';
import { account, seedOf, type TestAccount, type TestValidator, testValidator } from './people.ts';

export const COIN = UNITS_PER_COIN;

export interface LedgerChainOptions extends Partial<Omit<LedgerOptions, 'path' | 'genesis'>> {
  readonly params?: Partial<Params>;
  readonly stakes?: readonly bigint[];
  /** When the chain begins, in milliseconds since 1970. */
  readonly time?: bigint;
  /** Coins of one coin each per person, or balances in units. */
  readonly people?: readonly (readonly [name: string, units: bigint])[];
}

export interface Payment {
  readonly from: readonly TestAccount[];
  readonly inputs: readonly Outpoint[];
  readonly outputs: readonly Output[];
  readonly actions?: readonly Action[];
  readonly expiry?: bigint;
  readonly note?: Bytes;
}

export interface SignedPayment {
  readonly txid: Bytes32;
  readonly transaction: Transaction;
  readonly bytes: Bytes;
}

export interface BlockOptions {
  readonly last?: boolean;
  readonly rewards?: readonly number[];
  /** Authors who were caught at two vertices. */
  readonly equivocators?: readonly number[];
  readonly millis?: bigint;
}

const DOMAIN = 'test.fanal.example';
const NETWORK = 'unit';

export class LedgerChain {
  readonly folder: string;
  readonly genesis: Genesis;
  readonly start: GenesisState;
  readonly validators: readonly TestValidator[];
  readonly people: ReadonlyMap<string, TestAccount>;
  ledger: Ledger;
  readonly #options: LedgerChainOptions;

  constructor(options: LedgerChainOptions = {}) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'fanal-ledger-'));
    const stakes = options.stakes ?? [1_000n, 1_000n, 1_000n, 1_000n].map((n) => n * COIN);
    this.validators = stakes.map((stake, i) =>
      testValidator(`val-${i}`, stake, genesisContext(DOMAIN, NETWORK), signNatively),
    );
    const people = options.people ?? [
      ['alice', 1_000n * COIN],
      ['bob', 500n * COIN],
    ];
    this.people = new Map(people.map(([name]) => [name, account(name)]));
    this.genesis = sortGenesis({
      domain: DOMAIN,
      network: NETWORK,
      prefix: 'dfan',
      time: options.time ?? 1_700_000_000_000n,
      params: { ...LOCAL_PARAMS, protocolVersion: 1, ...options.params },
      validators: this.validators.map(({ registration, validator: { stake } }) => ({
        registration,
        stake,
      })),
      balances: people.map(([name, amount]) => ({ address: this.person(name).address, amount })),
    });
    this.start = genesisState(this.genesis);
    this.ledger = this.open();
  }

  get path(): string {
    return join(this.folder, 'ledger.sqlite');
  }

  get height(): bigint {
    return this.ledger.tip().height;
  }

  person(name: string): TestAccount {
    const found = this.people?.get(name);
    return found ?? account(name);
  }

  open(path = this.path, other: Partial<LedgerOptions> = {}): Ledger {
    const { params: _, stakes: __, people: ___, time: ____, ...rest } = this.#options;
    return openLedger({ path, genesis: this.genesis, verify: verifyNatively, ...rest, ...other });
  }

  reopen(): void {
    this.ledger.close();
    this.ledger = this.open();
  }

  /** The coin that the genesis gave somebody. */
  genesisCoin(name: string): Outpoint & { amount: bigint } {
    const { address } = this.person(name);
    const found = this.start.addresses.find((entry) => toText(entry.address) === toText(address));
    if (found === undefined) throw new Error(`${name} has no genesis coin`);
    const { txid, index, amount } = found.coin;
    return { txid, index, amount };
  }

  sign(payment: Payment): SignedPayment {
    const transaction: Transaction = {
      chain: chainBytes(this.start.genesisId),
      expiry: payment.expiry ?? this.height + 1_000n,
      inputs: payment.inputs,
      outputs: payment.outputs,
      actions: payment.actions ?? [],
      note: payment.note ?? EMPTY_BYTES,
    };
    const sighash = transactionSighash(transaction, this.start.genesisId);
    const witnesses = payment.from.map(({ seed, publicKey }) => ({
      kind: 'key' as const,
      publicKey,
      signature: signNatively(sighash, seed),
    }));
    const bytes = signedTransactionCodec.encode({ transaction, witnesses });
    return { txid: transactionId(transaction), transaction, bytes };
  }

  /** Spends one coin: `amount` to somebody, the rest less the fee back. */
  pay(
    from: string,
    coin: Outpoint & { amount: bigint },
    to: string,
    amount: bigint,
    fee = 10_000n,
  ): SignedPayment {
    const payer = this.person(from);
    return this.sign({
      from: [payer],
      inputs: [{ txid: coin.txid, index: coin.index }],
      outputs: [
        { amount, address: this.person(to).address },
        { amount: coin.amount - amount - fee, address: payer.address },
      ],
    });
  }

  input(transactions: readonly Bytes[], options: BlockOptions = {}): BlockInput {
    const tip = this.ledger.tip();
    const { epoch, validators } = this.ledger.epoch();
    const height = tip.height + 1n;
    const tag = (what: string) => sha256(utf8(`${what} ${height}`));
    const equivocations = (options.equivocators ?? []).map(
      (author) => ({ epoch, author, round: 1 }) as unknown as Equivocation,
    );
    return {
      ...{ epoch, height, transactions, equivocations },
      lastOfEpoch: options.last ?? false,
      time: tip.header.time + (options.millis ?? 500n),
      commitIndex: height,
      commitDigest: tag('commit'),
      consensusSnapshotHash: tag('snapshot'),
      rewards: options.rewards ?? validators.validators.map(() => 1),
    };
  }

  block(transactions: readonly Bytes[] = [], options: BlockOptions = {}): ExecutedBlock {
    return this.ledger.execute(this.input(transactions, options));
  }

  /** The checkpoint of the tip, cosigned by all of its set. */
  certificate(): CertifiedCheckpoint {
    const { size, root, header } = this.ledger.tip();
    const time = header.time / 1_000n;
    const origin = this.start.origin;
    const set = this.ledger.validatorSet(header.validatorsHash);
    if (set === null) throw new Error('the set is known');
    const message = cosignatureMessage({ origin, size, root }, time);
    const cosignatures = validatorSetCodec.decode(set).validators.map(({ name }, author) => ({
      author,
      cosignature: { size, root, time, signature: signNatively(message, checkpointSeed(name)) },
    }));
    return { epoch: header.epoch, size, root, cosignatures };
  }

  certify(): void {
    this.ledger.certified(this.certificate());
  }

  close(): void {
    this.ledger.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `testValidator` derives its keys from its name. */
function checkpointSeed(name: string): Bytes {
  return seedOf(`${name} checkpoint`);
}

function toText(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex');
}
