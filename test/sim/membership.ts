/**
 * Who validates in which epoch of a run, and what the run starts from.
 *
 * The set of an epoch is a pure function of the plan, as it would be of the chain's state: every
 * simulated ledger comes to the same one by itself.
 */
import { blockId, type Header } from 'fanal/chain/header.ts';
import { type ValidatorSet, validatorSet } from 'fanal/chain/validators.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { EMPTY_ROOT } from 'fanal/merkle/list.ts';
import { toHex, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { ConsensusParams } from 'fanal-node/core/params.ts';
import type { EpochRecord } from 'fanal-node/core/types.ts';
import { fastHash, type Signatures, type ValidatorKeyring } from './keys.ts';
import { faultyStake, type Plan } from './plan.ts';

/** Milliseconds since 1970 when every run begins. */
export const GENESIS_TIME = 1_790_000_000_000n;

/** An epoch without end, for plans that have none. */
const NO_END_MILLIS = 1_000_000_000n;

/** Who sits where in an epoch. */
interface Layout {
  readonly validators: readonly number[];
  readonly authors: Int32Array;
}

/** Everything about a run's validators that never changes while it runs. */
export class Membership {
  readonly keyrings: readonly ValidatorKeyring[];
  readonly genesisHeader: Header;
  readonly genesis: EpochRecord;
  readonly #plan: Plan;
  readonly #faulty: ReadonlySet<number>;
  readonly #validatorByKey = new Map<string, number>();
  readonly #setByEpoch = new Map<number, ValidatorSet>();
  readonly #layoutByEpoch = new Map<number, Layout>();

  constructor(plan: Plan, signatures: Signatures) {
    this.#plan = plan;
    this.#faulty = new Set(faultyValidators(plan));
    this.keyrings = plan.stakes.map((_, validator) => signatures.keyring(validator));
    for (const [validator, keyring] of this.keyrings.entries()) {
      this.#validatorByKey.set(toHex(keyring.vertex.publicKey), validator);
    }
    const set = this.set(0);
    this.genesisHeader = {
      version: 1,
      height: 0n,
      epoch: 0,
      time: GENESIS_TIME,
      previousRoot: EMPTY_ROOT,
      txRoot: EMPTY_ROOT,
      txCount: 0,
      stateRoot: ZERO_32,
      validatorsHash: set.hash,
      nextValidatorsHash: ZERO_32,
      commitIndex: 0n,
      commitDigest: ZERO_32,
      consensusSnapshotHash: ZERO_32,
    };
    const genesisId = blockId(this.genesisHeader);
    this.genesis = {
      epoch: 0,
      genesisId,
      origin: `sim.example/test/${toHex(genesisId).slice(0, 16)}`,
      startHeight: 0n,
      startBlockId: genesisId,
      startTime: GENESIS_TIME,
      members: membersOf(set),
      params: consensusParams(plan),
    };
  }

  /** The record of the epoch that `header`, the last of the one before, hands over to. */
  next(header: Header): EpochRecord {
    const epoch = header.epoch + 1;
    return {
      ...this.genesis,
      epoch,
      startHeight: header.height,
      startBlockId: blockId(header),
      startTime: header.time,
      members: membersOf(this.set(epoch)),
    };
  }

  set(epoch: number): ValidatorSet {
    let set = this.#setByEpoch.get(epoch);
    if (set === undefined) {
      set = this.#makeSet(epoch);
      this.#setByEpoch.set(epoch, set);
    }
    return set;
  }

  /** Validators by author, in an epoch. */
  validators(epoch: number): readonly number[] {
    return this.#layout(epoch).validators;
  }

  /** The place of a validator in an epoch, or null. */
  author(epoch: number, validator: number): number | null {
    const author = this.#layout(epoch).authors[validator] as number;
    return author < 0 ? null : author;
  }

  #layout(epoch: number): Layout {
    let layout = this.#layoutByEpoch.get(epoch);
    if (layout === undefined) {
      const validators = this.set(epoch).validators.map(
        ({ vertexKey }) => this.#validatorByKey.get(toHex(vertexKey)) as number,
      );
      const authors = new Int32Array(this.keyrings.length).fill(-1);
      for (const [author, validator] of validators.entries()) authors[validator] = author;
      layout = { validators, authors };
      this.#layoutByEpoch.set(epoch, layout);
    }
    return layout;
  }

  #makeSet(epoch: number): ValidatorSet {
    const stakes = epoch === 0 ? [...this.#plan.stakes] : this.#stakesAt(epoch);
    return validatorSet(
      stakes.flatMap((stake, validator) => {
        const keyring = this.keyrings[validator] as ValidatorKeyring;
        if (stake === 0) return [];
        return [
          {
            name: nameOf(validator),
            stake: BigInt(stake) * UNITS_PER_COIN,
            vertexKey: keyring.vertex.publicKey,
            checkpointKey: keyring.checkpoint.publicKey,
            networkKey: keyring.network.publicKey,
            owner: ownerOf(validator),
          },
        ];
      }),
    );
  }

  /** Stakes move a little, and one validator in turn sits out, while the faulty stay below a third. */
  #stakesAt(epoch: number): number[] {
    const stakes = [...this.#plan.stakes];
    if (!this.#plan.chain.changeSet) return stakes;
    for (const validator of stakes.keys()) {
      if (this.#faulty.has(validator)) continue;
      const growth = ((epoch * 7 + validator * 3) % 5) * 0.02;
      stakes[validator] = Math.round((stakes[validator] as number) * (1 + growth));
    }
    const leaving = (epoch - 1) % stakes.length;
    const without = stakes.with(leaving, 0);
    const faulty = [...this.#faulty].reduce((sum, one) => sum + (without[one] as number), 0);
    return faulty <= faultyStake(without) ? without : stakes;
  }
}

/** Validators that are Byzantine, lose their disk, err or die: together less than a third of the stake. */
export function faultyValidators(plan: Plan): number[] {
  const faulty = new Set(plan.byzantine.map((one) => one.validator));
  for (const fault of plan.faults) {
    if (fault.kind === 'crash' && fault.damage !== 'none') faulty.add(fault.node);
    if (fault.kind === 'wrongExecution') faulty.add(fault.node);
  }
  for (const validator of plan.dead) faulty.add(validator);
  return [...faulty].sort((a, b) => a - b);
}

function nameOf(validator: number): string {
  return `v${String(validator).padStart(4, '0')}`;
}

function ownerOf(validator: number): AddressBytes {
  const owner = new Uint8Array(33);
  owner.set(fastHash(Uint8Array.of(validator >> 8, validator)), 1);
  return owner as AddressBytes;
}

function membersOf(set: ValidatorSet): EpochRecord['members'] {
  return set.validators.map(({ name, stake, vertexKey, checkpointKey, networkKey }) => ({
    name,
    stake,
    vertexKey,
    checkpointKey,
    networkKey,
  }));
}

function consensusParams({ chain }: Plan): ConsensusParams {
  return {
    leadersPerRound: 1,
    gcDepth: chain.gcDepth,
    scheduleInterval: chain.scheduleInterval,
    badStakePercent: chain.badStakePercent,
    maxVertexTransactions: chain.maxVertexTransactions,
    maxVertexBytes: chain.maxVertexBytes,
    blockIntervalMillis: BigInt(chain.blockIntervalMillis),
    heartbeatMillis: BigInt(chain.heartbeatMillis),
    maxBlockTransactions: 5_000,
    maxBlockBytes: 4 * 1024 * 1024,
    epochDurationMillis: chain.epochMillis === 0 ? NO_END_MILLIS : BigInt(chain.epochMillis),
  };
}
