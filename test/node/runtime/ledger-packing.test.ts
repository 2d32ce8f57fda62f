import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import type { ExecutedBlock, WantedCoin } from 'fanal-node/ledger/ledger.ts';
import {
  packExecuted,
  packFound,
  packWanted,
  unpackExecuted,
  unpackFound,
  unpackWanted,
} from 'fanal-node/runtime/ledger-packing.ts';
import { describe, expect, test } from 'vitest';

const bytes32 = (fill: number) => new Uint8Array(32).fill(fill) as Bytes32;
const address = (fill: number) => new Uint8Array(33).fill(fill);

const WANTED: WantedCoin[] = [
  { txid: bytes32(1), index: 0, addresses: [address(1)] },
  { txid: bytes32(2), index: 0xffff, addresses: [address(2), address(3)] },
  { txid: bytes32(3), index: 7, addresses: [] },
];

describe('what crosses between the main thread and the ledger’s', () => {
  test('wanted coins come out as they went in', () => {
    expect(unpackWanted(packWanted(WANTED))).toEqual(WANTED);
    expect(unpackWanted(packWanted([]))).toEqual([]);
  });

  test('found coins come out with the address that was asked for', () => {
    const wanted = unpackWanted(packWanted(WANTED));
    const second = wanted[1]?.addresses[1] as Uint8Array;
    const found = [null, { amount: 2n ** 63n - 1n, address: second, height: 9n }, null];
    expect(unpackFound(WANTED, packFound(wanted, found))).toEqual(found);
  });

  test('an executed block comes out as it went in', () => {
    const block = {
      height: 5n,
      root: bytes32(8),
      outcomes: [
        { kind: 'included', txid: bytes32(1), position: 3 },
        { kind: 'rejected', txid: bytes32(2), code: 'transaction/coin-spent' },
        { kind: 'duplicate', txid: bytes32(3) },
        { kind: 'rejected', txid: bytes32(4), code: 'transaction/expired' },
      ],
      addresses: [address(1), address(2)],
      spent: new Uint8Array(34),
      sizeBytes: 100,
    } as unknown as ExecutedBlock;
    expect(unpackExecuted(packExecuted(block))).toEqual(block);
    const empty = { ...block, outcomes: [], addresses: [] };
    expect(unpackExecuted(packExecuted(empty))).toEqual(empty);
  });
});
