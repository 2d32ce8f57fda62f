import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { genesisToText } from 'fanal/chain/genesis-file.ts';
import { nativeTaggedHash } from 'fanal-node/ledger/native-hash.ts';
import { type Home, homePaths, makeFolder } from 'fanal-node/runtime/home.ts';
import { type Journal, openJournal } from 'fanal-node/store/journal.ts';
import { lockFolder } from 'fanal-node/store/lock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LedgerChain } from '../../support/ledger-chain.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;

let chain: LedgerChain;
let home: Home;
beforeEach(() => {
  chain = new LedgerChain();
  home = homePaths(mkdtempSync(join(tmpdir(), 'fanal-repair-')));
  chain.block();
  chain.block();
  chain.certify();
  chain.block();
  chain.block();
  chain.block();
  chain.ledger.close();
  makeFolder(home.data);
  writeFileSync(home.genesis, genesisToText(chain.genesis));
  cpSync(chain.path, home.ledger);
  const journal = journalOf();
  journal.write([{ kind: 'divergence', info: 'size 4: another root' }], 'sync');
  journal.close();
});
afterEach(() => {
  chain.reopen();
  chain.close();
  rmSync(home.root, { recursive: true });
});

function journalOf(): Journal {
  return openJournal({ path: home.journal, hash: nativeTaggedHash, signing: null });
}

function repair() {
  const args = [MAIN, 'repair', '--json', '--home', home.root];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stderr, found: stdout === '' ? null : JSON.parse(stdout) };
}

describe('fanal repair', () => {
  test('takes back what nobody certified, and the marker with it; again it finds nothing to do', () => {
    expect(repair()).toMatchObject({
      status: 0,
      found: {
        schema: 'fanal.repair/1',
        divergence: 'size 4: another root',
        from: '5',
        to: '2',
      },
    });
    const journal = journalOf();
    expect(journal.divergence()).toBeNull();
    journal.close();
    const ledger = chain.open(home.ledger);
    expect(ledger.tip().height).toBe(2n);
    expect(ledger.certifiedTip().height).toBe(2n);
    ledger.close();
    expect(repair()).toMatchObject({ status: 0, found: { divergence: null, from: '2', to: '2' } });
  });

  test('leaves a node alone that runs, and says who has the folder', () => {
    const lock = lockFolder(home.root, 'pid 4711, for this test');
    const { status, stderr } = repair();
    lock.release();
    expect(status).toBe(9);
    expect(stderr).toMatch(/pid 4711, for this test/);
  });

  test('says so where there is no ledger', () => {
    rmSync(home.ledger);
    expect(repair()).toMatchObject({ status: 7, stderr: expect.stringMatching(/no ledger in/) });
  });
});
