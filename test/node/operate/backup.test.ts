import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { ZERO_32 } from 'fanal/primitives/bytes.ts';
import { openLedger } from 'fanal-node/ledger/sqlite-ledger.ts';
import {
  createBackup,
  listBackups,
  restoreBackup,
  verifyBackup,
} from 'fanal-node/operate/backup.ts';
import {
  bytesOf,
  createSnapshot,
  findSnapshot,
  restoreSnapshot,
  verifySnapshot,
} from 'fanal-node/operate/snapshots.ts';
import { type Home, homePaths } from 'fanal-node/runtime/home.ts';
import { nativeSigner } from 'fanal-node/runtime/native-crypto.ts';
import { verifyNatively } from 'fanal-node/runtime/native-verify.ts';
import { readSeeds } from 'fanal-node/runtime/validator-keys.ts';
import { readSignState, type SignState, writeSignState } from 'fanal-node/store/sign-state.ts';
import { createLocalNetwork, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockOf } from '../../support/payment-load.ts';
import { Payer } from '../../support/payments.ts';

let network: LocalNetwork;
let home: Home;
const folder = mkdtempSync(join(tmpdir(), 'fanal-backup-'));

/** A validator's folder with a few certified blocks in its ledger. */
beforeAll(async () => {
  network = await createLocalNetwork({ folder: join(folder, 'net'), validators: 4, accounts: 2 });
  home = (network.nodes[0] as (typeof network.nodes)[number]).home;
  const { genesis, origin, validators } = network.chain;
  const ledger = openLedger({ path: home.ledger, genesis, verify: verifyNatively });
  const [payer, other] = network.accounts.map((account) => new Payer(network, account));
  const coin = (payer as Payer).coins[0] as Payer['coins'][number];
  const payment = (payer as Payer).pay(coin, (other as Payer).address, 1_000_000n);
  ledger.execute(blockOf(ledger, [payment.bytes]));
  ledger.execute(blockOf(ledger, []));
  const { size, root, header } = ledger.tip();
  const time = header.time / 1_000n;
  const password = readFileSync(join(network.folder, 'password'), 'utf8').trim();
  const cosignatures = await Promise.all(
    validators.validators.map(async ({ name }, author) => {
      const node = network.nodes.find((one) => one.name === name) as LocalNetwork['nodes'][number];
      const { checkpoint } = await readSeeds(node.home.keystore, password);
      const message = cosignatureMessage({ origin, size, root }, time);
      const signature = nativeSigner(checkpoint)(message);
      return { author, cosignature: { size, root, time, signature } };
    }),
  );
  ledger.certified({ epoch: 0, size, root, cosignatures });
  ledger.close();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ownerOf() {
  const { vertexKey, checkpointKey } = network.chain.validators.validators.find(
    ({ name }) => name === 'val-1',
  ) as (typeof network.chain.validators.validators)[number];
  return { genesisId: network.chain.genesisId, vertexKey, checkpointKey };
}

const signedUpTo = (round: number): SignState => ({
  vertex: { epoch: 0, round, digest: ZERO_32 },
  checkpoint: { epoch: 0, size: BigInt(round), root: ZERO_32 },
});

describe('a snapshot', () => {
  test('is verified by restoring it, and restores a lost ledger', async () => {
    const { manifest } = await createSnapshot(home);
    const stored = findSnapshot(home.snapshots, null);
    const found = await verifySnapshot(network.chain.genesis, bytesOf(stored), home.data);
    expect(found.height).toBe(2n);
    expect(found.stateRoot).toEqual(manifest.header.stateRoot);
    const lost = homePaths(join(folder, 'lost'));
    cpSync(home.root, lost.root, { recursive: true });
    await expect(restoreSnapshot(lost, bytesOf(stored))).rejects.toThrow(/is there already/);
    for (const name of readdirSync(lost.data)) {
      if (name.startsWith('ledger')) rmSync(join(lost.data, name));
    }
    expect((await restoreSnapshot(lost, bytesOf(stored))).height).toBe(2n);
  });

  test('with a damaged chunk is refused', async () => {
    const stored = findSnapshot(home.snapshots, null);
    const honest = bytesOf(stored);
    const damaged = {
      manifest: honest.manifest,
      chunk: (index: number) => honest.chunk(index)?.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    };
    await expect(
      verifySnapshot(network.chain.genesis, damaged as typeof honest, home.data),
    ).rejects.toThrow(/chunk 0 is damaged/);
    expect(readdirSync(home.data).filter((name) => name.startsWith('.verify'))).toEqual([]);
  });
});

describe('a backup', () => {
  const target = join(folder, 'backups');

  test('brings an empty folder back, with keys, data and sign state', async () => {
    writeSignState(home.signState, ownerOf(), signedUpTo(7));
    const { folder: made, note } = await createBackup(home, target);
    expect(listBackups(target)).toEqual([made]);
    expect((await verifyBackup(made)).height).toBe(BigInt(note.height));
    const fresh = homePaths(join(folder, 'fresh'));
    const restored = await restoreBackup(made, fresh);
    expect(restored.snapshot?.height).toBe(2n);
    expect(readFileSync(fresh.keystore)).toEqual(readFileSync(home.keystore));
    expect(existsSync(fresh.signingMark)).toBe(true);
    expect(readSignState(fresh.signState, ownerOf())).toEqual(signedUpTo(7));
  });

  test('never moves a sign state back, and moves an older one forward', async () => {
    const made = listBackups(target)[0] as string;
    const fresh = homePaths(join(folder, 'fresh'));
    writeSignState(fresh.signState, ownerOf(), signedUpTo(9));
    expect((await restoreBackup(made, fresh)).signState).toEqual(signedUpTo(9));
    expect(readSignState(fresh.signState, ownerOf())).toEqual(signedUpTo(9));
    writeSignState(fresh.signState, ownerOf(), signedUpTo(3));
    await restoreBackup(made, fresh);
    expect(readSignState(fresh.signState, ownerOf())).toEqual(signedUpTo(7));
  });

  test('is not put into the folder of another validator', async () => {
    const made = listBackups(target)[0] as string;
    const other = (network.nodes[1] as (typeof network.nodes)[number]).home;
    const before = readFileSync(other.keystore);
    await expect(restoreBackup(made, other)).rejects.toThrow(/is not the validator/);
    expect(readFileSync(other.keystore)).toEqual(before);
  });

  test('with one byte changed is refused by name', async () => {
    const made = listBackups(target)[0] as string;
    const copy = join(folder, 'damaged');
    cpSync(made, copy, { recursive: true });
    const path = join(copy, '00000.chunk.zst');
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(path, bytes);
    await expect(verifyBackup(copy)).rejects.toThrow(/00000\.chunk/);
    await expect(restoreBackup(copy, homePaths(join(folder, 'nowhere')))).rejects.toThrow();
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });
});
