/**
 * `fanal repair`: after a divergence, with a fixed program.
 */
import type { Command } from 'commander';
import type { Action } from './program.ts';

export function registerRepair(program: Command, action: Action): void {
  program
    .command('repair')
    .description('after a divergence: take back what nobody certified, to execute it anew')
    .action(
      action(async ({ home, output }) => {
        const { repairNode } = await import('../operate/repair.ts');
        const { homePaths } = await import('../runtime/home.ts');
        const { divergence, from, to } = repairNode(homePaths(home));
        const takenBack = from - to;
        output.object('fanal.repair/1', { divergence, from, to }, [
          ['divergence', divergence ?? 'none was marked'],
          ['blocks taken back', takenBack === 0n ? 'none' : `${takenBack}, ${to + 1n} to ${from}`],
          ['height', to],
        ]);
      }),
    );
}
