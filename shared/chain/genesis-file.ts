/**
 * The genesis file as people pass it around: JSON with hex, decimal strings, and addresses in
 * their text form.
 *
 * The id comes from the canonical bytes, never from this text, so its layout does not matter; but
 * an unknown or missing key does, and is refused.
 */
import {
  ADDRESS_PREFIXES,
  type AddressPrefix,
  decodeAddress,
  encodeAddress,
} from '../crypto/address.ts';
import { bytes32FromHex, fromHex, toHex } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { MAX_U16, MAX_U32, u64FromText } from '../primitives/units.ts';
import {
  checkGenesis,
  type Genesis,
  type GenesisBalance,
  type GenesisValidator,
} from './genesis.ts';
import { MAX_VALIDATOR_ADDRESSES } from './limits.ts';
import type { Params } from './params.ts';
import type { Registration } from './registration.ts';
import { isNetworkAddress, isValidatorName } from './text.ts';

export const GENESIS_SCHEMA = 'fanal.genesis/1';

type Json = Readonly<Record<string, unknown>>;

/** Which parameters are u64 and so decimal strings; the others are numbers. */
const PARAM_KINDS: Record<keyof Params, 'u64' | 'number'> = {
  protocolVersion: 'number',
  feePerByte: 'u64',
  dust: 'u64',
  minStake: 'u64',
  maxValidators: 'number',
  unbondingEpochs: 'number',
  jailEpochs: 'number',
  slashPermille: 'number',
  epochReward: 'u64',
  epochDurationMillis: 'u64',
  trustingPeriodMillis: 'u64',
  blockIntervalMillis: 'u64',
  heartbeatMillis: 'u64',
  maxBlockTransactions: 'number',
  maxBlockBytes: 'number',
  leadersPerRound: 'number',
  gcDepth: 'number',
  scheduleInterval: 'number',
  badStakePercent: 'number',
  maxVertexTransactions: 'number',
  maxVertexBytes: 'number',
};
const PARAM_NAMES = Object.keys(PARAM_KINDS) as (keyof Params)[];
const WIDE: ReadonlySet<string> = new Set([
  'maxBlockTransactions',
  'maxBlockBytes',
  'maxVertexBytes',
]);

/** Writes a genesis as text, one line break at the end. */
export function genesisToText(genesis: Genesis): string {
  const { prefix } = genesis;
  const json = {
    schema: GENESIS_SCHEMA,
    domain: genesis.domain,
    network: genesis.network,
    prefix,
    time: String(genesis.time),
    params: paramsToJson(genesis.params),
    validators: genesis.validators.map(({ registration, stake }) => ({
      ...registrationToJson(registration, prefix),
      stake: String(stake),
    })),
    balances: genesis.balances.map(({ address, amount }) => ({
      address: encodeAddress(address, prefix),
      amount: String(amount),
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/**
 * Reads a genesis file and checks all of it but the signatures.
 *
 * @throws {FanalError} `genesis/file` for another shape, or what `checkGenesis` throws
 */
export function genesisFromText(text: string): Genesis {
  const json = objectOf(parseJson(text), 'the file', [
    'schema',
    'domain',
    'network',
    'prefix',
    'time',
    'params',
    'validators',
    'balances',
  ]);
  if (json.schema !== GENESIS_SCHEMA) {
    throw refuse(`expected schema ${GENESIS_SCHEMA}, found ${JSON.stringify(json.schema)}`);
  }
  const prefix = prefixOf(json.prefix);
  const genesis: Genesis = {
    domain: textOf(json.domain, 'domain'),
    network: textOf(json.network, 'network'),
    prefix,
    time: u64FromText(textOf(json.time, 'time')),
    params: paramsFromJson(json.params),
    validators: listOf(json.validators, 'validators').map((item) => validatorOf(item, prefix)),
    balances: listOf(json.balances, 'balances').map((item) => balanceOf(item, prefix)),
  };
  checkGenesis(genesis);
  return genesis;
}

/** Parameters in the JSON form that the genesis file and the API share. */
export function paramsToJson(params: Params): Record<keyof Params, string | number> {
  const json = {} as Record<keyof Params, string | number>;
  for (const name of PARAM_NAMES) {
    const value = params[name];
    json[name] = typeof value === 'bigint' ? String(value) : value;
  }
  return json;
}

/** Reads parameters from their JSON form. */
export function paramsFromJson(value: unknown): Params {
  const json = objectOf(value, 'params', PARAM_NAMES);
  const params: Record<string, bigint | number> = {};
  for (const name of PARAM_NAMES) {
    if (PARAM_KINDS[name] === 'u64') {
      params[name] = u64FromText(textOf(json[name], name));
      continue;
    }
    const number = json[name];
    const max = WIDE.has(name) ? MAX_U32 : MAX_U16;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > max) {
      throw refuse(`${name}: expected a whole number from 0 to ${max}`);
    }
    params[name] = number;
  }
  return params as unknown as Params;
}

const REGISTRATION_KEYS = [
  'name',
  'vertexKey',
  'checkpointKey',
  'networkKey',
  'owner',
  'addresses',
  'proofs',
];

/** A registration in the JSON form that a validator's public file has, too. */
export function registrationToJson(
  registration: Registration,
  prefix: AddressPrefix,
): Record<string, unknown> {
  return {
    name: registration.name,
    vertexKey: toHex(registration.vertexKey),
    checkpointKey: toHex(registration.checkpointKey),
    networkKey: toHex(registration.networkKey),
    owner: encodeAddress(registration.owner, prefix),
    addresses: registration.addresses,
    proofs: registration.proofs.map(toHex),
  };
}

/** Reads a registration from its JSON form. */
export function registrationFromJson(value: unknown, prefix: AddressPrefix): Registration {
  const json = objectOf(value, 'validator', REGISTRATION_KEYS);
  const proofs = listOf(json.proofs, 'proofs').map((proof) => fromHex(textOf(proof, 'proof'), 64));
  const [vertex, checkpoint, network, ...rest] = proofs;
  if (!vertex || !checkpoint || !network || rest.length > 0) {
    throw refuse(`expected three proofs of possession, found ${proofs.length}`);
  }
  const name = textOf(json.name, 'name');
  if (!isValidatorName(name)) throw refuse(`not a validator name: ${JSON.stringify(name)}`);
  const addresses = listOf(json.addresses, 'addresses').map((item) => textOf(item, 'address'));
  if (addresses.length > MAX_VALIDATOR_ADDRESSES || !addresses.every(isNetworkAddress)) {
    throw refuse(`${name}: expected at most ${MAX_VALIDATOR_ADDRESSES} multiaddrs`);
  }
  return {
    name,
    vertexKey: bytes32FromHex(textOf(json.vertexKey, 'vertexKey')),
    checkpointKey: bytes32FromHex(textOf(json.checkpointKey, 'checkpointKey')),
    networkKey: bytes32FromHex(textOf(json.networkKey, 'networkKey')),
    owner: decodeAddress(textOf(json.owner, 'owner'), prefix).address,
    addresses,
    proofs: [vertex, checkpoint, network],
  };
}

function validatorOf(value: unknown, prefix: AddressPrefix): GenesisValidator {
  const { stake, ...rest } = objectOf(value, 'validator', [...REGISTRATION_KEYS, 'stake']);
  return {
    registration: registrationFromJson(rest, prefix),
    stake: u64FromText(textOf(stake, 'stake')),
  };
}

function balanceOf(value: unknown, prefix: AddressPrefix): GenesisBalance {
  const json = objectOf(value, 'balance', ['address', 'amount']);
  return {
    address: decodeAddress(textOf(json.address, 'address'), prefix).address,
    amount: u64FromText(textOf(json.amount, 'amount')),
  };
}

function prefixOf(value: unknown): AddressPrefix {
  const prefix = ADDRESS_PREFIXES.find((known) => known === value);
  if (prefix === undefined) throw refuse(`expected prefix ${ADDRESS_PREFIXES.join(', ')}`);
  return prefix;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DecodeError('genesis/file', 'the file is not JSON', { cause });
  }
}

/** Requires an object with exactly these keys. */
function objectOf(value: unknown, what: string, keys: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${what}: expected an object`);
  }
  const missing = keys.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw refuse(`${what}: ${missing} is missing`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw refuse(`${what}: unknown key ${JSON.stringify(unknown)}`);
  return value as Json;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what}: expected a list`);
  return value;
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw refuse(`${what}: expected text`);
  return value;
}

function refuse(message: string): DecodeError {
  return new DecodeError('genesis/file', message, {
    hint: 'Compare the file with the one that the network published, or seal the draft again.',
  });
}
