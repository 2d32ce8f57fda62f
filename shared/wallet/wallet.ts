/**
 * A wallet: which addresses an account has used, what it owns, and how it pays.
 *
 * Which addresses are used is proved, and so is that the next twenty are not: no server can hide
 * an address with coins on it. All figures are of one state of the chain.
 */
import type { Action } from '../chain/action.ts';
import type { AddressRecord } from '../chain/address-record.ts';
import { type AddressBytes, decodeAddress, encodeAddress } from '../crypto/address.ts';
import { type Bytes, equalBytes, toHex } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { Account } from './account.ts';
import type {
  Broadcast,
  Client,
  Confirmed,
  HistoryItem,
  Proved,
  ReadOptions,
} from './client-types.ts';
import { buildDraft, type Draft } from './draft.ts';
import { mergeHistories, type WalletHistoryItem } from './histories.ts';
import type { AbortSignalLike } from './platform.ts';
import type { Reads, View } from './reads.ts';
import type { OwnCoin } from './selection.ts';

export interface WalletOptions {
  readonly client: Client;
  readonly account: Account;
  /** Unused addresses in a row after which a scan ends; 20 by default. */
  readonly gap?: number;
}

/** One of the wallet's addresses, as the chain has it. */
export interface WalletAddress {
  readonly index: number;
  readonly address: string;
  readonly bytes: AddressBytes;
  readonly isUsed: boolean;
  readonly record: AddressRecord;
  readonly coins: readonly OwnCoin[];
}

export interface WalletBalance extends Proved {
  /** Units: all coins. */
  readonly total: bigint;
  /** Coins that no payment of this wallet is under way with. */
  readonly available: bigint;
  readonly reserved: bigint;
}

/** What to pay. Addresses in text or bytes, amounts in units. */
export interface BuildOptions {
  readonly to: readonly { readonly address: string | AddressBytes; readonly amount: bigint }[];
  readonly note?: string | Bytes;
  readonly actions?: readonly Action[];
  /** Units a byte; what servers report, within bounds, when it is not given. */
  readonly feePerByte?: bigint;
  readonly signal?: AbortSignalLike;
}

export interface Wallet {
  readonly client: Client;
  readonly account: Account;
  /** Finds the account's addresses and coins, complete, at the chain's tip. */
  sync(options?: ReadOptions): Promise<WalletBalance>;
  /** As of the last sync. */
  balance(): WalletBalance;
  /** Addresses up to the last used one, and the first unused after it. */
  addresses(): readonly WalletAddress[];
  coins(): readonly OwnCoin[];
  /** An address that nobody ever paid to, in text. */
  receive(): string;
  /** Newest first, complete, over all used addresses. */
  history(options?: ReadOptions): AsyncGenerator<WalletHistoryItem, void, void>;
  /** Chooses coins, builds and signs. Nothing is sent. */
  build(options: BuildOptions): Promise<Draft>;
  /** Sends a draft and sets its coins aside. Safe to repeat. */
  send(draft: Draft, options?: { readonly signal?: AbortSignalLike }): Promise<Broadcast>;
  /** Waits until a draft that was sent is proved to be in the chain, or that it never will be. */
  confirm(draft: Draft, options?: { readonly signal?: AbortSignalLike }): Promise<Confirmed>;
}

export const DEFAULT_GAP = 20;
/** Most addresses that one account is scanned for. */
export const MAX_ADDRESSES = 10_000;
/** Blocks that a payment may take before it expires. */
export const EXPIRY_BLOCKS = 240n;
/** How often a payment that is waited for is handed in again. */
const OFFER_AGAIN_MILLIS = 8_000;
/** A reported fee is believed up to this many times the chain's minimum. */
export const MAX_FEE_FACTOR = 20n;

interface Found {
  readonly where: Proved;
  readonly addresses: readonly WalletAddress[];
}

/** Makes a wallet. It knows nothing before its first `sync`. */
export function createWallet({ client, account, gap = DEFAULT_GAP }: WalletOptions): Wallet {
  const { prefix, genesisId } = client.chain.trust;
  if (account.prefix !== prefix) {
    throw new FanalError(
      'wallet/network',
      `expected an account of ${prefix}1… addresses, found ${account.prefix}1…`,
    );
  }
  let state: Found | null = null;
  const reservedUntil = new Map<string, bigint>();

  const found = (): Found => {
    if (state !== null) return state;
    throw new FanalError('wallet/not-synced', 'the wallet was not synced yet', {
      hint: 'Call sync() first.',
    });
  };
  const free = (coin: OwnCoin) => !reservedUntil.has(nameOf(coin));
  const firstUnused = (): WalletAddress => {
    const { addresses } = found();
    const last = addresses.findLastIndex(({ isUsed }) => isUsed);
    // An account of single keys may have used them all: then it goes on using the last.
    return (addresses[last + 1] ?? addresses[last]) as WalletAddress;
  };
  const forget = (height: bigint, coins: ReadonlySet<string>) => {
    for (const [name, until] of reservedUntil) {
      if (until < height || !coins.has(name)) reservedUntil.delete(name);
    }
  };
  const balanceIn = ({ where, addresses }: Found): WalletBalance => {
    const coins = addresses.flatMap((address) => address.coins);
    const total = sumOf(coins);
    const available = sumOf(coins.filter(free));
    return { ...where, total, available, reserved: total - available };
  };

  return {
    ...{ client, account },

    async sync(options = {}) {
      const before = state?.addresses ?? [];
      await client.sync(options.signal === undefined ? {} : { signal: options.signal });
      state = await client.atOneState(options, async (view, reads, where) => ({
        where,
        addresses: await scan(view, reads, account, gap, before, options.signal),
      }));
      const held = new Set(state.addresses.flatMap(({ coins }) => coins.map(nameOf)));
      forget(state.where.height, held);
      return balanceIn(state);
    },

    balance: () => balanceIn(found()),
    addresses: () => {
      const { addresses } = found();
      return addresses.slice(0, addresses.indexOf(firstUnused()) + 1);
    },
    coins: () => found().addresses.flatMap(({ coins }) => coins),
    receive: () => firstUnused().address,

    async *history(options = {}) {
      const used = found().addresses.filter(({ isUsed }) => isUsed);
      const streams = used.map(
        ({ bytes }): AsyncGenerator<HistoryItem, void, void> =>
          client.history({ ...options, address: bytes, order: 'newest' }),
      );
      yield* mergeHistories(streams);
    },

    async build({ to, note, actions, feePerByte, signal }) {
      const reading = signal === undefined ? {} : { signal };
      const params = await client.getParams(reading);
      const { where, addresses } = found();
      const indexByAddress = new Map(addresses.map(({ bytes, index }) => [toHex(bytes), index]));
      return buildDraft(
        {
          to: to.map(({ address, amount }) => ({
            amount,
            address: typeof address === 'string' ? decodeAddress(address, prefix).address : address,
          })),
          ...(note === undefined ? {} : { note }),
          ...(actions === undefined ? {} : { actions }),
          feePerByte: feePerByte ?? (await reportedFee(client, params.feePerByte, reading)),
          expiry: where.height + EXPIRY_BLOCKS,
          change: firstUnused().bytes,
        },
        addresses.flatMap(({ coins }) => coins).filter(free),
        account,
        (address) => indexByAddress.get(toHex(address)) as number,
        { genesisId, params },
      );
    },

    async send(draft, options = {}) {
      const answer = await client.broadcast({ transaction: draft.bytes, ...options });
      for (const coin of draft.inputs) reservedUntil.set(nameOf(coin), draft.expiry);
      return answer;
    },

    confirm(draft, { signal } = {}) {
      const { id, expiry, inputs } = draft;
      const [coin] = inputs;
      const expires =
        coin === undefined ? {} : { expires: { height: expiry, address: coin.address, coin } };
      const asked = signal === undefined ? {} : { signal };
      const waiting = client.waitForTransaction({ id, ...expires, ...asked });
      return offeredMeanwhile(waiting, client, draft);
    },
  };
}

/**
 * Hands a payment in again now and then until the wait for it ends: servers that took it may all
 * have lost it before it was in a block.
 */
async function offeredMeanwhile<T>(waiting: Promise<T>, client: Client, draft: Draft): Promise<T> {
  const { platform } = client;
  const over = platform.abortController();
  const { signal } = over;
  const offering = async () => {
    while (!signal.aborted) {
      await platform.sleep(OFFER_AGAIN_MILLIS, signal);
      await client.broadcast({ transaction: draft.bytes, signal }).catch(() => {});
    }
  };
  // What a server says of it then is as little believed as ever.
  void offering().catch(() => {});
  try {
    return await waiting;
  } finally {
    over.abort();
  }
}

/** Goes through the account's addresses until `gap` in a row are proved never to have been used. */
async function scan(
  view: View,
  reads: Reads,
  account: Account,
  gap: number,
  before: readonly WalletAddress[],
  signal: AbortSignalLike | undefined,
): Promise<WalletAddress[]> {
  const addresses: WalletAddress[] = [];
  let unused = 0;
  while (unused < gap && addresses.length < MAX_ADDRESSES) {
    const batch: AddressBytes[] = [];
    while (batch.length < gap - unused) {
      const address = account.address(addresses.length + batch.length);
      if (address === null) break;
      batch.push(address);
    }
    if (batch.length === 0) break;
    for (const proved of await reads.addresses(view, batch, signal)) {
      const { address, record, isUsed } = proved;
      const index = addresses.length;
      const known = before[index];
      const isSame = known !== undefined && equalBytes(known.record.coinsRoot, record.coinsRoot);
      const coins = isSame
        ? known.coins
        : (await reads.coins(view, proved, signal)).map((coin) => ({ ...coin, address }));
      const text = encodeAddress(address, account.prefix);
      addresses.push({ index, address: text, bytes: address, isUsed, record, coins });
      unused = isUsed ? 0 : unused + 1;
    }
  }
  return addresses;
}

/** What servers say gets a transaction in, never above twenty times the chain's own minimum. */
async function reportedFee(client: Client, minimum: bigint, options: ReadOptions): Promise<bigint> {
  const reported = await client.getFees(options).catch((error: unknown) => {
    if (error instanceof FanalError) return null;
    throw error;
  });
  const fee = reported?.feePerByte ?? minimum;
  const most = minimum * MAX_FEE_FACTOR;
  return fee < minimum ? minimum : fee > most ? most : fee;
}

function nameOf({ txid, index }: OwnCoin): string {
  return `${toHex(txid)}:${index}`;
}

function sumOf(coins: readonly OwnCoin[]): bigint {
  return coins.reduce((sum, { amount }) => sum + amount, 0n);
}
