/**
 * Any value of every type that has canonical bytes, for property tests, vectors and fuzzing.
 */
import type { Action } from 'fanal/chain/action.ts';
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import type { Block } from 'fanal/chain/block.ts';
import type { Coin } from 'fanal/chain/coin.ts';
import type { EpochState } from 'fanal/chain/epoch-state.ts';
import type { Genesis } from 'fanal/chain/genesis.ts';
import type { Header } from 'fanal/chain/header.ts';
import type { HistoryEntry } from 'fanal/chain/history-entry.ts';
import { MAX_LOG_SIZE, MAX_SUPPLY } from 'fanal/chain/limits.ts';
import type { Offence } from 'fanal/chain/offence.ts';
import { originOf } from 'fanal/chain/origin.ts';
import type { Params } from 'fanal/chain/params.ts';
import type { Readiness } from 'fanal/chain/readiness.ts';
import type { Registration } from 'fanal/chain/registration.ts';
import type { SignedTransaction, Transaction } from 'fanal/chain/transaction.ts';
import type { ValidatorRecord } from 'fanal/chain/validator-record.ts';
import { type ValidatorSet, validatorSet } from 'fanal/chain/validators.ts';
import type { Witness } from 'fanal/chain/witness.ts';
import type { Cosignature } from 'fanal/checkpoint/cosignature.ts';
import type { CosignedCheckpoint } from 'fanal/checkpoint/cosigned.ts';
import { ADDRESS_PREFIXES, type AddressBytes } from 'fanal/crypto/address.ts';
import type { AddressProof } from 'fanal/light/address-proof.ts';
import type { CoinsPage } from 'fanal/light/coins.ts';
import type { Evidence } from 'fanal/light/evidence.ts';
import type { Handover } from 'fanal/light/handover.ts';
import type { HeaderProof } from 'fanal/light/header-proof.ts';
import type { HistoryPage } from 'fanal/light/history.ts';
import type { Receipt } from 'fanal/light/receipt.ts';
import type { StateProof } from 'fanal/light/state-proof.ts';
import type { TransactionPlace, TransactionProof } from 'fanal/light/transaction-proof.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import type { Update } from 'fanal/light/update.ts';
import type { MapProof } from 'fanal/merkle/map.ts';
import { type Bytes, type Bytes32, compareBytes, toHex, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { MAX_U16, MAX_U32, MAX_U64 } from 'fanal/primitives/units.ts';
import fc, { type Arbitrary } from 'fast-check';

export const bytes = (length: number): Arbitrary<Bytes> =>
  fc.uint8Array({ minLength: length, maxLength: length });
export const bytes32 = bytes(32) as Arbitrary<Bytes32>;
export const u64 = fc.bigInt(0n, MAX_U64);
export const u32 = fc.nat(MAX_U32);
export const u16 = fc.nat(MAX_U16);
export const amount = fc.bigInt(1n, MAX_SUPPLY / 2_000n);
export const size = fc.bigInt(0n, MAX_LOG_SIZE);
export const signature = bytes(64);
export const path = fc.array(bytes32, { maxLength: 6 });

export const address = fc
  .tuple(fc.nat(1), bytes32)
  .map(([version, hash]) => Uint8Array.of(version, ...hash) as AddressBytes);

export const name = fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}$/);
const multiaddr = fc.stringMatching(/^\/[!-~]{1,30}$/);

export const params: Arbitrary<Params> = fc.record({
  protocolVersion: u16,
  feePerByte: u64,
  dust: u64,
  minStake: u64,
  maxValidators: u16,
  unbondingEpochs: u16,
  jailEpochs: u16,
  slashPermille: u16,
  epochReward: u64,
  epochDurationMillis: u64,
  trustingPeriodMillis: u64,
  blockIntervalMillis: u64,
  heartbeatMillis: u64,
  maxBlockTransactions: u32,
  maxBlockBytes: u32,
  leadersPerRound: fc.nat(255),
  gcDepth: u16,
  scheduleInterval: u16,
  badStakePercent: fc.nat(255),
  maxVertexTransactions: u16,
  maxVertexBytes: u32,
});

const keys = { vertexKey: bytes32, checkpointKey: bytes32, networkKey: bytes32 };

export const registration: Arbitrary<Registration> = fc.record({
  name,
  ...keys,
  owner: address,
  addresses: fc.array(multiaddr, { maxLength: 4 }),
  proofs: fc.tuple(signature, signature, signature),
});

export const offence: Arbitrary<Offence> = fc.oneof(
  fc.record({
    kind: fc.constant('cosignatures' as const),
    validator: name,
    size: u64,
    first: fc.record({ root: bytes32, time: u64, signature }),
    second: fc.record({ root: bytes32, time: u64, signature }),
  }),
  fc.record({
    kind: fc.constant('vertices' as const),
    validator: name,
    first: fc.record({ header: fc.uint8Array({ maxLength: 80 }), signature }),
    second: fc.record({ header: fc.uint8Array({ maxLength: 80 }), signature }),
  }),
);

export const action: Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('register' as const), registration }),
  fc.record({ kind: fc.constantFrom('bond' as const, 'unbond'), validator: name, amount: u64 }),
  fc.record({ kind: fc.constant('retire' as const), validator: name }),
  fc.record({ kind: fc.constant('evidence' as const), offence }),
);

/** What was added for changes of the protocol's version. */
export const upgradeAction: Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('ready' as const),
    validator: name,
    version: fc.integer({ min: 0, max: 255 }),
  }),
  fc.record({
    kind: fc.constant('move' as const),
    validator: name,
    addresses: registration.map(({ addresses }) => addresses),
  }),
);

export const readiness: Arbitrary<Readiness> = fc.record({
  versions: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 5 }),
});

export const transaction: Arbitrary<Transaction> = fc.record({
  chain: bytes(4),
  expiry: u64,
  inputs: fc.array(fc.record({ txid: bytes32, index: u16 }), { maxLength: 4 }),
  outputs: fc.array(fc.record({ amount: u64, address }), { maxLength: 4 }),
  actions: fc.array(action, { maxLength: 2 }),
  note: fc.uint8Array({ maxLength: 256 }),
});

const keyWitness = fc.record({ kind: fc.constant('key' as const), publicKey: bytes32, signature });
const thresholdWitness = fc
  .uniqueArray(bytes32, { minLength: 1, maxLength: 16, selector: toHex })
  .chain((publicKeys) =>
    fc.subarray([...publicKeys.keys()], { minLength: 1 }).chain((signers) =>
      fc.array(signature, { minLength: signers.length, maxLength: signers.length }).map(
        (signatures): Witness => ({
          kind: 'threshold',
          threshold: signers.length,
          publicKeys: publicKeys.toSorted(compareBytes),
          signers,
          signatures,
        }),
      ),
    ),
  );
export const witness: Arbitrary<Witness> = fc.oneof(keyWitness, thresholdWitness);

export const signedTransaction: Arbitrary<SignedTransaction> = fc.record({
  transaction,
  witnesses: fc.array(witness, { maxLength: 3 }),
});

export const header: Arbitrary<Header> = fc.record({
  version: fc.constant(1),
  height: u64,
  epoch: u32,
  time: u64,
  previousRoot: bytes32,
  txRoot: bytes32,
  txCount: u32,
  stateRoot: bytes32,
  validatorsHash: bytes32,
  nextValidatorsHash: fc.oneof(fc.constant(ZERO_32), bytes32),
  commitIndex: u64,
  commitDigest: bytes32,
  consensusSnapshotHash: bytes32,
});

export const set: Arbitrary<ValidatorSet> = fc
  .uniqueArray(fc.record({ name, stake: amount, ...keys, owner: address }), {
    minLength: 1,
    maxLength: 7,
    selector: (validator) => validator.name,
  })
  .map(validatorSet);

export const coin: Arbitrary<Coin> = fc.record({
  txid: bytes32,
  index: u16,
  amount: u64,
  height: u64,
});

export const addressRecord: Arbitrary<AddressRecord> = fc.record({
  balance: u64,
  coinCount: u64,
  coinsRoot: bytes32,
  historySize: u64,
  historyRoot: bytes32,
});

export const historyEntry: Arbitrary<HistoryEntry> = fc.record({
  height: u64,
  position: u32,
  txid: bytes32,
  received: u64,
  spent: u64,
});

export const validatorRecord: Arbitrary<ValidatorRecord> = fc.record({
  name,
  ...keys,
  owner: address,
  addresses: fc.array(multiaddr, { maxLength: 4 }),
  stake: u64,
  pendingBond: u64,
  pendingUnbond: u64,
  retired: fc.boolean(),
  unbondings: fc.array(fc.record({ epoch: u32, amount: u64 }), { maxLength: 5 }),
  jailedUntil: u32,
  accountableFromEpoch: u32,
  accountableFromSize: u64,
});

export const epochState: Arbitrary<EpochState> = fc.record({
  epoch: u32,
  startTime: u64,
  supply: u64,
  fees: u64,
  committed: fc.array(u64, { maxLength: 7 }),
});

export const genesis: Arbitrary<Genesis> = fc.record({
  domain: fc.stringMatching(/^[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,2}$/),
  network: fc.stringMatching(/^[a-z0-9]{1,10}(-[a-z0-9]{1,10})?$/),
  prefix: fc.constantFrom(...ADDRESS_PREFIXES),
  time: u64,
  params,
  validators: fc.array(fc.record({ registration, stake: u64 }), { maxLength: 3 }),
  balances: fc.array(fc.record({ address, amount: u64 }), { maxLength: 4 }),
});

export const block: Arbitrary<Block> = fc.record({
  header,
  transactions: fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }),
  committed: fc.array(u32, { maxLength: 7 }),
  equivocations: fc.array(fc.record({ author: u16, round: u32 }), { maxLength: 3 }),
  nextValidators: fc.option(set),
});

export const cosignature: Arbitrary<Cosignature> = fc.record({
  validator: fc.nat(999),
  time: u64,
  signature,
});

const cosignatures = fc
  .uniqueArray(cosignature, { maxLength: 7, selector: ({ validator }) => validator })
  .map((list) => list.toSorted((a, b) => a.validator - b.validator));

export const cosigned: Arbitrary<CosignedCheckpoint> = fc.record({
  size,
  root: bytes32,
  cosignatures,
});

export const mapProof: Arbitrary<MapProof> = fc.record({
  siblings: fc.array(fc.option(bytes32.filter((hash) => hash.some((byte) => byte !== 0))), {
    maxLength: 12,
  }),
  end: fc.option(fc.record({ key: bytes32, valueHash: bytes32 })),
});

export const headerProof: Arbitrary<HeaderProof> = fc.record({ header, size: u64, path });

export const handover: Arbitrary<Handover> = fc
  .record({ checkpoint: cosigned, header, path, next: fc.option(set) })
  .map(({ next, ...rest }) =>
    next === null
      ? {
          ...rest,
          header: { ...rest.header, nextValidatorsHash: rest.header.validatorsHash },
          nextValidators: null,
        }
      : { ...rest, nextValidators: next },
  );

export const update: Arbitrary<Update> = fc.record({
  from: fc.record({ size: u64, root: bytes32 }),
  handovers: fc.array(handover, { maxLength: 3 }),
  checkpoint: cosigned,
  header,
  inclusion: path,
  consistency: path,
});

const place = {
  transaction: fc.uint8Array({ maxLength: 200 }),
  witnesses: fc.uint8Array({ maxLength: 200 }),
  position: u32,
  path,
};
export const transactionPlace: Arbitrary<TransactionPlace> = fc.record(place);
export const transactionProof: Arbitrary<TransactionProof> = fc.record({
  header: headerProof,
  ...place,
});

export const stateProof: Arbitrary<StateProof> = fc.record({
  height: u64,
  value: fc.option(fc.uint8Array({ maxLength: 100 })),
  proof: mapProof,
});

export const addressProof: Arbitrary<AddressProof> = fc.record({
  address,
  height: u64,
  record: fc.option(addressRecord),
  proof: mapProof,
});

export const coinsPage: Arbitrary<CoinsPage> = fc.record({
  address,
  height: u64,
  coins: fc.array(coin, { maxLength: 5 }),
  hasMore: fc.boolean(),
});

export const historyPage: Arbitrary<HistoryPage> = fc.record({
  address,
  height: u64,
  from: u64,
  entries: fc.array(historyEntry, { maxLength: 5 }),
  path,
});

const chainName = bytes32.map((genesisId) => ({
  genesisId,
  origin: originOf('test.fanal.example', 'unit', genesisId),
}));

export const trustState: Arbitrary<TrustState> = fc
  .record({
    chain: chainName,
    prefix: fc.constantFrom(...ADDRESS_PREFIXES),
    trustingPeriodMillis: u64,
    validators: set,
    header,
    root: bytes32,
    cosignatures,
    sureAt: u64,
  })
  .map(({ chain, ...state }) => ({
    ...chain,
    ...state,
    header: { ...state.header, validatorsHash: state.validators.hash },
  }));

export const receipt: Arbitrary<Receipt> = fc
  .record({
    chain: chainName,
    epoch: u32,
    handovers: fc.array(handover, { maxLength: 2 }),
    checkpoint: cosigned,
    header,
    path,
    transaction: transactionPlace,
  })
  .map(({ chain, ...rest }) => ({ origin: chain.origin, ...rest }));

const branch = fc.record({
  handovers: fc.array(handover, { maxLength: 2 }),
  checkpoint: cosigned,
});

export const evidence: Arbitrary<Evidence> = fc
  .tuple(
    chainName,
    fc.record({ epoch: u32, validators: set }),
    fc.oneof(
      fc.record({ kind: fc.constant('offence' as const), offence }),
      fc.record({
        kind: fc.constant('fork' as const),
        older: branch,
        newer: branch,
        otherRoot: bytes32,
        path,
      }),
    ),
  )
  .map(([chain, anchor, rest]): Evidence => ({ ...chain, ...anchor, ...rest }));
