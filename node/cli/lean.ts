/**
 * Starts a node with the settings of V8 that can only be given before a process begins: it takes
 * the place of this one, under the same process id.
 *
 * V8 lets the space for new objects grow to 48 MiB and keeps it, and has other threads help with
 * clearing it, which costs more than it saves in so small a space (docs/decisions/0007). Settings
 * of the operator's own, on the command line or in `NODE_OPTIONS`, come first.
 */

/** One half of the space for new objects, in MiB; and who clears it. */
const SETTINGS = ['--max-semi-space-size=8', '--no-parallel-scavenge'];

/** Does not return where a node is to be started and the system can do it. */
export function becomeLean(words: readonly string[]): void {
  const { execArgv, execPath, execve, argv, env } = process;
  const given = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  if (!words.includes('start') || given.includes('semi-space-size')) return;
  // There is none on Windows.
  if (typeof execve !== 'function' || process.platform === 'win32') return;
  const script = argv[1];
  if (script === undefined) return;
  execve.call(process, execPath, [execPath, ...execArgv, ...SETTINGS, script, ...words], env);
}
