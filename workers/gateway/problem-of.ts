/**
 * Any error as a problem. Only our own codes come out; everything unknown is `internal`.
 */
import { Problem } from 'fanal/api/problem.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof FanalError && /^(?:encoding|decode|address|tile)\//.test(error.code)) {
    return new Problem('invalid-request', { reason: error.code, cause: error });
  }
  return new Problem('internal', { cause: error });
}
