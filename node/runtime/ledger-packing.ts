/**
 * The calls that every payment makes, as few byte strings on their way between the main thread and
 * the ledger's: cloning an object with its small arrays costs each thread more than the work.
 */
import { ADDRESS_BYTES } from 'fanal/crypto/address.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { Reader, Writer } from 'fanal/primitives/codec.ts';
import type {
  ExecutedBlock,
  SpendableCoin,
  TransactionOutcome,
  WantedCoin,
} from '../ledger/ledger.ts';

const TXID_BYTES = 32;
/** In the place of an address: the coin is not there. */
const NO_COIN = 0xffff;

export function packWanted(coins: readonly WantedCoin[]): Bytes {
  const writer = new Writer(coins.length * 80 + 4).u32(coins.length);
  for (const { txid, index, addresses } of coins) {
    writer.bytes(txid, TXID_BYTES).u16(index).u16(addresses.length);
    for (const address of addresses) writer.bytes(address, ADDRESS_BYTES);
  }
  return writer.finish();
}

export function unpackWanted(packed: Bytes): WantedCoin[] {
  const reader = new Reader(packed, 'wanted coins');
  return Array.from({ length: reader.u32() }, () => ({
    txid: reader.bytes32(),
    index: reader.u16(),
    addresses: Array.from({ length: reader.u16() }, () => reader.bytes(ADDRESS_BYTES)),
  }));
}

/** An answer names a coin's address by its place among those that were asked for. */
export function packFound(
  wanted: readonly WantedCoin[],
  found: readonly (SpendableCoin | null)[],
): Bytes {
  const writer = new Writer(found.length * 18);
  found.forEach((coin, i) => {
    if (coin === null) {
      writer.u16(NO_COIN);
      return;
    }
    const place = (wanted[i] as WantedCoin).addresses.indexOf(coin.address);
    writer.u16(place).u64(coin.amount).u64(coin.height);
  });
  return writer.finish();
}

export function unpackFound(
  wanted: readonly WantedCoin[],
  packed: Bytes,
): (SpendableCoin | null)[] {
  const reader = new Reader(packed, 'found coins');
  return wanted.map(({ addresses }) => {
    const place = reader.u16();
    if (place === NO_COIN) return null;
    return { address: addresses[place] as Bytes, amount: reader.u64(), height: reader.u64() };
  });
}

/** An executed block with its outcomes and addresses as bytes. */
export type PackedExecuted = Omit<ExecutedBlock, 'outcomes' | 'addresses'> & {
  readonly outcomes: Bytes;
  readonly addresses: Bytes;
  /** Why transactions were refused, in their order. */
  readonly codes: readonly string[];
};

const KINDS = ['included', 'duplicate', 'rejected'] as const;

export function packExecuted({ outcomes, addresses, ...rest }: ExecutedBlock): PackedExecuted {
  const writer = new Writer(outcomes.length * 37 + 4).u32(outcomes.length);
  const codes: string[] = [];
  for (const outcome of outcomes) {
    writer.u8(KINDS.indexOf(outcome.kind)).bytes(outcome.txid, TXID_BYTES);
    if (outcome.kind === 'included') writer.u32(outcome.position);
    if (outcome.kind === 'rejected') codes.push(outcome.code);
  }
  const names = new Writer(addresses.length * 34 + 4).u32(addresses.length);
  for (const address of addresses) names.bytes(address, ADDRESS_BYTES);
  return { ...rest, outcomes: writer.finish(), addresses: names.finish(), codes };
}

export function unpackExecuted({
  outcomes,
  addresses,
  codes,
  ...rest
}: PackedExecuted): ExecutedBlock {
  const reader = new Reader(outcomes, 'outcomes');
  const reasons = codes.values();
  const names = new Reader(addresses, 'addresses');
  return {
    ...rest,
    outcomes: Array.from({ length: reader.u32() }, () => readOutcome(reader, reasons)),
    addresses: Array.from({ length: names.u32() }, () => names.bytes(ADDRESS_BYTES)),
  };
}

function readOutcome(reader: Reader, reasons: Iterator<string>): TransactionOutcome {
  const kind = KINDS[reader.u8()];
  const txid: Bytes32 = reader.bytes32();
  switch (kind) {
    case 'included':
      return { kind, txid, position: reader.u32() };
    case 'duplicate':
      return { kind, txid };
    default:
      return { kind: 'rejected', txid, code: reasons.next().value as string };
  }
}
