/**
 * `fanal keys`: the wallets of this folder, each a set of words in a keystore.
 */
import { type Command, Option } from 'commander';
import { UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface NewOptions {
  readonly passwordFile?: string;
  readonly open?: boolean;
  readonly wordsFile?: string;
}

export function registerKeys(program: Command, action: Action): void {
  const keys = program.command('keys').description('the wallets of this folder');
  const passwordFile = () =>
    new Option('--password-file <file>', 'file with the wallet’s password (default: ask)');
  const open = () =>
    new Option('--open', 'without a password: for test networks, where coins are worth nothing');

  keys
    .command('new')
    .description('make a wallet; its 24 words are shown once')
    .argument('[name]', 'what to call it', 'default')
    .addOption(passwordFile())
    .addOption(open())
    .action(
      action<NewOptions>(async (context, options, name) => {
        const { randomBytes } = await import('node:crypto');
        const { newMnemonic } = await import('fanal/wallet/index.ts');
        const { writeWallet } = await import('./wallets.ts');
        const words = newMnemonic((length) => new Uint8Array(randomBytes(length)));
        const password = await newPassword(options, name as string);
        const wallet = await writeWallet(context.home, name as string, words, password);
        context.output.progress('Write these words down: whoever has them has the coins.');
        context.output.object('fanal.wallet-new/1', { name, path: wallet.path, words }, [
          ['wallet', name],
          ['file', wallet.path],
          ['words', words],
        ]);
      }),
    );

  keys
    .command('import')
    .description('make a wallet of words that exist')
    .argument('[name]', 'what to call it', 'default')
    .requiredOption('--words-file <file>', 'file with the words')
    .addOption(passwordFile())
    .addOption(open())
    .action(
      action<NewOptions>(async (context, options, name) => {
        const { parseMnemonic } = await import('fanal/wallet/index.ts');
        const { readSecret } = await import('../runtime/secret-file.ts');
        const { writeWallet } = await import('./wallets.ts');
        const words = parseMnemonic(readSecret(options.wordsFile as string));
        const password = await newPassword(options, name as string);
        const wallet = await writeWallet(context.home, name as string, words, password);
        context.output.object('fanal.wallet/1', { name, path: wallet.path }, [
          ['wallet', name],
          ['file', wallet.path],
        ]);
      }),
    );

  keys
    .command('list')
    .description('name the wallets of this folder')
    .action(
      action(async (context) => {
        const { listWallets } = await import('./wallets.ts');
        context.output.table('fanal.wallets/1', 'wallets', listWallets(context.home), [
          { title: 'WALLET', cell: ({ name }) => name },
          { title: 'ENCRYPTED', cell: ({ encrypted }) => encrypted },
          { title: 'FILE', cell: ({ path }) => path },
        ]);
      }),
    );

  keys
    .command('show')
    .description('print a wallet’s first addresses')
    .argument('[name]', 'which one')
    .option('--count <n>', 'how many addresses', '1')
    .addOption(
      new Option('--prefix <prefix>', 'network whose addresses to print').choices([
        'fan',
        'tfan',
        'dfan',
      ]),
    )
    .addOption(passwordFile())
    .option('--words', 'print the words, too')
    .action(
      action<{ count: string; prefix?: 'fan'; words?: boolean; passwordFile?: string }>(
        async (context, options, name) => {
          const { accountFromMnemonic, encodeAddress } = await import('fanal/wallet/index.ts');
          const { findWallet, passwordOf, readWords } = await import('./wallets.ts');
          const wallet = findWallet(context.home, name);
          const prefix = options.prefix ?? (await networkPrefix(context));
          const words = await readWords(wallet, () =>
            passwordOf(options.passwordFile, wallet.name),
          );
          const account = accountFromMnemonic(words, { prefix });
          const count = Number(options.count);
          if (!Number.isInteger(count) || count < 1 || count > 1_000) {
            throw new UsageError('expected --count from 1 to 1000');
          }
          const rows = Array.from({ length: count }, (_, index) => {
            const address = account.address(index);
            return { index, address: address === null ? '' : encodeAddress(address, prefix) };
          });
          if (options.words) context.output.progress(`words: ${words}`);
          context.output.table('fanal.wallet-addresses/1', 'addresses', rows, [
            { title: 'INDEX', cell: ({ index }) => index, align: 'right' },
            { title: 'ADDRESS', cell: ({ address }) => address },
          ]);
        },
      ),
    );
}

async function networkPrefix(context: import('./context.ts').CommandContext) {
  const { chooseNetwork } = await import('./networks.ts');
  const { chain } = await chooseNetwork(context).catch(() => {
    throw new UsageError('the addresses of which network?', 'Say so with --prefix or --network.');
  });
  return chain.trust.prefix;
}

async function newPassword(options: NewOptions, name: string): Promise<string | null> {
  if (options.open) return null;
  if (options.passwordFile !== undefined) {
    const { readSecret } = await import('../runtime/secret-file.ts');
    return readSecret(options.passwordFile).replace(/\r?\n$/, '');
  }
  const { askNewPassword } = await import('./password.ts');
  return askNewPassword(`Password for wallet ${name}`);
}
