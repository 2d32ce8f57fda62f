/**
 * The end of an epoch: rewards are divided, stake set free is paid, and the next set is made
 * (docs/protocol.md §8.3, §8.4).
 */
import { MAX_PAYOUTS, MAX_SUPPLY, MAX_UNBONDINGS } from 'fanal/chain/limits.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { carriedReadiness, nextVersion } from 'fanal/chain/readiness.ts';
import type { ValidatorRecord } from 'fanal/chain/validator-record.ts';
import { type Validator, type ValidatorSet, validatorSet } from 'fanal/chain/validators.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { type Bytes32, compareBytes, concat, utf8 } from 'fanal/primitives/bytes.ts';
import { nativeSha256 } from './native-hash.ts';
import { least, type RegistryDraft } from './registry.ts';

/** A coin that the protocol makes; its index is its place in the list. */
export interface Payout {
  readonly address: AddressBytes;
  readonly amount: bigint;
}

export interface EpochCut {
  readonly next: ValidatorSet;
  readonly payouts: readonly Payout[];
  /** Units paid to each validator of the set that ends, by index. */
  readonly rewards: readonly bigint[];
}

/**
 * Ends the running epoch in a draft: afterwards it holds the next epoch's accounts and records.
 *
 * @param names every registered validator, ascending
 * @param time of the epoch's last header
 */
export function cutEpoch(
  draft: RegistryDraft,
  names: readonly string[],
  genesisId: Bytes32,
  time: bigint,
): EpochCut {
  const { rewards, payouts: rewarded } = divideRewards(draft);
  const freed = payUnbondings(draft, names, MAX_PAYOUTS - rewarded.length);
  const salt = payoutId(genesisId, draft.epoch.epoch);
  const next = nextSet(draft, inLot(names, salt));
  moveVersion(draft, next);
  draft.epoch = {
    ...draft.epoch,
    epoch: draft.epoch.epoch + 1,
    startTime: time,
    committed: next.validators.map(() => 0n),
  };
  return { next, payouts: [...rewarded, ...freed], rewards };
}

/** Takes up the version that enough of the next set is ready for (docs/protocol.md §8.5). */
function moveVersion(draft: RegistryDraft, next: ValidatorSet): void {
  if (draft.readiness === null) return;
  draft.readiness = carriedReadiness(draft.readiness, draft.set, next);
  const protocolVersion = nextVersion(draft.params.protocolVersion, draft.readiness, next);
  if (protocolVersion !== draft.params.protocolVersion) {
    draft.params = { ...draft.params, protocolVersion };
  }
}

/** What each validator of the set would be paid if the epoch ended now, by index. */
export function rewardShares(draft: RegistryDraft): {
  readonly shares: readonly bigint[];
  /** Units to divide, and how many of them would be new. */
  readonly pot: bigint;
  readonly minted: bigint;
} {
  const { epoch, params, set } = draft;
  const room = MAX_SUPPLY - epoch.supply;
  const minted = least(params.epochReward, room);
  const pot = epoch.fees + minted;
  const weights = set.validators.map(({ name, stake }, i) => {
    const isConvicted = (draft.record(name)?.accountableFromEpoch ?? 0) > epoch.epoch;
    return isConvicted ? 0n : (epoch.committed[i] ?? 0n) * stake;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  const shares = weights.map((weight) => {
    const share = total === 0n ? 0n : (pot * weight) / total;
    return share < params.dust ? 0n : share;
  });
  return { shares, pot, minted };
}

function divideRewards(draft: RegistryDraft): { rewards: readonly bigint[]; payouts: Payout[] } {
  const { shares, pot, minted } = rewardShares(draft);
  const payouts: Payout[] = [];
  let paid = 0n;
  draft.set.validators.forEach(({ owner }, i) => {
    const amount = shares[i] as bigint;
    if (amount === 0n) return;
    payouts.push({ address: owner, amount });
    paid += amount;
  });
  const { supply } = draft.epoch;
  draft.epoch = { ...draft.epoch, supply: supply + minted, fees: pot - paid };
  return { rewards: shares, payouts };
}

/** Pays the stake that is due, at most to `max` validators; the others wait for the next epoch. */
function payUnbondings(draft: RegistryDraft, names: readonly string[], max: number): Payout[] {
  const payouts: Payout[] = [];
  for (const name of names) {
    if (payouts.length >= max) break;
    const record = draft.record(name) as ValidatorRecord;
    const due = record.unbondings.filter(({ epoch }) => epoch <= draft.epoch.epoch);
    if (due.length === 0) continue;
    const amount = due.reduce((sum, unbonding) => sum + unbonding.amount, 0n);
    if (amount > 0n) payouts.push({ address: record.owner, amount });
    draft.change(name, { unbondings: record.unbondings.slice(due.length) });
  }
  return payouts;
}

/**
 * Moves the set towards what stake is bonded, by less than a third of the old set's stake: first
 * those that must leave, then those that want to, then those that join or grow.
 */
function nextSet(draft: RegistryDraft, names: readonly string[]): ValidatorSet {
  const changes = new SetChanges(draft);
  for (const name of names) changes.expel(name);
  for (const name of names) changes.release(name);
  for (const name of names) changes.admit(name);
  return changes.finish();
}

class SetChanges {
  readonly #draft: RegistryDraft;
  /** Stake in the coming set by name. Never more than what the record has. */
  readonly #granted = new Map<string, bigint>();
  /** Units of stake that may still change. */
  #budget: bigint;

  constructor(draft: RegistryDraft) {
    this.#draft = draft;
    this.#budget = (draft.set.totalStake - 1n) / 3n;
    for (const { name, stake } of draft.set.validators) {
      const bonded = (draft.record(name) as ValidatorRecord).stake;
      this.#granted.set(name, least(stake, bonded));
    }
  }

  /** The jailed go, and those whose stake was burnt below the minimum, whatever the budget says. */
  expel(name: string): void {
    const granted = this.#granted.get(name);
    if (granted === undefined) return;
    const { jailedUntil } = this.#draft.record(name) as ValidatorRecord;
    const isJailed = jailedUntil > this.#draft.epoch.epoch + 1;
    if (!isJailed && granted >= this.#draft.params.minStake) return;
    this.#granted.delete(name);
    this.#budget = this.#budget > granted ? this.#budget - granted : 0n;
  }

  /** Sets stake free: first what counts for nothing, then what counts, as far as the budget goes. */
  release(name: string): void {
    const record = this.#draft.record(name) as ValidatorRecord;
    const { minStake, unbondingEpochs } = this.#draft.params;
    const wanted = record.retired ? record.stake : record.pendingUnbond;
    // A bond of this epoch never counted, so a retiring validator has it back with the rest.
    const neverCounted = record.retired ? record.pendingBond : 0n;
    if (wanted + neverCounted === 0n || record.unbondings.length >= MAX_UNBONDINGS) return;
    const granted = this.#granted.get(name) ?? 0n;
    const idle = record.stake - granted;
    const fromIdle = least(wanted, idle);
    const fromGranted = this.#shrink(name, granted, wanted - fromIdle, minStake);
    const amount = fromIdle + fromGranted + neverCounted;
    if (amount === 0n) return;
    const epoch = this.#draft.epoch.epoch + unbondingEpochs;
    this.#draft.change(name, {
      stake: record.stake - fromIdle - fromGranted,
      pendingBond: record.pendingBond - neverCounted,
      pendingUnbond: record.retired ? 0n : record.pendingUnbond - fromIdle - fromGranted,
      unbondings: [...record.unbondings, { epoch, amount }],
    });
  }

  /** Bonds join the stake, and as much of the stake joins the set as the budget allows. */
  admit(name: string): void {
    const record = this.#draft.record(name) as ValidatorRecord;
    const stake = record.stake + record.pendingBond;
    if (record.pendingBond > 0n) this.#draft.change(name, { stake, pendingBond: 0n });
    const { minStake, maxValidators } = this.#draft.params;
    const isJailed = record.jailedUntil > this.#draft.epoch.epoch + 1;
    if (record.retired || isJailed) return;
    const granted = this.#granted.get(name);
    const target = stake - record.pendingUnbond;
    if (granted !== undefined) {
      const growth = least(target - granted, this.#budget);
      if (growth <= 0n) return;
      this.#granted.set(name, granted + growth);
      this.#budget -= growth;
      return;
    }
    const lowest = this.#granted.size < maxValidators ? null : this.#lowest();
    const displaced = lowest?.stake ?? 0n;
    const share = least(target, this.#budget - displaced);
    if (share < minStake || share <= displaced) return;
    if (lowest !== null) this.#granted.delete(lowest.name);
    this.#granted.set(name, share);
    this.#budget -= share + displaced;
  }

  /** The set, or the old one when nobody would be left. */
  finish(): ValidatorSet {
    if (this.#granted.size === 0) return this.#draft.set;
    const validators: Validator[] = [];
    for (const [name, stake] of this.#granted) {
      const { vertexKey, checkpointKey, networkKey, owner } = this.#draft.record(
        name,
      ) as ValidatorRecord;
      validators.push({ name, stake, vertexKey, checkpointKey, networkKey, owner });
    }
    return validatorSet(validators);
  }

  /**
   * Takes up to `wanted` units from a member's part of the set: all of it with the member's place
   * when too little would remain, else as much as the budget and the minimum leave.
   */
  #shrink(name: string, granted: bigint, wanted: bigint, minStake: bigint): bigint {
    if (wanted === 0n) return 0n;
    const isLeaving = granted - wanted < minStake;
    if (isLeaving && granted <= this.#budget && this.#granted.size > 1) {
      this.#granted.delete(name);
      this.#budget -= granted;
      return wanted;
    }
    const taken = least(least(wanted, this.#budget), granted - minStake);
    if (taken <= 0n) return 0n;
    this.#granted.set(name, granted - taken);
    this.#budget -= taken;
    return taken;
  }

  /** The member with the least stake; of several, the one whose name comes last. */
  #lowest(): { name: string; stake: bigint } {
    let lowest: { name: string; stake: bigint } | null = null;
    for (const [name, stake] of this.#granted) {
      const isLower =
        lowest === null || stake < lowest.stake || (stake === lowest.stake && name > lowest.name);
      if (isLower) lowest = { name, stake };
    }
    return lowest as { name: string; stake: bigint };
  }
}

/** Names in an order that nobody can choose and that changes with every epoch. */
function inLot(names: readonly string[], salt: Bytes32): string[] {
  return names
    .map((name) => ({ name, lot: nativeSha256(concat(salt, utf8(name))) }))
    .sort((a, b) => compareBytes(a.lot, b.lot))
    .map(({ name }) => name);
}
