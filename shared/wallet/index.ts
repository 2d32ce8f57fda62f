/**
 * Wallets: accounts, coins, history and payments over a client that verifies everything itself.
 */
export { EVENT_TOPICS } from '../api/parameters.ts';
export { PROBLEMS, type ProblemCode } from '../api/problem.ts';
export type { TransactionStatus } from '../api/submission.ts';
export type { Output, SignedTransaction, Transaction } from '../chain/transaction.ts';
export {
  type AddressBytes,
  type AddressPrefix,
  addressFromKey,
  addressFromKeys,
  decodeAddress,
  encodeAddress,
} from '../crypto/address.ts';
export { type KeyPair, newMnemonic, parseMnemonic } from '../crypto/keys.ts';
export { fromHex, toHex } from '../primitives/bytes.ts';
export { DecodeError, FanalError, VerificationError } from '../primitives/errors.ts';
export { UNITS_PER_COIN } from '../primitives/units.ts';
export {
  type Account,
  accountFromKeys,
  accountFromMnemonic,
  KEY_WITNESS_BYTES,
} from './account.ts';
export { formatCoins, parseCoins } from './amounts.ts';
export { chainFromGenesis, chainFromTrust, fetchChain } from './chain.ts';
export { createClient } from './client.ts';
export type {
  AddressOptions,
  Balance,
  Broadcast,
  Chain,
  Client,
  ClientOptions,
  CoinList,
  Confirmed,
  Expiry,
  Fees,
  HistoryItem,
  HistoryOptions,
  Proved,
  ReadOptions,
  WaitOptions,
} from './client-types.ts';
export { type DeliverOptions, deliver } from './delivery.ts';
export type { Draft } from './draft.ts';
export {
  ForkError,
  InsufficientFundsError,
  NetworkError,
  ProblemError,
  RateLimitError,
  StaleError,
  TrustExpiredError,
} from './errors.ts';
export type { WalletHistoryItem } from './histories.ts';
export type { Fetch, FetchResponse, Platform, WebSocketLike } from './platform.ts';
export type { PlacedTransaction, View } from './reads.ts';
export { type OwnCoin, type Selection, type SelectionRequest, selectCoins } from './selection.ts';
export {
  listSteps,
  type MerkleClimb,
  type MerkleStep,
  mapSteps,
  merkleSteps,
  transactionSteps,
} from './steps.ts';
export { memoryStore, type Store } from './store.ts';
export type { SyncOptions, Tip } from './tip.ts';
export {
  fallback,
  type HttpOptions,
  http,
  type Source,
  type SourceCall,
  type Transport,
} from './transport.ts';
export { receiptOf } from './waiting.ts';
export {
  type BuildOptions,
  createWallet,
  DEFAULT_GAP,
  EXPIRY_BLOCKS,
  type Wallet,
  type WalletAddress,
  type WalletBalance,
  type WalletOptions,
} from './wallet.ts';
export type { StopWatching } from './watch.ts';
