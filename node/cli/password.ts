/**
 * Asking for passwords: only on a terminal, never as an argument, never echoed.
 */
import { UsageError } from './exit.ts';

const MIN_LENGTH = 8;

/** Asks for the password of something that exists. */
export async function askPassword(what: string): Promise<string> {
  const { password, isCancel } = await prompts(what);
  const answer = await password({ message: what, output: process.stderr });
  if (isCancel(answer)) throw new UsageError('no password was given');
  return answer;
}

/** Asks for a new password, twice. */
export async function askNewPassword(what: string): Promise<string> {
  const { password, isCancel } = await prompts(what);
  const first = await password({
    message: what,
    output: process.stderr,
    validate: (value) =>
      (value ?? '').length < MIN_LENGTH ? `At least ${MIN_LENGTH} characters.` : undefined,
  });
  if (isCancel(first)) throw new UsageError('no password was given');
  const second = await password({ message: 'The same again', output: process.stderr });
  if (first !== second) throw new UsageError('the two passwords differ');
  return first;
}

async function prompts(what: string): Promise<typeof import('@clack/prompts')> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`${what}: there is no terminal to ask on`, 'Use --password-file.');
  }
  return import('@clack/prompts');
}
