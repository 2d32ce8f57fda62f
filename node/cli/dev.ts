/**
 * `fanal dev`: a whole network on this machine, for the first hour and for development.
 */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface DevFlags {
  readonly validators: string;
  readonly port: string;
  readonly fresh?: boolean;
  readonly kill?: string;
}

/** How often the status line is drawn on a terminal, and a line printed elsewhere. */
const LIVE_MILLIS = 500;
const PLAIN_MILLIS = 10_000;

export function registerDev(program: Command, action: Action): void {
  program
    .command('dev')
    .description('run a network on this machine: validators, gateway, page and faucet')
    .option('--validators <count>', 'how many, when the network is new', '4')
    .option('--port <port>', 'where the gateway and its page answer', '8787')
    .option('--fresh', 'forget what was there, and begin anew')
    .option('--kill <number>', 'kill this validator (or `gateway`) of the network that runs')
    .action(
      action<DevFlags>(async (context, flags) => {
        const { join } = await import('node:path');
        const { DevNetwork, killRunning } = await import('../testnet/dev-network.ts');
        const { output, signal } = context;
        const folder = join(context.home, 'dev');
        if (flags.kill !== undefined) {
          const what = flags.kill === 'gateway' ? 'gateway' : whole(flags.kill, '--kill', 1, 100);
          const name = killRunning(folder, what);
          output.object('fanal.dev-kill/1', { name }, [['killed', name]]);
          return EXIT.ok;
        }
        const started = performance.now();
        const dev = await DevNetwork.start({
          folder,
          validators: whole(flags.validators, '--validators', 1, 20),
          port: whole(flags.port, '--port', 1, 65_535),
          fresh: flags.fresh ?? false,
          words: () => devWords(context),
          signal,
          tell: (text) => output.progress(text),
        });
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        await pin(context, dev);
        await printSummary(context, dev, seconds);
        await watch(context, dev);
        output.status('');
        output.progress('Stopping …');
        await dev.stop();
        return signal.aborted ? EXIT.interrupted : EXIT.ok;
      }),
    );
}

type Dev = Awaited<ReturnType<typeof import('../testnet/dev-network.ts').DevNetwork.start>>;

/** Name of the wallet, and of the network, that the other commands find without being told. */
const NAME = 'dev';

/**
 * The words that own a new network's coins: of the wallet `dev`, which is made here once and lies
 * in the open, because its coins are worth nothing. It outlives `--fresh`.
 */
async function devWords({ home }: CommandContext): Promise<string> {
  const { randomBytes } = await import('node:crypto');
  const { newMnemonic } = await import('fanal/wallet/index.ts');
  const { listWallets, readWords, writeWallet } = await import('./wallets.ts');
  const kept = listWallets(home).find(({ name }) => name === NAME);
  if (kept !== undefined && !kept.encrypted) {
    return readWords(kept, async () => '');
  }
  const words = newMnemonic((length) => new Uint8Array(randomBytes(length)));
  // Somebody's own wallet of that name stays as it is.
  if (kept === undefined) await writeWallet(home, NAME, words, null);
  return words;
}

/** Pins the network, so that the other commands find it. In a node's own folder nothing is pinned. */
async function pin({ home }: CommandContext, dev: Dev): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { formatTrust } = await import('fanal/light/trust-file.ts');
  const { trustGenesis } = await import('fanal/light/trust-genesis.ts');
  const { homePaths } = await import('../runtime/home.ts');
  const { pinNetwork } = await import('./networks.ts');
  if (existsSync(homePaths(home).genesis)) return;
  pinNetwork(home, NAME, formatTrust(trustGenesis(dev.network.chain.genesis)), [dev.url]);
}

async function printSummary({ output }: CommandContext, dev: Dev, seconds: string): Promise<void> {
  const { encodeAddress } = await import('fanal/crypto/address.ts');
  const { WALLET_ADDRESSES } = await import('../testnet/dev-network.ts');
  const { nodes, accounts, chain } = dev.network;
  const funded = accounts
    .slice(0, WALLET_ADDRESSES)
    .map(({ address }) => encodeAddress(address, chain.genesis.prefix));
  const apis = nodes.map(({ name, api }) => `${name}  http://127.0.0.1:${api}`);
  output.object(
    'fanal.dev/1',
    { url: dev.url, folder: dev.network.folder, nodes: apis, accounts: funded, wallet: NAME },
    [
      ['page', dev.url],
      ['gateway', `${dev.url}/v1/chain`],
      ...apis.map((text, place) => [place === 0 ? 'validators' : '', text] as const),
      ...funded.map((text, place) => [place === 0 ? 'funded accounts' : '', text] as const),
      ['their wallet', `${NAME}: try \`fanal balance\``],
      ['board', 'try `fanal monitor`'],
      ['data', dev.network.folder],
    ],
  );
  output.progress(`Ready after ${seconds} s. Ctrl-C stops it; starting again goes on.`);
  if (process.stdin.isTTY && process.stderr.isTTY)
    output.progress(`Press 1 to ${nodes.length} to kill a validator, g the gateway, q to stop.`);
}

/** Shows one live line until Ctrl-C or q. */
async function watch({ output, signal }: CommandContext, dev: Dev): Promise<void> {
  const isLive = process.stderr.isTTY === true;
  const { done, restore } = listenToKeys(dev);
  const rates = new Rates();
  let printedAt = 0;
  while (!signal.aborted && !done.aborted) {
    const status = await dev.status();
    const rate = await rates.look(dev.network.nodes.map(({ ops }) => ops));
    const age = status.tipAgeMillis === null ? '–' : `${(status.tipAgeMillis / 1000).toFixed(1)} s`;
    const quorum = 3 * status.up > 2 * status.validators ? 'quorum' : 'NO QUORUM';
    const line = `height ${status.height}  certified ${status.certifiedHeight}  ${status.up}/${status.validators} up, ${quorum}  ${rate} tx/s  tip ${age} old${status.isGatewayUp ? '' : '  gateway down'}`;
    if (isLive) output.status(line);
    else if (Date.now() - printedAt >= PLAIN_MILLIS) {
      output.progress(line);
      printedAt = Date.now();
    }
    await pause(LIVE_MILLIS, [signal, done]);
  }
  restore();
}

/** Executed transactions a second, from the nodes' own counters. */
class Rates {
  #last: { readonly count: number; readonly at: number } | null = null;
  #rate = 0;

  async look(opsPorts: readonly number[]): Promise<string> {
    const { Scrape } = await import('../monitor/exposition.ts');
    const counts = await Promise.all(
      opsPorts.map(async (port) => {
        try {
          const url = `http://127.0.0.1:${port}/metrics`;
          const text = await (await fetch(url, { signal: AbortSignal.timeout(1000) })).text();
          return new Scrape(text).sum('fanal_chain_transactions_total') ?? 0;
        } catch {
          return 0;
        }
      }),
    );
    const now = { count: Math.max(...counts), at: performance.now() };
    const last = this.#last;
    if (last !== null && now.at - last.at > 900) {
      this.#rate = Math.max(0, ((now.count - last.count) * 1000) / (now.at - last.at));
    }
    if (last === null || now.at - last.at > 900) this.#last = now;
    return this.#rate.toFixed(0);
  }
}

/** Digits kill validators, g the gateway, q stops. Without a terminal there are no keys. */
function listenToKeys(dev: Dev): { readonly done: AbortSignal; readonly restore: () => void } {
  const controller = new AbortController();
  const { stdin } = process;
  if (!stdin.isTTY) return { done: controller.signal, restore: () => undefined };
  const onKey = (bytes: Buffer) => {
    const key = bytes.toString();
    // In raw mode Ctrl-C is a key.
    if (key === 'q' || key === '\u0003') controller.abort();
    if (key === 'g') dev.killGateway();
    const node = dev.network.nodes[Number(key) - 1];
    if (node !== undefined) dev.kill(node.name);
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', onKey);
  return {
    done: controller.signal,
    restore: () => {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

function whole(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`expected ${name} from ${least} to ${most}, found ${text}`);
  }
  return value;
}

function pause(millis: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const any = AbortSignal.any([...signals, AbortSignal.timeout(millis)]);
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}
