/**
 * Executes one block inside a database transaction: checks and applies its transactions, closes the
 * epoch if it is the last, and writes what came of it.
 */
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { readinessCodec } from 'fanal/chain/readiness.ts';
import { EPOCH_KEY, PARAMETERS_KEY, READINESS_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { listRoot } from 'fanal/merkle/list-proof.ts';
import type { MapChange } from 'fanal/merkle/map-tree.ts';
import { type Bytes, type Bytes32, equalBytes, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Account, AccountDraft } from './account.ts';
import { convictEquivocators } from './actions.ts';
import { BlockWork } from './block-work.ts';
import { cutEpoch } from './epoch-cut.ts';
import type { Tip } from './ledger.ts';
import { addressChange, recordChange } from './load-state.ts';
import type { Counts } from './meta-store.ts';
import { nativeListHasher } from './native-hash.ts';
import { type Registry, RegistryDraft } from './registry.ts';
import type { StateTree } from './state-tree.ts';
import type { Tables } from './tables.ts';
import type { WorkOrder } from './work-order.ts';

/** The state that a block is executed on. */
export interface LedgerState {
  readonly tables: Tables;
  readonly tree: StateTree;
  readonly registry: Registry;
  readonly tip: Tip;
  readonly counts: Counts;
  readonly genesisId: Bytes32;
  readonly origin: string;
  readonly verify: (items: readonly SignedItem[]) => readonly boolean[];
}

/** What execution gave. It counts once the transaction is on disk. */
export interface DoneBlock {
  readonly header: Header;
  readonly blockId: Bytes32;
  readonly work: BlockWork;
  readonly counts: Counts;
  readonly nextValidators: ValidatorSet | null;
  /** What takes the block back. */
  readonly undo: Bytes;
  readonly sizeBytes: number;
  /** When the transactions were checked, and when the new state was known. */
  readonly checkedAt: number;
  readonly computedAt: number;
}

/**
 * Executes a block. The caller holds the transaction.
 *
 * @param verified one byte a transaction, 1 where its signatures were checked before
 * @param expected the header that it must give, or null
 * @throws {FanalError} `ledger/divergent-block`
 */
export function executeBlock(
  state: LedgerState,
  order: WorkOrder,
  verified: Uint8Array | undefined,
  expected: Header | null,
): DoneBlock {
  const { tables, tree, registry } = state;
  const { height } = order;
  const draft = RegistryDraft.of(registry);
  const { genesisId, origin, verify } = state;
  const work = new BlockWork({ ...tables, genesisId, origin, verify }, height, draft);
  order.transactions.forEach((bytes, i) => {
    work.add(bytes, verified?.[i] === 1);
  });
  const checkedAt = performance.now();
  const next = closeBlock(state, order, work);
  work.finish();
  const changes = updateAccounts(tables, work.touched);
  const records = changedRecords(registry, draft);
  for (const { key, value } of records) changes.push(recordChange(key, value));
  const header = headerOf(state, order, work, tree.append(height, changes), next);
  if (expected !== null) requireHeader(expected, header);
  const computedAt = performance.now();
  const written = writeBlock(state, order, work, header, records, next);
  return { ...written, header, work, nextValidators: next, checkedAt, computedAt };
}

/** What a block does besides its transactions. Returns the next set at an epoch's end. */
function closeBlock(
  { tables, registry, genesisId }: LedgerState,
  order: WorkOrder,
  work: BlockWork,
): ValidatorSet | null {
  const { draft, height } = work;
  const committed = draft.epoch.committed.map(
    (count, i) => count + BigInt(order.committed[i] ?? 0),
  );
  if (order.committed.some((count) => count > 0)) draft.epoch = { ...draft.epoch, committed };
  const authors = order.equivocations.map(({ author }) => author);
  convictEquivocators(draft, authors, height);
  if (!order.lastOfEpoch) return null;
  const names = new Set(registry.records.keys());
  for (const { name } of draft.changed()) names.add(name);
  const { epoch } = draft.epoch;
  const cut = cutEpoch(draft, [...names].sort(compareNames), genesisId, order.time);
  work.pay(payoutId(genesisId, epoch), cut.payouts);
  // For the board: what the epoch that ends has paid.
  draft.set.validators.forEach(({ name }, i) => {
    tables.epochs.setPerformance(epoch, name, {
      ...tables.epochs.performance(epoch, name),
      rounds: committed[i] ?? 0n,
      rewards: cut.rewards[i] ?? 0n,
    });
  });
  return cut.next;
}

/** Gives every touched account its new record, and returns their entries in the state map. */
function updateAccounts({ coins, history }: Tables, touched: readonly Account[]): MapChange[] {
  const roots = coins.updateRoots(touched);
  return touched.map((account, i) => {
    const draft = account.draft as AccountDraft;
    const { size, root } = history.append(account, draft.entries);
    account.record = {
      balance: draft.balance,
      coinCount: draft.coinCount,
      coinsRoot: roots[i] as Bytes32,
      historySize: size,
      historyRoot: root,
    };
    return addressChange(account.stateKey, account.record);
  });
}

/** The state records that a draft changed, in canonical bytes. */
function changedRecords(registry: Registry, draft: RegistryDraft): { key: Bytes; value: Bytes }[] {
  const changed = [...draft.changed()].map((record) => ({
    key: validatorKey(record.name) as Bytes,
    value: validatorRecordCodec.encode(record),
  }));
  if (draft.epoch !== registry.epoch) {
    changed.push({ key: EPOCH_KEY, value: epochStateCodec.encode(draft.epoch) });
  }
  if (draft.params !== registry.params) {
    changed.push({ key: PARAMETERS_KEY, value: paramsCodec.encode(draft.params) });
  }
  if (draft.readiness !== null && draft.readiness !== registry.readiness) {
    changed.push({ key: READINESS_KEY, value: readinessCodec.encode(draft.readiness) });
  }
  return changed;
}

function headerOf(
  { tip, registry }: LedgerState,
  order: WorkOrder,
  work: BlockWork,
  stateRoot: Bytes32,
  next: ValidatorSet | null,
): Header {
  const { epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash } = order;
  const leaves = work.payments.map(({ leaf }) => leaf);
  return {
    version: registry.params.protocolVersion,
    ...{ height, epoch, time },
    previousRoot: tip.root,
    txRoot: listRoot(leaves, nativeListHasher),
    txCount: leaves.length,
    stateRoot,
    validatorsHash: registry.set.hash,
    nextValidatorsHash: next?.hash ?? ZERO_32,
    ...{ commitIndex, commitDigest, consensusSnapshotHash },
  };
}

function writeBlock(
  { tables, counts }: LedgerState,
  { epoch, height, committed, equivocations }: WorkOrder,
  { touched, payments, outcomes }: BlockWork,
  header: Header,
  records: readonly { key: Bytes; value: Bytes }[],
  next: ValidatorSet | null,
): Pick<DoneBlock, 'blockId' | 'undo' | 'counts' | 'sizeBytes'> {
  const { accounts, blocks, coins, epochs, log, meta } = tables;
  const drafts = touched.map(({ draft }) => draft as AccountDraft);
  const recordsBefore = records.map(({ key }) => ({ key, value: tables.records.get(key) }));
  touched.forEach((account, i) => {
    const { created, spent, isNew } = drafts[i] as AccountDraft;
    account.few = coins.change(account, spent, created, account.record.coinCount);
    accounts.write(account, isNew);
  });
  for (const record of records) tables.records.set(record);
  const created = drafts.flatMap((draft) => draft.created);
  const spent = drafts.flatMap((draft) => draft.spent);
  const undo = tables.undo.write(height, {
    accounts: touched.map(({ id }, i) => ({ id, record: (drafts[i] as AccountDraft).before })),
    records: recordsBefore,
    ...{ created, spent },
  });
  const bytes = headerCodec.encode(header);
  const body = { header, committed, equivocations, nextValidators: next };
  const sizeBytes = blocks.write(body, bytes, payments);
  for (const outcome of outcomes) {
    if (outcome.kind !== 'rejected' || equalBytes(outcome.txid, ZERO_32)) continue;
    blocks.refuse(outcome.txid, height, outcome.code);
  }
  if (next !== null) {
    epochs.end(epoch, height);
    epochs.begin(epoch + 1, next);
  }
  const after = {
    ...counts,
    coins: counts.coins + BigInt(created.length) - BigInt(spent.length),
    addresses: accounts.count,
    payments: counts.payments + BigInt(payments.length),
  };
  meta.setCounts(after);
  return { blockId: log.append(bytes), undo, counts: after, sizeBytes };
}

function requireHeader(expected: Header, found: Header): void {
  const [a, b] = [headerCodec.encode(expected), headerCodec.encode(found)];
  if (equalBytes(a, b)) return;
  const field = (Object.keys(found) as (keyof Header)[]).find((key) => {
    const [left, right] = [expected[key], found[key]];
    return typeof left === 'object' ? !equalBytes(left, right as Bytes) : left !== right;
  });
  throw new FanalError(
    'ledger/divergent-block',
    `block ${expected.height}: ${field} is not what execution gives`,
    { hint: 'The peer that sent the block lies, or runs other rules.' },
  );
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : 1;
}
