/**
 * Every route of the HTTP surface, in one table that node, gateway and SDK share.
 *
 * A route names its parameters, how long its answers may be kept, and which canonical encoding
 * `?format=bytes` gives: the codec of that name in `fanal/chain` or `fanal/light`.
 */
import type { CacheClass } from './cache.ts';
import type { ParameterName, ParameterValue } from './parameters.ts';

/** The canonical encodings that answers carry, by the name of their codec. */
export type Encoding =
  | 'Block'
  | 'Header'
  | 'HeaderProof'
  | 'Headers'
  | 'Update'
  | 'Handover'
  | 'ValidatorSet'
  | 'SignedTransaction'
  | 'TransactionProof'
  | 'AddressProof'
  | 'CoinsPage'
  | 'HistoryPage'
  | 'StateProof'
  | 'Receipt'
  | 'Genesis';

export interface RouteDefinition {
  readonly method: 'GET' | 'POST';
  /** A path with `{name}` for each parameter; `{tile}` takes all that remains. */
  readonly path: string;
  readonly query: readonly ParameterName[];
  readonly cache: CacheClass;
  /** What the answer becomes when the query names the size it is proved at. */
  readonly sizedCache: CacheClass | null;
  readonly bytes: Encoding | null;
  /** `node` where a gateway has nothing of the kind to give. */
  readonly served: 'everywhere' | 'node';
  /** Whether a wallet can check the answer, or must take the server's word. */
  readonly trust: 'proved' | 'reported';
  readonly summary: string;
}

type Options = Partial<Omit<RouteDefinition, 'method' | 'path' | 'summary'>>;

const DEFAULTS = {
  query: [],
  cache: 'none',
  sizedCache: null,
  bytes: null,
  served: 'everywhere',
  trust: 'reported',
} as const satisfies Options;

type Route<Path extends string, Given extends Options> = Pick<
  RouteDefinition,
  'method' | 'summary'
> &
  Omit<typeof DEFAULTS, keyof Given> &
  Given & { readonly path: Path };

function route<const Path extends string, const Given extends Options>(
  method: 'GET' | 'POST',
  path: Path,
  summary: string,
  options: Given,
): Route<Path, Given> {
  return { ...DEFAULTS, ...options, method, path, summary };
}

const get = <const Path extends string, const Given extends Options>(
  path: Path,
  summary: string,
  options: Given,
) => route('GET', path, summary, options);

const proved = { trust: 'proved' } as const;
const tip = { ...proved, cache: 'tip' } as const;
const immutable = { ...proved, cache: 'immutable' } as const;
const sized = { ...proved, cache: 'unsized', sizedCache: 'immutable' } as const;
const addressed = { ...proved, cache: 'tip', sizedCache: 'immutable' } as const;

/** The table. */
export const ROUTES = {
  checkpoint: get('/checkpoint', 'The newest certified checkpoint, a C2SP signed note', tip),
  tile: get('/tile/{tile}', 'A tile of the header log, or a bundle of its entries (C2SP)', {
    ...immutable,
  }),

  chain: get('/v1/chain', 'Which chain this is, its parameters and its tip', {
    cache: 'tip',
  }),
  genesis: get('/v1/genesis', 'The genesis file in canonical bytes', {
    ...immutable,
    query: ['format'],
    bytes: 'Genesis',
  }),
  update: get('/v1/update', 'What a light client needs from a size to the tip', {
    ...tip,
    query: ['from', 'format'],
    bytes: 'Update',
  }),
  handover: get('/v1/epochs/{epoch}/handover', 'The end of an epoch and the next set', {
    ...immutable,
    query: ['format'],
    bytes: 'Handover',
  }),
  validatorSet: get('/v1/validators/{hash}', 'A validator set by its hash', {
    ...immutable,
    query: ['format'],
    bytes: 'ValidatorSet',
  }),
  validators: get('/v1/validators', 'The current set and the performance board', {
    cache: 'tip',
  }),

  header: get('/v1/headers/{height}', 'A header and its inclusion in the log', {
    ...sized,
    query: ['at', 'format'],
    bytes: 'HeaderProof',
  }),
  headers: get('/v1/headers', 'Consecutive headers', {
    ...proved,
    cache: 'unsized',
    query: ['from', 'limit', 'format'],
    bytes: 'Headers',
  }),
  block: get('/v1/blocks/{height}', 'A block', {
    ...immutable,
    query: ['format'],
    bytes: 'Block',
  }),
  blockTransactions: get('/v1/blocks/{height}/transactions', 'The transactions of a block', {
    ...immutable,
    query: ['limit', 'cursor'],
  }),

  transaction: get('/v1/transactions/{txid}', 'A committed transaction', {
    ...immutable,
    query: ['format'],
    bytes: 'SignedTransaction',
  }),
  transactionProof: get('/v1/transactions/{txid}/proof', 'What proves a transaction', {
    ...sized,
    query: ['at', 'format'],
    bytes: 'TransactionProof',
  }),
  receipt: get('/v1/transactions/{txid}/receipt', 'A receipt to keep, as a file or in bytes', {
    ...tip,
    query: ['epoch', 'format'],
    bytes: 'Receipt',
  }),
  transactionStatus: get('/v1/transactions/{txid}/status', 'Where a transaction stands', {}),
  submit: route('POST', '/v1/transactions', 'Submit a transaction', {}),

  address: get('/v1/addresses/{address}', 'An address record, or the proof that there is none', {
    ...addressed,
    query: ['at', 'format'],
    bytes: 'AddressProof',
  }),
  coins: get('/v1/addresses/{address}/coins', 'A page of coins, provably without a gap', {
    ...addressed,
    query: ['at', 'limit', 'cursor', 'format'],
    bytes: 'CoinsPage',
  }),
  history: get('/v1/addresses/{address}/history', 'A page of history, provably without a gap', {
    ...addressed,
    query: ['at', 'from', 'limit', 'format'],
    bytes: 'HistoryPage',
  }),
  state: get('/v1/state/{key}', 'What the state has under a key: parameters, a validator', {
    ...addressed,
    query: ['at', 'format'],
    bytes: 'StateProof',
  }),
  addressQuery: route('POST', '/v1/addresses/query', 'Many address records in one answer', proved),

  fees: get('/v1/fees', 'What a transaction costs', { cache: 'reported' }),
  mempool: get('/v1/mempool', 'How many transactions wait', { cache: 'reported' }),
  events: get('/v1/events', 'Tips, and what changed of an address (SSE, WebSocket)', {
    query: ['topics', 'address'],
  }),
  faucet: route('POST', '/v1/faucet', 'Coins for trying things out, on test networks only', {}),

  snapshots: get('/v1/snapshots', 'Snapshots for a node to start with', {
    cache: 'reported',
    served: 'node',
  }),
  snapshotChunk: get('/v1/snapshots/{height}/chunks/{chunk}', 'A chunk of a snapshot', {
    cache: 'immutable',
    served: 'node',
  }),

  livez: get('/livez', 'Whether the process turns', {}),
  readyz: get('/readyz', 'Whether it should get traffic', {}),
  status: get('/status', 'How it is doing', {}),
  openapi: get('/openapi.json', 'This surface as OpenAPI', { cache: 'docs' }),
  docs: get('/docs', 'This surface to read', { cache: 'docs' }),
} as const satisfies Record<string, RouteDefinition>;

export type RouteName = keyof typeof ROUTES;

type PathNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathNames<Rest>
  : never;

/** The parameters of a route: those of its path always, those of its query when given. */
export type RouteParameters<Name extends RouteName> = {
  readonly [Key in PathNames<(typeof ROUTES)[Name]['path']> & ParameterName]: ParameterValue<Key>;
} & {
  readonly [Key in (typeof ROUTES)[Name]['query'][number] & ParameterName]?: ParameterValue<Key>;
};
