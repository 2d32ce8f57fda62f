/**
 * The wallet commands: what an account owns, what happened to it, and paying. Every figure is
 * proved before it is printed, unless the line says that it is reported.
 */
import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';
import { NotFoundError, UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface WalletChoice {
  readonly wallet?: string;
  readonly passwordFile?: string;
}

interface SendOptions extends WalletChoice {
  readonly note?: string;
  readonly wait: 'submitted' | 'certified';
  readonly dryRun?: boolean;
  readonly fee?: string;
  readonly receipt?: string;
}

export function registerWallet(program: Command, action: Action): void {
  const walletOptions = (command: Command) =>
    command
      .option('--wallet <name>', 'which wallet (default: the only one)')
      .option('--password-file <file>', 'file with the wallet’s password (default: ask)');

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

  walletOptions(program.command('send'))
    .description('pay')
    .argument('<to>', 'address')
    .argument('<coins>', 'amount')
    .option('--note <text>', 'a memo of at most 256 bytes; everyone can read it')
    .option('--fee <units>', 'units a byte (default: what the network asks)')
    .option('--dry-run', 'show what would be sent, and send nothing')
    .option('--receipt <file>', 'write the receipt here once certified')
    .addOption(
      new Option('--wait <state>', 'when to come back')
        .choices(['submitted', 'certified'])
        .default('certified'),
    )
    .action(
      action<SendOptions>(async (context, options, to, coins) => {
        const { formatCoins, parseCoins } = await import('fanal/wallet/index.ts');
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const amount = parseCoins(coins as string);
        const wallet = await openSynced(context, options);
        const draft = await wallet.build({
          to: [{ address: to as string, amount }],
          ...(options.note === undefined ? {} : { note: options.note }),
          ...(options.fee === undefined ? {} : { feePerByte: unitsOf(options.fee) }),
          signal: context.signal,
        });
        const id = toHex(draft.id);
        const summary = { id, to, amount, fee: draft.fee, inputs: draft.inputs.length };
        context.output.progress(
          `Paying ${formatCoins(amount)} coins to ${to}, fee ${formatCoins(draft.fee)}.`,
        );
        if (options.dryRun) {
          context.output.object(
            'fanal.payment/1',
            { ...summary, status: 'not-sent', bytes: draft.bytes },
            [
              ['transaction', id],
              ['fee', `${formatCoins(draft.fee)} coins`],
              ['status', 'not sent'],
            ],
          );
          return;
        }
        if (process.stdin.isTTY && !(await context.confirm('Send it?'))) return 1;
        await wallet.send(draft, { signal: context.signal });
        if (options.wait === 'submitted') {
          context.output.object('fanal.payment/1', { ...summary, status: 'submitted' }, [
            ['transaction', id],
            ['status', 'submitted (reported)'],
          ]);
          return;
        }
        context.output.status('Waiting until it is proved…');
        const confirmed = await wallet.confirm(draft, { signal: context.signal });
        await writeReceipt(context, options.receipt, confirmed.receiptText);
        context.output.object(
          'fanal.payment/1',
          {
            ...summary,
            status: 'certified',
            height: confirmed.height,
            receipt: confirmed.receiptText,
          },
          [
            ['transaction', id],
            ['status', 'certified (proved)'],
            ['height', confirmed.height],
            ...(options.receipt === undefined
              ? []
              : ([['receipt', options.receipt]] as [string, string][])),
          ],
        );
        return;
      }),
    );

  walletOptions(program.command('notarize'))
    .description('put a file’s hash on the ledger, and write its receipt')
    .argument('<file>')
    .option('--receipt <file>', 'where the receipt goes (default: FILE.receipt)')
    .action(
      action<WalletChoice & { receipt?: string }>(async (context, options, file) => {
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const hash = await hashOfFile(file as string);
        const wallet = await openSynced(context, options);
        const draft = await wallet.build({
          to: [],
          note: hash,
          signal: context.signal,
        });
        await wallet.send(draft, { signal: context.signal });
        context.output.status('Waiting until it is proved…');
        const confirmed = await wallet.confirm(draft, { signal: context.signal });
        const receipt = options.receipt ?? `${file}.receipt`;
        await writeReceipt(context, receipt, confirmed.receiptText);
        context.output.object(
          'fanal.notarization/1',
          { file, sha256: hash, id: draft.id, height: confirmed.height, receipt },
          [
            ['file', file],
            ['sha256', toHex(hash)],
            ['transaction', toHex(draft.id)],
            ['height', confirmed.height],
            ['receipt', receipt],
          ],
        );
      }),
    );

  program
    .command('faucet')
    .description('coins of a test network, for nothing')
    .argument('<address>')
    .action(
      action(async (context, _options, address) => {
        const { chooseNetwork } = await import('./networks.ts');
        const { urls } = await chooseNetwork(context);
        const { FanalError } = await import('fanal/primitives/errors.ts');
        const url = urls[0];
        if (url === undefined) throw new UsageError('no url is known', 'Give one with --url.');
        const response = await fetch(`${url.replace(/\/+$/, '')}/v1/faucet`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ address }),
          signal: AbortSignal.any([context.signal, AbortSignal.timeout(15_000)]),
        }).catch((cause: unknown) => {
          throw new FanalError('network/faucet', `${url} cannot be reached`, { cause });
        });
        if (response.status === 404) throw new NotFoundError('this network has no faucet');
        if (!response.ok) {
          throw new FanalError('network/faucet', `the faucet refused (${response.status})`);
        }
        const grant = (await response.json()) as { txid: string; amount: string };
        const { formatCoins } = await import('fanal/wallet/index.ts');
        context.output.object('fanal.faucet/1', grant, [
          ['transaction', grant.txid],
          ['amount', `${formatCoins(BigInt(grant.amount))} coins (reported)`],
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

async function openSynced(context: CommandContext, options: WalletChoice) {
  const { wallet } = await openWallet(context, options);
  context.output.status('Reading the wallet’s coins…');
  await wallet.sync({ signal: context.signal });
  return wallet;
}

function unitsOf(text: string): bigint {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError(`expected units, found "${text}"`);
  return BigInt(text);
}

function omitRecord<T extends { record: unknown }>({ record: _, ...rest }: T): Omit<T, 'record'> {
  return rest;
}

async function writeReceipt(
  _context: CommandContext,
  path: string | undefined,
  text: string,
): Promise<void> {
  if (path === undefined) return;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(path, text);
}

/** The SHA-256 of a file's bytes, however large it is. */
export async function hashOfFile(path: string): Promise<Uint8Array> {
  const { createHash } = await import('node:crypto');
  const { createReadStream } = await import('node:fs');
  const hash = createHash('sha256');
  try {
    for await (const part of createReadStream(path)) hash.update(part);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') {
      throw new NotFoundError(`there is no file ${path}`);
    }
    throw cause;
  }
  return new Uint8Array(hash.digest());
}
