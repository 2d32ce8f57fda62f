/**
 * Every answer that a light client checks, from one small real chain whose truth is at hand.
 */

import { PARAMETERS_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { joinTransaction } from 'fanal/chain/transaction.ts';
import { certifyNote } from 'fanal/checkpoint/certify.ts';
import { vertexOffence } from 'fanal/checkpoint/offence.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, verifyCoins } from 'fanal/light/coins.ts';
import { type Evidence, evidenceCodec, offencesOf, verifyEvidence } from 'fanal/light/evidence.ts';
import { follow } from 'fanal/light/follow.ts';
import { handoverCodec, takeHandover } from 'fanal/light/handover.ts';
import { headerProofCodec, verifyHeaderProof } from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { type ProvedReceipt, receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { formatReceipt, verifyReceiptText } from 'fanal/light/receipt-text.ts';
import { stateProofCodec, verifyStateProof } from 'fanal/light/state-proof.ts';
import {
  type ProvedTransaction,
  transactionProofCodec,
  verifyTransactionProof,
} from 'fanal/light/transaction-proof.ts';
import { trustedHeader, trustedTip } from 'fanal/light/trust.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { type Codec, Writer } from 'fanal/primitives/codec.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { type TestChain, testChain } from '../support/chain.ts';
import { signNatively } from '../support/native.ts';
import { toJson } from '../support/vectors/vector-json.ts';
import { rememberingVerifier } from './signatures.ts';
import type { Outcome, Target } from './target.ts';

/** Builds the chain and every target on it. The same each time. */
export function answerTargets(): Target[] {
  const chain = testChain({ sign: signNatively, people: ['alice', 'bob', 'carol', 'dora'] });
  const payments = Array.from({ length: 10 }, (_, i) => {
    if (i === 4) chain.endEpoch(chain.changedSet({ 'val-005': 1_500n }));
    if (i === 7) chain.endEpoch();
    const payment = chain.pay('alice', ['bob', 'carol', 'dora'][i % 3] as string, BigInt(i + 1));
    chain.pay('bob', 'carol', 1n);
    chain.block();
    return payment;
  });
  chain.grow(3);
  const verify = rememberingVerifier();
  return [
    updateTarget(chain, verify),
    handoverTarget(chain, verify),
    noteTarget(chain, verify),
    headerTarget(chain),
    transactionTarget(chain, payments),
    addressTarget(chain),
    coinsTarget(chain),
    historyTarget(chain),
    stateTarget(chain),
    ...receiptTargets(chain, payments, verify),
    evidenceTarget(verify),
  ];
}

function of<T>(
  name: string,
  codec: Codec<T>,
  answers: readonly T[],
  judge: (answer: T, question: number) => Promise<Outcome> | Outcome,
): Target {
  const target: Target<Uint8Array> = {
    name,
    answers: answers.map(codec.encode),
    fields: { decode: codec.decode, encode: (value) => codec.encode(value as T) },
    judge: (bytes, question) => judge(codec.decode(bytes), question),
  };
  return target as Target;
}

/** True when both are the same value, whatever they are made of. */
function same(found: unknown, truth: unknown, what: string): Outcome {
  const [a, b] = [textOf(found), textOf(truth)];
  return a === b ? 'true' : { wrong: `${what}: ${a.slice(0, 900)} instead of ${b.slice(0, 900)}` };
}

/** A value as text, whatever order its fields are in. */
function textOf(value: unknown): string {
  return JSON.stringify(toJson(value), (_, item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function updateTarget(chain: TestChain, verify: VerifyBatch): Target {
  const starts = [1n, 3n, 5n, 8n, 12n, chain.size];
  const trusts = starts.map((size) => (size === 1n ? chain.genesisTrust() : chain.trust(size)));
  const updates = starts.map((size) => chain.update(size));
  return of('update', updateCodec, updates, async (update, question) => {
    const trust = trusts[question]!;
    const { state, verdict } = await follow(trust, update, { now: chain.now(), verify });
    if (verdict.kind === 'forked') return { wrong: 'a fork where there is none' };
    const { size } = trustedTip(state);
    if (size > chain.size) return { wrong: `size ${size} of ${chain.size}` };
    const sureAt = (chain.header(size - 1n).time / 1_000n + 1n) * 1_000n;
    const truth = {
      ...chain.genesisTrust(),
      header: chain.header(size - 1n),
      root: chain.root(size),
      validators: chain.certifierOf(size),
      sureAt: sureAt > trust.sureAt ? sureAt : trust.sureAt,
      cosignatures: [],
    };
    return same({ ...state, cosignatures: [] }, truth, 'state');
  });
}

function handoverTarget(chain: TestChain, verify: VerifyBatch): Target {
  const epochs = [0, 1];
  return of(
    'handover',
    handoverCodec,
    epochs.map((e) => chain.handover(e)),
    async (given, epoch) => {
      const held = { origin: chain.origin, epoch, validators: chain.setOf(epoch) };
      const next = await takeHandover(held, given, verify);
      const truth = { header: chain.handover(epoch).header, set: chain.setOf(epoch + 1).hash };
      return same({ header: next.header, set: next.validators.hash }, truth, 'handover');
    },
  );
}

function noteTarget(chain: TestChain, verify: VerifyBatch): Target {
  const sizes = [4n, 9n, chain.size];
  return {
    name: 'note',
    answers: sizes.map((size) => chain.note(size)),
    judge: async (note, question) => {
      const set = chain.certifierOf(sizes[question]!);
      const { size, root } = await certifyNote(note as string, chain.origin, set, verify);
      return size <= chain.size ? same(root, chain.root(size), 'root') : { wrong: `size ${size}` };
    },
  };
}

function headerTarget(chain: TestChain): Target {
  const tip = trustedTip(chain.trust());
  const proofs = [0n, 3n, 7n, chain.tip.height].map((height) => chain.headerProof(height));
  return of('header', headerProofCodec, proofs, (proof) => {
    const header = verifyHeaderProof(proof, tip);
    return same(header, chain.header(header.height), 'header');
  });
}

type Payments = readonly ReturnType<TestChain['pay']>[];

/** Whether a transaction stands where it is said to stand. */
function trueTransaction(chain: TestChain, proved: ProvedTransaction): Outcome {
  const { header, position } = proved;
  if (same(header, chain.header(header.height), 'header') !== 'true') return { wrong: 'header' };
  const signed = chain.transactionsOf(Number(header.height))[position];
  return same(joinTransaction(proved), signed, 'transaction');
}

function transactionTarget(chain: TestChain, payments: Payments): Target {
  const tip = trustedTip(chain.trust());
  const proofs = [0, 4, 9].map((i) => chain.transactionProof(payments[i]!));
  return of('transaction', transactionProofCodec, proofs, (proof) =>
    trueTransaction(chain, verifyTransactionProof(proof, tip)),
  );
}

function addressTarget(chain: TestChain): Target {
  const header = trustedHeader(chain.trust());
  const people = ['alice', 'bob', 'nobody', 'somebody'].map((name) => chain.person(name).address);
  const proofs = people.map((address) => chain.addressProof(address));
  return of('address', addressProofCodec, proofs, (proof, question) => {
    const { record, isUsed } = verifyAddressProof(proof, people[question]!, header);
    const truth = proofs[question]!.record;
    return same(isUsed ? record : null, truth, 'record');
  });
}

function coinsTarget(chain: TestChain): Target {
  const header = trustedHeader(chain.trust());
  const people = ['carol', 'dora', 'nobody'].map((name) => chain.person(name).address);
  const proved = people.map((address) =>
    verifyAddressProof(chain.addressProof(address), address, header),
  );
  const pages = people.map((address) => chain.coinsPage(address));
  return of('coins', coinsPageCodec, pages, (page, question) =>
    same(verifyCoins(page, proved[question]!), pages[question]!.coins, 'coins'),
  );
}

function historyTarget(chain: TestChain): Target {
  const header = trustedHeader(chain.trust());
  const { address } = chain.person('alice');
  const proved = verifyAddressProof(chain.addressProof(address), address, header);
  const asked = [0n, 2n, 5n];
  const pages = asked.map((from) => chain.historyPage(address, chain.tip.height, from, 4));
  const whole = chain.historyPage(address).entries;
  return of('history', historyPageCodec, pages, (page, question) => {
    const from = asked[question]!;
    const entries = verifyHistoryPage(page, from, proved);
    const begin = Number(from);
    return same(entries, whole.slice(begin, begin + entries.length), 'history');
  });
}

function stateTarget(chain: TestChain): Target {
  const header = trustedHeader(chain.trust());
  const keys = [PARAMETERS_KEY, validatorKey('val-001'), validatorKey('val-099')];
  const proofs = keys.map((key) => chain.stateProof(key));
  return of('state', stateProofCodec, proofs, (proof, question) =>
    same(verifyStateProof(proof, keys[question]!, header), proofs[question]!.value, 'value'),
  );
}

function receiptTargets(chain: TestChain, payments: Payments, verify: VerifyBatch): Target[] {
  const trust = chain.trust(3n);
  const later = {
    ...chain.receipt(payments[1]!),
    epoch: 0,
    handovers: [chain.handover(0), chain.handover(1)],
  };
  const early = chain.receipt(payments[0]!, 4n);
  const truth = (proved: ProvedReceipt): Outcome => {
    const { size, root } = proved.checkpoint;
    if (size > chain.size) return { wrong: `size ${size}` };
    const outcome = same(root, chain.root(size), 'root');
    return outcome === 'true' ? trueTransaction(chain, proved) : outcome;
  };
  const texts = [formatReceipt(early, chain.setOf(0)), formatReceipt(later, chain.set)];
  return [
    of('receipt', receiptCodec, [early, later], async (receipt) =>
      truth(await verifyReceipt(receipt, trust, verify)),
    ),
    {
      name: 'receipt text',
      answers: texts,
      judge: async (text) => truth(await verifyReceiptText(text as string, trust, verify)),
    },
  ];
}

/**
 * Two branches, signed by different majorities: only the two who signed both are guilty of it, and
 * only the first validator of two vertices in a slot.
 */
function evidenceTarget(verify: VerifyBatch): Target {
  const branch = (skew: bigint) => {
    const chain = testChain({ sign: signNatively }).grow(3);
    for (let i = 0; i < 4; i++) chain.block({ time: chain.tip.time + 500n + skew });
    return chain;
  };
  const [a, b] = [branch(0n), branch(1n)];
  const anchor = { origin: a.origin, genesisId: a.genesisId, epoch: 0, validators: a.set };
  const left = { signers: ['val-001', 'val-002', 'val-003'] };
  const right = { signers: ['val-002', 'val-003', 'val-004'] };
  const fork = (older: bigint, newer: bigint) => ({
    kind: 'fork' as const,
    ...anchor,
    older: { handovers: [], checkpoint: a.checkpoint(older, left) },
    newer: { handovers: [], checkpoint: b.checkpoint(newer, right) },
    otherRoot: b.root(older),
    path: b.update(older, newer).consistency,
  });
  const vertices = vertexOffence('val-001', vertex(a, 'one'), vertex(a, 'two'));
  const [offence] = offencesOf(fork(5n, 5n));
  const answers: Evidence[] = [
    fork(5n, 5n),
    fork(5n, 8n),
    { kind: 'offence', ...anchor, offence: offence! },
    { kind: 'offence', ...anchor, offence: vertices },
  ];
  return of('evidence', evidenceCodec, answers, async (evidence) => {
    const trust = { genesisId: a.genesisId, validators: a.set };
    const { guilty, isAnchored } = await verifyEvidence(evidence, verify, trust);
    // With another set than the trusted one the finding says that it is not vouched for.
    if (!isAnchored) return 'refused';
    const isVertices = evidence.kind === 'offence' && evidence.offence.kind === 'vertices';
    const truly = isVertices ? ['val-001'] : ['val-002', 'val-003'];
    const innocent = guilty.filter((name) => !truly.includes(name));
    return innocent.length === 0 ? 'true' : { wrong: `${innocent.join(', ')} convicted` };
  });
}

function vertex(chain: TestChain, rest: string) {
  const { seeds } = chain.validators.get('val-001')!;
  const header = new Writer().u8(1).bytes(chain.genesisId, 32).u32(0).u32(7).u16(0);
  const bytes = header.shortBytes(utf8(rest)).finish();
  return {
    header: bytes,
    signature: signNatively(taggedHash('fanal/vertex/v1', bytes), seeds.vertex),
  };
}

/** The names of all targets, for the command line. */
export const nameOf = ({ name }: Target): string => name;

/** An answer in text that can be pasted into a test. */
export const printed = (answer: Uint8Array | string): string =>
  typeof answer === 'string' ? JSON.stringify(answer) : toHex(answer);
