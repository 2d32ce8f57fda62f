import { addressProofShape, coinsPageShape, historyPageShape } from 'fanal/api/address.ts';
import { paramsShape } from 'fanal/api/chain.ts';
import { eventShape, socketRequestShape } from 'fanal/api/events.ts';
import { headerShape } from 'fanal/api/header.ts';
import { parseJson } from 'fanal/api/json.ts';
import {
  handoverShape,
  headerProofShape,
  stateProofShape,
  updateShape,
  validatorSetShape,
} from 'fanal/api/proof.ts';
import {
  type AnyShape,
  bytes32,
  choice,
  hex,
  list,
  nullable,
  object,
  text,
  u16,
  u64,
  word,
} from 'fanal/api/shape.ts';
import { signedTransactionShape, transactionProofShape } from 'fanal/api/transaction.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import { signedTransactionCodec } from 'fanal/chain/transaction.ts';
import { addressProofCodec } from 'fanal/light/address-proof.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { TestAnswers } from 'fanal/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { aliceAddress, bobAddress, coins, type World, world } from '../../support/wallet-world.ts';

let w: World;
let answers: TestAnswers;

beforeAll(async () => {
  w = world();
  w.chain.addBlock({ time: w.clock.now(), endEpoch: true });
  w.block();
  await w.wallet.sync();
  await w.wallet.send(await w.wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] }));
  w.block();
  answers = new TestAnswers(w.chain);
});

/** To JSON text and back gives a value with the same canonical bytes. */
function roundTrip<T>(shape: AnyShape, codec: { encode(value: T): Uint8Array }, value: T): void {
  const json = JSON.stringify(shape.to(value as never));
  const back = shape.from(parseJson(utf8(json))) as T;
  expect(toHex(codec.encode(back))).toBe(toHex(codec.encode(value)));
}

describe('JSON twins of canonical answers', () => {
  it('carry everything that the bytes carry', () => {
    const txid = w.chain.tip.txids[0];
    if (txid === undefined) throw new Error('the tip has a payment');
    const decoded = <T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array | null): T =>
      codec.decode(bytes as Uint8Array);
    roundTrip(updateShape('dfan'), updateCodec, decoded(updateCodec, answers.update(1n)));
    roundTrip(handoverShape('dfan'), handoverCodec, decoded(handoverCodec, answers.handover(0)));
    roundTrip(
      headerProofShape,
      headerProofCodec,
      decoded(headerProofCodec, answers.headerProof(1n)),
    );
    roundTrip(
      transactionProofShape('dfan'),
      transactionProofCodec,
      decoded(transactionProofCodec, answers.transactionProof(txid)),
    );
    roundTrip(
      signedTransactionShape('dfan'),
      signedTransactionCodec,
      decoded(signedTransactionCodec, answers.transaction(txid)),
    );
    for (const address of [aliceAddress, bobAddress]) {
      roundTrip(
        addressProofShape('dfan'),
        addressProofCodec,
        decoded(addressProofCodec, answers.addressProof(address)),
      );
      roundTrip(
        historyPageShape('dfan'),
        historyPageCodec,
        decoded(historyPageCodec, answers.history(address, 0n, 10)),
      );
    }
    roundTrip(
      stateProofShape,
      stateProofCodec,
      decoded(stateProofCodec, answers.stateProof(PARAMETERS_KEY)),
    );
    const page = coinsPageCodec.decode(answers.coins(bobAddress, 5, null));
    const shown = coinsPageShape('dfan').to({ ...page, items: page.coins, next: null });
    expect(coinsPageShape('dfan').from(shown).items).toEqual(page.coins);
    const set = validatorSetShape('dfan');
    expect(set.from(set.to(w.chain.tip.validators)).hash).toEqual(w.chain.tip.validators.hash);
    expect(paramsShape.from(paramsShape.to(LOCAL_PARAMS))).toEqual(LOCAL_PARAMS);
    expect(headerShape.from(headerShape.to(w.chain.tip.header))).toEqual(w.chain.tip.header);
  });

  it('hold no number that a program could round: u64 are text', () => {
    const json = updateShape('dfan').to(updateCodec.decode(answers.update(1n) as Uint8Array));
    const walk = (value: unknown): void => {
      if (typeof value === 'number') expect(value).toBeLessThanOrEqual(0xffff_ffff);
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(walk);
    };
    walk(json);
    expect((json as { header: { time: unknown } }).header.time).toBeTypeOf('string');
  });
});

describe('a shape', () => {
  const shape = object({
    kind: word('thing'),
    amount: u64,
    id: bytes32,
    index: u16,
    note: nullable(text(4)),
    list: list(hex({ max: 2 }), 2),
  });
  const good = {
    kind: 'thing',
    amount: '9223372036854775807',
    id: 'ab'.repeat(32),
    index: 65_535,
    note: null,
    list: ['', 'ffff'],
  };

  it('reads what fits, and ignores what it does not know', () => {
    expect(shape.from({ ...good, later: true }).amount).toBe(2n ** 63n - 1n);
  });

  it.each([
    ['an amount as a number', { amount: 1 }, '/amount'],
    ['an amount past the greatest', { amount: '9223372036854775808' }, '/amount'],
    ['an amount with a zero before it', { amount: '01' }, '/amount'],
    ['a short id', { id: 'ab' }, '/id'],
    ['an id in upper case', { id: 'AB'.repeat(32) }, '/id'],
    ['an index past u16', { index: 65_536 }, '/index'],
    ['a fraction', { index: 0.5 }, '/index'],
    ['a missing name', { index: undefined }, '/index'],
    ['text for null', { note: 'longer' }, '/note'],
    ['too many items', { list: ['', '', ''] }, '/list'],
    ['an item too long', { list: ['', 'ffffff'] }, '/list/1'],
    ['another word', { kind: 'other' }, '/kind'],
  ])('refuses %s and says where', (_, change, place) => {
    expect(() => shape.from({ ...good, ...change })).toThrow(
      expect.objectContaining({
        code: 'encoding/json-shape',
        message: expect.stringContaining(place),
      }),
    );
  });

  it('never takes a name from a prototype', () => {
    const evil = Object.create(good) as object;
    expect(() => shape.from(evil)).toThrow();
  });

  it('tells choices apart by kind alone', () => {
    const either = choice(
      object({ kind: word('a'), value: u64 }),
      object({ kind: word('b'), value: bytes32 }),
    );
    expect(either.from({ kind: 'a', value: '1' })).toEqual({ kind: 'a', value: 1n });
    for (const bad of [null, 1, {}, { kind: 'c' }, { kind: 'b', value: '1' }]) {
      expect(() => either.from(bad)).toThrow(
        expect.objectContaining({ code: 'encoding/json-shape' }),
      );
    }
  });

  it('throws nothing untyped, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const one of [shape, eventShape, socketRequestShape, updateShape('dfan')]) {
          try {
            (one as AnyShape).from(value);
          } catch (error) {
            expect((error as { code?: string }).code).toBe('encoding/json-shape');
          }
        }
      }),
    );
  });
});
