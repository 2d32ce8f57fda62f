/**
 * The commands that pay: `send`, `notarize`, `faucet`. Nothing is lost on the way: the receipt's
 * place is taken first, and whoever is cut off is told how to find the payment again.
 */
import { type Command, Option } from 'commander';
import type { Confirmed } from 'fanal/wallet/client-types.ts';
import type { Draft } from 'fanal/wallet/draft.ts';
import type { Wallet } from 'fanal/wallet/wallet.ts';
import type { CommandContext } from './context.ts';
import { EXIT, NotFoundError, UsageError } from './exit.ts';
import type { Action } from './program.ts';
import { openSynced, type WalletChoice, walletOptions } from './wallet.ts';

interface SendOptions extends WalletChoice {
  readonly note?: string;
  readonly wait: 'submitted' | 'certified';
  readonly dryRun?: boolean;
  readonly fee?: string;
  readonly receipt?: string;
}

export function registerPay(program: Command, action: Action): void {
  walletOptions(program.command('send'))
    .description('pay')
    .argument('<to>', 'address')
    .argument('<coins>', 'amount')
    .option('--note <text>', 'a memo of at most 256 bytes; everyone can read it')
    .option('--fee <units>', 'units a byte (default: what the network asks)')
    .option('--dry-run', 'show what would be sent, and send nothing')
    .option('--receipt <file>', 'write the receipt here instead of printing it')
    .addOption(
      new Option('--wait <state>', 'when to come back')
        .choices(['submitted', 'certified'])
        .default('certified'),
    )
    .action(
      action<SendOptions>((context, options, to, coins) =>
        send(context, options, to as string, coins as string),
      ),
    );

  walletOptions(program.command('notarize'))
    .description('put a file’s hash on the ledger, and write its receipt')
    .argument('<file>')
    .option('--receipt <file>', 'where the receipt goes (default: FILE.receipt)')
    .action(
      action<WalletChoice & { receipt?: string }>((context, options, file) =>
        notarize(context, options, file as string),
      ),
    );

  program
    .command('faucet')
    .description('coins of a test network, for nothing')
    .argument('[address]', 'whose (default: the wallet’s)')
    .option('--wallet <name>', 'which wallet (default: the only one)')
    .action(action<WalletChoice>((context, options, address) => faucet(context, options, address)));
}

async function send(
  context: CommandContext,
  options: SendOptions,
  to: string,
  coins: string,
): Promise<number> {
  const { formatCoins, parseCoins } = await import('fanal/wallet/index.ts');
  const { toHex } = await import('fanal/primitives/bytes.ts');
  const { takePlace } = await import('./new-file.ts');
  const { output, signal } = context;
  const amount = parseCoins(coins);
  const feePerByte = options.fee === undefined ? undefined : unitsOf(options.fee);
  const writes = options.receipt !== undefined && !options.dryRun && options.wait === 'certified';
  if (options.receipt !== undefined && options.wait === 'submitted') {
    throw new UsageError('a receipt needs --wait certified', 'Or get it later: fanal proof ID.');
  }
  const place = writes ? takePlace(options.receipt as string, '--receipt') : null;
  try {
    const wallet = await openSynced(context, options);
    const draft = await wallet.build({
      to: [{ address: to, amount }],
      ...(options.note === undefined ? {} : { note: options.note }),
      ...(feePerByte === undefined ? {} : { feePerByte }),
      signal,
    });
    const id = toHex(draft.id);
    const summary = { id, to, amount, fee: draft.fee, inputs: draft.inputs.length };
    const fee = `${formatCoins(draft.fee)} coins`;
    output.progress(`Paying ${formatCoins(amount)} coins to ${to}, fee ${fee}.`);
    if (options.dryRun) {
      const result = { ...summary, status: 'not-sent', bytes: draft.bytes };
      output.object('fanal.payment/1', result, [
        ['transaction', id],
        ['fee', fee],
        ['status', 'not sent'],
      ]);
      return EXIT.ok;
    }
    if (process.stdin.isTTY && !(await context.confirm('Send it?'))) return EXIT.failed;
    if (options.wait === 'submitted') {
      await guarded(context, id, () => sendOn(context, wallet, draft));
      output.object('fanal.payment/1', { ...summary, status: 'submitted' }, [
        ['transaction', id],
        ['status', 'submitted (reported)'],
      ]);
      return EXIT.ok;
    }
    const { height, receiptText } = await sendAndProve(context, wallet, draft, id);
    place?.write(receiptText);
    const result = { ...summary, status: 'certified', height, receipt: receiptText };
    output.object('fanal.payment/1', result, [
      ['transaction', id],
      ['status', 'certified (proved)'],
      ['height', height],
      ['fee', fee],
      ...(place === null ? [] : ([['receipt', place.path]] as [string, string][])),
    ]);
    if (place === null && !output.json) output.raw(`\n${receiptText}`);
    return EXIT.ok;
  } finally {
    place?.release();
  }
}

async function notarize(
  context: CommandContext,
  options: WalletChoice & { receipt?: string },
  file: string,
): Promise<void> {
  const { toHex } = await import('fanal/primitives/bytes.ts');
  const { hashOfFile } = await import('./file-hash.ts');
  const { takePlace } = await import('./new-file.ts');
  const { signal } = context;
  const hash = await hashOfFile(file);
  const place = takePlace(options.receipt ?? `${file}.receipt`, '--receipt');
  try {
    const wallet = await openSynced(context, options);
    const draft = await wallet.build({ to: [], note: hash, signal });
    const id = toHex(draft.id);
    const { height, receiptText } = await sendAndProve(context, wallet, draft, id);
    place.write(receiptText);
    const result = { file, sha256: hash, id: draft.id, height, receipt: place.path };
    context.output.object('fanal.notarization/1', result, [
      ['file', file],
      ['sha256', toHex(hash)],
      ['transaction', id],
      ['height', height],
      ['receipt', place.path],
    ]);
  } finally {
    place.release();
  }
}

async function faucet(
  context: CommandContext,
  options: WalletChoice,
  given: string | undefined,
): Promise<void> {
  const { faucetGrantShape } = await import('fanal/api/chain.ts');
  const { parseJson } = await import('fanal/api/json.ts');
  const { decodeAddress } = await import('fanal/crypto/address.ts');
  const { FanalError } = await import('fanal/primitives/errors.ts');
  const { formatCoins } = await import('fanal/wallet/index.ts');
  const { chooseNetwork } = await import('./networks.ts');
  const { chain, urls } = await chooseNetwork(context);
  const address = given ?? (await openSynced(context, options)).receive();
  decodeAddress(address, chain.trust.prefix);
  const url = urls[0];
  if (url === undefined) throw new UsageError('no url is known', 'Give one with --url.');
  const response = await fetch(`${url.replace(/\/+$/, '')}/v1/faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
    signal: AbortSignal.any([context.signal, AbortSignal.timeout(FAUCET_MILLIS)]),
  }).catch((cause: unknown) => {
    throw new FanalError('network/faucet', `${url} cannot be reached`, { cause });
  });
  if (response.status === 404) throw new NotFoundError('this network has no faucet');
  if (response.status === 429) {
    throw new FanalError('network/faucet', 'the faucet asks to wait', { hint: 'Try again later.' });
  }
  if (!response.ok) {
    throw new FanalError('network/faucet', `the faucet refused (${response.status})`);
  }
  const grant = faucetGrantShape.from(parseJson(new Uint8Array(await response.arrayBuffer())));
  context.output.object('fanal.faucet/1', { ...grant, address }, [
    ['transaction', faucetGrantShape.to(grant).txid as string],
    ['to', address],
    ['amount', `${formatCoins(grant.amount)} coins (reported)`],
  ]);
}

const FAUCET_MILLIS = 15_000;

/** Sends, and waits for the proof. */
async function sendAndProve(
  context: CommandContext,
  wallet: Wallet,
  draft: Draft,
  id: string,
): Promise<Confirmed> {
  const { signal } = context;
  return guarded(context, id, async () => {
    await sendOn(context, wallet, draft);
    context.output.status('Waiting until it is proved…');
    return wallet.confirm(draft, { signal });
  });
}

/** Sends through a restart of the gateway, or the loss of a node. */
async function sendOn(context: CommandContext, wallet: Wallet, draft: Draft): Promise<void> {
  const { deliver } = await import('fanal/wallet/delivery.ts');
  const { timeoutMillis } = await import('./context.ts');
  await deliver(wallet, draft, {
    signal: context.signal,
    forMillis: timeoutMillis(context),
    onRetry: ({ message }) => context.output.status(`${message}. Trying again…`),
  });
}

/** Once bytes have left, whoever is cut off must know how to find them again. */
async function guarded<T>(
  { output }: CommandContext,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { FanalError } = await import('fanal/primitives/errors.ts');
    const isRefused =
      error instanceof FanalError &&
      /^(problem\/transaction|problem\/fee|wallet\/expired)/.test(error.code);
    if (!isRefused) {
      output.warn(`the payment may be on its way. Before paying again, look: fanal tx ${id}`);
    }
    throw error;
  }
}

function unitsOf(text: string): bigint {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError(`expected units, found "${text}"`);
  return BigInt(text);
}
