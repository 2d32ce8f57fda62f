import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { JournalClient } from 'fanal-node/runtime/journal-client.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const bytes32 = (fill: number) => new Uint8Array(32).fill(fill) as Bytes32;
const OWNER = { genesisId: bytes32(1), vertexKey: bytes32(2), checkpointKey: bytes32(3) };

let folder: string;
let failures: Error[];
let client: JournalClient;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-journal-client-'));
  mkdirSync(join(folder, 'keys'));
  failures = [];
  client = new JournalClient(
    {
      genesisId: OWNER.genesisId,
      path: join(folder, 'journal.sqlite'),
      signing: { path: join(folder, 'keys/sign-state.json'), owner: OWNER },
    },
    (error) => failures.push(error),
  );
  await client.call('beginSigning', []);
});
afterEach(() => rmSync(folder, { recursive: true }));

const guard = (round: number) => ({
  kind: 'guard' as const,
  guard: { epoch: 0, round, digest: bytes32(9) },
});

describe('the journal as the driver sees it', () => {
  test('calls back when what was written is on disk, in order', async () => {
    const order: number[] = [];
    client.write([guard(1)]);
    client.afterSync(() => order.push(1));
    client.write([guard(2)]);
    await new Promise<void>((resolve) => client.afterSync(resolve));
    expect(order).toEqual([1]);
    await client.close();
    expect(failures).toEqual([]);
  });

  test('lets nothing out after a failed write, and still closes', async () => {
    rmSync(join(folder, 'keys'), { recursive: true });
    const out: number[] = [];
    client.write([guard(1)]);
    client.afterSync(() => out.push(1));
    client.write([guard(2)]);
    client.afterSync(() => out.push(2));
    await client.close();
    expect(failures).toEqual([expect.objectContaining({ code: 'store/failed' })]);
    client.afterSync(() => out.push(3));
    expect(out).toEqual([]);
  });
});
