/**
 * A whole network on one machine: homes of n validators, a genesis that names them, and accounts
 * with coins. What `fanal dev`, the tests and the benchmark start from.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { registrationToJson } from 'fanal/chain/genesis-file.ts';
import type { Params } from 'fanal/chain/params.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { type AddressBytes, addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { seedFromMnemonic, walletKey } from 'fanal/crypto/keys.ts';
import { type Bytes, fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { ConfigError } from '../config.ts';
import { type ChainIdentity, chainOf, readChain } from '../runtime/chain-files.ts';
import { sealDraft } from '../runtime/genesis-draft.ts';
import { type Home, homePaths, makeFolder } from '../runtime/home.ts';
import { prepareSigning } from '../runtime/prepare.ts';
import { writeNewSecret } from '../runtime/secret-file.ts';
import { makeRegistration, newSeeds, writeSeeds } from '../runtime/validator-keys.ts';

/** Of the owner alone, and there when the power goes. */
const ON_DISK = { mode: 0o600, flush: true };

export interface LocalNetworkOptions {
  readonly folder: string;
  readonly validators: number;
  /** Accounts that begin with coins. */
  readonly accounts: number;
  /** Words of a wallet whose first addresses come first among the accounts. */
  readonly wallet?: { readonly words: string; readonly addresses: number };
  readonly coinsPerAccount?: bigint;
  /** The first account owns the validators; otherwise nobody has their owners' keys. */
  readonly isOwner?: boolean;
  /** Coins that each account's sum is split into, so that it can pay many times at once. */
  readonly params?: Partial<Params>;
}

export interface LocalAccount {
  readonly seed: Bytes;
  readonly address: AddressBytes;
}

export interface LocalNode {
  readonly name: string;
  readonly home: Home;
  readonly p2p: number;
  readonly api: number;
  readonly ops: number;
}

export interface LocalNetwork {
  readonly folder: string;
  readonly chain: ChainIdentity;
  readonly nodes: readonly LocalNode[];
  readonly accounts: readonly LocalAccount[];
}

const MANIFEST = 'network.json';
const SCHEMA = 'fanal.local-network/1';
const PREFIX = 'dfan';

/** Makes the folders of a new local network. */
export async function createLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  const { folder, validators: count } = options;
  makeFolder(folder);
  const ports = await freePorts(3 * count);
  const chainName = { domain: 'localhost', network: 'dev' };
  const accounts = accountsOf(options);
  const passwordFile = join(folder, 'password');
  const password = randomBytes(16).toString('hex');
  writeNewSecret(passwordFile, `${password}\n`);

  const drafted = Array.from({ length: count }, (_, i) => {
    const name = `val-${String(i + 1).padStart(String(count).length, '0')}`;
    const [p2p, api, ops] = ports.slice(3 * i, 3 * i + 3) as [number, number, number];
    const home = homePaths(join(folder, name));
    const owner = (options.isOwner ? accounts[0] : undefined) ?? newAccount();
    const seeds = newSeeds();
    const registration = makeRegistration(
      seeds,
      { name, owner: owner.address, addresses: [`/ip4/127.0.0.1/tcp/${p2p}`] },
      chainName,
    );
    return { name, home, p2p, api, ops, owner, seeds, registration };
  });
  const { genesis, text } = sealDraft({
    ...chainName,
    prefix: PREFIX,
    time: BigInt(Date.now()),
    params: { ...LOCAL_PARAMS, ...options.params },
    validators: drafted.map(({ registration }) => ({
      registration,
      stake: 10_000n * UNITS_PER_COIN,
    })),
    balances: accounts.map(({ address }) => ({
      address,
      amount: (options.coinsPerAccount ?? 100_000n) * UNITS_PER_COIN,
    })),
  });
  const chain = chainOf(genesis);
  for (const { name, home, p2p, api, ops, seeds, registration } of drafted) {
    makeFolder(home.root);
    await writeSeeds(home.keystore, seeds, password, `Fanal validator ${name}`);
    const json = { schema: 'fanal.validator/1', ...registrationToJson(registration, PREFIX) };
    writeFileSync(home.registration, `${JSON.stringify(json, null, 2)}\n`, ON_DISK);
    writeFileSync(home.genesis, text, ON_DISK);
    writeFileSync(home.config, settings({ name, p2p, api, ops, passwordFile }), ON_DISK);
    await prepareSigning(home, chain);
  }
  const nodes = drafted.map(({ name, home, p2p, api, ops }) => ({ name, home, p2p, api, ops }));
  writeManifest(folder, nodes, accounts);
  return { folder, chain, nodes, accounts };
}

/** Opens the folders of a local network that was made before; null when there is none. */
export function openLocalNetwork(folder: string): LocalNetwork | null {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) return null;
  const json = JSON.parse(readFileSync(path, 'utf8'));
  if (json.schema !== SCHEMA) return null;
  const nodes = json.nodes.map((node: Omit<LocalNode, 'home'>) => ({
    ...node,
    home: homePaths(join(folder, node.name)),
  })) as LocalNode[];
  return {
    folder,
    chain: readChain((nodes[0] as LocalNode).home.genesis),
    nodes,
    accounts: json.accounts.map((seed: string) => accountOf(fromHex(seed, 32))),
  };
}

/** Makes the folder of one more node, which only follows. */
export async function addFollower(network: LocalNetwork, name: string): Promise<LocalNode> {
  const [p2p, api, ops] = (await freePorts(3)) as [number, number, number];
  const home = homePaths(join(network.folder, name));
  makeFolder(home.root);
  writeFileSync(home.genesis, readFileSync((network.nodes[0] as LocalNode).home.genesis), ON_DISK);
  writeFileSync(home.config, settings({ name, p2p, api, ops, passwordFile: null }), ON_DISK);
  return { name, home, p2p, api, ops };
}

function settings(node: {
  name: string;
  p2p: number;
  api: number;
  ops: number;
  passwordFile: string | null;
}): string {
  const keys =
    node.passwordFile === null
      ? []
      : ['', '[keys]', `password_file = ${JSON.stringify(node.passwordFile)}`];
  return [
    '[node]',
    `name = "${node.name}"`,
    '',
    '[network]',
    `listen = ["127.0.0.1:${node.p2p}"]`,
    '',
    '[api]',
    `listen = "127.0.0.1:${node.api}"`,
    '',
    '[ops]',
    `listen = "127.0.0.1:${node.ops}"`,
    '',
    '[consensus]',
    // Nothing is at stake here, and nobody wants to wait a minute.
    'watch_millis = 2000',
    'watch_heights = 4',
    ...keys,
    '',
  ].join('\n');
}

/** Coins of a local network are worth nothing: their keys lie in the open. */
function writeManifest(
  folder: string,
  nodes: readonly LocalNode[],
  accounts: readonly LocalAccount[],
): void {
  const json = {
    schema: SCHEMA,
    nodes: nodes.map(({ home: _, ...node }) => node),
    accounts: accounts.map(({ seed }) => toHex(seed)),
  };
  writeFileSync(join(folder, MANIFEST), `${JSON.stringify(json, null, 2)}\n`, ON_DISK);
}

function accountsOf({ accounts: count, wallet }: LocalNetworkOptions): LocalAccount[] {
  const single = Array.from({ length: count }, () => newAccount());
  if (wallet === undefined) return single;
  const seed = seedFromMnemonic(wallet.words);
  const owned = Array.from({ length: wallet.addresses }, (_, i) =>
    accountOf(walletKey(seed, PREFIX, 0, i).seed),
  );
  return [...owned, ...single];
}

function newAccount(): LocalAccount {
  return accountOf(new Uint8Array(randomBytes(32)));
}

function accountOf(seed: Bytes): LocalAccount {
  return { seed, address: addressFromKey(publicKeyFromSeed(seed)) };
}

/** Below what systems hand out to outgoing connections: a node that restarts finds its port free. */
const PORTS = { first: 12_000, end: 32_000 } as const;
let nextPort = randomInt(PORTS.first, PORTS.end);

/**
 * Ports that were free a moment ago; none is named twice by one process.
 *
 * @throws {FanalError} `config/…` when there are not as many
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = PORTS.end - PORTS.first; ports.length < count; tries--) {
    if (tries === 0)
      throw new ConfigError('no free ports were found', {
        hint: 'Stop programs that listen on ports of 127.0.0.1.',
      });
    const port = nextPort++;
    if (nextPort === PORTS.end) nextPort = PORTS.first;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
