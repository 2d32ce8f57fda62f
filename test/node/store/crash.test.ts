/**
 * A process that is killed without warning at a random moment, again and again: what it said was on
 * disk is on disk.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLedger } from '../../../node/ledger/fsck.ts';
import { openLedger } from '../../../node/ledger/sqlite-ledger.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { openJournal } from '../../../node/store/journal.ts';
import { randomFrom } from '../../bench/report.ts';
import { CRASH_PAYMENTS, CRASH_PEOPLE } from '../../support/crash-child.ts';
import { blockOf, paymentLoad } from '../../support/payment-load.ts';

const KILLS = 4;
const SEED = 11;
const CHILD = fileURLToPath(new URL('../../support/crash-child.ts', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-crash-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the child, kills it some moments after its first word, and returns what it last said. */
async function runAndKill(millis: number): Promise<{ executed: bigint; signed: bigint }> {
  const child = spawn(process.execPath, [CHILD, folder, String(SEED)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (bytes) => {
    said += bytes;
  });
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, millis));
  child.kill('SIGKILL');
  await once(child, 'close');
  const last = (word: string) => {
    const lines = said.split('\n').filter((line) => line.startsWith(word));
    return BigInt(lines.at(-1)?.split(' ')[1] ?? 0);
  };
  return { executed: last('executed'), signed: last('signed') };
}

const id = (fill: number) => new Uint8Array(32).fill(fill) as Bytes32;
const OWNER = { genesisId: id(1), vertexKey: id(2), checkpointKey: id(3) };

function readGuards() {
  const journal = openJournal({
    path: join(folder, 'journal.sqlite'),
    hash: taggedHash,
    signing: { path: join(folder, 'sign-state.json'), owner: OWNER },
  });
  try {
    return journal.load({
      epoch: {
        epoch: 0,
        genesisId: id(1),
        origin: 'example.org/test/0000000000000000',
        startHeight: 0n,
        startBlockId: id(1),
        startTime: 0n,
        members: [],
        params: {} as never,
      },
      author: 0,
      executed: { height: 0n, time: 0n, commitIndex: 0n, root: id(0), next: null },
      certifiedSize: 1n,
    }).signing;
  } finally {
    journal.close();
  }
}

describe('kill -9 at any moment', () => {
  test('loses no block and no guard that was said to be on disk', async () => {
    const random = randomFrom(SEED);
    const load = paymentLoad(CRASH_PEOPLE, randomFrom(SEED));
    let least = 0n;
    for (let kill = 0; kill < KILLS; kill++) {
      const { executed, signed } = await runAndKill(random() * 150);
      expect(executed).toBeGreaterThanOrEqual(least);
      least = executed;
      const { guard, checkpointGuard, amnesia } = readGuards();
      expect(amnesia).toBeNull();
      // Written is at least what was said, and nothing that was not executed.
      expect(BigInt(guard?.round ?? -1)).toBeGreaterThanOrEqual(signed);
      expect(checkpointGuard.size).toBeGreaterThanOrEqual(signed === 0n ? 0n : signed + 1n);
      expect(BigInt(guard?.round ?? -1)).toBeLessThanOrEqual(executed + 1n);
      const path = join(folder, 'ledger.sqlite');
      const verdict = await checkLedger({ path, genesis: load.genesis, verify: verifyNatively });
      expect(verdict.findings).toEqual([]);
      expect(verdict.height).toBeGreaterThanOrEqual(executed);
    }
    // A ledger that never crashed and had the same blocks has the same header.
    const path = join(folder, 'ledger.sqlite');
    const survivor = openLedger({ path, genesis: load.genesis, verify: verifyNatively });
    const shadow = openLedger({
      path: join(folder, 'shadow.sqlite'),
      genesis: load.genesis,
      verify: verifyNatively,
      durable: false,
    });
    try {
      while (shadow.tip().height < survivor.tip().height) {
        shadow.execute(blockOf(shadow, load.next(CRASH_PAYMENTS)));
      }
      expect(survivor.tip()).toEqual(shadow.tip());
      expect(survivor.tip().height).toBeGreaterThanOrEqual(BigInt(KILLS));
    } finally {
      survivor.close();
      shadow.close();
    }
  });
});
