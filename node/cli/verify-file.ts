/**
 * `fanal verify`: a receipt, and the document it is about, checked without any network.
 */
import type { TrustState } from 'fanal/light/index.ts';
import type { CommandContext } from './context.ts';
import { NotFoundError, UsageError } from './exit.ts';

/** Checks a receipt, or a document with its receipt. */
export async function verifyFile(
  context: CommandContext,
  file: string,
  options: { receipt?: string; trust?: string },
): Promise<void> {
  const { existsSync, readFileSync, statSync } = await import('node:fs');
  const { MAX_RECEIPT_BYTES } = await import('fanal/chain/limits.ts');
  const { verifyReceiptText } = await import('fanal/light/index.ts');
  const { equalBytes, toHex } = await import('fanal/primitives/bytes.ts');
  const { DecodeError, VerificationError } = await import('fanal/primitives/errors.ts');
  const { verifyNatively } = await import('../runtime/native-verify.ts');
  if (!existsSync(file)) throw new NotFoundError(`there is no file ${file}`);
  const isReceipt = options.receipt === undefined && looksLikeReceipt(file, readFileSync);
  const receiptFile = isReceipt ? file : (options.receipt ?? `${file}.receipt`);
  if (!existsSync(receiptFile)) {
    throw new NotFoundError(`there is no receipt ${receiptFile}`, 'Name it with --receipt.');
  }
  if (statSync(receiptFile).size > 2 * MAX_RECEIPT_BYTES) {
    throw new UsageError(`${receiptFile} is too large to be a receipt`);
  }
  const trust =
    options.trust === undefined ? await pinnedTrust(context) : await trustIn(options.trust);
  const text = readFileSync(receiptFile, 'utf8');
  const proved = await verifyReceiptText(text, trust, async (items) => verifyNatively(items)).catch(
    (error: unknown) => {
      if (!(error instanceof DecodeError)) throw error;
      throw new VerificationError(error.code, 'reading the receipt', 'a receipt', error.message, {
        hint: error.hint ?? 'Get the receipt again.',
      });
    },
  );
  let sha256: Uint8Array | null = null;
  if (!isReceipt) {
    const { hashOfFile } = await import('./file-hash.ts');
    sha256 = await hashOfFile(file);
    const { transactionCodec } = await import('fanal/chain/transaction.ts');
    const { note } = transactionCodec.decode(proved.transaction);
    if (!equalBytes(note, sha256)) {
      throw new VerificationError(
        'receipt/document',
        'document hash',
        toHex(note) || 'a hash in the payment’s note',
        toHex(sha256),
        { hint: 'The document was changed after it was notarized, or the receipt is of another.' },
      );
    }
  }
  const id = toHex(proved.txid);
  const time = new Date(Number(proved.header.time)).toISOString();
  const certifiedAt = new Date(Number(proved.certifiedAt)).toISOString();
  context.output.object(
    'fanal.verification/1',
    {
      verdict: 'proved',
      receipt: receiptFile,
      ...(sha256 === null ? {} : { document: file, sha256 }),
      id,
      origin: trust.origin,
      height: proved.header.height,
      time,
      certifiedAt,
    },
    [
      ['verdict', context.output.style('good', 'proved')],
      ...(sha256 === null ? [] : ([['document', file]] as [string, string][])),
      ['transaction', id],
      ['network', trust.origin],
      ['height', proved.header.height],
      ['time', time],
      ['final by', certifiedAt],
    ],
  );
}

/** What is trusted of the pinned network without asking anyone: a state kept from before, or its start. */
async function pinnedTrust(context: CommandContext): Promise<TrustState> {
  const { chooseNetwork } = await import('./networks.ts');
  const { chain } = await chooseNetwork(context);
  return chain.trust;
}

async function trustIn(file: string): Promise<TrustState> {
  const { readTrust } = await import('./trust.ts');
  return readTrust(file);
}

function looksLikeReceipt(
  file: string,
  read: (path: string) => { subarray(from: number, to: number): Uint8Array },
): boolean {
  return new TextDecoder().decode(read(file).subarray(0, 20)).startsWith('c2sp.org/tlog-proof@');
}
