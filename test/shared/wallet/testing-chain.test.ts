import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headerCodec } from 'fanal/chain/header.ts';
import { toHex, utf8, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { TestAnswers } from 'fanal/testing';
import { accountFromKeys, createWallet } from 'fanal/wallet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../node/ledger/sqlite-ledger.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { alice, aliceAddress, bob, bobAddress, coins, world } from '../../support/wallet-world.ts';

describe('the chain for tests', () => {
  it('is what a real ledger makes of the same blocks, and answers like it, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.record({ fromBob: fc.boolean(), amount: fc.integer({ min: 1, max: 90 }) }), {
            maxLength: 2,
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (blocks) => {
          const w = world({
            balances: [
              { address: aliceAddress, amount: coins(1_000) },
              { address: bobAddress, amount: coins(1_000) },
            ],
          });
          const folder = mkdtempSync(join(tmpdir(), 'fanal-same-'));
          const ledger = openLedger({
            path: join(folder, 'ledger.sqlite'),
            genesis: w.chain.genesis,
            verify: verifyNatively,
            durable: false,
          });
          const wallets = [alice, bob].map((key) =>
            createWallet({ client: w.client, account: accountFromKeys([key], 'dfan') }),
          );
          const catchUp = () => {
            const block = w.chain.tip;
            const { height, time, epoch } = block.header;
            ledger.execute({
              ...{ height, time, epoch, transactions: block.transactions, equivocations: [] },
              lastOfEpoch: false,
              commitIndex: height,
              commitDigest: sha256(utf8(`commit ${height}`)),
              consensusSnapshotHash: ZERO_32,
              rewards: w.chain.validators.map(() => 0),
            });
            const { size, root, cosignatures } = block.checkpoint;
            ledger.certified({
              ...{ epoch, size, root },
              cosignatures: cosignatures.map(({ validator, time: signed, signature }) => ({
                author: validator,
                cosignature: { size, root, time: signed, signature },
              })),
            });
          };
          catchUp();
          for (const payments of blocks) {
            for (const { fromBob, amount } of payments) {
              const wallet = wallets[fromBob ? 1 : 0];
              await wallet?.sync();
              const to = [{ address: fromBob ? aliceAddress : bobAddress, amount: coins(amount) }];
              const draft = await wallet?.build({ to }).catch(() => undefined);
              if (draft !== undefined) await wallet?.send(draft);
            }
            w.block();
            catchUp();
          }
          const answers = new TestAnswers(w.chain);
          const same = (a: Uint8Array | null, b: Uint8Array | null) =>
            expect(a && toHex(a)).toBe(b && toHex(b));
          same(headerCodec.encode(ledger.tip().header), headerCodec.encode(w.chain.tip.header));
          same(ledger.update(1n), answers.update(1n));
          for (const address of [aliceAddress, bobAddress]) {
            same(ledger.addressProof(address), answers.addressProof(address));
            same(ledger.coins(address, { limit: 2 }), answers.coins(address, 2, null));
            same(ledger.history(address, { first: 0n, limit: 3 }), answers.history(address, 0n, 3));
          }
          for (const block of w.chain.blocks) {
            for (const txid of block.txids) {
              same(ledger.transactionProof(txid), answers.transactionProof(txid));
            }
          }
          ledger.close();
          rmSync(folder, { recursive: true, force: true });
        },
      ),
      { numRuns: 8 },
    );
  });
});
