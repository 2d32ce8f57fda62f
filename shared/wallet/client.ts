/**
 * The client: everything a wallet asks of a chain, verified before it is handed out.
 */
import { feesShape } from '../api/fees.ts';
import { parseJson } from '../api/json.ts';
import { targetOf } from '../api/match.ts';
import { submittedShape } from '../api/submission.ts';
import type { AddressRecord } from '../chain/address-record.ts';
import type { HistoryEntry } from '../chain/history-entry.ts';
import { DEFAULT_PAGE_ITEMS, MAX_TRANSACTION_BYTES } from '../chain/limits.ts';
import { signedTransactionCodec, transactionId } from '../chain/transaction.ts';
import { type AddressBytes, decodeAddress, encodeAddress } from '../crypto/address.ts';
import type { ProvedAddress } from '../light/address-proof.ts';
import { type Bytes32, bytes32FromHex, equalBytes, toHex } from '../primitives/bytes.ts';
import { FanalError, VerificationError } from '../primitives/errors.ts';
import type { Balance, Client, ClientOptions, Proved } from './client-types.ts';
import { type AbortSignalLike, platform as thePlatform } from './platform.ts';
import { Reads } from './reads.ts';
import { isOutOfReach, mostTelling, Sources } from './sources.ts';
import { memoryStore } from './store.ts';
import { TrustedTip } from './tip.ts';
import { waitFor } from './waiting.ts';
import { MAX_WATCHES, type StopWatching, watch } from './watch.ts';

const DEFAULT_TIP_MILLIS = 1_000n;
const POLL_MILLIS = 2_000;
/** Times a read begins anew when servers forgot the state it was at. */
const MAX_RESTARTS = 3;

/** Makes a client of a chain. Nothing is asked before the first call. */
export function createClient(options: ClientOptions): Client {
  const { chain, transport, freshMillis } = options;
  const tipMillis = options.tipMillis ?? DEFAULT_TIP_MILLIS;
  const platform = thePlatform(options.platform);
  const store = options.store ?? memoryStore();
  const sources = new Sources(transport, platform.now);
  const { prefix } = chain.trust;
  const reads = new Reads(sources, prefix);
  const trusted = new TrustedTip({
    ...{ anchor: chain.trust, sources, platform, store },
    ...(freshMillis === undefined ? {} : { freshMillis }),
  });
  let watches = 0;

  const addressOf = (address: string | AddressBytes): AddressBytes =>
    typeof address === 'string' ? decodeAddress(address, prefix).address : address;
  const idOf = (id: string | Bytes32): Bytes32 =>
    typeof id === 'string' ? bytes32FromHex(id) : id;

  const atOneState: Client['atOneState'] = async ({ signal, allowStale = false }, read) => {
    for (let restarts = 0; ; restarts++) {
      const tip = await trusted.usable(restarts === 0 ? tipMillis : 0n, allowStale, signal);
      const { height, time, freshness } = tip;
      try {
        const where: Proved = { trust: 'proved', height, time, freshness };
        return await read(reads.viewOf(trusted.state), reads, where);
      } catch (error) {
        if (!isOutOfReach(error) || restarts === MAX_RESTARTS) throw error;
      }
    }
  };

  const balanceOf = ({ address, record, isUsed }: ProvedAddress, where: Proved): Balance => ({
    ...where,
    address: encodeAddress(address, prefix),
    balance: record.balance,
    coinCount: record.coinCount,
    historySize: record.historySize,
    isUsed,
    record,
  });

  const startWatch = (
    address: string | null,
    onHint: (signal: AbortSignalLike) => Promise<void>,
    onError: (error: unknown) => void = () => {},
  ): StopWatching => {
    if (watches === MAX_WATCHES) {
      throw new FanalError('client/too-many-watches', `expected at most ${MAX_WATCHES} watches`);
    }
    watches++;
    const stop = watch({
      ...{ sources, platform, address, onHint, onError, pollMillis: POLL_MILLIS },
      after: () => trusted.state.header.height,
    });
    let isOpen = true;
    return () => {
      if (isOpen) watches--;
      isOpen = false;
      stop();
    };
  };

  const client: Client = {
    ...{ chain, platform, store, atOneState },

    sync: (syncOptions) => trusted.sync(syncOptions),
    trusted: () => trusted.state,

    getBalance: ({ address, ...rest }) =>
      atOneState(rest, async (view, _, where) =>
        balanceOf(await reads.address(view, addressOf(address), rest.signal), where),
      ),

    getBalances: ({ addresses, ...rest }) =>
      atOneState(rest, async (view, _, where) => {
        const proved = await reads.addresses(view, addresses.map(addressOf), rest.signal);
        return proved.map((one) => balanceOf(one, where));
      }),

    getCoins: ({ address, ...rest }) =>
      atOneState(rest, async (view, _, where) => {
        const proved = await reads.address(view, addressOf(address), rest.signal);
        const coins = await reads.coins(view, proved, rest.signal);
        return { ...where, address: encodeAddress(proved.address, prefix), coins };
      }),

    async *history({ address, order = 'oldest', from, ...rest }) {
      const who = addressOf(address);
      // The list only grows, so pages read at newer states continue those read at older ones.
      const page = (first: bigint | null, limit: bigint) =>
        atOneState(rest, async (view) => {
          const proved = await reads.address(view, who, rest.signal);
          const { historySize } = proved.record;
          const start = first ?? (historySize > limit ? historySize - limit : 0n);
          if (start >= historySize) return { start, entries: [] };
          const entries = await reads.history(view, proved, start, Number(limit), rest.signal);
          return { start, entries };
        });
      const limit = BigInt(DEFAULT_PAGE_ITEMS);
      if (order === 'oldest') {
        let next = from ?? 0n;
        for (;;) {
          const { entries } = await page(next, limit);
          if (entries.length === 0) return;
          for (const entry of entries) yield { ...entry, trust: 'proved', index: next++ };
        }
      }
      let end = from === undefined ? null : from + 1n;
      while (end !== 0n) {
        const count = end === null || end > limit ? limit : end;
        const { start, entries } = await page(end === null ? null : end - count, count);
        if (entries.length === 0) return;
        for (let i = entries.length - 1; i >= 0; i--) {
          yield { ...(entries[i] as HistoryEntry), trust: 'proved', index: start + BigInt(i) };
        }
        end = start;
      }
    },

    getTransaction: ({ id, ...rest }) =>
      atOneState(rest, (view) => reads.transaction(view, idOf(id), rest.signal)),

    getParams: (rest = {}) => atOneState(rest, (view) => reads.params(view, rest.signal)),

    async getFees({ signal } = {}) {
      const call = { method: 'GET', target: targetOf('fees', {}), maxBytes: 4096, signal } as const;
      const { feePerByte, minFeePerByte } = await sources.first(call, (bytes) =>
        feesShape.from(parseJson(bytes)),
      );
      return { trust: 'reported', feePerByte, minFeePerByte };
    },

    async broadcast({ transaction, signal }) {
      const bytes =
        transaction instanceof Uint8Array
          ? transaction
          : signedTransactionCodec.encode(transaction);
      const id = transactionId(signedTransactionCodec.decode(bytes).transaction);
      const call = {
        method: 'POST',
        target: targetOf('submit', {}),
        headers: { 'content-type': 'application/octet-stream' },
        body: bytes,
        maxBytes: 2 * MAX_TRANSACTION_BYTES,
        signal,
      } as const;
      const attempts = await sources.several(sources.compare, call, (body) => {
        const submitted = submittedShape.from(parseJson(body));
        requireId(submitted.txid, id);
        return submitted.status;
      });
      const accepted = attempts.find((attempt) => attempt.kind === 'answered');
      if (accepted !== undefined) return { id, trust: 'reported', status: accepted.value };
      throw mostTelling(attempts.map((attempt) => attempt.kind === 'failed' && attempt.error));
    },

    waitForTransaction: (waitOptions) =>
      waitFor(
        {
          trusted,
          reads,
          sources,
          startWatch: (onHint, onError) => startWatch(null, onHint, onError),
        },
        { ...waitOptions, id: idOf(waitOptions.id) },
      ),

    watchTip({ onTip, onError }) {
      let last: bigint | null = null;
      return startWatch(
        null,
        async (signal) => {
          const tip = await trusted.sync({ signal });
          if (signal.aborted || tip.size === last) return;
          last = tip.size;
          onTip(tip);
        },
        onError,
      );
    },

    watchAddress({ address, onChange, onError }) {
      const who = addressOf(address);
      let last: AddressRecord | null = null;
      return startWatch(
        encodeAddress(who, prefix),
        async (signal) => {
          await trusted.sync({ signal });
          const balance = await client.getBalance({ address: who, signal });
          const isSame =
            last !== null &&
            last.historySize === balance.historySize &&
            equalBytes(last.coinsRoot, balance.record.coinsRoot);
          if (signal.aborted || isSame) return;
          last = balance.record;
          onChange(balance);
        },
        onError,
      );
    },
  };

  return client;
}

function requireId(found: Bytes32, expected: Bytes32): void {
  if (equalBytes(found, expected)) return;
  throw new VerificationError(
    'client/another-transaction',
    'submission',
    `transaction ${toHex(expected)}`,
    toHex(found),
  );
}
