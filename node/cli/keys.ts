/**
 * `fanal keys`: the wallets of this folder, each a set of words in a keystore.
 */
import type { Command } from 'commander';
import type { Action } from './program.ts';

export function registerKeys(program: Command, _action: Action): void {
  program.command('keys').description('wallet keys: make, import, list, show');
}
