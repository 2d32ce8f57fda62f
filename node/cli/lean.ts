/**
 * Starts a node with the settings of V8 that can only be given before a process begins: it takes
 * the place of this one, under the same process id.
 *
 * V8 lets the space for new objects grow to 48 MiB and keeps it, and has other threads help with
 * clearing it, which costs more than it saves in so small a space. The space for old objects it lets
 * grow to four times of what is in use, but to less than twice where its limit is below 2 GiB
 * (docs/decisions/0007). Settings of the operator's own, on the command line or in `NODE_OPTIONS`,
 * come first.
 */

/** In MiB: one half of the space for new objects, and that for old ones; and who clears the first. */
const SETTINGS = ['--max-semi-space-size=8', '--no-parallel-scavenge', '--max-old-space-size=1900'];
/** Any of these of the operator's own: then all are. */
const OWN = /semi-space-size|old-space-size/;

/** Does not return where a node is to be started and the system can do it. */
export function becomeLean(words: readonly string[]): void {
  const { execArgv, execPath, execve, argv, env } = process;
  const given = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  if (!words.includes('start') || OWN.test(given)) return;
  // There is none on Windows.
  if (typeof execve !== 'function' || process.platform === 'win32') return;
  const script = argv[1];
  if (script === undefined) return;
  execve.call(process, execPath, [execPath, ...execArgv, ...SETTINGS, script, ...words], env);
}
