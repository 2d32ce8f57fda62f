/**
 * What a gateway says that nobody has told which chain to follow.
 */
import { Problem } from 'fanal/api/problem.ts';
import { refusal, respond } from './answer.ts';

/** Answers every request while a setting is missing or wrong; the log says which. */
export function unconfigured(request: Request, error: unknown): Response {
  console.error('the gateway is not configured:', error instanceof Error ? error.message : error);
  const problem = new Problem('internal', { reason: 'gateway/not-configured' });
  const { method } = request;
  const asked = { method, ifNoneMatch: undefined, fixed: {}, rateLimit: null };
  return respond(refusal(problem), asked, Date.now(), true);
}
