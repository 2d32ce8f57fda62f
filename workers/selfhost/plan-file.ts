/**
 * Plans of API keys in a file: one JSON object, each plan under the SHA-256 of its key in hex.
 */
import { readFileSync } from 'node:fs';
import { parseJson } from 'fanal/api/json.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';
import { type PlanTable, parsePlan } from '../gateway/quota.ts';

/**
 * Reads a plan file once; a change needs a restart.
 *
 * @throws {DecodeError} `config/plans`
 */
export function readPlans(path: string): PlanTable {
  const value = parseJson(new Uint8Array(readFileSync(path)));
  const plans = new Map<string, string>();
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw refuse('an object');
  for (const [keyHash, plan] of Object.entries(value)) {
    const text = JSON.stringify(plan);
    if (!/^[0-9a-f]{64}$/.test(keyHash) || parsePlan(text) === null) {
      throw refuse('a plan under the SHA-256 of each key');
    }
    plans.set(keyHash, text);
  }
  return { get: async (keyHash) => plans.get(keyHash) ?? null };
}

function refuse(expected: string): DecodeError {
  return new DecodeError('config/plans', `plan file: expected ${expected}`);
}
