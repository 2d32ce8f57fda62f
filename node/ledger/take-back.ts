/**
 * Takes blocks back: makes the rows what they were before them, newest block first.
 */
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import { endsEpoch, headerCodec } from 'fanal/chain/header.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Counts } from './meta-store.ts';
import type { Tables } from './tables.ts';

/**
 * Takes back the blocks from `newest` down to and without `target`, inside the caller's transaction.
 * What is in memory must be read again afterwards.
 */
export function takeBack(tables: Tables, counts: Counts, newest: bigint, target: bigint): void {
  const { accounts, blocks, epochs, log, meta } = tables;
  let { coins } = counts;
  for (let height = newest; height > target; height--) {
    const header = headerCodec.decode(blocks.header(height) as Bytes);
    coins += takeBackOne(tables, height);
    blocks.rewind(height);
    if (endsEpoch(header)) epochs.reopen(header.epoch);
  }
  log.truncate(target + 1n);
  accounts.recount();
  const payments = blocks.count();
  meta.setCounts({ ...counts, coins, addresses: accounts.count, payments });
}

/** Takes back the state of one block. Returns by how much the number of coins grows by that. */
function takeBackOne({ accounts, coins, history, records, undo }: Tables, height: bigint): bigint {
  const block = undo.of(height);
  const created = Map.groupBy(block.created, ({ addressId }) => addressId);
  const spent = Map.groupBy(block.spent, ({ addressId }) => addressId);
  for (const id of block.accounts()) {
    const record = block.account(id) as AddressRecord;
    const account = accounts.read(id);
    const [gone, back] = [created.get(id) ?? [], spent.get(id) ?? []];
    account.few = coins.change(account, gone, back, record.coinCount);
    account.peaks = history.peaks(id, record.historySize);
    account.record = record;
    history.truncate(id, record.historySize);
    if (record.historySize === 0n) accounts.remove(id);
    else accounts.write(account, false);
  }
  for (const { key, value } of block.records) {
    if (value === null) records.remove(key);
    else records.set({ key, value });
  }
  undo.drop(height);
  return BigInt(block.spent.length) - BigInt(block.created.length);
}
