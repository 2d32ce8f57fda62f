/**
 * strace as a saboteur: one system call of a running process fails, or kills it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** Why strace cannot be used here, or null. */
export function straceMissing(): string | null {
  const tried = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true'], { stdio: 'pipe' });
  if (tried.error !== undefined) return 'strace is not installed';
  if (tried.status === 0) return null;
  return `strace may not trace here: ${tried.stderr.toString().trim().split('\n')[0]}`;
}

/**
 * Has calls of a process fail or kill it.
 *
 * @param fault as strace says it: `error=EIO:when=5`, `signal=KILL:when=9`
 */
export function sabotage(pid: number, call: string, fault: string): ChildProcess {
  return spawn(
    'strace',
    ['-f', '-qq', '-o', '/dev/null', '-p', `${pid}`]
      .concat('-e', `trace=${call}`)
      .concat('-e', `inject=${call}:${fault}`),
    { stdio: 'ignore' },
  );
}
