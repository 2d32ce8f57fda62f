/**
 * Vectors of proofs that hang from one verified header: of headers, transactions, addresses,
 * coins, histories and the rest of the state.
 */
import { headerCodec } from 'fanal/chain/header.ts';
import {
  EPOCH_KEY,
  coinKey as keyOf,
  PARAMETERS_KEY,
  validatorKey,
} from 'fanal/chain/state-keys.ts';
import { type AddressProof, addressProofCodec } from 'fanal/light/address-proof.ts';
import { type CoinsPage, coinsPageCodec } from 'fanal/light/coins.ts';
import { type HeaderProof, headerProofCodec } from 'fanal/light/header-proof.ts';
import { type HistoryPage, historyPageCodec } from 'fanal/light/history.ts';
import { type StateProof, stateProofCodec } from 'fanal/light/state-proof.ts';
import { type TransactionProof, transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import { type Bytes32, toHex } from 'fanal/primitives/bytes.ts';
import type { TestChain } from '../chain.ts';
import { flipped, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

/** @param chain in which alice paid bob and carol several times */
export function proofVectors(chain: TestChain): VectorFile {
  return vectorFile(
    'docs/protocol.md §9.4 to §9.9',
    'Check each proof against the log at `size` and `root`, and against the state of `header`, its newest (verified elsewhere). For `address` cases the address asked for is `address`; a `coins` or `history` case first proves its `record`, an address proof. A case with `refused` must not hold.',
    [
      ...headerCases(chain),
      ...transactionCases(chain),
      ...addressCases(chain),
      ...coinsCases(chain),
      ...historyCases(chain),
      ...stateCases(chain),
    ].map((item) => ({
      ...item,
      size: String(chain.size),
      root: toHex(chain.root()),
      header: toHex(headerCodec.encode(chain.tip)),
    })),
  );
}

function headerCases(chain: TestChain): VectorCase[] {
  const proof = chain.headerProof(3n);
  const item = (name: string, given: HeaderProof, refused?: string): VectorCase => ({
    kind: 'header',
    name: `header: ${name}`,
    proof: toHex(headerProofCodec.encode(given)),
    ...(refused !== undefined && { refused }),
  });
  return [
    item('genesis', chain.headerProof(0n)),
    item('height 3', proof),
    item('the newest', chain.headerProof(chain.tip.height)),
    item('for another size', chain.headerProof(3n, 7n), 'proof/log-size'),
    item(
      'at another height',
      { ...proof, header: { ...proof.header, height: 4n } },
      'proof/root-mismatch',
    ),
    item(
      'with another transaction root',
      { ...proof, header: { ...proof.header, txRoot: chain.root() } },
      'proof/root-mismatch',
    ),
    item(
      'with a hash too many',
      { ...proof, path: [...proof.path, chain.root()] },
      'proof/path-length',
    ),
    item(
      'past the end',
      { ...proof, header: { ...proof.header, height: chain.size } },
      'proof/index-out-of-range',
    ),
  ];
}

function transactionCases(chain: TestChain): VectorCase[] {
  const signed = chain.transactionsOf(1)[0]!;
  const proof = chain.transactionProof(signed);
  const item = (name: string, given: TransactionProof, refused?: string): VectorCase => ({
    kind: 'transaction',
    name: `transaction: ${name}`,
    proof: toHex(transactionProofCodec.encode(given)),
    ...(refused !== undefined && { refused }),
  });
  return [
    item('the first of its block', proof),
    item(
      'with another output',
      { ...proof, transaction: flipped(proof.transaction, 100) },
      'proof/root-mismatch',
    ),
    item(
      'with another witness',
      { ...proof, witnesses: flipped(proof.witnesses, -1) },
      'proof/root-mismatch',
    ),
    item('at another place', { ...proof, position: 1 }, 'proof/root-mismatch'),
    item('past the block', { ...proof, position: 99 }, 'proof/index-out-of-range'),
    item('in another block', { ...proof, header: chain.headerProof(2n) }, 'proof/root-mismatch'),
  ];
}

function addressCases(chain: TestChain): VectorCase[] {
  const { address } = chain.person('alice');
  const nobody = chain.person('nobody').address;
  const proof = chain.addressProof(address);
  const record = proof.record!;
  const item = (name: string, given: AddressProof, refused?: string, of = address): VectorCase => ({
    kind: 'address',
    name: `address: ${name}`,
    address: toHex(of),
    proof: toHex(addressProofCodec.encode(given)),
    ...(refused !== undefined && { refused }),
  });
  return [
    item('a balance', proof),
    item('never used', chain.addressProof(nobody), undefined, nobody),
    item('denied', { ...proof, record: null }, 'proof/map-value'),
    item(
      'one unit more',
      { ...proof, record: { ...record, balance: record.balance + 1n } },
      'proof/map-value',
    ),
    item(
      'an invented record',
      { ...chain.addressProof(nobody), record },
      'proof/map-value',
      nobody,
    ),
    item('of another address', chain.addressProof(nobody), 'proof/address'),
    item('at another height', chain.addressProof(address, 2n), 'proof/height'),
    item(
      'an old one called new',
      { ...chain.addressProof(address, 2n), height: proof.height },
      'proof/root-mismatch',
    ),
  ];
}

function coinsCases(chain: TestChain): VectorCase[] {
  const { address } = chain.person('carol');
  const page = chain.coinsPage(address);
  const record = toHex(addressProofCodec.encode(chain.addressProof(address)));
  const [first, second] = page.coins;
  const item = (name: string, pages: readonly CoinsPage[], refused?: string): VectorCase => ({
    kind: 'coins',
    name: `coins: ${name}`,
    address: toHex(address),
    record,
    pages: pages.map((given) => toHex(coinsPageCodec.encode(given))),
    ...(refused !== undefined && { refused }),
  });
  const one = (coins: typeof page.coins) => [{ ...page, coins }];
  const half = page.coins.length >> 1;
  return [
    item('all in one page', [page]),
    item('in two pages', [
      { ...page, coins: page.coins.slice(0, half), hasMore: true },
      { ...page, coins: page.coins.slice(half) },
    ]),
    item('one left out', one(page.coins.slice(1)), 'coins/count'),
    item('one too many', one([...page.coins, first!]), 'coins/count'),
    item(
      'one for another',
      one([...page.coins.slice(0, -1), { ...first!, index: 999 }].toSorted(byKey)),
      'coins/root',
    ),
    item(
      'one unit more',
      one(page.coins.with(1, { ...second!, amount: second!.amount + 1n })),
      'coins/root',
    ),
    item('out of order', one(page.coins.toReversed()), 'coins/order'),
    item(
      'pages that overlap',
      [{ ...page, coins: page.coins.slice(0, 2), hasMore: true }, page],
      'coins/count',
    ),
    item('an endless list', [{ ...page, coins: [], hasMore: true }], 'coins/count'),
    item('of another address', [chain.coinsPage(chain.person('bob').address)], 'proof/address'),
    item('at another height', [{ ...page, height: 1n }], 'proof/height'),
  ];
}

function historyCases(chain: TestChain): VectorCase[] {
  const { address } = chain.person('alice');
  const record = toHex(addressProofCodec.encode(chain.addressProof(address)));
  const height = chain.tip.height;
  const page = chain.historyPage(address, height, 1n, 4);
  const [first] = page.entries;
  const item = (
    name: string,
    given: HistoryPage,
    refused?: string,
    from = given.from,
  ): VectorCase => ({
    kind: 'history',
    name: `history: ${name}`,
    address: toHex(address),
    record,
    from: String(from),
    page: toHex(historyPageCodec.encode(given)),
    ...(refused !== undefined && { refused }),
  });
  return [
    item('all of it', chain.historyPage(address, height)),
    item('a stretch', page),
    item('one entry', chain.historyPage(address, height, 2n, 1)),
    item('one left out', { ...page, entries: page.entries.slice(1) }, 'proof/path-length'),
    item(
      'another amount',
      { ...page, entries: page.entries.with(0, { ...first!, spent: 0n }) },
      'proof/root-mismatch',
    ),
    item('out of order', { ...page, entries: page.entries.toReversed() }, 'proof/root-mismatch'),
    item('from another place than asked for', page, 'history/from', 2n),
    item(
      'none where there are some',
      { ...page, entries: [], path: [] },
      'proof/index-out-of-range',
    ),
  ];
}

function stateCases(chain: TestChain): VectorCase[] {
  const proof = chain.stateProof(PARAMETERS_KEY);
  const item = (name: string, key: Bytes32, given: StateProof, refused?: string): VectorCase => ({
    kind: 'state',
    name: `state: ${name}`,
    key: toHex(key),
    proof: toHex(stateProofCodec.encode(given)),
    ...(refused !== undefined && { refused }),
  });
  return [
    item('the parameters', PARAMETERS_KEY, proof),
    item('the epoch', EPOCH_KEY, chain.stateProof(EPOCH_KEY)),
    item('a validator', validatorKey('val-002'), chain.stateProof(validatorKey('val-002'))),
    item('a free name', validatorKey('val-099'), chain.stateProof(validatorKey('val-099'))),
    item(
      'another value',
      PARAMETERS_KEY,
      { ...proof, value: flipped(proof.value!, 3) },
      'proof/map-value',
    ),
    item('under another key', EPOCH_KEY, proof, 'proof/map-shape'),
    item('at another height', PARAMETERS_KEY, { ...proof, height: 1n }, 'proof/height'),
  ];
}

function byKey(a: { readonly txid: Bytes32; readonly index: number }, b: typeof a): number {
  return toHex(keyOf(a)) < toHex(keyOf(b)) ? -1 : 1;
}
