/**
 * `fanal join`: a validator's way onto a network.
 */
import type { Command } from 'commander';
import type { Step, StepReport, StepResult } from '../operate/join.ts';
import type { Reach } from '../runtime/reach.ts';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import {
  act,
  ask,
  FEE_ROOM,
  folderOf,
  nodesOf,
  ownedUnits,
  type WalletFlags,
  withNetwork,
} from './owner.ts';
import type { Action } from './program.ts';

interface JoinFlags extends WalletFlags {
  readonly stake: string;
  readonly snapshot: string;
  readonly dryRun?: boolean;
}

/** Blocks behind the certified tip at which a node counts as caught up. */
const CAUGHT_UP = 2n;
/** How long the command itself waits for the node to catch up. */
const CATCH_UP_MILLIS = 60_000;
const LOOK_MILLIS = 500;
const REACH_MILLIS = 30_000;

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
}

async function joinSteps(context: CommandContext, flags: JoinFlags): Promise<Step[]> {
  const { parseCoins, formatCoins } = await import('fanal/wallet/index.ts');
  const { findOffer, freeBytes, importOffer, registrationFor } = await import('../operate/join.ts');
  const { examine } = await import('../operate/doctor.ts');
  const { askAdmin } = await import('../runtime/admin.ts');
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
  const progress = async () => {
    // The network first: what it adds while the own node is asked does not count.
    const best = BigInt(String((await ask(urls, '/status')).certifiedHeight));
    const height = BigInt(String((await ask([own], '/status')).certifiedHeight));
    return { found: `at ${height} of ${best}`, isThere: height + CAUGHT_UP >= best };
  };
  let hasWaited = false;
  const running: Step = {
    id: 'catch up',
    async look() {
      const hint = 'Start the node (`fanal start`, or systemctl start fanal), and run this again.';
      const status = await ask([own], '/status').catch(() => null);
      if (status === null) return { kind: 'blocked', found: 'the node is not running', hint };
      const { found, isThere } = await progress();
      if (isThere) return { kind: 'done', found };
      if (!hasWaited) return { kind: 'open', found: `wait: ${found}` };
      return { kind: 'blocked', found, hint: 'Wait, and run this again.' };
    },
    async act() {
      const deadline = performance.now() + CATCH_UP_MILLIS;
      while (!(await progress()).isThere && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
      }
      hasWaited = true;
    },
  };
  const clock: Step = {
    id: 'clock',
    async look() {
      const [found] = await examine(loaded, ['clock']);
      if (found?.verdict !== 'bad') return { kind: 'done', found: found?.found ?? '' };
      return { kind: 'blocked', found: found.found, hint: found.hint ?? '' };
    },
  };
  const reached: Step = {
    id: 'reached',
    async look() {
      const answer = await askAdmin(context.home, 'reach', REACH_MILLIS).catch(() => null);
      if (answer !== null) return reachResult(answer.addresses as Reach[]);
      return { kind: 'blocked', found: 'the node is not running', hint: 'Start it, as above.' };
    },
  };
  const money: Step = {
    id: 'stake',
    async look() {
      if ((await row()) !== undefined) return { kind: 'done', found: 'bonded already' };
      const available = await ownedUnits(context, flags);
      const needed = stake + FEE_ROOM;
      const found = `${formatCoins(available)} coins, ${formatCoins(needed)} needed`;
      if (available >= needed) return { kind: 'done', found };
      return { kind: 'blocked', found, hint: 'Send coins to the owner, or bond fewer.' };
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
  return [host, disk, money, snapshot, running, clock, reached, bond, active];
}

/** Peers have to get through; one that sees this host elsewhere cannot tell. */
function reachResult(addresses: readonly Reach[]): StepResult {
  const none = addresses.find(({ reached, closed }) => reached === 0 && closed > 0);
  if (none !== undefined) {
    return {
      kind: 'blocked',
      found: `${none.address}: ${none.closed} peers got no answer`,
      hint: 'Open the port in the firewall and forward it, or register the right address.',
    };
  }
  const reached = addresses.filter((one) => one.reached > 0);
  const found =
    reached.length === addresses.length && reached.length > 0
      ? `peers reach ${reached.map(({ address }) => address).join(', ')}`
      : 'not checked: no peer sees this host at its address';
  return { kind: 'done', found };
}
