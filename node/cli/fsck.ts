/**
 * `fanal fsck`: whether everything that a node has stored is whole, row by row.
 */
import type { Command } from 'commander';
import { toHex } from 'fanal/primitives/bytes.ts';
import { EXIT, NotFoundError } from './exit.ts';
import type { Action } from './program.ts';

export function registerFsck(program: Command, action: Action): void {
  program
    .command('fsck')
    .description('check every row of this folder’s ledger and journal; the node may run')
    .action(
      action(async (context) => {
        const { existsSync } = await import('node:fs');
        const { checkLedger } = await import('../ledger/fsck.ts');
        const { nativeTaggedHash } = await import('../ledger/native-hash.ts');
        const { readChain } = await import('../runtime/chain-files.ts');
        const { homePaths } = await import('../runtime/home.ts');
        const { verifyNatively } = await import('../runtime/native-verify.ts');
        const { checkJournal } = await import('../store/journal-check.ts');
        const { output } = context;
        const home = homePaths(context.home);
        const { genesis } = readChain(home.genesis);
        if (!existsSync(home.ledger)) throw new NotFoundError(`there is no ledger in ${home.data}`);
        const ledger = await checkLedger({
          ...{ path: home.ledger, genesis, verify: verifyNatively },
          onProgress: (step, done) => output.status(`${step}: ${done}`),
        });
        output.status('');
        const journal = existsSync(home.journal)
          ? checkJournal(home.journal, nativeTaggedHash)
          : null;
        const findings = [
          ...ledger.findings.map((text) => `ledger: ${text}`),
          ...(journal?.findings ?? []).map((text) => `journal: ${text}`),
        ];
        const { root, findings: _, ...counts } = ledger;
        const found = {
          ...{ whole: findings.length === 0, root: toHex(root), ...counts },
          ...{ vertices: journal?.vertices ?? 0n, commits: journal?.commits ?? 0n, findings },
        };
        output.object('fanal.fsck/1', found, [
          ['verdict', findings.length === 0 ? 'whole' : `${findings.length} things are wrong`],
          ...findings.map((text) => ['wrong', text] as const),
          ['height', counts.height],
          ['root of the log', toHex(root)],
          ['blocks, payments', `${counts.blocks}, ${counts.payments}`],
          ['addresses, coins', `${counts.addresses}, ${counts.coins}`],
          ['checkpoints', counts.checkpoints],
          ['vertices, commits', journal && `${journal.vertices}, ${journal.commits}`],
        ]);
        return findings.length === 0 ? EXIT.ok : EXIT.checksNotMet;
      }),
    );
}
