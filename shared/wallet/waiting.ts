/**
 * Waiting for a transaction: until it is proved to be in the chain, or proved that it never will be.
 *
 * What servers say meanwhile is passed on and never acted on: a wallet that believes a liar's
 * "rejected" pays twice.
 */
import { parseJson } from '../api/json.ts';
import { targetOf } from '../api/match.ts';
import { type TransactionStatus, transactionStatusShape } from '../api/submission.ts';
import type { Receipt } from '../light/receipt.ts';
import { formatReceipt } from '../light/receipt-text.ts';
import { type TrustState, trustedTip } from '../light/trust.ts';
import { type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { Confirmed, Expiry, WaitOptions } from './client-types.ts';
import type { AbortSignalLike } from './platform.ts';
import type { PlacedTransaction, Reads, View } from './reads.ts';
import type { Sources } from './sources.ts';
import type { TrustedTip } from './tip.ts';
import type { StopWatching } from './watch.ts';

interface WaitingPorts {
  readonly trusted: TrustedTip;
  readonly reads: Reads;
  readonly sources: Sources;
  readonly startWatch: (
    onHint: (signal: AbortSignalLike) => Promise<void>,
    onError: (error: unknown) => void,
  ) => StopWatching;
}

/** Looks at every new tip until the transaction is there. */
export async function waitFor(
  { trusted, reads, sources, startWatch }: WaitingPorts,
  { id, signal, expires, onStatus }: WaitOptions & { readonly id: Bytes32 },
): Promise<Confirmed> {
  let resolve: (confirmed: Confirmed) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Confirmed>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  const giveUp = () => reject(new FanalError('client/aborted', 'the caller gave up'));
  let lastStatus: TransactionStatus['kind'] | null = null;

  const look = async (inner: AbortSignalLike): Promise<void> => {
    await trusted.sync({ signal: inner });
    const view = reads.viewOf(trusted.state);
    const found = await reads.transaction(view, id, inner);
    if (found !== null) return resolve(confirmed(found, view.state));
    if (expires !== undefined && (await hasExpired(reads, view, expires, inner))) {
      return reject(
        new FanalError(
          'wallet/expired',
          `transaction ${toHex(id)} expired at height ${expires.height}; its coins are unspent`,
          { hint: 'It can never be included now. Build and send it again.' },
        ),
      );
    }
    if (onStatus === undefined) return;
    const target = targetOf('transactionStatus', { txid: id });
    const status = await sources.first(
      { method: 'GET', target, maxBytes: 4_096, signal: inner },
      (bytes) => transactionStatusShape.from(parseJson(bytes)),
    );
    if (status.kind !== lastStatus) onStatus(status);
    lastStatus = status.kind;
  };

  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  const stop = startWatch(look, (error) => {
    // A source that fails is asked again; a fork and lost trust do not pass.
    if (isFinal(error)) reject(error);
  });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', giveUp);
    stop();
  }
}

/** The receipt of a proved transaction, from nothing but what this client verified. */
export function receiptOf(state: TrustState, { proof }: PlacedTransaction): Receipt {
  const { size, root } = trustedTip(state);
  const { header, transaction, witnesses, position, path } = proof;
  return {
    origin: state.origin,
    epoch: state.header.epoch,
    handovers: [],
    checkpoint: { size, root, cosignatures: state.cosignatures },
    header: header.header,
    path: header.path,
    transaction: { transaction, witnesses, position, path },
  };
}

function confirmed(found: PlacedTransaction, state: TrustState): Confirmed {
  const receipt = receiptOf(state, found);
  return { ...found, receipt, receiptText: formatReceipt(receipt, state.validators) };
}

/** Past its expiry, with a coin that it spends proved to be there still. */
async function hasExpired(
  reads: Reads,
  view: View,
  { height, address, coin }: Expiry,
  signal: AbortSignalLike,
): Promise<boolean> {
  if (view.header.height <= height) return false;
  const proved = await reads.address(view, address, signal);
  const coins = await reads.coins(view, proved, signal);
  return coins.some(({ txid, index }) => index === coin.index && equalBytes(txid, coin.txid));
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof FanalError && (error.code === 'follow/fork' || error.code === 'trust/expired')
  );
}
