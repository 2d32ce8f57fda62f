/**
 * A network moves to a protocol version that this release does not know.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { chainBytes, signedTransactionCodec, transactionSighash } from 'fanal/chain/transaction.ts';
import { NEWEST_VERSION } from 'fanal/chain/version.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { EMPTY_BYTES, toHex } from 'fanal/primitives/bytes.ts';
import { checkLedger } from 'fanal-node/ledger/fsck.ts';
import { verifyNatively } from 'fanal-node/runtime/native-verify.ts';
import { openDatabase } from 'fanal-node/store/database.ts';
import {
  addFollower,
  createLocalNetwork,
  type LocalAccount,
  type LocalNetwork,
  type LocalNode,
} from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signNatively } from '../support/native.ts';
import { submit } from '../support/payments.ts';

const UNKNOWN = NEWEST_VERSION + 1;
const folder = mkdtempSync(join(tmpdir(), 'fanal-upgrade-'));
let network: LocalNetwork;
let nodes: NodeProcess[] = [];

beforeAll(async () => {
  network = await createLocalNetwork({
    ...{ folder, validators: 2, accounts: 1, isOwner: true },
    params: { epochDurationMillis: 10_000n, trustingPeriodMillis: 600_000n },
  });
  const follower = await addFollower(network, 'follower');
  nodes = [...network.nodes, follower].map((node) => new NodeProcess(node));
  await Promise.all(nodes.map((node) => node.waitUntilReady(90_000)));
}, 120_000);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** What the owner of all validators says: that their software knows a version. */
function readiness(version: number): Uint8Array {
  const { seed, address } = network.accounts[0] as LocalAccount;
  const { genesisId, genesis } = network.chain;
  const [coin] = genesisState(genesis).addresses.map((entry) => entry.coin);
  const { txid, index, amount } = coin as NonNullable<typeof coin>;
  const transaction = {
    chain: chainBytes(genesisId),
    expiry: 60_000n,
    inputs: [{ txid, index }],
    outputs: [{ amount: amount - 10_000n, address }],
    actions: network.nodes.map(({ name: validator }) => ({
      ...{ kind: 'ready' as const, validator, version },
    })),
    note: EMPTY_BYTES,
  };
  const signature = signNatively(transactionSighash(transaction, genesisId), seed);
  const witness = { kind: 'key' as const, publicKey: publicKeyFromSeed(seed) as never, signature };
  return signedTransactionCodec.encode({ transaction, witnesses: [witness] });
}

function lastHeader({ home }: LocalNode) {
  const database = openDatabase({ path: home.ledger, kind: 'ledger', readOnly: true });
  try {
    const newest = 'SELECT header FROM block ORDER BY height DESC LIMIT 1';
    return headerCodec.decode(database.client.prepare(newest).pluck().get() as Uint8Array);
  } finally {
    database.close();
  }
}

test('every node signs the old version’s last block, then ends with a word of what to do', async () => {
  const answer = await submit(nodes[0]?.url as string, { bytes: readiness(UNKNOWN) });
  expect(answer, answer.body).toMatchObject({ status: 202 });
  const codes = await Promise.all(nodes.map(({ exited }) => exited));
  expect(codes).toEqual([6, 6, 6]);
  const heights = new Set<bigint>();
  for (const { node, log } of nodes) {
    const said = readFileSync(log, 'utf8');
    expect(said).toContain(`the network goes on with protocol version ${UNKNOWN}`);
    expect(said).toContain('Install a release that knows it');
    const header = lastHeader(node);
    expect(header.version).toBe(NEWEST_VERSION);
    expect(toHex(header.nextValidatorsHash)).toBe(toHex(network.chain.validators.hash));
    heights.add(header.height);
    const { findings, checkpoints } = await checkLedger({
      ...{ path: node.home.ledger, genesis: network.chain.genesis, verify: verifyNatively },
    });
    expect(findings).toEqual([]);
    expect(checkpoints).toBeGreaterThan(0);
  }
  expect(heights.size).toBe(1);
}, 150_000);

test('none of them starts again with the old release', async () => {
  const again = new NodeProcess(nodes[0]?.node as LocalNode);
  nodes.push(again);
  expect(await again.exited).toBe(6);
}, 60_000);
