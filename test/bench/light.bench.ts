/**
 * The light client: how fast it believes, and how little it asks for.
 */

import { type AddressRecord, addressRecordCodec } from 'fanal/chain/address-record.ts';
import { blockId, type Header } from 'fanal/chain/header.ts';
import { addressKey } from 'fanal/chain/state-keys.ts';
import { signedTransactionCodec, splitTransaction } from 'fanal/chain/transaction.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { follow } from 'fanal/light/follow.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { type Receipt, receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import { trustStateCodec } from 'fanal/light/trust.ts';
import { updateCodec } from 'fanal/light/update.ts';
import {
  consistencyNodes,
  foldPlan,
  inclusionNodes,
  leafHash,
  listHasher,
  listRoot,
  nodeTable,
} from 'fanal/merkle/list.ts';
import { EMPTY_MAP, MapTree } from 'fanal/merkle/map-tree.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import { verifyNatively as verifyWithSodium } from '../../node/runtime/native-verify.ts';
import { bundle, VERIFIER } from '../support/bundle.ts';
import { type TestChain, testChain } from '../support/chain.ts';
import { signNatively, verifyNatively as verifyWithNode } from '../support/native.ts';
import { type Report, randomFrom } from './report.ts';

const LOG_SIZE = 1 << 20;
const BLOCK_SIZE = 1 << 10;
const ADDRESSES = 1 << 18;
const DAYS = 365;

const VERIFIERS: readonly (readonly [string, VerifyBatch])[] = [
  ['libsodium', verifyWithSodium],
  ['node:crypto, cached keys', verifyWithNode],
  ['WebCrypto, cached keys', verifyWithWebCrypto(globalThis.crypto.subtle as never)],
  ['plain JavaScript', verifyInJavaScript],
];

export async function run(report: Report): Promise<void> {
  await certifying(report);
  await coldStart(report);
  await aYear(report);
  await sizesInALongLog(report);
  await bundles(report);
}

async function certifying(report: Report): Promise<void> {
  for (const validators of [4, 21, 100]) {
    const chain = testChain({ validators, sign: signNatively }).grow(2);
    const cosigned = chain.checkpoint();
    await report.compare(
      `certified checkpoints, ${validators} equal validators`,
      VERIFIERS.map(([name, verify]) => {
        const count = Math.ceil((name === 'plain JavaScript' ? 100 : 1_500) / validators);
        return {
          name,
          run: async () => {
            for (let i = 0; i < count; i++)
              await certify(cosigned, chain.origin, chain.set, verify);
            return count;
          },
        };
      }),
      { rounds: 5 },
    );
  }
}

/** Two requests: from the genesis file to a proved balance, four validators. */
async function coldStart(report: Report): Promise<void> {
  const chain = testChain({ sign: signNatively });
  for (let i = 0; i < 40; i++) {
    chain.pay('alice', 'bob', 1n);
    chain.block();
  }
  const { address } = chain.person('bob');
  const update = updateCodec.encode(chain.update(1n));
  const proof = addressProofCodec.encode(chain.addressProof(address));
  const trust = chain.genesisTrust();
  const start = async (verify: VerifyBatch) => {
    const { state } = await follow(trust, updateCodec.decode(update), { now: chain.now(), verify });
    verifyAddressProof(addressProofCodec.decode(proof), address, state.header as never);
  };
  const samples: Record<string, number[]> = {};
  for (const [name, verify] of VERIFIERS) {
    samples[name] = [];
    for (let i = 0; i < 21; i++) {
      const begin = performance.now();
      await start(verify);
      samples[name].push(performance.now() - begin);
    }
  }
  report.samples('cold start to a proved balance: computing', 'ms', samples, { atMost: 50 });
}

/** A client that slept for a year of daily epochs, 21 validators. */
async function aYear(report: Report): Promise<void> {
  const steady = yearOf(() => null);
  const moving = yearOf((chain, day) =>
    chain.changedSet({ 'val-001': BigInt(1_000 + (day % 50)) }),
  );
  const samples: Record<string, number[]> = {};
  for (const [name, verify] of VERIFIERS) {
    samples[name] = [];
    const rounds = name === 'plain JavaScript' ? 1 : 3;
    for (let i = 0; i < rounds; i++) {
      const begin = performance.now();
      const update = updateCodec.decode(steady.bytes);
      const { state } = await follow(steady.chain.genesisTrust(), update, {
        now: steady.chain.now(),
        verify,
      });
      samples[name].push(performance.now() - begin);
      if (state.header.epoch !== DAYS) throw new Error('the year was not followed to its end');
    }
  }
  report.samples(`${DAYS} handovers, 21 validators: computing`, 'ms', samples, { atMost: 1_000 });
  report.figures(`${DAYS} handovers, 21 validators: one update`, 'B', {
    'the same set all year': steady.bytes.length,
    'another set every day': moving.bytes.length,
  });
  report.figures(
    'memory of a followed chain (canonical bytes of the state)',
    'B',
    {
      '21 validators': trustStateCodec.encode(steady.chain.trust()).length,
      '100 validators': trustStateCodec.encode(
        testChain({ validators: 100, sign: signNatively }).grow(1).trust(),
      ).length,
    },
    { atMost: 16_000 },
  );
}

function yearOf(
  next: (chain: TestChain, day: number) => ReturnType<TestChain['changedSet']> | null,
) {
  const chain = testChain({ validators: 21, people: ['alice'], sign: signNatively });
  for (let day = 0; day < DAYS; day++) chain.endEpoch(next(chain, day) ?? chain.set);
  chain.block();
  return { chain, bytes: updateCodec.encode(chain.update(1n)) };
}

/** Proofs out of a log of a million headers, blocks of a thousand transactions, many addresses. */
async function sizesInALongLog(report: Report): Promise<void> {
  const random = randomFrom(report.seed);
  const filler = () => sha256(utf8(String(random()))) as Hash;
  for (const validators of [4, 21]) {
    const chain = testChain({ validators, sign: signNatively });
    const signed = chain.payment('alice', [{ to: 'bob', units: 500_000_000n }]);
    const parts = splitTransaction(signedTransactionCodec.encode(signed));
    const leaves = Array.from({ length: BLOCK_SIZE }, filler);
    const position = 611;
    leaves[position] = leafHash(transactionLeaf(txidOf(parts.transaction), parts.witnesses));
    const header: Header = {
      ...chain.header(0n),
      height: 700_123n,
      txRoot: listRoot(leaves),
      txCount: BLOCK_SIZE,
    };
    const log = Array.from({ length: LOG_SIZE }, () => leaves[0] as Hash);
    log[Number(header.height)] = blockId(header);
    const nodes = nodeTable(log);
    const pathOf = (index: bigint) =>
      foldPlan(inclusionNodes(index, BigInt(LOG_SIZE)), nodes, listHasher);
    const size = BigInt(LOG_SIZE);
    const root = nodes({ level: 20, index: 0n });
    const cosignatures = chain.cosign(size, root).slice(0, Math.floor((validators * 2) / 3) + 1);
    const transactionPath = nodeTable(leaves);
    const receipt: Receipt = {
      origin: chain.origin,
      epoch: 0,
      handovers: [],
      checkpoint: { size, root, cosignatures },
      header,
      path: pathOf(header.height),
      transaction: {
        ...parts,
        position,
        path: foldPlan(
          inclusionNodes(BigInt(position), BigInt(BLOCK_SIZE)),
          transactionPath,
          listHasher,
        ),
      },
    };
    await verifyReceipt(receipt, chain.genesisTrust(), verifyWithNode);
    report.figures(
      `receipt in a log of 2^20 headers, ${validators} validators`,
      'B',
      {
        'binary (one QR code holds 2,953)': receiptCodec.encode(receipt).length,
        'text (tlog-proof)': formatReceipt(receipt, chain.set).length,
      },
      validators === 4 ? { atMost: 2_953 } : undefined,
    );
    if (validators === 4) {
      const proof = { header, size, path: receipt.path };
      const address = addressBytes(filler);
      const update = updateCodec.encode({
        from: { size: 1n, root: log[0] as Hash },
        handovers: [],
        checkpoint: receipt.checkpoint,
        header,
        inclusion: pathOf(size - 1n),
        consistency: foldPlan(consistencyNodes(1n, size), nodes, listHasher),
      });
      report.figures(
        'from genesis to a proved balance within one epoch, 2^20 headers, 2^18 addresses',
        'B',
        {
          'both answers': update.length + address,
          update: update.length,
          'address proof': address,
          'header proof': headerProofCodec.encode(proof).length,
        },
        { atMost: 6_000 },
      );
    }
    const steady = chain.grow(1);
    steady.endEpoch();
    steady.endEpoch(steady.changedSet({ 'val-001': 1_001n }));
    report.figures(`handover, ${validators} validators`, 'B', {
      'the same set goes on': handoverCodec.encode(trimmed(steady, 0)).length,
      'another set': handoverCodec.encode(trimmed(steady, 1)).length,
    });
  }
}

/** A handover as a node sends it: with a quorum of cosignatures and no more. */
function trimmed(chain: TestChain, epoch: number) {
  const handover = chain.handover(epoch);
  const quorum = Math.floor((chain.setOf(epoch).validators.length * 2) / 3) + 1;
  const cosignatures = handover.checkpoint.cosignatures.slice(0, quorum);
  return { ...handover, checkpoint: { ...handover.checkpoint, cosignatures } };
}

function addressBytes(filler: () => Hash): number {
  const chain = testChain({ people: ['alice'], sign: signNatively });
  const { address } = chain.person('alice');
  const record = chain.addressProof(address).record as AddressRecord;
  const tree = new MapTree();
  const changes = Array.from({ length: ADDRESSES }, () => ({ key: filler(), valueHash: filler() }));
  changes[7] = { key: addressKey(address), valueHash: sha256(addressRecordCodec.encode(record)) };
  const { root } = tree.update(EMPTY_MAP, changes);
  const proof = tree.prove(root, addressKey(address));
  return addressProofCodec.encode({ address, height: 1n, record, proof }).length;
}

async function bundles(report: Report): Promise<void> {
  const gzipped = async (source: string) => (await bundle(source)).gzippedBytes;
  const native = "\nexport { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';";
  const javaScript = "\nexport { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';";
  report.figures(
    'gzipped, minified by esbuild',
    'B',
    {
      'verifier: follow and every proof': await gzipped(VERIFIER),
      'verifier with WebCrypto': await gzipped(VERIFIER + native),
      'verifier with plain JavaScript Ed25519': await gzipped(VERIFIER + javaScript),
      'all of fanal/light: receipts, evidence, texts': await gzipped(
        "export * from 'fanal/light';",
      ),
      'fanal, the whole SDK': await gzipped("export * from 'fanal';"),
      '@noble/hashes SHA-256 alone': await gzipped(
        "export { sha256 } from '@noble/hashes/sha2.js';",
      ),
      '@noble/curves Ed25519 alone': await gzipped(
        "export { ed25519 } from '@noble/curves/ed25519.js';",
      ),
      '@noble/ed25519 with SHA-512': await gzipped(
        "export * from '@noble/ed25519'; export { sha512 } from '@noble/hashes/sha2.js';",
      ),
    },
    { atMost: 12_000 },
  );
}
