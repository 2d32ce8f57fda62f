/**
 * A process that executes blocks and signs for them until it is killed, saying after each step what
 * is on disk: `executed 12`, `signed 12`.
 *
 *     node test/support/crash-child.ts FOLDER SEED
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { openLedger } from '../../node/ledger/sqlite-ledger.ts';
import { verifyNatively } from '../../node/runtime/native-verify.ts';
import { openJournal } from '../../node/store/journal.ts';
import { randomFrom } from '../bench/report.ts';
import { blockOf, paymentLoad } from './payment-load.ts';

export const CRASH_PAYMENTS = 20;
export const CRASH_PEOPLE = 50;

const [folder, seed] = process.argv.slice(2);
if (import.meta.main && folder !== undefined) run(folder, Number(seed));

function run(home: string, number: number): void {
  const load = paymentLoad(CRASH_PEOPLE, randomFrom(number));
  const ledger = openLedger({
    path: join(home, 'ledger.sqlite'),
    genesis: load.genesis,
    verify: verifyNatively,
  });
  const owner = { genesisId: id(1), vertexKey: id(2), checkpointKey: id(3) };
  const journal = openJournal({
    path: join(home, 'journal.sqlite'),
    hash: taggedHash,
    signing: { path: join(home, 'sign-state.json'), owner },
  });
  journal.beginSigning();
  // The payments of blocks that are in are drawn again, so that the stream goes on where it was.
  for (let height = 0n; height < ledger.tip().height; height++) load.next(CRASH_PAYMENTS);
  for (;;) {
    const { height, size, root } = ledger.execute(blockOf(ledger, load.next(CRASH_PAYMENTS)));
    say(`executed ${height}`);
    const round = Number(height);
    journal.write([{ kind: 'guard', guard: { epoch: 0, round, digest: root } }], 'sync');
    journal.write([{ kind: 'checkpointGuard', guard: { epoch: 0, size, root } }], 'sync');
    say(`signed ${height}`);
    if (height % 7n === 0n) ledger.prune();
  }
}

function id(fill: number): Bytes32 {
  return new Uint8Array(32).fill(fill) as Bytes32;
}

/** Straight to the pipe: what was said was said before the next write. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
