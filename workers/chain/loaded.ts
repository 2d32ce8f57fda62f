/**
 * What was loaded, or why not, as plain data: errors lose their kind on the way between isolates.
 */
import { Problem } from 'fanal/api/problem.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Loaded, Refusal } from '../gateway/ports.ts';
import { problemOf } from '../gateway/problem-of.ts';

/** Runs a load and puts its outcome into plain data. Faults of our own are reported. */
export async function toLoaded(
  load: () => Promise<Bytes>,
  onError: (error: unknown) => void,
): Promise<Loaded> {
  try {
    return { ok: true, bytes: await load(), from: 'nodes' };
  } catch (error) {
    const problem = problemOf(error);
    if (problem.problem === 'internal') onError(error);
    return { ok: false, problem: toRefusal(problem) };
  }
}

/** @throws {Problem} what was refused */
export function fromLoaded(loaded: Loaded): Bytes {
  if (loaded.ok) return loaded.bytes;
  throw fromRefusal(loaded.problem);
}

export function toRefusal({ problem, reason, retryAfterSeconds }: Problem): Refusal {
  return { code: problem, reason, retryAfterSeconds };
}

export function fromRefusal({ code, reason, retryAfterSeconds }: Refusal): Problem {
  return new Problem(code, {
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
