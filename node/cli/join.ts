/**
 * `fanal join` and `fanal leave`: a validator's way onto a network, and off it.
 */
import type { Command } from 'commander';
import type { Action as ChainAction } from 'fanal/chain/action.ts';
import type { Step, StepReport } from '../operate/join.ts';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface WalletFlags {
  readonly wallet?: string;
  readonly passwordFile?: string;
}

interface JoinFlags extends WalletFlags {
  readonly stake: string;
  readonly snapshot: string;
  readonly dryRun?: boolean;
}

/** Blocks behind the certified tip at which a node counts as caught up. */
const CAUGHT_UP = 2n;
const ASK_MILLIS = 5_000;

export function registerJoin(program: Command, action: Action): void {
  program
    .command('join')
    .description('make this folder’s node a validator of a running network, step by step')
    .argument('<network>', 'as pinned with `fanal trust pin`')
    .option('--stake <coins>', 'what to bond', '1000')
    .option('--snapshot <choice>', 'auto, none, or the url to take it from', 'auto')
    .option('--wallet <name>', 'wallet of the owner')
    .option('--password-file <file>', 'file with the password of the wallet')
    .option('--dry-run', 'look at every step, and do nothing')
    .action(
      action<JoinFlags>(async (context, flags, network) => {
        const { goThrough } = await import('../operate/join.ts');
        const steps = await joinSteps(withNetwork(context, network as string), flags);
        const reports: StepReport[] = [];
        const complete = await goThrough(steps, flags.dryRun ?? false, (report) => {
          reports.push(report);
          context.output.status('');
          context.output.progress(`${report.state.padEnd(8)}${report.id}: ${report.found}`);
        });
        context.output.table('fanal.join/1', 'steps', reports, [
          { title: 'STEP', cell: ({ id }) => id },
          { title: 'STATE', cell: ({ state }) => state },
          { title: 'FOUND', cell: ({ found }) => found },
          { title: 'WHAT TO DO', cell: ({ hint }) => hint ?? '' },
        ]);
        return complete ? EXIT.ok : EXIT.checksNotMet;
      }),
    );

  program
    .command('leave')
    .description('retire this folder’s validator: it leaves the set when the epoch ends')
    .argument('<network>', 'as pinned with `fanal trust pin`')
    .option('--wallet <name>', 'wallet of the owner')
    .option('--password-file <file>', 'file with the password of the wallet')
    .action(
      action<WalletFlags>(async (given, flags, network) => {
        const context = withNetwork(given, network as string);
        const { registration } = await folderOf(context);
        const { name } = registration;
        if (!(await context.confirm(`Retire ${name} for good, and unbond all its stake?`))) {
          return EXIT.failed;
        }
        const id = await act(context, flags, [{ kind: 'retire', validator: name }]);
        context.output.object('fanal.leave/1', { validator: name, transaction: id }, [
          ['validator', name],
          ['transaction', id],
        ]);
        context.output.progress(
          'Keep the node running until the epoch has ended; its stake comes back after the unbonding time.',
        );
        return EXIT.ok;
      }),
    );
}

async function joinSteps(context: CommandContext, flags: JoinFlags): Promise<Step[]> {
  const { parseCoins, formatCoins } = await import('fanal/wallet/index.ts');
  const { findOffer, freeBytes, importOffer, registrationFor } = await import('../operate/join.ts');
  const { examine } = await import('../operate/doctor.ts');
  const { existsSync } = await import('node:fs');
  const { home, chain, loaded, registration } = await folderOf(context);
  const { urls, own } = await nodesOf(context, loaded.config.api.listen);
  const stake = parseCoins(flags.stake);
  const { minStake } = chain.genesis.params;
  if (stake < minStake) {
    throw new UsageError(`expected at least ${formatCoins(minStake)} coins of stake`);
  }
  const from = /^https?:/.test(flags.snapshot) ? [flags.snapshot.replace(/\/+$/, '')] : urls;
  const offer = flags.snapshot === 'none' ? null : await findOffer(from);
  const row = async () => {
    const board = await ask(urls, '/v1/validators');
    const items = board.items as {
      name: string;
      active: boolean;
      stake: string;
      pendingBond: string;
    }[];
    return items.find(({ name }) => name === registration.name);
  };
  const host: Step = {
    id: 'host',
    async look() {
      const bad = (await examine(loaded)).filter(({ verdict }) => verdict === 'bad');
      const [first] = bad;
      if (first === undefined) return { kind: 'done', found: 'the doctor finds nothing bad' };
      return { kind: 'blocked', found: `${first.id}: ${first.found}`, hint: first.hint ?? '' };
    },
  };
  const disk: Step = {
    id: 'disk',
    async look() {
      const needed = 2n * (offer?.sizeBytes ?? 0n);
      const free = freeBytes(home);
      if (free >= needed) return { kind: 'done', found: `${free} bytes free, ${needed} needed` };
      const hint = 'Give the data folder more room.';
      return { kind: 'blocked', found: `${free} bytes free, ${needed} needed`, hint };
    },
  };
  const snapshot: Step = {
    id: 'snapshot',
    async look() {
      if (existsSync(home.ledger)) return { kind: 'done', found: 'the ledger is there' };
      if (offer === null) return { kind: 'done', found: 'none: blocks from the genesis on' };
      return { kind: 'open', found: `import height ${offer.height} from ${offer.url}` };
    },
    async act() {
      if (offer === null) return;
      await importOffer(home, chain, offer, (left) => context.output.status(`${left} chunks left`));
    },
  };
  const running: Step = {
    id: 'catch up',
    async look() {
      const hint = 'Start the node (`fanal start`, or systemctl start fanal), and run this again.';
      const status = await ask([own], '/status').catch(() => null);
      if (status === null) return { kind: 'blocked', found: 'the node is not running', hint };
      const best = BigInt(String((await ask(urls, '/status')).certifiedHeight));
      const height = BigInt(String(status.certifiedHeight));
      if (height + CAUGHT_UP >= best) return { kind: 'done', found: `at ${height} of ${best}` };
      const wait = 'Wait, and run this again.';
      return { kind: 'blocked', found: `at ${height} of ${best}`, hint: wait };
    },
  };
  const bond: Step = {
    id: 'bond',
    async look() {
      const known = await row();
      if (known === undefined) {
        return { kind: 'open', found: `register and bond ${formatCoins(stake)} coins` };
      }
      const held = formatCoins(BigInt(known.stake) + BigInt(known.pendingBond));
      return { kind: 'done', found: `${known.name} is registered with ${held} coins` };
    },
    async act() {
      const { keystorePassword, readSeeds } = await import('../runtime/validator-keys.ts');
      const seeds = await readSeeds(home.keystore, keystorePassword(loaded.config));
      await act(context, flags, [
        { kind: 'register', registration: registrationFor(chain, seeds, registration) },
        { kind: 'bond', validator: registration.name, amount: stake },
      ]);
    },
  };
  const active: Step = {
    id: 'in the set',
    async look() {
      if ((await row())?.active) return { kind: 'done', found: 'signing' };
      const hint = 'Keep the node running: it signs by itself from the next epoch on.';
      return { kind: 'blocked', found: 'from the next epoch on', hint };
    },
  };
  return [host, disk, snapshot, running, bond, active];
}

/** Coins that the owner's address keeps for fees, in units: a tenth of a coin. */
const FEE_ROOM = 10_000_000n;

/**
 * Sends a transaction of the owner that does this, and waits until it is proved. Every input is a
 * coin of the owner's own address, as the protocol asks, and change goes back there; where that
 * address holds too little, the wallet's other coins are moved to it first.
 */
async function act(
  context: CommandContext,
  flags: WalletFlags,
  actions: readonly ChainAction[],
): Promise<string> {
  const { createWallet } = await import('fanal/wallet/index.ts');
  const { buildDraft } = await import('fanal/wallet/draft.ts');
  const { EXPIRY_BLOCKS } = await import('fanal/wallet/wallet.ts');
  const { bondedUnits } = await import('fanal/chain/action.ts');
  const { equalBytes, toHex } = await import('fanal/primitives/bytes.ts');
  const { openClient } = await import('./networks.ts');
  const { openAccount } = await import('./wallets.ts');
  const { registration, chain } = await folderOf(context);
  const { owner } = registration;
  const { client } = await openClient(context);
  const account = await openAccount(context.home, flags, client.chain.trust.prefix);
  const wallet = createWallet({ client, account });
  const { signal } = context;
  await wallet.sync({ signal });
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

function withNetwork(context: CommandContext, network: string): CommandContext {
  return { ...context, options: { ...context.options, network } };
}

/** This folder's validator, its network and its settings. */
async function folderOf(context: CommandContext) {
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
async function nodesOf(context: CommandContext, listen: string) {
  const { listNetworks } = await import('./networks.ts');
  const own = `http://${listen}`;
  const pinned = listNetworks(context.home).find(({ name }) => name === context.options.network);
  const urls = context.options.url ?? pinned?.urls ?? [];
  if (urls.length === 0) throw new UsageError('expected --url, or a pinned network');
  return { own, urls: urls.map((url) => url.replace(/\/+$/, '')) };
}

/** The first of these nodes that answers. */
async function ask(urls: readonly string[], path: string): Promise<Record<string, unknown>> {
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
