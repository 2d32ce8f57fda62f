/**
 * Vectors of files: receipts in both forms, trust files, and evidence.
 */
import { cosignatureOffence, vertexOffence } from 'fanal/checkpoint/offence.ts';
import {
  type Evidence,
  evidenceCodec,
  type ForkEvidence,
  offencesOf,
} from 'fanal/light/evidence.ts';
import { type Receipt, receiptCodec } from 'fanal/light/receipt.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import { type TrustState, trustStateCodec } from 'fanal/light/trust.ts';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { type Bytes32, toBase64, toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import { sha256, taggedHash } from 'fanal/primitives/hash.ts';
import { type TestChain, testChain } from '../chain.ts';
import { signNatively } from '../native.ts';
import { flipped, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

export function receiptVectors(): VectorFile {
  const chain = testChain({ sign: signNatively });
  const payment = chain.pay('alice', 'bob', 5n, 'for the boat');
  chain.pay('carol', 'bob', 1n);
  chain.grow(4);
  const trust = chain.trust();
  const receipt = chain.receipt(payment);
  const text = formatReceipt(receipt, chain.set);
  const other = testChain({ network: 'other', sign: signNatively }).genesisTrust();
  const cases: VectorCase[] = [];
  const bytes = (name: string, given: Receipt, refused?: string, anchor: TrustState = trust) => {
    cases.push({
      name: `bytes: ${name}`,
      receipt: toHex(receiptCodec.encode(given)),
      trust: toHex(trustStateCodec.encode(anchor)),
      ...(refused === undefined ? { txid: txidOf(chain, payment) } : { refused }),
    });
  };
  const file = (name: string, given: string, refused?: string, anchor: TrustState = trust) => {
    cases.push({
      name: `text: ${name}`,
      text: given,
      trust: toHex(trustStateCodec.encode(anchor)),
      ...(refused === undefined ? { txid: txidOf(chain, payment) } : { refused }),
    });
  };
  bytes('a payment', receipt);
  file('a payment', text);
  const { transaction } = receipt;
  const lied = { ...transaction, transaction: flipped(transaction.transaction, 100) };
  bytes('another amount', { ...receipt, transaction: lied }, 'proof/root-mismatch');
  bytes('another header', { ...receipt, header: chain.header(2n) }, 'proof/root-mismatch');
  bytes(
    'another place in the block',
    { ...receipt, transaction: { ...transaction, position: 1 } },
    'proof/root-mismatch',
  );
  const thin = chain.checkpoint(chain.size, { signers: ['val-001', 'val-002'] });
  bytes('half of the validators', { ...receipt, checkpoint: thin }, 'checkpoint/no-quorum');
  bytes('another network', receipt, 'receipt/origin', other);
  bytes('another epoch', { ...receipt, epoch: 1 }, 'receipt/epoch');
  const conflicting = {
    size: chain.size,
    root: chain.root(2n),
    cosignatures: chain.cosign(chain.size, chain.root(2n)),
  };
  bytes(
    'another certified root at the trusted size',
    { ...receipt, checkpoint: conflicting },
    'receipt/conflict',
  );
  file('another first line', text.replace('@v1', '@v2'), 'receipt/text');
  file('without its extra line', text.replace(/extra .*\n/, ''), 'receipt/text');
  file('another index', text.replace('index 1', 'index 2'), 'receipt/index');
  file(
    'a path with a hash too many',
    text.replace('index 1\n', `index 1\n${toBase64(chain.root())}\n`),
    'proof/path-length',
  );
  file(
    'another size in the note',
    text.replace(`\n${chain.size}\n`, '\n9\n'),
    'checkpoint/bad-cosignature',
  );
  chain.endEpoch(chain.changedSet({ 'val-005': 3_000n }));
  chain.grow(2);
  const later = { ...chain.receipt(payment), epoch: 0, handovers: [chain.handover(0)] };
  bytes('over a handover, by the trust of the epoch before', later);
  file('over a handover, by the trust of the epoch before', formatReceipt(later, chain.set));
  file('of an old epoch, by a later trust', text, 'receipt/epoch', chain.trust());
  return vectorFile(
    'docs/protocol.md §9.10',
    'Check the `receipt` (bytes) or `text` against `trust` (bytes of §9.1). It proves the transaction with `txid`, or is refused.',
    cases,
  );
}

export function trustVectors(): VectorFile {
  const chain = testChain({ sign: signNatively }).grow(2);
  const text = formatTrust(chain.trust());
  const item = (name: string, given: string, refused?: string): VectorCase => ({
    name,
    text: given,
    ...(refused === undefined
      ? { trust: toHex(trustStateCodec.encode(chain.trust())) }
      : { refused }),
  });
  return vectorFile(
    'docs/protocol.md §9.1',
    'Read `text` as a trust file: it is `trust` in bytes, or refused.',
    [
      item('a trust file', text),
      item('lines that say another size', text.replace('size 3', 'size 4'), 'trust/file'),
      item('a line left out', text.replace(/epoch .*\n/, ''), 'trust/file'),
      item('another first line', text.replace('trust/1', 'trust/2'), 'trust/file'),
      item('no data', text.slice(0, text.indexOf('data ')), 'trust/file'),
    ],
  );
}

export function evidenceVectors(): VectorFile {
  const branch = (skew: bigint) => {
    const chain = testChain({ sign: signNatively }).grow(3);
    for (let i = 0; i < 4; i++) chain.block({ time: chain.tip.time + 500n + skew });
    return chain;
  };
  const [a, b] = [branch(0n), branch(1n)];
  const trust = { genesisId: a.genesisId, validators: a.set };
  const anchor = { origin: a.origin, genesisId: a.genesisId, epoch: 0, validators: a.set };
  const fork = (olderSize: bigint, newerSize: bigint): ForkEvidence => ({
    kind: 'fork',
    ...anchor,
    older: { handovers: [], checkpoint: a.checkpoint(olderSize) },
    newer: { handovers: [], checkpoint: b.checkpoint(newerSize) },
    otherRoot: b.root(olderSize),
    path: b.update(olderSize, newerSize).consistency,
  });
  const cases: VectorCase[] = [];
  const add = (
    name: string,
    given: Evidence,
    outcome: { guilty: string[] } | { refused: string },
  ) => {
    cases.push({
      name,
      evidence: toHex(evidenceCodec.encode(given)),
      genesisId: toHex(trust.genesisId),
      setHash: toHex(trust.validators.hash),
      ...outcome,
    });
  };
  const three = { guilty: ['val-001', 'val-002', 'val-003'] };
  const sameSize = fork(5n, 5n);
  add('a fork at one size', sameSize, three);
  add('a fork at different sizes', fork(5n, 8n), three);
  add('a fork from a size that is a power of two', fork(8n, 8n), three);
  const [offence] = offencesOf(sameSize);
  add(
    'two cosignatures',
    { kind: 'offence', ...anchor, offence: offence! },
    { guilty: ['val-001'] },
  );
  const vertices = vertexOffence('val-001', vertex(a, 'one'), vertex(a, 'two'));
  add('two vertices', { kind: 'offence', ...anchor, offence: vertices }, { guilty: ['val-001'] });
  const none = { ...fork(5n, 8n), newer: { handovers: [], checkpoint: a.checkpoint(8n) } };
  add(
    'one history',
    { ...none, otherRoot: a.root(5n), path: a.update(5n, 8n).consistency },
    { refused: 'evidence/not-conflicting' },
  );
  add(
    'a root that was never there',
    { ...none, path: a.update(5n, 8n).consistency },
    { refused: 'proof/root-mismatch' },
  );
  const thin = { handovers: [], checkpoint: b.checkpoint(5n, { signers: ['val-001'] }) };
  add('too few cosigners', { ...sameSize, newer: thin }, { refused: 'checkpoint/no-quorum' });
  const at = (size: bigint, root: Bytes32) => {
    const [cosignature] = a.cosign(size, root, { signers: ['val-001'] });
    return { root, time: cosignature!.time, signature: cosignature!.signature };
  };
  const once = cosignatureOffence('val-001', 5n, at(5n, a.root(5n)), at(5n, a.root(5n)));
  add(
    'one root twice',
    { kind: 'offence', ...anchor, offence: once },
    { refused: 'evidence/not-conflicting' },
  );
  const sizes = cosignatureOffence('val-001', 5n, at(5n, a.root(5n)), at(6n, b.root(5n)));
  add(
    'roots at different sizes',
    { kind: 'offence', ...anchor, offence: sizes },
    { refused: 'evidence/bad-signature' },
  );
  const framed = { ...offence!, validator: 'val-002' };
  add(
    'signatures of somebody else',
    { kind: 'offence', ...anchor, offence: framed },
    { refused: 'evidence/bad-signature' },
  );
  const unknown = { ...offence!, validator: 'val-099' };
  add(
    'nobody of that name',
    { kind: 'offence', ...anchor, offence: unknown },
    { refused: 'evidence/unknown-validator' },
  );
  const apart = vertexOffence('val-001', vertex(a, 'one'), vertex(a, 'two', 8));
  add(
    'vertices of two rounds',
    { kind: 'offence', ...anchor, offence: apart },
    { refused: 'evidence/not-conflicting' },
  );
  const abroad = testChain({ network: 'other', sign: signNatively });
  const mixed = vertexOffence('val-001', vertex(a, 'one'), vertex(a, 'two', 7, abroad.genesisId));
  add(
    'a vertex of another chain',
    { kind: 'offence', ...anchor, offence: mixed },
    { refused: 'evidence/another-chain' },
  );
  return vectorFile(
    'docs/protocol.md §10',
    'Check `evidence` with a trust in the chain `genesisId`. It convicts `guilty`, or is refused.',
    cases,
  );
}

/** A vertex header as far as evidence reads it, signed by the first validator. */
function vertex(chain: TestChain, rest: string, round = 7, genesisId = chain.genesisId) {
  const { seeds } = chain.validators.get('val-001')!;
  const header = new Writer()
    .u8(1)
    .bytes(genesisId, 32)
    .u32(0)
    .u32(round)
    .u16(0)
    .bytes(sha256(utf8(rest)), 32)
    .finish();
  return { header, signature: signNatively(taggedHash('fanal/vertex/v1', header), seeds.vertex) };
}

function txidOf(chain: TestChain, payment: Parameters<TestChain['transactionProof']>[0]): string {
  return toHex(taggedHash('fanal/txid/v1', chain.transactionProof(payment).transaction));
}
