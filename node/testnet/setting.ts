/**
 * The chain of a test network, made anew from its seed: validators with keys and stake, and
 * accounts with coins to pay with.
 */
import { createHash } from 'node:crypto';
import type { Params } from 'fanal/chain/params.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { DEFAULT_LOCAL_PARAMS, type LocalParams } from '../core/params.ts';
import { type ChainIdentity, chainOf } from '../runtime/chain-files.ts';
import { sealDraft } from '../runtime/genesis-draft.ts';
import { makeRegistration, type ValidatorSeeds } from '../runtime/validator-keys.ts';
import type { TestnetKeys } from './group-protocol.ts';

export interface TestnetChain {
  readonly chain: ChainIdentity;
  /** By validator: the order of the genesis's set. */
  readonly keys: readonly TestnetKeys[];
  /** Seeds of the accounts that pay. */
  readonly accounts: readonly Bytes[];
}

const STAKE = 10_000n * UNITS_PER_COIN;
const COINS = 100_000n * UNITS_PER_COIN;

export function makeChain(validators: number, accounts: number, seed: number): TestnetChain {
  const chainName = { domain: 'localhost', network: 'testnet' };
  const secret = (role: string, index: number) =>
    new Uint8Array(createHash('sha256').update(`fanal testnet ${seed} ${role} ${index}`).digest());
  const drafted = Array.from({ length: validators }, (_, i) => {
    const name = `val-${String(i + 1).padStart(String(validators).length, '0')}`;
    const seeds: ValidatorSeeds = {
      vertex: secret('vertex', i),
      checkpoint: secret('checkpoint', i),
      network: secret('network', i),
    };
    const owner = addressFromKey(publicKeyFromSeed(secret('owner', i)));
    const addresses = [`/ip4/127.0.0.1/tcp/${20_000 + i}`];
    const registration = makeRegistration(seeds, { name, owner, addresses }, chainName);
    return { name, seeds, registration };
  });
  const payers = Array.from({ length: accounts }, (_, i) => secret('account', i));
  const { genesis } = sealDraft({
    ...chainName,
    prefix: 'dfan',
    time: BigInt(Date.now()),
    params: testnetParams(validators),
    validators: drafted.map(({ registration }) => ({ registration, stake: STAKE })),
    balances: payers.map((payer) => ({
      address: addressFromKey(publicKeyFromSeed(payer)),
      amount: COINS,
    })),
  });
  const chain = chainOf(genesis);
  const byName = new Map(drafted.map((one) => [one.name, one]));
  const keys = chain.validators.validators.map(({ name }) => {
    const { seeds } = byName.get(name) as (typeof drafted)[number];
    return { name, vertexSeed: seeds.vertex, checkpointSeed: seeds.checkpoint };
  });
  return { chain, keys, accounts: payers };
}

/**
 * A block costs every validator a quorum of signature checks, n² on one machine: with many
 * validators blocks are further apart.
 */
function testnetParams(validators: number): Params {
  return {
    ...LOCAL_PARAMS,
    maxValidators: Math.max(validators, LOCAL_PARAMS.maxValidators),
    epochDurationMillis: 3_600_000n,
    blockIntervalMillis: BigInt(Math.max(200, 20 * validators)),
  };
}

/**
 * What validators wait for, stretched for many on one machine: a round is n² messages there, and
 * whoever times out earlier only adds to them.
 */
export function testnetLocalParams(validators: number): LocalParams {
  const base = DEFAULT_LOCAL_PARAMS;
  return {
    ...base,
    minRoundDelay: base.minRoundDelay + 6 * validators,
    leaderTimeout: base.leaderTimeout + 20 * validators,
    fetchDelay: base.fetchDelay + 10 * validators,
    fetchInterval: base.fetchInterval + 10 * validators,
    fetchTimeout: base.fetchTimeout + 50 * validators,
    cosignatureInterval: base.cosignatureInterval + 40 * validators,
    // Links lose nothing for good here, and whoever pushes for others only adds to the load.
    pushFanout: validators < 20 ? base.pushFanout : 0,
    maxForwardDrift: base.maxForwardDrift + 10 * validators,
  };
}
