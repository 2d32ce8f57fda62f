/**
 * The networks that this folder knows: for each, where trust begins, what has been verified since,
 * and where to ask.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Chain, Client, Store, Transport } from 'fanal/wallet/index.ts';
import type { CommandContext } from './context.ts';
import { NotFoundError, UsageError } from './exit.ts';

/** A network as it was pinned. */
export interface PinnedNetwork {
  readonly name: string;
  readonly folder: string;
  readonly urls: readonly string[];
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Where the pinned networks of a home lie. */
export function networksFolder(home: string): string {
  return join(home, 'networks');
}

/** Remembers where trust in a network begins. A network that is pinned already keeps its urls. */
export function pinNetwork(
  home: string,
  name: string,
  trust: string,
  urls: readonly string[],
): PinnedNetwork {
  if (!NAME.test(name)) throw new UsageError(`"${name}" cannot name a network`);
  const folder = join(networksFolder(home), name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, 'trust.txt'), trust);
  writeWhole(join(folder, 'urls.json'), `${JSON.stringify(urls)}\n`);
  return { name, folder, urls };
}

/** The pinned networks, by name. */
export function listNetworks(home: string): PinnedNetwork[] {
  const folder = networksFolder(home);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'trust.txt')))
    .sort()
    .map((name) => ({ name, folder: join(folder, name), urls: readUrls(join(folder, name)) }));
}

/** The network that a command is about, as a chain to follow, where to ask, and what is known. */
export interface ChosenNetwork {
  readonly name: string;
  readonly chain: Chain;
  readonly urls: readonly string[];
  readonly store: Store;
}

/**
 * Finds the network: the one named, else the only one pinned, else the one whose node lives here.
 *
 * @throws {NotFoundError | UsageError}
 */
export async function chooseNetwork(context: CommandContext): Promise<ChosenNetwork> {
  const { options, home } = context;
  const { chainFromGenesis, chainFromTrust } = await import('fanal/wallet/index.ts');
  const pinned = listNetworks(home);
  const name = options.network ?? process.env.FANAL_NETWORK;
  const chosen =
    name === undefined
      ? pinned.length === 1
        ? pinned[0]
        : undefined
      : pinned.find((network) => network.name === name);
  if (chosen !== undefined) {
    const chain = chainFromTrust(readFileSync(join(chosen.folder, 'trust.txt'), 'utf8'));
    const urls = options.url ?? chosen.urls;
    return { name: chosen.name, chain, urls, store: fileStore(join(chosen.folder, 'state')) };
  }
  if (name !== undefined) {
    throw new NotFoundError(
      `no network is pinned as "${name}"`,
      `Known here: ${pinned.map((network) => network.name).join(', ') || 'none'}.`,
    );
  }
  if (pinned.length > 1) {
    throw new UsageError(
      `${pinned.length} networks are pinned here`,
      `Name one with --network: ${pinned.map((network) => network.name).join(', ')}.`,
    );
  }
  const genesis = join(home, 'genesis.json');
  if (!existsSync(genesis)) {
    throw new UsageError('no network is known here', 'Pin one: fanal trust pin FILE --url URL.');
  }
  const { genesisFromText } = await import('fanal/chain/genesis-file.ts');
  const chain = chainFromGenesis(genesisFromText(readFileSync(genesis, 'utf8')));
  const { api } = context.loadConfig().config;
  const urls = options.url ?? (api.listen === '' ? [] : [`http://${api.listen}`]);
  return { name: 'node', chain, urls, store: fileStore(join(home, 'networks', '.node')) };
}

/** A client of the chosen network, on Node. */
export async function openClient(
  context: CommandContext,
): Promise<{ network: ChosenNetwork; client: Client }> {
  const network = await chooseNetwork(context);
  const { createClient } = await import('fanal/wallet/index.ts');
  const client = createClient({
    chain: network.chain,
    transport: await transportOf(network.urls, context),
    store: network.store,
    platform: await nodePlatform(),
  });
  return { network, client };
}

/** Node's own verifier: faster than WebCrypto's queue for the few checks of one command. */
async function nodePlatform() {
  const { verifyNatively } = await import('../runtime/native-verify.ts');
  return { verify: async (items: Parameters<typeof verifyNatively>[0]) => verifyNatively(items) };
}

async function transportOf(urls: readonly string[], context: CommandContext): Promise<Transport> {
  const { fallback, http } = await import('fanal/wallet/index.ts');
  const { timeoutMillis } = await import('./context.ts');
  if (urls.length === 0) throw new UsageError('no url to ask is known', 'Give one with --url.');
  const options = { timeoutMillis: Math.min(10_000, timeoutMillis(context)) };
  return fallback(urls.map((url) => http(url.replace(/\/+$/, ''), options)));
}

/** Keeps what a client has verified in files. What cannot be read counts as unknown. */
export function fileStore(folder: string): Store {
  const path = (name: string) => join(folder, name.replaceAll(/[^a-z0-9]+/gi, '-'));
  return {
    async get(name) {
      try {
        return new Uint8Array(readFileSync(path(name)));
      } catch {
        return null;
      }
    },
    async set(name, value) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeWhole(path(name), value);
    },
  };
}

function readUrls(folder: string): string[] {
  try {
    const urls = JSON.parse(readFileSync(join(folder, 'urls.json'), 'utf8'));
    if (Array.isArray(urls)) return urls.filter((url) => typeof url === 'string');
  } catch {
    // No urls: they are asked for with --url.
  }
  return [];
}

function writeWhole(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
