/**
 * What the actions of a transaction do to the registry, or why they may not (docs/protocol.md §3.6).
 */
import type { Action } from 'fanal/chain/action.ts';
import { MAX_UNBONDINGS } from 'fanal/chain/limits.ts';
import type { Offence } from 'fanal/chain/offence.ts';
import type { Registration } from 'fanal/chain/registration.ts';
import type { ValidatorRecord } from 'fanal/chain/validator-record.ts';
import { VERSION_WITH_MOVES } from 'fanal/chain/version.ts';
import { type OffenceContext, offenceItems, vertexSlot } from 'fanal/checkpoint/offence.ts';
import { isRegistrableKey } from 'fanal/crypto/ed25519.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { textOf } from './byte-text.ts';
import { keysOf, least, type RegistryDraft } from './registry.ts';

/** Why a transaction's actions are refused; stable. */
export type ActionProblemCode =
  | 'transaction/not-owner'
  | 'transaction/validator-name'
  | 'transaction/validator-key'
  | 'transaction/validator-unknown'
  | 'transaction/validator-retired'
  | 'transaction/unbonding-limit'
  | 'transaction/stake'
  | 'transaction/not-in-set'
  | 'transaction/version'
  | 'transaction/evidence';

/** What actions are checked against besides the registry. */
export interface ActionContext extends OffenceContext {
  /** Of the block under way. */
  readonly height: bigint;
  /** Addresses that the transaction spends from, as texts. */
  readonly owners: ReadonlySet<string>;
  readonly verify: (items: readonly SignedItem[]) => readonly boolean[];
}

/**
 * Applies actions to a draft, in order. After a refusal the draft is to be dropped.
 *
 * @returns why the first one that may not be is refused, or null
 */
export function applyActions(
  draft: RegistryDraft,
  actions: readonly Action[],
  context: ActionContext,
): ActionProblemCode | null {
  for (const action of actions) {
    const problem = applyAction(draft, action, context);
    if (problem !== null) return problem;
  }
  return null;
}

function applyAction(
  draft: RegistryDraft,
  action: Action,
  context: ActionContext,
): ActionProblemCode | null {
  if (action.kind === 'register') return register(draft, action.registration, context);
  if (action.kind === 'evidence') return bringEvidence(draft, action.offence, context);
  const record = draft.record(action.validator);
  if (record === undefined) return 'transaction/validator-unknown';
  if (!owns(context, record.owner)) return 'transaction/not-owner';
  if (record.retired) return 'transaction/validator-retired';
  switch (action.kind) {
    case 'bond':
      draft.change(record.name, { pendingBond: record.pendingBond + action.amount });
      return null;
    case 'unbond':
      if (record.unbondings.length >= MAX_UNBONDINGS) return 'transaction/unbonding-limit';
      if (record.pendingUnbond + action.amount > record.stake) return 'transaction/stake';
      draft.change(record.name, { pendingUnbond: record.pendingUnbond + action.amount });
      return null;
    case 'retire':
      draft.change(record.name, { retired: true });
      return null;
    case 'ready':
      return announce(draft, record.name, action.version);
    case 'move':
      if (draft.params.protocolVersion < VERSION_WITH_MOVES) return 'transaction/version';
      draft.change(record.name, { addresses: action.addresses });
      return null;
  }
}

/** Notes what a member of the running set is ready for. */
function announce(draft: RegistryDraft, name: string, version: number): ActionProblemCode | null {
  const { validators } = draft.set;
  const index = validators.findIndex((member) => member.name === name);
  if (index < 0) return 'transaction/not-in-set';
  const before = draft.readiness?.versions ?? validators.map(() => 0);
  draft.readiness = { versions: before.with(index, version) };
  return null;
}

function register(
  draft: RegistryDraft,
  registration: Registration,
  context: ActionContext,
): ActionProblemCode | null {
  const { proofs: _, ...presented } = registration;
  if (!owns(context, registration.owner)) return 'transaction/not-owner';
  if (draft.record(registration.name) !== undefined) return 'transaction/validator-name';
  if (keysOf(registration).some((key) => draft.hasKey(key))) return 'transaction/validator-key';
  const { vertexKey, checkpointKey, networkKey } = registration;
  if (![vertexKey, checkpointKey, networkKey].every(isRegistrableKey)) {
    return 'transaction/validator-key';
  }
  draft.put({
    ...presented,
    stake: 0n,
    pendingBond: 0n,
    pendingUnbond: 0n,
    retired: false,
    unbondings: [],
    jailedUntil: 0,
    accountableFromEpoch: 0,
    accountableFromSize: 0n,
  });
  return null;
}

function bringEvidence(
  draft: RegistryDraft,
  offence: Offence,
  context: ActionContext,
): ActionProblemCode | null {
  const record = draft.record(offence.validator);
  if (record === undefined) return 'transaction/validator-unknown';
  try {
    if (!isAccountable(draft, record, offence, context.height)) return 'transaction/evidence';
    const verdicts = context.verify(offenceItems(offence, record, context));
    if (!verdicts.every((verdict) => verdict)) return 'transaction/evidence';
  } catch (error) {
    if (error instanceof FanalError) return 'transaction/evidence';
    throw error;
  }
  convict(draft, record, context.height);
  return null;
}

/**
 * Says whether an offence is young enough, and was not answered for yet. One at a size that the log
 * has not reached waits until it has: so a conviction closes every offence that may be brought.
 */
function isAccountable(
  draft: RegistryDraft,
  record: ValidatorRecord,
  offence: Offence,
  height: bigint,
): boolean {
  if (offence.kind === 'cosignatures') {
    return offence.size >= record.accountableFromSize && offence.size <= height;
  }
  const { epoch } = vertexSlot(offence.first.header);
  return (
    epoch >= record.accountableFromEpoch &&
    epoch <= draft.epoch.epoch &&
    epoch + draft.params.unbondingEpochs >= draft.epoch.epoch
  );
}

/** Convicts whoever consensus itself caught at two vertices of one slot in the running epoch. */
export function convictEquivocators(
  draft: RegistryDraft,
  authors: readonly number[],
  height: bigint,
): void {
  for (const author of authors) {
    const name = draft.set.validators[author]?.name;
    const record = name === undefined ? undefined : draft.record(name);
    if (record === undefined || record.accountableFromEpoch > draft.epoch.epoch) continue;
    convict(draft, record, height);
  }
}

/**
 * Burns a part of everything that was at stake, keeps the validator out of the coming sets, and
 * closes the case: nothing it did until now convicts it again.
 */
function convict(draft: RegistryDraft, record: ValidatorRecord, height: bigint): void {
  const { slashPermille, jailEpochs } = draft.params;
  const part = (amount: bigint) => (amount * BigInt(slashPermille)) / 1_000n;
  const stake = record.stake - part(record.stake);
  const unbondings = record.unbondings.map(({ epoch, amount }) => ({
    epoch,
    amount: amount - part(amount),
  }));
  const burnt =
    part(record.stake) + record.unbondings.reduce((sum, { amount }) => sum + part(amount), 0n);
  const { epoch } = draft.epoch;
  const jailedUntil = epoch + 1 + jailEpochs;
  draft.change(record.name, {
    stake,
    pendingUnbond: least(record.pendingUnbond, stake),
    unbondings,
    jailedUntil: Math.max(record.jailedUntil, jailedUntil),
    accountableFromEpoch: epoch + 1,
    accountableFromSize: height + 1n,
  });
  draft.epoch = { ...draft.epoch, supply: draft.epoch.supply - burnt };
}

function owns({ owners }: ActionContext, owner: Bytes): boolean {
  return owners.has(textOf(owner));
}
