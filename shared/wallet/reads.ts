/**
 * What a client can prove about addresses and transactions, at its trusted tip.
 */
import { addressAnswersShape } from '../api/address-query.ts';
import { parseJson } from '../api/json.ts';
import { writeCursor } from '../api/parameters.ts';
import type { Coin } from '../chain/coin.ts';
import type { HistoryEntry } from '../chain/history-entry.ts';
import {
  DEFAULT_PAGE_ITEMS,
  MAX_ADDRESS_QUERY,
  MAX_PAGE_BYTES,
  MAX_PAGE_ITEMS,
  MAX_PROOF_BYTES,
} from '../chain/limits.ts';
import type { Params } from '../chain/params.ts';
import { PARAMETERS_KEY } from '../chain/state-keys.ts';
import { type Transaction, transactionCodec } from '../chain/transaction.ts';
import { type AddressBytes, type AddressPrefix, encodeAddress } from '../crypto/address.ts';
import {
  addressProofCodec,
  type ProvedAddress,
  verifyAddressProof,
} from '../light/address-proof.ts';
import {
  type CoinsSoFar,
  coinsPageCodec,
  finishCoins,
  NO_COINS_YET,
  nextCoinKey,
  takeCoinsPage,
} from '../light/coins.ts';
import type { VerifiedHeader } from '../light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from '../light/history.ts';
import { stateProofCodec, verifyParams } from '../light/state-proof.ts';
import {
  type ProvedTransaction,
  type TransactionProof,
  transactionProofCodec,
  verifyTransactionProof,
} from '../light/transaction-proof.ts';
import { type TrustState, trustedHeader, trustedTip } from '../light/trust.ts';
import { type Bytes32, equalBytes, fromHex, toHex, utf8 } from '../primitives/bytes.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { AbortSignalLike } from './platform.ts';
import { isNotFound, mostTelling, type Sources } from './sources.ts';
import { bytesCall } from './transport.ts';

/** One state to read at: everything read through it holds together. */
export interface View {
  readonly state: TrustState;
  readonly header: VerifiedHeader;
  readonly size: bigint;
}

export interface PlacedTransaction {
  readonly trust: 'proved';
  readonly id: Bytes32;
  readonly height: bigint;
  /** Its place in the block. */
  readonly position: number;
  /** The block's time, in ms since 1970. */
  readonly time: bigint;
  readonly transaction: Transaction;
  readonly proof: TransactionProof;
}

export class Reads {
  readonly #sources: Sources;
  readonly #prefix: AddressPrefix;

  constructor(sources: Sources, prefix: AddressPrefix) {
    this.#sources = sources;
    this.#prefix = prefix;
  }

  viewOf(state: TrustState): View {
    return { state, header: trustedHeader(state), size: trustedTip(state).size };
  }

  /** The record of an address, or that it was never used. */
  address(view: View, address: AddressBytes, signal?: AbortSignalLike): Promise<ProvedAddress> {
    const text = encodeAddress(address, this.#prefix);
    const call = bytesCall('address', { address: text, at: view.size }, MAX_PROOF_BYTES);
    return this.#sources.first({ ...call, signal }, (bytes) =>
      verifyAddressProof(addressProofCodec.decode(bytes), address, view.header),
    );
  }

  /** Many records with one request for each hundred. */
  async addresses(
    view: View,
    addresses: readonly AddressBytes[],
    signal?: AbortSignalLike,
  ): Promise<ProvedAddress[]> {
    const proved: ProvedAddress[] = [];
    for (let first = 0; first < addresses.length; first += MAX_ADDRESS_QUERY) {
      const part = addresses.slice(first, first + MAX_ADDRESS_QUERY);
      const body = {
        addresses: part.map((address) => encodeAddress(address, this.#prefix)),
        at: view.size.toString(),
      };
      const call = {
        method: 'POST',
        target: '/v1/addresses/query',
        headers: { 'content-type': 'application/json' },
        body: utf8(JSON.stringify(body)),
        maxBytes: 4 * part.length * MAX_PROOF_BYTES,
        signal,
      } as const;
      proved.push(
        ...(await this.#sources.first(call, (bytes) => {
          const { proofs } = addressAnswersShape.from(parseJson(bytes));
          return part.map((address, i) => {
            const proof = addressProofCodec.decode(fromHex(proofs[i] ?? ''));
            return verifyAddressProof(proof, address, view.header);
          });
        })),
      );
    }
    return proved;
  }

  /** All coins of a proved address, complete. */
  async coins(
    view: View,
    proved: ProvedAddress,
    signal?: AbortSignalLike,
  ): Promise<readonly Coin[]> {
    if (proved.record.coinCount === 0n) return [];
    const address = encodeAddress(proved.address, this.#prefix);
    // A list that does not add up was spoilt by some page of it: only the root says so, so the
    // whole list comes from one source and another one begins anew.
    const errors: unknown[] = [];
    for (const source of this.#sources.ranked()) {
      let soFar: CoinsSoFar = NO_COINS_YET;
      for (;;) {
        const after = nextCoinKey(soFar);
        const call = bytesCall(
          'coins',
          {
            address,
            at: view.size,
            limit: MAX_PAGE_ITEMS,
            ...(after === null
              ? {}
              : { cursor: writeCursor({ at: view.size, after: toHex(after) }) }),
          },
          MAX_PAGE_BYTES,
        );
        const before = soFar;
        const attempt = await this.#sources.ask(source, { ...call, signal }, (bytes) => {
          const next = takeCoinsPage(before, coinsPageCodec.decode(bytes), proved);
          return { next, coins: next.isLast ? finishCoins(next, proved) : null };
        });
        if (attempt.kind === 'failed') {
          errors.push(attempt.error);
          break;
        }
        if (attempt.value.coins !== null) return attempt.value.coins;
        soFar = attempt.value.next;
      }
    }
    throw mostTelling(errors);
  }

  /** A stretch of a proved address's history, from entry number `from` on; at least one entry. */
  history(
    view: View,
    proved: ProvedAddress,
    from: bigint,
    limit: number = DEFAULT_PAGE_ITEMS,
    signal?: AbortSignalLike,
  ): Promise<readonly HistoryEntry[]> {
    const address = encodeAddress(proved.address, this.#prefix);
    const call = bytesCall('history', { address, at: view.size, from, limit }, MAX_PAGE_BYTES);
    return this.#sources.first({ ...call, signal }, (bytes) => {
      const page = historyPageCodec.decode(bytes);
      return verifyHistoryPage(page, from, proved).slice(0, limit);
    });
  }

  /**
   * A transaction with its proof; null when every source that answered says that there is none
   * below the trusted tip. That absence is their word: nothing in the chain proves it.
   */
  async transaction(
    view: View,
    id: Bytes32,
    signal?: AbortSignalLike,
  ): Promise<PlacedTransaction | null> {
    const call = {
      ...bytesCall('transactionProof', { txid: id, at: view.size }, MAX_PROOF_BYTES),
      signal,
    };
    const errors: unknown[] = [];
    for (const source of this.#sources.ranked()) {
      const attempt = await this.#sources.ask(source, call, (bytes) => {
        const proof = transactionProofCodec.decode(bytes);
        return placed(proof, verifyTransactionProof(proof, trustedTip(view.state)), id);
      });
      if (attempt.kind === 'answered') return attempt.value;
      errors.push(attempt.error);
    }
    const rest = errors.filter((error) => !isNotFound(error));
    if (rest.length === errors.length || rest.some((error) => error instanceof VerificationError)) {
      throw mostTelling(errors);
    }
    return null;
  }

  /** The parameters in force, from the state. */
  params(view: View, signal?: AbortSignalLike): Promise<Params> {
    const call = bytesCall('state', { key: PARAMETERS_KEY, at: view.size }, MAX_PROOF_BYTES);
    return this.#sources.first({ ...call, signal }, (bytes) =>
      verifyParams(stateProofCodec.decode(bytes), view.header),
    );
  }
}

function placed(
  proof: TransactionProof,
  proved: ProvedTransaction,
  id: Bytes32,
): PlacedTransaction {
  if (!equalBytes(proved.txid, id)) {
    throw new VerificationError(
      'proof/another-transaction',
      'transaction proof',
      `transaction ${toHex(id)}`,
      toHex(proved.txid),
    );
  }
  return {
    trust: 'proved',
    id: proved.txid,
    height: proved.header.height,
    position: proved.position,
    time: proved.header.time,
    transaction: transactionCodec.decode(proved.transaction),
    proof,
  };
}
