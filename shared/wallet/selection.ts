/**
 * Chooses the coins that pay for a transaction.
 *
 * First by branch and bound, for a set that needs no change at all: it saves bytes and says less
 * about the wallet. Else largest first, with change: the fewest inputs that will do. The search is
 * that of M. Erhardt, "An Evaluation of Coin Selection Strategies" (2016), §4.4, as wallets for
 * unspent outputs have used it since; the costs are ours, where a witness is paid once an address
 * and not once an input.
 */
import type { Coin } from '../chain/coin.ts';
import { MAX_INPUTS } from '../chain/limits.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { compareBytes, toHex } from '../primitives/bytes.ts';
import { InsufficientFundsError } from './errors.ts';

/** A coin that the wallet may spend, and from which address. */
export interface OwnCoin extends Coin {
  readonly address: AddressBytes;
}

export interface SelectionRequest {
  readonly coins: readonly OwnCoin[];
  /** What inputs must cover besides the fee: outputs and bonds, in units. */
  readonly target: bigint;
  readonly feePerByte: bigint;
  /** Size of the transaction without inputs, witnesses and change. */
  readonly baseBytes: number;
  /** Size of a witness for an address. */
  readonly witnessBytes: (address: AddressBytes) => number;
  /** The least amount that change may have. */
  readonly dust: bigint;
}

export interface Selection {
  readonly inputs: readonly OwnCoin[];
  readonly fee: bigint;
  /** Units that come back; 0 when there is no change output. */
  readonly change: bigint;
  /** How the coins were found. */
  readonly method: 'branch-and-bound' | 'largest-first';
}

export const INPUT_BYTES = 34;
export const OUTPUT_BYTES = 41;
/** Steps of the search before it gives up and takes change. */
export const MAX_SELECTION_STEPS = 100_000;
/** Coins that the search looks at, the largest ones: it goes as deep as there are. */
const MAX_CANDIDATES = 256;

/**
 * Chooses coins, the same ones for the same request.
 *
 * @throws {InsufficientFundsError} when no 64 coins cover target and fee
 */
export function selectCoins(request: SelectionRequest): Selection {
  const coins = request.coins.toSorted(byAmount);
  return withoutChange(request, coins) ?? largestFirst(request, coins);
}

/** The size of a transaction that spends these coins, change output not counted. */
function sizeOf(request: SelectionRequest, coins: readonly OwnCoin[]): number {
  const addresses = new Map(coins.map((coin) => [toHex(coin.address), coin.address]));
  let bytes = request.baseBytes + coins.length * INPUT_BYTES;
  for (const address of addresses.values()) bytes += request.witnessBytes(address);
  return bytes;
}

function feeOf(request: SelectionRequest, bytes: number): bigint {
  return request.feePerByte * BigInt(bytes);
}

function withoutChange(request: SelectionRequest, coins: readonly OwnCoin[]): Selection | null {
  const { target, feePerByte, baseBytes, dust } = request;
  const inputFee = feePerByte * BigInt(INPUT_BYTES);
  const candidates = coins.filter((coin) => coin.amount > inputFee).slice(0, MAX_CANDIDATES);
  // What is over goes to the fee: at most what making and later spending the change would cost.
  const tolerance = feeOf(request, OUTPUT_BYTES + INPUT_BYTES) + dust;
  const goal = target + feeOf(request, baseBytes);
  const remaining = new Array<bigint>(candidates.length + 1).fill(0n);
  for (let i = candidates.length - 1; i >= 0; i--) {
    remaining[i] = (remaining[i + 1] as bigint) + (candidates[i] as OwnCoin).amount - inputFee;
  }
  const chosen: OwnCoin[] = [];
  const uses = new Map<string, number>();
  let best: { readonly coins: readonly OwnCoin[]; readonly excess: bigint } | null = null;
  let steps = 0;

  const search = (index: number, value: bigint): void => {
    if (++steps > MAX_SELECTION_STEPS || best?.excess === 0n) return;
    const excess = value - goal;
    if (excess > tolerance || (best !== null && excess > best.excess)) return;
    if (excess >= 0n) {
      best = { coins: [...chosen], excess };
      return;
    }
    if (index === candidates.length || chosen.length === MAX_INPUTS) return;
    if (value + (remaining[index] as bigint) < goal) return;
    const coin = candidates[index] as OwnCoin;
    const key = toHex(coin.address);
    const used = uses.get(key) ?? 0;
    const witness = used === 0 ? feeOf(request, request.witnessBytes(coin.address)) : 0n;
    chosen.push(coin);
    uses.set(key, used + 1);
    search(index + 1, value + coin.amount - inputFee - witness);
    chosen.pop();
    uses.set(key, used);
    search(index + 1, value);
  };
  search(0, 0n);

  const found = best as { readonly coins: readonly OwnCoin[] } | null;
  if (found === null) return null;
  const sum = sumOf(found.coins);
  return { inputs: found.coins, fee: sum - target, change: 0n, method: 'branch-and-bound' };
}

function largestFirst(request: SelectionRequest, coins: readonly OwnCoin[]): Selection {
  const { target, dust } = request;
  const inputs = coins.slice(0, MAX_INPUTS);
  const enough = (count: number) => {
    const taken = inputs.slice(0, count);
    return sumOf(taken) >= target + feeOf(request, sizeOf(request, taken));
  };
  let count = 1;
  while (count < inputs.length && !enough(count)) count++;
  if (inputs.length === 0 || !enough(count)) {
    throw new InsufficientFundsError(
      target + feeOf(request, sizeOf(request, inputs)),
      sumOf(inputs),
      coins.length > MAX_INPUTS
        ? `One transaction spends at most ${MAX_INPUTS} coins. Send the coins to yourself in parts first.`
        : undefined,
    );
  }
  const taken = inputs.slice(0, count);
  const bytes = sizeOf(request, taken);
  const over = sumOf(taken) - target;
  const change = over - feeOf(request, bytes + OUTPUT_BYTES);
  const kept = change >= dust ? change : 0n;
  return { inputs: taken, fee: over - kept, change: kept, method: 'largest-first' };
}

function sumOf(coins: readonly OwnCoin[]): bigint {
  return coins.reduce((sum, coin) => sum + coin.amount, 0n);
}

/** Largest first; equal ones by outpoint, so that the order never depends on a server's. */
function byAmount(a: OwnCoin, b: OwnCoin): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
  return compareBytes(a.txid, b.txid) || a.index - b.index;
}
