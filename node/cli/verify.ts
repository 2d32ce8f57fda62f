/**
 * Looking things up and checking them: headers, blocks, payments, receipts. What is printed was
 * verified here; a refusal names the step that failed.
 */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { NotFoundError, UsageError } from './exit.ts';
import type { Action } from './program.ts';

export function registerVerify(program: Command, action: Action): void {
  program
    .command('tx')
    .description('a payment, proved to be in the chain')
    .argument('<id>')
    .action(
      action(async (context, _options, id) => {
        const txid = idOf(id);
        const { client } = await connect(context);
        const found = await client.getTransaction({ id: txid, signal: context.signal });
        if (found === null) {
          throw new NotFoundError(
            'no server knows of this transaction',
            'It may still be on its way, or it was never sent.',
          );
        }
        const { encodeAddress, formatCoins } = await import('fanal/wallet/index.ts');
        const { transaction, height, position, time } = found;
        const { prefix } = client.chain.trust;
        const outputs = transaction.outputs.map(({ address, amount }) => ({
          address: encodeAddress(address, prefix),
          amount,
        }));
        const note = noteText(transaction.note);
        context.output.object(
          'fanal.transaction/1',
          { id, height, position, time, inputs: transaction.inputs, outputs, note },
          [
            ['transaction', id],
            ['height', `${height} (proved)`],
            ['position', position],
            ['time', new Date(Number(time)).toISOString()],
            ['inputs', transaction.inputs.length],
            ...outputs.map(
              ({ address, amount }) =>
                ['output', `${formatCoins(amount)} coins to ${address}`] as const,
            ),
            ['note', note],
          ],
        );
      }),
    );

  program
    .command('proof')
    .description('write the receipt of a payment: one file that proves it offline')
    .argument('<id>')
    .requiredOption('--out <file>', 'where the receipt goes')
    .action(
      action<{ out: string }>(async (context, options, id) => {
        const txid = idOf(id);
        const { takePlace } = await import('./new-file.ts');
        const { client } = await connect(context);
        const place = takePlace(options.out, '--out');
        const confirmed = await client
          .waitForTransaction({ id: txid, signal: withTimeout(context) })
          .then((found) => {
            place.write(found.receiptText);
            return found;
          })
          .finally(place.release);
        context.output.object(
          'fanal.proof/1',
          { id, height: confirmed.height, file: options.out },
          [
            ['transaction', id],
            ['height', confirmed.height],
            ['receipt', options.out],
          ],
        );
      }),
    );

  program
    .command('header')
    .description('a block’s header, proved to be in the log')
    .argument('[height]', 'which block (default: the newest)')
    .action(
      action(async (context, _options, text) => {
        const { header } = await provedHeader(context, text);
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const { blockId } = await import('fanal/chain/header.ts');
        const id = toHex(blockId(header));
        context.output.object('fanal.header/1', { id, ...header }, [
          ['block id', id],
          ['height', `${header.height} (proved)`],
          ['time', new Date(Number(header.time)).toISOString()],
          ['epoch', header.epoch],
          ['transactions', header.txCount],
          ['tx root', toHex(header.txRoot)],
          ['state root', toHex(header.stateRoot)],
          ['validators', toHex(header.validatorsHash)],
          ['commit', header.commitIndex],
        ]);
      }),
    );

  program
    .command('block')
    .description('a block’s payments, checked against its proved header')
    .argument('<height>')
    .action(
      action(async (context, _options, text) => {
        const { header, client, network } = await provedHeader(context, text);
        const { blockCodec } = await import('fanal/chain/block.ts');
        const { headerCodec } = await import('fanal/chain/header.ts');
        const { equalBytes, toHex } = await import('fanal/primitives/bytes.ts');
        const { VerificationError } = await import('fanal/primitives/errors.ts');
        const { transactionsOf } = await import('../runtime/block-check.ts');
        const bytes = await fetchBytes(context, network.urls, `/v1/blocks/${header.height}`);
        const block = blockCodec.decode(bytes);
        if (!equalBytes(headerCodec.encode(block.header), headerCodec.encode(header))) {
          throw new VerificationError('proof/block', 'block', 'the proved header', 'another one');
        }
        const rows = transactionsOf(block).map(({ txid, bytes: raw, transaction }, position) => ({
          position,
          txid,
          sizeBytes: raw.length,
          outputs: transaction.outputs.length,
        }));
        context.output.table(
          'fanal.block/1',
          'transactions',
          rows,
          [
            { title: 'POSITION', cell: ({ position }) => position, align: 'right' },
            { title: 'BYTES', cell: ({ sizeBytes }) => sizeBytes, align: 'right' },
            { title: 'OUTPUTS', cell: ({ outputs }) => outputs, align: 'right' },
            { title: 'TRANSACTION', cell: ({ txid }) => toHex(txid) },
          ],
          { height: header.height, time: header.time, network: client.chain.trust.origin },
        );
      }),
    );

  program
    .command('verify')
    .description('check a receipt offline, and that it is about a document')
    .argument('<file>', 'a receipt, or a document whose receipt is FILE.receipt')
    .option('--receipt <file>', 'the receipt of the document')
    .option('--trust <file>', 'trust file or genesis file (default: the pinned network)')
    .action(
      action<{ receipt?: string; trust?: string }>(async (context, options, file) => {
        const { verifyFile } = await import('./verify-file.ts');
        await verifyFile(context, file as string, options);
      }),
    );
}

async function provedHeader(context: CommandContext, text: string | undefined) {
  const { client, network } = await connect(context);
  await client.sync({ signal: context.signal });
  const { headerProofCodec, verifyHeaderProof } = await import('fanal/light/header-proof.ts');
  const { trustedTip } = await import('fanal/light/trust.ts');
  const tip = trustedTip(client.trusted());
  const height = text === undefined ? tip.size - 1n : heightOf(text);
  if (height >= tip.size) {
    throw new NotFoundError(`block ${height} is not certified yet`, `The tip is ${tip.size - 1n}.`);
  }
  const path = `/v1/headers/${height}?at=${tip.size}`;
  const proof = headerProofCodec.decode(await fetchBytes(context, network.urls, path));
  const header = verifyHeaderProof(proof, tip);
  if (header.height !== height) {
    const { VerificationError } = await import('fanal/primitives/errors.ts');
    throw new VerificationError('proof/height', 'header', `${height}`, `${header.height}`);
  }
  return { header, client, network };
}

/** An answer in canonical bytes, from the first server that has one. Nothing is checked yet. */
async function fetchBytes(
  context: CommandContext,
  urls: readonly string[],
  path: string,
): Promise<Uint8Array> {
  const { MAX_BLOCK_BYTES } = await import('fanal/chain/limits.ts');
  const { NetworkError } = await import('fanal/wallet/index.ts');
  const separator = path.includes('?') ? '&' : '?';
  let failure: unknown;
  for (const url of urls) {
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}${path}${separator}format=bytes`, {
        signal: withTimeout(context),
        redirect: 'error',
      });
      if (response.status === 404) throw new NotFoundError(`${url} does not have ${path}`);
      if (!response.ok) throw new NetworkError(`${url} answered ${response.status}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > MAX_BLOCK_BYTES) throw new NetworkError(`${url} sent too much`);
      return bytes;
    } catch (error) {
      failure = error;
    }
  }
  const { FanalError } = await import('fanal/primitives/errors.ts');
  if (failure instanceof FanalError) throw failure;
  throw new NetworkError('no server could be reached', failure);
}

async function connect(context: CommandContext) {
  const { openClient } = await import('./networks.ts');
  return openClient(context);
}

function idOf(text: string | undefined): string {
  if (text !== undefined && /^[0-9a-f]{64}$/.test(text)) return text;
  throw new UsageError('expected a transaction id of 64 hex digits');
}

function heightOf(text: string): bigint {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new UsageError(`"${text}" is no height`);
  return BigInt(text);
}

function withTimeout(context: CommandContext): AbortSignal {
  const seconds = context.options.timeout ?? 30;
  return AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1_000)]);
}

function noteText(note: Uint8Array): string {
  if (note.length === 0) return '';
  const text = new TextDecoder().decode(note);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a stranger's text goes to a terminal
  return /[\x00-\x1f\x7f-\x9f\ufffd]/.test(text) ? Buffer.from(note).toString('hex') : text;
}
