/**
 * What the owner of this folder's validator does on the chain, and whom its commands ask.
 */
import type { Action as ChainAction } from 'fanal/chain/action.ts';
import type { CommandContext } from './context.ts';
import { UsageError } from './exit.ts';

export interface WalletFlags {
  readonly wallet?: string;
  readonly passwordFile?: string;
}

const ASK_MILLIS = 5_000;

/** Coins that the owner's address keeps for fees, in units: a tenth of a coin. */
export const FEE_ROOM = 10_000_000n;

/**
 * Sends a transaction of the owner that does this, and waits until it is proved. Every input is a
 * coin of the owner's own address, as the protocol asks, and change goes back there; where that
 * address holds too little, the wallet's other coins are moved to it first.
 */
export async function act(
  context: CommandContext,
  flags: WalletFlags,
  actions: readonly ChainAction[],
): Promise<string> {
  const { buildDraft } = await import('fanal/wallet/draft.ts');
  const { EXPIRY_BLOCKS } = await import('fanal/wallet/wallet.ts');
  const { bondedUnits } = await import('fanal/chain/action.ts');
  const { equalBytes, toHex } = await import('fanal/primitives/bytes.ts');
  const { registration, chain } = await folderOf(context);
  const { owner } = registration;
  const { client, account, wallet } = await openOwner(context, flags);
  const { signal } = context;
  const known = wallet.addresses().find(({ bytes }) => equalBytes(bytes, owner));
  if (known === undefined) {
    throw new UsageError('this wallet does not hold the owner’s key', 'Name it with --wallet.');
  }
  const owned = () => wallet.coins().filter(({ address }) => equalBytes(address, owner));
  const needed = actions.reduce((sum, action) => sum + bondedUnits(action), FEE_ROOM);
  if (owned().reduce((sum, { amount }) => sum + amount, 0n) < needed) {
    const move = await wallet.build({ to: [{ address: owner, amount: needed }], signal });
    await wallet.send(move, { signal });
    context.output.status('Moving coins to the owner’s address…');
    await wallet.confirm(move, { signal });
    await wallet.sync({ signal });
  }
  const params = await client.getParams({ signal });
  const draft = await buildDraft(
    {
      ...{ to: [], actions, change: owner, feePerByte: params.feePerByte },
      expiry: client.trusted().header.height + EXPIRY_BLOCKS,
    },
    owned(),
    account,
    () => known.index,
    { genesisId: chain.genesisId, params },
  );
  await wallet.send(draft, { signal });
  context.output.status('Waiting until it is proved…');
  await wallet.confirm(draft, { signal });
  return toHex(draft.id);
}

/** What the owner's wallet can spend, in units: proved, and without what is on its way. */
export async function ownedUnits(context: CommandContext, flags: WalletFlags): Promise<bigint> {
  const { wallet } = await openOwner(context, flags);
  return wallet.coins().reduce((sum, { amount }) => sum + amount, 0n);
}

async function openOwner(context: CommandContext, flags: WalletFlags) {
  const { createWallet } = await import('fanal/wallet/index.ts');
  const { openClient } = await import('./networks.ts');
  const { openAccount } = await import('./wallets.ts');
  const { client } = await openClient(context);
  const account = await openAccount(context.home, flags, client.chain.trust.prefix);
  const wallet = createWallet({ client, account });
  await wallet.sync({ signal: context.signal });
  return { client, account, wallet };
}

export function withNetwork(context: CommandContext, network: string): CommandContext {
  return { ...context, options: { ...context.options, network } };
}

/** This folder's validator, its network and its settings. */
export async function folderOf(context: CommandContext) {
  const { homePaths } = await import('../runtime/home.ts');
  const { readChain } = await import('../runtime/chain-files.ts');
  const { readRegistration } = await import('../runtime/registration-file.ts');
  const loaded = context.loadConfig();
  const home = homePaths(loaded.home);
  const chain = readChain(home.genesis);
  const registration = readRegistration(home, chain);
  if (registration === null) {
    throw new UsageError('this folder has no validator', 'Make one with `fanal init --name …`.');
  }
  return { loaded, home, chain, registration };
}

/** Where to ask about the network, and this host's own node. */
export async function nodesOf(context: CommandContext, listen: string) {
  const { listNetworks } = await import('./networks.ts');
  const own = `http://${listen}`;
  const pinned = listNetworks(context.home).find(({ name }) => name === context.options.network);
  const urls = context.options.url ?? pinned?.urls ?? [];
  if (urls.length === 0) throw new UsageError('expected --url, or a pinned network');
  return { own, urls: urls.map((url) => url.replace(/\/+$/, '')) };
}

/** The first of these nodes that answers. */
export async function ask(urls: readonly string[], path: string): Promise<Record<string, unknown>> {
  let last: Error | null = null;
  for (const url of urls) {
    try {
      const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(ASK_MILLIS) });
      return (await answer.json()) as Record<string, unknown>;
    } catch (error) {
      last = error as Error;
    }
  }
  const { FanalError } = await import('fanal/primitives/errors.ts');
  throw new FanalError('client/unreachable', `${urls.join(', ')}: ${last?.message}`);
}
