/**
 * Verified answers as what the page shows: text instead of bytes and bigints.
 */
import type { Header } from 'fanal/chain/header.ts';
import { blockId } from 'fanal/chain/header.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';
import { formatCoins } from 'fanal/wallet/amounts.ts';
import type { HistoryItem } from 'fanal/wallet/client-types.ts';
import type { PlacedTransaction } from 'fanal/wallet/reads.ts';
import { type MerkleStep, merkleSteps } from 'fanal/wallet/steps.ts';
import { receiptOf } from 'fanal/wallet/waiting.ts';
import type { ClimbStep, ClimbView, HistoryLine, PaymentView, TipView } from '../model.ts';

export function tipView(header: Header, root: Bytes, verifyMillis: number): TipView {
  return {
    height: header.height.toString(),
    epoch: header.epoch,
    timeMillis: Number(header.time),
    transactionCount: header.txCount,
    blockId: toHex(blockId(header)),
    logRoot: toHex(root),
    stateRoot: toHex(header.stateRoot),
    verifyMillis,
  };
}

/** A payment's way up: through its block's transactions, then through the header log. */
export function climbView(placed: PlacedTransaction): ClimbView {
  const [payments, log] = merkleSteps(placed.proof);
  const height = placed.height.toString();
  return {
    id: toHex(placed.id),
    height,
    leaf: toHex(payments.leaf),
    steps: [
      ...payments.steps.map(pairView),
      { kind: 'header', height, result: toHex(log.leaf) },
      ...log.steps.map(pairView),
    ],
  };
}

function pairView({ side, sibling, result }: MerkleStep): ClimbStep {
  return { kind: 'pair', side, sibling: toHex(sibling), result: toHex(result) };
}

export function paymentView(placed: PlacedTransaction, state: TrustState): PaymentView {
  const { inputs, outputs, note } = placed.transaction;
  return {
    id: toHex(placed.id),
    height: placed.height.toString(),
    timeMillis: Number(placed.time),
    inputs: inputs.length,
    outputs: outputs.map(({ address, amount }) => ({
      address: encodeAddress(address, state.prefix),
      amount: formatCoins(amount),
    })),
    note: noteText(note),
    climb: climbView(placed),
    receipt: formatReceipt(receiptOf(state, placed), state.validators),
  };
}

/** A memo as text when it is printable ASCII, else as hex: a note is for whoever wrote it. */
function noteText(note: Bytes): string {
  const printable = note.every((byte) => byte >= 0x20 && byte <= 0x7e);
  return printable ? String.fromCharCode(...note) : toHex(note);
}

export function historyLine(item: HistoryItem): HistoryLine {
  return {
    height: item.height.toString(),
    id: toHex(item.txid),
    received: formatCoins(item.received),
    spent: formatCoins(item.spent),
  };
}
