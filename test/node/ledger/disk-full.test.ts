import { afterEach, describe, expect, test } from 'vitest';
import { LedgerEngine } from '../../../node/ledger/engine.ts';
import { checkLedger } from '../../../node/ledger/fsck.ts';
import { orderOfInput } from '../../../node/ledger/work-order.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { COIN, LedgerChain } from '../../support/ledger-chain.ts';

let chain: LedgerChain;
afterEach(() => chain.close());

const coded = (code: string) => expect.objectContaining({ code });

describe('a disk that is full', () => {
  test('stops the ledger at once, with everything that it had acknowledged', async () => {
    chain = new LedgerChain();
    chain.ledger.close();
    const { path, genesis } = chain;
    const engine = new LedgerEngine({ path, genesis, verify: verifyNatively });
    const { client } = engine.tables.database;
    client.pragma(`max_page_count = ${Number(client.pragma('page_count', { simple: true })) + 12}`);
    const tip = () => engine.tip.height;
    const execute = () => {
      const height = tip() + 1n;
      const coin = height === 1n ? chain.genesisCoin('alice') : change;
      const payment = chain.pay('alice', coin, `payee ${height}`, COIN);
      const amount = payment.transaction.outputs[1]?.amount ?? 0n;
      change = { txid: payment.txid, index: 1, amount };
      const input = { ...nextInput(), transactions: [payment.bytes] };
      return engine.execute(orderOfInput(input));
    };
    let change = chain.genesisCoin('alice');
    const nextInput = () => ({
      epoch: 0,
      lastOfEpoch: false,
      height: tip() + 1n,
      time: engine.tip.header.time + 500n,
      commitIndex: tip() + 1n,
      commitDigest: chain.start.genesisId,
      consensusSnapshotHash: chain.start.genesisId,
      equivocations: [],
      rewards: [1, 1, 1, 1],
    });
    let acknowledged = 0n;
    const fill = () => {
      for (let block = 0; block < 500; block++) acknowledged = execute().height;
    };
    expect(fill).toThrow(coded('store/disk-full'));
    expect(acknowledged).toBeGreaterThan(0n);
    expect(() => engine.execute(orderOfInput({ ...nextInput(), transactions: [] }))).toThrow(
      coded('store/disk-full'),
    );
    engine.close();

    chain.ledger = chain.open();
    expect(chain.height).toBe(acknowledged);
    const verdict = await checkLedger({ path, genesis, verify: verifyNatively });
    expect(verdict.findings).toEqual([]);
    expect(chain.block().height).toBe(acknowledged + 1n);
  });
});
