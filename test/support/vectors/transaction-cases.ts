/**
 * Vectors of the shape of transactions: one that is right, and one for each way to be wrong.
 */

import type { Action } from 'fanal/chain/action.ts';
import { MAX_SUPPLY } from 'fanal/chain/limits.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { signedTransactionCodec, type Transaction } from 'fanal/chain/transaction.ts';
import { checkShape, type TransactionProblemCode } from 'fanal/chain/transaction-check.ts';
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { TestChain } from '../chain.ts';
import { verifyNatively } from '../native.ts';
import { testValidator } from '../people.ts';
import { flipped, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

export function transactionVectors(chain: TestChain): VectorFile {
  const alice = chain.person('alice');
  const payment = chain.payment('alice', [{ to: 'bob', units: 5n * UNITS_PER_COIN }], 'boat');
  const { transaction, witnesses } = payment;
  const [input] = transaction.inputs;
  const [output] = transaction.outputs;
  const changed = (changes: Partial<Transaction>) =>
    signedTransactionCodec.encode(chain.sign({ ...transaction, ...changes }, [alice]));
  const { registration } = testValidator('val-new', 0n, chain.genesisId);
  const bond: Action = { kind: 'bond', validator: 'val-new', amount: 1_000n * UNITS_PER_COIN };
  const register: Action = { kind: 'register', registration };
  const oneKey = { ...registration, networkKey: registration.vertexKey };
  const stolen = { ...registration, owner: alice.address };
  const bytes = signedTransactionCodec.encode(payment);
  const given: readonly [string, Bytes, TransactionProblemCode?][] = [
    ['a payment', bytes],
    ['a registration with its bond', changed({ actions: [register, bond] })],
    ['an unbonding', changed({ actions: [{ ...bond, kind: 'unbond', validator: 'val-001' }] })],
    ['a retirement', changed({ actions: [{ kind: 'retire', validator: 'val-001' }] })],
    ['99 bytes', bytes.slice(0, 99), 'transaction/too-small'],
    ['16,385 bytes', new Uint8Array(16_385), 'transaction/too-large'],
    ['a byte behind the end', Uint8Array.of(...bytes, 0), 'transaction/malformed'],
    ['version 2', flipped(bytes, 0, 3), 'transaction/malformed'],
    ['another chain', changed({ chain: flipped(transaction.chain, 0) }), 'transaction/wrong-chain'],
    ['no inputs', changed({ inputs: [] }), 'transaction/no-inputs'],
    ['one input twice', changed({ inputs: [input!, input!] }), 'transaction/duplicate-input'],
    ['dust', changed({ outputs: [{ ...output!, amount: 999n }] }), 'transaction/dust'],
    [
      'more than there can be',
      changed({ outputs: [output!, { ...output!, amount: MAX_SUPPLY }] }),
      'transaction/overflow',
    ],
    ['a bond of nothing', changed({ actions: [{ ...bond, amount: 0n }] }), 'transaction/action'],
    ['a registration without a bond', changed({ actions: [register] }), 'transaction/action'],
    [
      'a bond before the registration',
      changed({ actions: [bond, register] }),
      'transaction/action',
    ],
    [
      'one key for two things',
      changed({ actions: [{ ...register, registration: oneKey }, bond] }),
      'transaction/action',
    ],
    [
      'no witness',
      signedTransactionCodec.encode({ transaction, witnesses: [] }),
      'transaction/witnesses',
    ],
    [
      'the same witness twice',
      signedTransactionCodec.encode({
        transaction: { ...transaction, inputs: [input!, { ...input!, index: 9 }] },
        witnesses: [...witnesses, ...witnesses],
      }),
      'transaction/witnesses',
    ],
    ['a signature with one bit changed', flipped(bytes, -1, 0x20), 'transaction/bad-signature'],
    [
      'a signature of another transaction',
      signedTransactionCodec.encode({
        transaction: { ...transaction, expiry: transaction.expiry + 1n },
        witnesses,
      }),
      'transaction/bad-signature',
    ],
    [
      'possession proofs of another owner',
      changed({ actions: [{ ...register, registration: stolen }, bond] }),
      'transaction/bad-signature',
    ],
  ];
  const rules = { genesisId: chain.genesisId, params: chain.genesis.params };
  const cases = given.map(([name, encoded, refused]): VectorCase => {
    const verdict = checkShape(encoded, rules);
    if (verdict.kind === 'refused')
      return expecting({ name, bytes: toHex(encoded) }, refused, verdict.code);
    const { shaped } = verdict;
    const isSigned = [...(verifyNatively(shaped.items) as boolean[])].every((valid) => valid);
    const found = isSigned ? undefined : 'transaction/bad-signature';
    return expecting(
      {
        name,
        bytes: toHex(encoded),
        ...(isSigned && {
          txid: toHex(shaped.txid),
          spentUnits: String(shaped.spentUnits),
          minFeeUnits: String(shaped.minFeeUnits),
          witnessAddresses: shaped.witnessAddresses.map(toHex),
        }),
      },
      refused,
      found,
    );
  });
  const rulesOfChain = {
    genesisId: toHex(chain.genesisId),
    params: toHex(paramsCodec.encode(chain.genesis.params)),
  };
  return vectorFile(
    'docs/protocol.md §3.4',
    'Check the shape of `bytes` for the chain with `genesisId` and `params`, signatures included. The code says which rule refuses; an implementation that checks in another order may name another.',
    cases.map((item) => ({ ...item, ...rulesOfChain })),
  );
}

/** The case with its expected refusal, which must be the one found. */
export function expecting(
  item: VectorCase,
  expected: string | undefined,
  found: string | undefined,
): VectorCase {
  if (expected !== found) {
    throw new Error(`${item.name}: expected ${expected ?? 'no refusal'}, found ${found ?? 'none'}`);
  }
  return expected === undefined ? item : { ...item, refused: expected };
}
