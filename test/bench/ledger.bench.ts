/**
 * The ledger on disk: blocks executed, the state map with every leaf on disk, snapshots, and the
 * start of a node. Every commit waits for the disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { CertifiedCheckpoint } from '../../node/core/types.ts';
import type { Ledger } from '../../node/ledger/ledger.ts';
import { nativeMapHasher, nativeSha256 } from '../../node/ledger/native-hash.ts';
import { exportSnapshot } from '../../node/ledger/snapshot-export.ts';
import { beginImport } from '../../node/ledger/snapshot-import.ts';
import { openLedger } from '../../node/ledger/sqlite-ledger.ts';
import { StateTree } from '../../node/ledger/state-tree.ts';
import { verifyNatively } from '../../node/runtime/native-verify.ts';
import { listSnapshots, readChunk } from '../../node/store/snapshot-files.ts';
import { blockOf, cosign, paymentLoad } from '../support/payment-load.ts';
import { type Benchmark, type Report, randomFrom } from './report.ts';

const PEOPLE = 20_000;
const BLOCK = 1_000;
const LEAVES = 1_000_000;
const CHANGES = 10_000;

export const run: Benchmark = async (report) => {
  const folder = mkdtempSync(join(tmpdir(), 'fanal-bench-'));
  try {
    await executeBlocks(report, folder);
    await commitMap(report, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

async function executeBlocks(report: Report, folder: string): Promise<void> {
  const load = paymentLoad(PEOPLE, randomFrom(report.seed));
  const path = join(folder, 'ledger.sqlite');
  const open = () => openLedger({ path, genesis: load.genesis, verify: verifyNatively });
  let ledger = open();
  // Signing is not what is measured: the blocks are made beforehand.
  const blocks = Array.from({ length: 40 }, () => load.next(BLOCK));
  const execute = (verified: number) => {
    const transactions = blocks.shift() as Bytes[];
    const flags = new Uint8Array(BLOCK).fill(verified);
    const { outcomes } = ledger.execute(blockOf(ledger, transactions), flags);
    return outcomes.filter(({ kind }) => kind === 'included').length;
  };
  await report.compare(`blocks of ${BLOCK} payments, ${PEOPLE} addresses, synchronous=FULL`, [
    { name: 'signatures checked at admission', run: () => execute(1) },
    { name: 'signatures checked here, one thread', run: () => execute(0) },
  ]);
  const { databaseBytes, stateTreeBytes, coins } = ledger.stats();
  report.figures('size', 'MB', {
    [`database with ${coins} coins`]: databaseBytes / 1e6,
    'state in memory': stateTreeBytes / 1e6,
  });
  ledger.close();
  const starts = Array.from({ length: 3 }, () => {
    const start = performance.now();
    ledger = open();
    const millis = performance.now() - start;
    ledger.close();
    return millis;
  });
  report.samples('start', 'ms', { [`${PEOPLE} addresses`]: starts });
  ledger = open();
  certify(ledger);
  await snapshot(report, folder, load.genesis, path);
  ledger.close();
}

function certify(ledger: Ledger): void {
  const { epoch, validators } = ledger.epoch();
  const { origin } = ledger.info();
  const { size, root } = ledger.tip();
  const cosignatures = validators.validators.map(({ name }, author) => ({
    author,
    cosignature: cosign(name, { origin, size, root }, 1_700_000_000n),
  }));
  ledger.certified({ epoch, size, root, cosignatures } satisfies CertifiedCheckpoint);
}

async function snapshot(
  report: Report,
  folder: string,
  genesis: Parameters<typeof beginImport>[0]['genesis'],
  ledgerPath: string,
): Promise<void> {
  const root = join(folder, 'snapshots');
  const start = performance.now();
  for (const _ of exportSnapshot({ ledgerPath, root, keep: 1 }));
  const exported = (performance.now() - start) / 1_000;
  const [stored] = listSnapshots(root);
  if (stored === undefined) throw new Error('the snapshot is there');
  const { manifest, manifestBytes, folder: from } = stored;
  const seconds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const into = join(folder, `import-${round}`);
    const begin = performance.now();
    const taken = beginImport({
      ...{ genesis, manifest: manifestBytes, root: into },
      ledgerPath: join(into, 'ledger.sqlite'),
      verify: verifyNatively,
    });
    for (const index of taken.missing()) taken.add(index, readChunk(from, index) as Bytes);
    await taken.finish();
    seconds.push((performance.now() - begin) / 1_000);
  }
  const rows = Number(manifest.addresses + manifest.coins);
  const bytes = Number(manifest.sizeBytes);
  report.figures('snapshot', 'MB', { size: bytes / 1e6 });
  report.samples('snapshot rows (addresses and coins), every one checked', '/s', {
    import: seconds.map((each) => rows / each),
    export: [rows / exported],
  });
}

/** The state map as a block changes it: in memory, and with its leaves on disk. */
async function commitMap(report: Report, folder: string): Promise<void> {
  const random = randomFrom(report.seed);
  const keyOf = (n: number): Bytes32 => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, n);
    return nativeSha256(bytes);
  };
  const keys = Array.from({ length: LEAVES }, (_, n) => keyOf(n));
  const tree = new StateTree(
    0n,
    keys.map((key) => ({ key, valueHash: key })),
    nativeMapHasher,
  );
  const database = new Sqlite(join(folder, 'leaves.sqlite'));
  database.pragma('journal_mode = wal');
  database.pragma('synchronous = full');
  database.exec('CREATE TABLE leaf (id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT');
  const insert = database.prepare('INSERT INTO leaf (id, value) VALUES (?, ?)');
  database.transaction(() => {
    keys.forEach((key, id) => {
      insert.run(id, key);
    });
  })();
  const update = database.prepare('UPDATE leaf SET value = ? WHERE id = ?');
  let height = 0n;
  const change = (isDurable: boolean): number => {
    height += 1n;
    const ids = Array.from({ length: CHANGES }, () => Math.floor(random() * LEAVES));
    const value = keyOf(Number(height));
    tree.append(
      height,
      ids.map((id) => ({ key: keys[id] as Bytes32, valueHash: value })),
    );
    tree.forgetBelow(height - 2n);
    if (isDurable) {
      database.transaction(() => {
        for (const id of ids) update.run(value, id);
      })();
    }
    return CHANGES;
  };
  await report.compare(
    `map updates, ${LEAVES / 1e6} M leaves, ${CHANGES} a batch`,
    [
      { name: 'with the durable commit of the leaves', run: () => change(true) },
      { name: 'in memory', run: () => change(false) },
    ],
    { goal: { atLeast: 20_000 } },
  );
  report.figures('memory', 'bytes a leaf', { 'state map': tree.sizeBytes / LEAVES });
  database.close();
}
