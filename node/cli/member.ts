/**
 * What a validator's owner tells the network after it has joined: that it moved to another host,
 * that its software knows newer rules, and that it leaves for good.
 */
import type { Command } from 'commander';
import type { Action as ChainAction } from 'fanal/chain/action.ts';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import { act, ask, folderOf, nodesOf, type WalletFlags, withNetwork } from './owner.ts';
import type { Action } from './program.ts';
import { VERSION } from './version.ts';

interface ReadyFlags extends WalletFlags {
  readonly protocol?: string;
}

interface MoveFlags extends WalletFlags {
  readonly address: readonly string[];
}

export function registerMember(program: Command, action: Action): void {
  const owned = (name: string) =>
    program
      .command(name)
      .argument('<network>', 'as pinned with `fanal trust pin`')
      .option('--wallet <name>', 'wallet of the owner')
      .option('--password-file <file>', 'file with the password of the wallet');

  owned('ready')
    .description('say on the chain which protocol version this folder’s node knows')
    .option('--protocol <version>', 'instead of the newest that this release knows')
    .action(
      action<ReadyFlags>(async (given, flags, network) => {
        const context = withNetwork(given, network as string);
        const { registration, version } = await readyVersion(context, flags);
        const { name } = registration;
        await tell(context, flags, 'fanal.ready/1', { kind: 'ready', validator: name, version }, [
          ['ready for', `protocol version ${version}`],
        ]);
        context.output.progress(
          'It comes into force with the epoch after more than five sixths of the stake are ready; `fanal validators` shows who is.',
        );
        return EXIT.ok;
      }),
    );

  owned('move')
    .description('tell the network that this folder’s validator is at other addresses')
    .requiredOption(
      '--address <multiaddr...>',
      'where peers reach it now, such as /ip4/…/tcp/26700',
    )
    .action(
      action<MoveFlags>(async (given, flags, network) => {
        const { writeFileSync } = await import('node:fs');
        const { registrationToJson } = await import('fanal/chain/genesis-file.ts');
        const { parseAddress } = await import('../network/addresses.ts');
        const context = withNetwork(given, network as string);
        const { registration, home, chain } = await folderOf(context);
        for (const address of flags.address) parseAddress(address);
        const { name } = registration;
        const addresses = flags.address;
        await tell(context, flags, 'fanal.move/1', { kind: 'move', validator: name, addresses }, [
          ['reached at', addresses.join(', ')],
        ]);
        const json = registrationToJson({ ...registration, addresses }, chain.genesis.prefix);
        const text = JSON.stringify({ schema: 'fanal.validator/1', ...json }, null, 2);
        writeFileSync(home.registration, `${text}\n`, { flush: true });
        return EXIT.ok;
      }),
    );

  owned('leave')
    .description('retire this folder’s validator: it leaves the set when the epoch ends')
    .action(
      action<WalletFlags>(async (given, flags, network) => {
        const context = withNetwork(given, network as string);
        const { registration } = await folderOf(context);
        const { name } = registration;
        if (!(await context.confirm(`Retire ${name} for good, and unbond all its stake?`))) {
          return EXIT.failed;
        }
        await tell(context, flags, 'fanal.leave/1', { kind: 'retire', validator: name }, []);
        context.output.progress(
          'Keep the node running until the epoch has ended; its stake comes back after the unbonding time.',
        );
        return EXIT.ok;
      }),
    );
}

/** Sends one action of the owner, and says what came of it. */
async function tell(
  context: CommandContext,
  flags: WalletFlags,
  schema: string,
  action: Exclude<ChainAction, { kind: 'register' | 'evidence' }>,
  more: readonly (readonly [string, string])[],
): Promise<void> {
  const { kind: _, ...about } = action;
  const transaction = await act(context, flags, [action]);
  context.output.object(schema, { ...about, transaction }, [
    ['validator', action.validator],
    ...more,
    ['transaction', transaction],
  ]);
}

/** The version to speak of; the node that signs must run the release that knows it. */
async function readyVersion(context: CommandContext, flags: ReadyFlags) {
  const { NEWEST_VERSION } = await import('fanal/chain/version.ts');
  const { loaded, registration } = await folderOf(context);
  const version = flags.protocol === undefined ? NEWEST_VERSION : Number(flags.protocol);
  if (!Number.isInteger(version) || version < 1 || version > NEWEST_VERSION) {
    throw new UsageError(
      `this release knows protocol versions 1 to ${NEWEST_VERSION}, not ${flags.protocol}`,
      'Install the release that knows it first.',
    );
  }
  const { own } = await nodesOf(context, loaded.config.api.listen);
  const status = await ask([own], '/status');
  if (status.version !== VERSION) {
    throw new UsageError(
      `the running node is ${status.version}, and this command is ${VERSION}`,
      'Restart the node with this release first.',
    );
  }
  return { registration, version };
}
