/**
 * The wallet commands that look: what an account owns, and what happened to it. Every figure is
 * proved before it is printed, unless the line says that it is reported.
 */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { UsageError } from './exit.ts';
import type { Action } from './program.ts';

export interface WalletChoice {
  readonly wallet?: string;
  readonly passwordFile?: string;
}

/** The options of every command that opens a wallet. */
export function walletOptions(command: Command): Command {
  return command
    .option('--wallet <name>', 'which wallet (default: the only one)')
    .option('--password-file <file>', 'file with the wallet’s password (default: ask)');
}

export function registerWallet(program: Command, action: Action): void {
  walletOptions(program.command('balance'))
    .description('what an address, or the wallet, owns')
    .argument('[address]')
    .action(
      action<WalletChoice>(async (context, options, address) => {
        const { formatCoins } = await import('fanal/wallet/index.ts');
        if (address !== undefined) {
          const { client } = await connect(context);
          const balance = await client.getBalance({ address, signal: context.signal });
          context.output.object('fanal.balance/1', { ...omitRecord(balance) }, [
            ['address', address],
            ['balance', `${formatCoins(balance.balance)} coins`],
            ['coins', balance.coinCount],
            ['transactions', balance.historySize],
            ['proved at height', balance.height],
          ]);
          return;
        }
        const { wallet } = await openWallet(context, options);
        const balance = await wallet.sync({ signal: context.signal });
        context.output.object('fanal.balance/1', { ...balance, receive: wallet.receive() }, [
          ['balance', `${formatCoins(balance.total)} coins`],
          ['available', `${formatCoins(balance.available)} coins`],
          ['receive at', wallet.receive()],
          ['proved at height', balance.height],
        ]);
      }),
    );

  walletOptions(program.command('coins'))
    .description('every coin of an address, or of the wallet')
    .argument('[address]')
    .action(
      action<WalletChoice>(async (context, options, address) => {
        const { formatCoins } = await import('fanal/wallet/index.ts');
        const { toHex } = await import('fanal/primitives/bytes.ts');
        let coins: readonly import('fanal/chain/coin.ts').Coin[];
        if (address !== undefined) {
          const { client } = await connect(context);
          coins = (await client.getCoins({ address, signal: context.signal })).coins;
        } else {
          const { wallet } = await openWallet(context, options);
          await wallet.sync({ signal: context.signal });
          coins = wallet.coins();
        }
        const rows = coins.map(({ txid, index, amount, height }) => ({
          ...{ txid, index, amount, height },
        }));
        context.output.table('fanal.coins/1', 'coins', rows, [
          { title: 'AMOUNT', cell: ({ amount }) => formatCoins(amount), align: 'right' },
          { title: 'HEIGHT', cell: ({ height }) => height, align: 'right' },
          { title: 'OUTPOINT', cell: ({ txid, index }) => `${toHex(txid)}:${index}` },
        ]);
      }),
    );

  walletOptions(program.command('history'))
    .description('every payment of an address, or of the wallet, newest first')
    .argument('[address]')
    .option('--limit <n>', 'how many', '20')
    .action(
      action<WalletChoice & { limit: string }>(async (context, options, address) => {
        const { formatCoins } = await import('fanal/wallet/index.ts');
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const limit = Number(options.limit);
        if (!Number.isInteger(limit) || limit < 1) throw new UsageError('expected --limit from 1');
        const { signal } = context;
        const items =
          address === undefined
            ? (await openSynced(context, options)).history({ signal })
            : (await connect(context)).client.history({ address, order: 'newest', signal });
        const rows = [];
        for await (const { txid, height, received, spent } of items) {
          rows.push({ txid, height, received, spent });
          if (rows.length === limit) break;
        }
        context.output.table('fanal.history/1', 'payments', rows, [
          { title: 'HEIGHT', cell: ({ height }) => height, align: 'right' },
          {
            title: 'CHANGE',
            cell: ({ received, spent }) =>
              `${received >= spent ? '+' : ''}${formatCoins(received - spent)}`,
            align: 'right',
          },
          { title: 'TRANSACTION', cell: ({ txid }) => toHex(txid) },
        ]);
      }),
    );
}

async function connect(context: CommandContext) {
  const { openClient } = await import('./networks.ts');
  return openClient(context);
}

async function openWallet(context: CommandContext, options: WalletChoice) {
  const { createWallet } = await import('fanal/wallet/index.ts');
  const { openAccount } = await import('./wallets.ts');
  const { client } = await connect(context);
  const account = await openAccount(context.home, options, client.chain.trust.prefix);
  return { client, wallet: createWallet({ client, account }) };
}

/** A wallet that knows its coins. */
export async function openSynced(context: CommandContext, options: WalletChoice) {
  const { wallet } = await openWallet(context, options);
  context.output.status('Reading the wallet’s coins…');
  await wallet.sync({ signal: context.signal });
  return wallet;
}

function omitRecord<T extends { record: unknown }>({ record: _, ...rest }: T): Omit<T, 'record'> {
  return rest;
}
