/**
 * A test network as folders, one for each host: keys, settings, genesis, units, and a script that
 * installs them. Whoever makes them holds every key, so it is for coins that are worth nothing.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { registrationToJson } from 'fanal/chain/genesis-file.ts';
import type { Params } from 'fanal/chain/params.ts';
import { type AddressBytes, addressFromKey, encodeAddress } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { seedFromMnemonic, walletKey } from 'fanal/crypto/keys.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { DEFAULT_SERVICE, printUnits } from '../operate/service.ts';
import { type ChainIdentity, chainOf } from '../runtime/chain-files.ts';
import { sealDraft } from '../runtime/genesis-draft.ts';
import { homePaths, makeFolder } from '../runtime/home.ts';
import { prepareSigning } from '../runtime/prepare.ts';
import { writeNewSecret } from '../runtime/secret-file.ts';
import { makeRegistration, newSeeds, writeSeeds } from '../runtime/validator-keys.ts';
import { installScript, READ_ME } from './host-texts.ts';

export interface HostFilesOptions {
  readonly folder: string;
  /** One validator each, by IP address or name; all on this machine when null. */
  readonly hosts: readonly string[] | null;
  /** How many, when they are all on this machine. */
  readonly validators: number;
  /** First of three ports for each validator of this machine. */
  readonly firstPort: number;
  readonly domain: string;
  readonly network: string;
  readonly params: Params;
  /** Words of the wallet whose first address owns the stakes and all other coins. */
  readonly words: string;
}

export interface HostFolder {
  readonly name: string;
  readonly host: string;
  readonly folder: string;
  readonly api: string;
}

export interface HostFiles {
  readonly chain: ChainIdentity;
  readonly owner: string;
  readonly hosts: readonly HostFolder[];
}

const PREFIX = 'tfan';
const STAKE = 10_000n * UNITS_PER_COIN;
const COINS = 1_000_000n * UNITS_PER_COIN;
const PUBLIC_PORTS = { p2p: 26_700, api: 8_080, ops: 9_670 } as const;

interface Planned {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly listen: { readonly p2p: string; readonly api: string; readonly ops: string };
}

/**
 * Writes the folders. Nothing that is there is touched.
 *
 * @throws {FanalError} `testnet/folder`, `testnet/options`
 */
export async function writeHostFiles(options: HostFilesOptions): Promise<HostFiles> {
  const { folder, domain, network, params } = options;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new FanalError('testnet/folder', `${folder} is not empty`, {
      hint: 'Name another with --out, or move it away.',
    });
  }
  const owner = ownerOf(options.words);
  const drafted = plan(options).map((planned) => {
    const { name, address } = planned;
    const seeds = newSeeds();
    const about = { name, owner, addresses: [address] };
    return { ...planned, seeds, registration: makeRegistration(seeds, about, { domain, network }) };
  });
  const { genesis, text } = sealDraft({
    ...{ domain, network, prefix: PREFIX, params, time: BigInt(Date.now()) },
    validators: drafted.map(({ registration }) => ({ registration, stake: STAKE })),
    balances: [{ address: owner, amount: COINS }],
  });
  const chain = chainOf(genesis);
  makeFolder(folder);
  writeFileSync(join(folder, 'genesis.json'), text);
  writeNewSecret(join(folder, 'wallet-words'), `${options.words}\n`);
  const units = printUnits(DEFAULT_SERVICE);
  for (const { name, listen, seeds, registration } of drafted) {
    const at = join(folder, name);
    const home = homePaths(join(at, 'home'));
    makeFolder(home.root);
    const password = randomBytes(24).toString('base64url');
    writeNewSecret(join(at, 'keystore-password'), `${password}\n`);
    await writeSeeds(home.keystore, seeds, password, `Fanal validator ${name}`);
    const json = { schema: 'fanal.validator/1', ...registrationToJson(registration, PREFIX) };
    writeFileSync(home.registration, `${JSON.stringify(json, null, 2)}\n`);
    writeFileSync(home.genesis, text);
    writeFileSync(home.config, settings(name, listen), { mode: 0o600 });
    await prepareSigning(home, chain);
    mkdirSync(join(at, 'units'));
    for (const [unit, content] of Object.entries(units)) {
      writeFileSync(join(at, 'units', unit), content);
    }
    writeFileSync(join(at, 'install.sh'), installScript(DEFAULT_SERVICE), { mode: 0o755 });
    writeFileSync(join(at, 'README.md'), READ_ME);
  }
  return {
    chain,
    owner: encodeAddress(owner, PREFIX),
    hosts: drafted.map(({ name, host, listen }) => ({
      ...{ name, host, folder: join(folder, name) },
      api: `http://${listen.api}`,
    })),
  };
}

function ownerOf(words: string): AddressBytes {
  const { seed } = walletKey(seedFromMnemonic(words), PREFIX, 0, 0);
  return addressFromKey(publicKeyFromSeed(seed));
}

/** Where each validator will be, by what is known of its host. */
function plan({ hosts, validators, firstPort }: HostFilesOptions): Planned[] {
  const count = hosts?.length ?? validators;
  const nameOf = (i: number) => `val-${String(i + 1).padStart(String(count).length, '0')}`;
  if (hosts === null) {
    return Array.from({ length: count }, (_, i) => {
      const [p2p, api, ops] = [0, 1, 2].map((part) => firstPort + 3 * i + part);
      const host = '127.0.0.1';
      return {
        ...{ name: nameOf(i), host, address: `/ip4/${host}/tcp/${p2p}` },
        listen: { p2p: `${host}:${p2p}`, api: `${host}:${api}`, ops: `${host}:${ops}` },
      };
    });
  }
  if (new Set(hosts).size !== hosts.length) {
    throw new FanalError('testnet/options', 'a host is named twice', {
      hint: 'Each validator needs a host of its own; without --host they are all on this machine.',
    });
  }
  return hosts.map((host, i) => ({
    ...{ name: nameOf(i), host, address: `${protocolOf(host)}/tcp/${PUBLIC_PORTS.p2p}` },
    listen: {
      p2p: `${isIPv6(host) ? '[::]' : '0.0.0.0'}:${PUBLIC_PORTS.p2p}`,
      api: `127.0.0.1:${PUBLIC_PORTS.api}`,
      ops: `127.0.0.1:${PUBLIC_PORTS.ops}`,
    },
  }));
}

function protocolOf(host: string): string {
  if (isIPv4(host)) return `/ip4/${host}`;
  if (isIPv6(host)) return `/ip6/${host}`;
  if (/^(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/.test(host)) {
    return `/dns/${host}`;
  }
  throw new FanalError('testnet/options', `expected an IP address or a host’s name, found ${host}`);
}

function settings(name: string, listen: Planned['listen']): string {
  return `# Settings of this node. \`fanal config show\` lists all there are.

[node]
name = "${name}"

[network]
listen = ["${listen.p2p}"]

[api]
listen = "${listen.api}"

[ops]
listen = "${listen.ops}"
`;
}
