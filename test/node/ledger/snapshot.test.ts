import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, verifyCoins } from 'fanal/light/coins.ts';
import type { VerifiedHeader } from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeSha256 } from '../../../node/ledger/native-hash.ts';
import { exportSnapshot } from '../../../node/ledger/snapshot-export.ts';
import { beginImport, type SnapshotImport } from '../../../node/ledger/snapshot-import.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { listSnapshots, readChunk } from '../../../node/store/snapshot-files.ts';
import {
  ChunkWriter,
  manifestCodec,
  readRows,
  type SnapshotManifest,
  type SnapshotRow,
} from '../../../node/store/snapshot-format.ts';
import { COIN, LedgerChain } from '../../support/ledger-chain.ts';

let chain: LedgerChain;
let folder: string;
let manifest: SnapshotManifest;
let chunks: Bytes[];

/** Two ended epochs, a few payments, and blocks above the snapshot that it must not show. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-snapshot-'));
  chain = new LedgerChain({ durable: false });
  let coin = chain.genesisCoin('alice');
  for (let block = 1; block <= 12; block++) {
    const payment = chain.pay('alice', coin, ['bob', 'carol', 'dave'][block % 3] as string, COIN);
    coin = { txid: payment.txid, index: 1, amount: payment.transaction.outputs[1]?.amount ?? 0n };
    chain.block([payment.bytes], { last: block === 4 || block === 8 });
    if (block <= 10) chain.certify();
  }
  const steps = [
    ...exportSnapshot({ ledgerPath: chain.path, root: join(folder, 'from'), keep: 2 }),
  ];
  expect(steps.at(-1)?.manifest?.header.height).toBe(10n);
  const [stored] = listSnapshots(join(folder, 'from'));
  manifest = stored?.manifest as SnapshotManifest;
  chunks = manifest.chunks.map((_, index) => readChunk(stored?.folder as string, index) as Bytes);
});
afterAll(() => {
  chain.close();
  rmSync(folder, { recursive: true });
});

let imports = 0;
function importOf(bytes: Bytes, name = `import-${imports++}`): SnapshotImport {
  return beginImport({
    genesis: chain.genesis,
    manifest: bytes,
    root: join(folder, name),
    ledgerPath: join(folder, name, 'ledger.sqlite'),
    verify: verifyNatively,
  });
}

/** A manifest that fits other rows, as a liar would write it. */
function forge(change: (rows: SnapshotRow[]) => SnapshotRow[], extra = {}) {
  const writer = new ChunkWriter();
  const all = chunks.flatMap((chunk) => [...readRows(chunk)]);
  const forged: Bytes[] = [];
  for (const row of change(all)) {
    const chunk = writer.add(row);
    if (chunk !== null) forged.push(chunk);
  }
  forged.push(writer.finish() as Bytes);
  const bytes = manifestCodec.encode({ ...manifest, chunks: forged.map(nativeSha256), ...extra });
  return { bytes, chunks: forged };
}

describe('a snapshot', () => {
  test('becomes a ledger that goes on where the other is', async () => {
    const taken = importOf(manifestCodec.encode(manifest), 'whole');
    expect(taken.missing()).toEqual(chunks.map((_, i) => i));
    chunks.forEach((chunk, i) => {
      expect(taken.add(i, chunk)).toBe(true);
    });
    await taken.finish();
    const ledger = chain.open(join(folder, 'whole', 'ledger.sqlite'));
    try {
      expect(ledger.certifiedTip()).toEqual(chain.ledger.certifiedTip());
      expect(ledger.epoch()).toEqual(chain.ledger.epoch());
      expect(ledger.handover(0)).toEqual(chain.ledger.handover(0));
      expect(ledger.update(3n)).toEqual(chain.ledger.update(3n));
      for (const height of [11n, 12n]) {
        const block = readBlock(height);
        expect(ledger.apply(block).header).toEqual(headerOf(height));
      }
      expect(ledger.tip()).toEqual(chain.ledger.tip());
      const { databaseBytes: _, stateTreeBytes: __, transactions, ...stats } = ledger.stats();
      expect(chain.ledger.stats()).toMatchObject(stats);
      expect(transactions).toBe(2n);
      ledger.certified(chain.certificate());
      const tip = ledger.tip().header as VerifiedHeader;
      const { address } = chain.person('alice');
      const proof = addressProofCodec.decode(ledger.addressProof(address));
      const proved = verifyAddressProof(proof, address, tip);
      verifyCoins(coinsPageCodec.decode(ledger.coins(address, { limit: 100 })), proved);
      // Lines from before the snapshot are not here; those after it are, with their proof.
      expect(() => ledger.history(address, { first: 0n, limit: 100 })).toThrow(
        expect.objectContaining({ code: 'ledger/pruned' }),
      );
      const page = historyPageCodec.decode(ledger.history(address, { first: 11n, limit: 100 }));
      expect(verifyHistoryPage(page, 11n, proved)).toHaveLength(2);
    } finally {
      ledger.close();
    }
  });

  test('chunks are the same bytes at another node, but for those who cosigned', () => {
    const root = join(folder, 'again');
    for (const _ of exportSnapshot({ ledgerPath: chain.path, root, keep: 1 }));
    expect(listSnapshots(root)[0]?.manifest.chunks).toEqual(manifest.chunks);
  });

  test('an import that was interrupted goes on with what is missing', async () => {
    const bytes = manifestCodec.encode(manifest);
    const first = importOf(bytes, 'resumed');
    first.add(0, chunks[0] as Bytes);
    const second = importOf(bytes, 'resumed');
    expect(second.missing()).toEqual(chunks.map((_, i) => i).slice(1));
    chunks.forEach((chunk, i) => {
      second.add(i, chunk);
    });
    await second.finish();
    expect(existsSync(join(folder, 'resumed', 'ledger.sqlite'))).toBe(true);
  });

  test('a ledger that is there already is never replaced', async () => {
    const taken = importOf(manifestCodec.encode(manifest), 'resumed');
    expect(taken.missing()).toEqual([]);
    await expect(taken.finish()).rejects.toMatchObject({ code: 'snapshot/ledger-exists' });
  });

  test('a flipped bit in any chunk is noticed on arrival', () => {
    const taken = importOf(manifestCodec.encode(manifest));
    chunks.forEach((chunk, i) => {
      for (const at of [0, chunk.length >> 1, chunk.length - 1]) {
        const flipped = chunk.slice();
        flipped[at] = (flipped[at] as number) ^ 0x10;
        expect(taken.add(i, flipped)).toBe(false);
      }
    });
    expect(taken.add(chunks.length, chunks[0] as Bytes)).toBe(false);
    expect(taken.missing()).toHaveLength(chunks.length);
  });

  const isAddress = (row: SnapshotRow) => row.kind === 'address';
  const lies: [string, string, (rows: SnapshotRow[]) => SnapshotRow[]][] = [
    [
      'a richer address',
      'snapshot/coins',
      (rows) =>
        rows.map((row) =>
          row.kind === 'address'
            ? { ...row, record: { ...row.record, balance: row.record.balance + 1n } }
            : row,
        ),
    ],
    [
      'a larger coin and a record to match',
      'snapshot/coins',
      (rows) => {
        const at = rows.findIndex((row) => row.kind === 'coin');
        return rows.map((row, i) => {
          if (row.kind === 'coin' && i === at) {
            return { ...row, coin: { ...row.coin, amount: row.coin.amount + 1n } };
          }
          if (row.kind === 'address' && i === rows.slice(0, at).findLastIndex(isAddress)) {
            return { ...row, record: { ...row.record, balance: row.record.balance + 1n } };
          }
          return row;
        });
      },
    ],
    [
      'an address left out',
      'snapshot/state',
      (rows) => {
        const at = rows.findIndex((row, i) => isAddress(row) && rows[i + 1]?.kind !== 'coin');
        return at >= 0
          ? rows.toSpliced(at, 1)
          : rows.filter((_, i) => i < rows.findIndex(isAddress));
      },
    ],
    [
      'an address twice',
      'snapshot/order',
      (rows) => [...rows, rows.find(isAddress) as SnapshotRow],
    ],
    [
      'another history',
      'snapshot/history',
      (rows) =>
        rows.map((row) =>
          row.kind === 'address'
            ? { ...row, peaks: row.peaks.toReversed().concat(row.peaks) }
            : row,
        ),
    ],
    [
      'another header in the log',
      'snapshot/log',
      (rows) => {
        const at = rows.findIndex((row) => row.kind === 'leaf') + 2;
        return rows.toSpliced(at, 1, { kind: 'leaf', hash: nativeSha256(new Uint8Array(1)) });
      },
    ],
    [
      'a handover left out',
      'snapshot/handovers',
      (rows) => rows.filter((row) => row.kind !== 'handover' || row.handover.header.epoch !== 1),
    ],
    [
      'other parameters',
      'snapshot/state',
      (rows) =>
        rows.map((row) =>
          row.kind === 'record' && row.value.length > 100
            ? { ...row, value: row.value.with(0, 9) }
            : row,
        ),
    ],
    [
      'a coin before any address',
      'snapshot/order',
      (rows) => [rows.find((row) => row.kind === 'coin') as SnapshotRow, ...rows],
    ],
  ];

  test.each(lies)('a supplier who offers %s is refused', async (_, code, change) => {
    const forged = forge(change);
    const taken = importOf(forged.bytes);
    forged.chunks.forEach((chunk, i) => {
      expect(taken.add(i, chunk)).toBe(true);
    });
    await expect(taken.finish()).rejects.toMatchObject({ code });
    expect(existsSync(join(folder, `import-${imports - 1}`, 'ledger.sqlite'))).toBe(false);
    expect(existsSync(join(folder, `import-${imports - 1}`, 'ledger.sqlite.import'))).toBe(false);
  });

  test('a checkpoint that too few have signed is refused', async () => {
    const few = { ...manifest.checkpoint, cosignatures: manifest.checkpoint.cosignatures.slice(2) };
    const taken = importOf(manifestCodec.encode({ ...manifest, checkpoint: few }));
    chunks.forEach((chunk, i) => {
      taken.add(i, chunk);
    });
    await expect(taken.finish()).rejects.toMatchObject({ code: 'checkpoint/no-quorum' });
  });

  test('of another chain, or too large for the disk, it is refused before anything is fetched', () => {
    const other = { ...manifest, genesisId: manifest.header.stateRoot };
    expect(() => importOf(manifestCodec.encode(other))).toThrow(
      expect.objectContaining({ code: 'snapshot/other-chain' }),
    );
    const huge = { ...manifest, sizeBytes: 1n << 60n };
    expect(() => importOf(manifestCodec.encode(huge))).toThrow(
      expect.objectContaining({ code: 'snapshot/no-space' }),
    );
  });
});

function readBlock(height: bigint) {
  // Uncertified blocks are not served; the test certifies them on a copy of the ledger.
  const copy = new LedgerChain({ durable: false });
  try {
    let coin = copy.genesisCoin('alice');
    for (let block = 1; block <= 12; block++) {
      const payment = copy.pay('alice', coin, ['bob', 'carol', 'dave'][block % 3] as string, COIN);
      coin = { txid: payment.txid, index: 1, amount: payment.transaction.outputs[1]?.amount ?? 0n };
      copy.block([payment.bytes], { last: block === 4 || block === 8 });
      copy.certify();
    }
    const block = copy.ledger.block(height);
    if (block === null) throw new Error(`block ${height} is there`);
    return block;
  } finally {
    copy.close();
  }
}

function headerOf(height: bigint) {
  const row = chain.ledger.tip().header;
  return row.height === height ? row : expect.objectContaining({ height });
}
