import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLedger } from '../../../node/ledger/fsck.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { COIN, LedgerChain } from '../../support/ledger-chain.ts';

let chain: LedgerChain;
beforeEach(() => {
  chain = new LedgerChain({ durable: false, params: { epochReward: 10n * COIN } });
  let coin = chain.genesisCoin('alice');
  for (let block = 1; block <= 6; block++) {
    const payment = chain.pay('alice', coin, 'bob', COIN);
    coin = { txid: payment.txid, index: 1, amount: payment.transaction.outputs[1]?.amount ?? 0n };
    chain.block([payment.bytes], { last: block === 3, equivocators: block === 5 ? [0] : [] });
    chain.certify();
  }
});
afterEach(() => chain.close());

function check() {
  return checkLedger({ path: chain.path, genesis: chain.genesis, verify: verifyNatively });
}

/** Changes the database behind the ledger's back. */
function tamper(sql: string): void {
  const database = new Sqlite(chain.path);
  try {
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
  } finally {
    database.close();
  }
}

describe('fsck', () => {
  test('finds nothing in a sound ledger, and says what it saw', async () => {
    const verdict = await check();
    expect(verdict).toMatchObject({
      findings: [],
      headers: 7n,
      blocks: 6n,
      payments: 6n,
      checkpoints: 6,
      height: 6n,
      root: chain.ledger.tip().root,
    });
    expect(verdict.coins).toBe(chain.ledger.stats().coins);
    expect(verdict.addresses).toBe(chain.ledger.stats().addresses);
  });

  test.each([
    [
      'a richer address',
      "UPDATE address SET record = CAST(substr(record, 1, 7) || x'77' || substr(record, 9) AS BLOB) WHERE id = 1",
      'coins',
    ],
    ['a coin that is gone', "UPDATE address SET coins = x'' WHERE id = 1", 'coins'],
    ['a line of history', 'UPDATE history SET received = received + 1', 'history'],
    [
      'a transaction',
      "UPDATE payment SET bytes = CAST(substr(bytes, 1, 12) || x'7f' || substr(bytes, 14) AS BLOB)",
      'id',
    ],
    ['a leaf hash', 'UPDATE block SET leaves = zeroblob(32) WHERE height = 2', 'leaf hashes'],
    [
      'a header',
      'UPDATE block SET header = (SELECT header FROM block WHERE height = 3) WHERE height = 4',
      'block 4',
    ],
    ['the log', 'UPDATE log_hash SET hash = zeroblob(32) WHERE level = 0 AND "index" = 2', 'log'],
    ['a count', "UPDATE meta SET value = zeroblob(48) WHERE name = 'counts'", 'counts'],
    [
      'a signature',
      "UPDATE checkpoint SET bytes = CAST(substr(bytes, 1, 60) || x'00000000' || substr(bytes, 65) AS BLOB) WHERE size = 4",
      'checkpoint 4',
    ],
  ])('notices %s', async (_, sql, where) => {
    tamper(sql);
    const { findings } = await check();
    expect(findings.join('\n')).toContain(where);
  });
});
