/**
 * The text of a receipt: a C2SP `tlog-proof@v1` of the header, so standard tools check the log
 * part, with the rest of the receipt in its `extra` line (docs/protocol.md §9.10).
 *
 * Nothing in the extra line is believed before `verifyReceiptText` has checked it.
 */
import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_INCLUSION_HASHES, MAX_RECEIPT_BYTES } from '../chain/limits.ts';
import type { ValidatorSet } from '../chain/validators.ts';
import { parseCheckpointBody } from '../checkpoint/checkpoint.ts';
import { checkpointNote, parseCheckpointNote } from '../checkpoint/cosigned.ts';
import { parseNote } from '../checkpoint/note.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { asBytes32, fromBase64, toBase64 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { DecodeError, VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { struct, u32 } from '../primitives/struct.ts';
import { u64FromText } from '../primitives/units.ts';
import { type EpochTrust, type Handover, handoversField } from './handover.ts';
import { type ProvedReceipt, type Receipt, receiptEpoch, verifyReceiptIn } from './receipt.ts';
import { type TransactionPlace, transactionPlaceCodec } from './transaction-proof.ts';
import type { TrustState } from './trust.ts';

/** What the extra line carries: all that the log's own proof does not. */
interface ReceiptExtra {
  readonly epoch: number;
  readonly handovers: readonly Handover[];
  readonly header: Header;
  readonly transaction: TransactionPlace;
}

const HEAD = 'c2sp.org/tlog-proof@v1';
const EXTRA_VERSION = 1;

const extraCodec: Codec<ReceiptExtra> = /* @__PURE__ */ struct(
  'receipt extra',
  MAX_RECEIPT_BYTES,
  {
    epoch: u32,
    handovers: handoversField,
    header: headerCodec,
    transaction: transactionPlaceCodec,
  },
  EXTRA_VERSION,
);

/** A receipt's text, taken apart. Nothing is checked yet. */
interface ReceiptParts extends ReceiptExtra {
  readonly path: readonly Hash[];
  readonly note: string;
}

/**
 * Writes a receipt as text.
 *
 * @param validators the set that certified its checkpoint
 */
export function formatReceipt(receipt: Receipt, validators: ValidatorSet): string {
  const { origin, checkpoint, header, path } = receipt;
  return [
    HEAD,
    `extra ${toBase64(extraCodec.encode(receipt))}`,
    `index ${header.height}`,
    ...path.map(toBase64),
    '',
    checkpointNote(checkpoint, origin, validators),
  ].join('\n');
}

/**
 * Checks a receipt's text offline against a trust file.
 *
 * @throws {DecodeError} `receipt/text`, `note/…`, `checkpoint/…` when it is no receipt
 * @throws {VerificationError} what `verifyReceipt` throws
 */
export async function verifyReceiptText(
  text: string,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<ProvedReceipt> {
  const { receipt, epoch } = await readReceipt(text, trust, verify);
  return verifyReceiptIn(epoch, receipt, trust, verify);
}

/**
 * Reads a receipt's text into the form that has compact bytes, too. Its handovers are checked on
 * the way, because only the set they lead to can say which note lines count; the rest is not.
 */
export async function parseReceipt(
  text: string,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<Receipt> {
  return (await readReceipt(text, trust, verify)).receipt;
}

async function readReceipt(
  text: string,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<{ readonly receipt: Receipt; readonly epoch: EpochTrust }> {
  const { note, ...rest } = splitReceipt(text);
  const { origin } = parseCheckpointBody(parseNote(note).text);
  const epoch = await receiptEpoch({ origin, ...rest }, trust, verify);
  const checkpoint = parseCheckpointNote(note, origin, epoch.validators);
  return { receipt: { origin, ...rest, checkpoint }, epoch };
}

function splitReceipt(text: string): ReceiptParts {
  if (text.length > 2 * MAX_RECEIPT_BYTES) throw refuse(`a text of ${text.length} characters`);
  const end = text.indexOf('\n\n');
  const [head, extra, index, ...hashes] = text.slice(0, Math.max(end, 0)).split('\n');
  if (head !== HEAD) throw refuse(`expected ${HEAD} in the first line`);
  if (!extra?.startsWith('extra ')) throw refuse('expected an extra line: it is the payment');
  if (!index?.startsWith('index ')) throw refuse('expected an index line');
  if (hashes.length > MAX_INCLUSION_HASHES) throw refuse(`a path of ${hashes.length} hashes`);
  const parts = extraCodec.decode(fromBase64(extra.slice('extra '.length)));
  const height = u64FromText(index.slice('index '.length));
  if (height !== parts.header.height) {
    throw new VerificationError(
      'receipt/index',
      'receipt',
      `the index of header ${parts.header.height}`,
      `${height}`,
    );
  }
  const path = hashes.map((line) => asBytes32(fromBase64(line)));
  return { ...parts, path, note: text.slice(end + 2) };
}

function refuse(message: string): DecodeError {
  return new DecodeError('receipt/text', message, {
    hint: 'A receipt is a tlog-proof file as a Fanal node writes it.',
  });
}
