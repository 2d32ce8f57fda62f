import type { Action } from 'fanal/chain/action.ts';
import { MAX_SUPPLY } from 'fanal/chain/limits.ts';
import {
  joinTransaction,
  type SignedTransaction,
  signedTransactionCodec,
  splitTransaction,
  type Transaction,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { checkShape, type ShapeVerdict } from 'fanal/chain/transaction-check.ts';
import type { ThresholdWitness } from 'fanal/chain/witness.ts';
import { addressFromKeys } from 'fanal/crypto/address.ts';
import { compareBytes } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signedTransaction } from '../../support/arbitraries.ts';
import { testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';
import { testValidator } from '../../support/people.ts';

const chain = testChain({ sign: signNatively });
const rules = { genesisId: chain.genesisId, params: chain.genesis.params };
const payment = chain.payment('alice', [{ to: 'bob', units: 5n * UNITS_PER_COIN }]);
const alice = chain.person('alice');

const check = (signed: SignedTransaction): ShapeVerdict =>
  checkShape(signedTransactionCodec.encode(signed), rules);
const codeOf = (verdict: ShapeVerdict) => (verdict.kind === 'refused' ? verdict.code : undefined);
const changed = (changes: Partial<Transaction>) =>
  codeOf(check(chain.sign({ ...payment.transaction, ...changes }, [alice])));

describe('the shape of a transaction', () => {
  it('of a payment is right, and names what is still to be checked', () => {
    const verdict = check(payment);
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    const { shaped } = verdict;
    expect(shaped.txid).toEqual(transactionId(payment.transaction));
    expect(shaped.witnessAddresses).toEqual([alice.address]);
    expect(shaped.minFeeUnits).toBe(10n * BigInt(shaped.sizeBytes));
    expect(verifyNatively(shaped.items)).toEqual([true]);
  });

  it('is refused for each of its faults', () => {
    const [input] = payment.transaction.inputs;
    const [output] = payment.transaction.outputs;
    expect(changed({ chain: Uint8Array.of(1, 2, 3, 4) })).toBe('transaction/wrong-chain');
    expect(changed({ inputs: [] })).toBe('transaction/no-inputs');
    expect(changed({ inputs: [input!, input!] })).toBe('transaction/duplicate-input');
    expect(changed({ outputs: [{ ...output!, amount: 999n }] })).toBe('transaction/dust');
    expect(changed({ outputs: [{ ...output!, amount: 1_000n }] })).toBeUndefined();
    const huge = { ...output!, amount: MAX_SUPPLY };
    expect(changed({ outputs: [huge] })).toBeUndefined();
    expect(changed({ outputs: [huge, output!] })).toBe('transaction/overflow');
    expect(changed({ outputs: [], inputs: [{ ...input!, index: 3 }] })).toBeUndefined();
  });

  it('is refused by size before anything is read', () => {
    expect(codeOf(checkShape(new Uint8Array(16_385), rules))).toBe('transaction/too-large');
    expect(codeOf(checkShape(new Uint8Array(99), rules))).toBe('transaction/too-small');
    expect(codeOf(checkShape(new Uint8Array(100), rules))).toBe('transaction/malformed');
  });

  it('is refused with witnesses that are missing, repeated or too many', () => {
    const { transaction, witnesses } = payment;
    expect(codeOf(check({ transaction, witnesses: [] }))).toBe('transaction/witnesses');
    const twice = [...witnesses, ...witnesses];
    expect(codeOf(check({ transaction, witnesses: twice }))).toBe('transaction/witnesses');
  });

  it('never throws, whatever bytes come', () => {
    fc.assert(
      fc.property(signedTransaction, fc.nat(), fc.nat(255), (signed, at, byte) => {
        const bytes = signedTransactionCodec.encode(signed);
        bytes[at % bytes.length] = byte;
        expect(['shaped', 'refused']).toContain(checkShape(bytes, rules).kind);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a signature', () => {
  it('covers the whole genesis id, not only its first bytes', () => {
    const other = chain.genesisId.slice();
    other[31] = (other[31] as number) ^ 1;
    const elsewhere = { ...rules, genesisId: other as typeof chain.genesisId };
    const verdict = checkShape(signedTransactionCodec.encode(payment), elsewhere);
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    expect(verifyNatively(verdict.shaped.items)).toEqual([false]);
  });

  it('is in no id: another one leaves the txid as it is', () => {
    const [witness] = payment.witnesses;
    const forged = { ...witness!, signature: new Uint8Array(64) } as typeof witness;
    const verdict = check({ ...payment, witnesses: [forged!] });
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    expect(verdict.shaped.txid).toEqual(transactionId(payment.transaction));
    expect(verifyNatively(verdict.shaped.items)).toEqual([false]);
  });

  it('of m keys of n speaks for their common address', () => {
    const people = ['dora', 'emil', 'fritz'].map((name) => chain.person(name));
    const sorted = people.toSorted((a, b) => compareBytes(a.publicKey, b.publicKey));
    const sighash = transactionSighash(payment.transaction, chain.genesisId);
    const witness: ThresholdWitness = {
      kind: 'threshold',
      threshold: 2,
      publicKeys: sorted.map(({ publicKey }) => publicKey),
      signers: [0, 2],
      signatures: [signNatively(sighash, sorted[0]!.seed), signNatively(sighash, sorted[2]!.seed)],
    };
    const verdict = check({ ...payment, witnesses: [witness] });
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    const keys = people.map(({ publicKey }) => publicKey);
    expect(verdict.shaped.witnessAddresses).toEqual([addressFromKeys(2, keys)]);
    expect(verifyNatively(verdict.shaped.items)).toEqual([true, true]);
  });
});

describe('the bytes of a signed transaction', () => {
  it('part into transaction and witnesses and join again', () => {
    fc.assert(
      fc.property(signedTransaction, (signed) => {
        const parts = splitTransaction(signedTransactionCodec.encode(signed));
        expect(joinTransaction(parts)).toEqual(signed);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an action', () => {
  const { registration } = testValidator('val-new', 0n, chain.genesisId, signNatively);
  const bond = { kind: 'bond' as const, validator: 'val-new', amount: 1_000n * UNITS_PER_COIN };
  const withActions = (actions: readonly Action[]) =>
    check(chain.sign({ ...payment.transaction, actions }, [alice]));

  it('that registers brings three proofs and is followed by its bond', () => {
    const verdict = withActions([{ kind: 'register', registration }, bond]);
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    expect(verifyNatively(verdict.shaped.items)).toEqual([true, true, true, true]);
    const plain = check(payment);
    if (plain.kind === 'refused') throw new Error(plain.message);
    expect(verdict.shaped.spentUnits - plain.shaped.spentUnits).toBe(bond.amount);
  });

  it.each<[string, readonly Action[]]>([
    ['register without a bond', [{ kind: 'register', registration }]],
    [
      'register with too small a bond',
      [
        { kind: 'register', registration },
        { ...bond, amount: 1n },
      ],
    ],
    [
      'register with a bond to another',
      [
        { kind: 'register', registration },
        { ...bond, validator: 'val-001' },
      ],
    ],
    ['bond nothing', [{ ...bond, amount: 0n }]],
    ['unbond nothing', [{ kind: 'unbond', validator: 'val-001', amount: 0n }]],
    [
      'register with one key for two things',
      [
        { kind: 'register', registration: { ...registration, networkKey: registration.vertexKey } },
        bond,
      ],
    ],
  ])('cannot %s', (_, actions) => {
    expect(codeOf(withActions(actions))).toBe('transaction/action');
  });

  it('proves possession for one chain and one owner only', () => {
    const moved = { ...registration, owner: alice.address };
    const verdict = withActions([{ kind: 'register', registration: moved }, bond]);
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    expect(verifyNatively(verdict.shaped.items)).toEqual([true, false, false, false]);
    const elsewhere = testValidator('val-new', 0n, sha256(chain.genesisId), signNatively);
    const replayed = withActions([
      { kind: 'register', registration: elsewhere.registration },
      bond,
    ]);
    if (replayed.kind === 'refused') throw new Error(replayed.message);
    expect(verifyNatively(replayed.shaped.items)).toEqual([true, false, false, false]);
  });
});
