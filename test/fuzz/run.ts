/**
 * The loop: take a valid answer, spoil it, ask who judges, count.
 */
import { AssertionError } from 'fanal/primitives/assert.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { printed } from './answers.ts';
import { type Chance, chanceOf } from './chance.ts';
import { mutateBytes, mutateFields, mutateText } from './mutate.ts';
import type { Outcome, Target } from './target.ts';

/** A judgement that takes longer than this counts as a hang. */
const HANG_MILLIS = 1_000;
/** How many findings a report keeps in full. */
const KEPT = 20;

export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly kind: 'accepted' | 'untyped' | 'hang';
  readonly message: string;
  readonly question: number;
  /** Hex, or JSON text. */
  readonly answer: string;
}

export interface Tally {
  readonly target: string;
  mutations: number;
  refused: number;
  /** Accepted, and still true: the change did not matter. */
  unharmed: number;
  findings: number;
}

export interface FuzzReport {
  readonly tallies: readonly Tally[];
  readonly findings: readonly Finding[];
}

/**
 * Fuzzes targets in turn until `isDone`.
 *
 * @param seed of the first turn; turn i has seed + i, so a finding can be made again alone
 */
export async function fuzz(
  targets: readonly Target[],
  seed: number,
  isDone: (mutations: number) => boolean,
  onProgress: (mutations: number) => void = () => {},
): Promise<FuzzReport> {
  const tallies = targets.map(
    ({ name }): Tally => ({ target: name, mutations: 0, refused: 0, unharmed: 0, findings: 0 }),
  );
  const findings: Finding[] = [];
  let made = 0;
  for (let turn = 0; !isDone(made); turn++) {
    const target = targets[turn % targets.length] as Target;
    const tally = tallies[turn % targets.length] as Tally;
    const before = tally.mutations;
    const finding = await tryOnce(target, seed + turn, tally);
    if (finding !== null) {
      tally.findings++;
      if (findings.length < KEPT) findings.push(finding);
    }
    // A turn makes none when its fields came out as no encoder writes them.
    made += tally.mutations - before;
    if (turn % 1_000 === 0) onProgress(made);
  }
  return { tallies, findings };
}

/** One mutation by its own seed. */
export async function tryOnce(target: Target, seed: number, tally: Tally): Promise<Finding | null> {
  const chance = chanceOf(seed);
  const question = chance.below(target.answers.length);
  const answer = spoil(chance, target, question);
  if (answer === null) return null;
  tally.mutations++;
  const found = (kind: Finding['kind'], message: string): Finding => {
    return { target: target.name, seed, kind, message, question, answer: printed(answer) };
  };
  const { outcome, millis } = await timed(target, answer, question);
  if (outcome instanceof Error) return found('untyped', String(outcome.stack));
  if (typeof outcome === 'object') return found('accepted', outcome.wrong);
  if (outcome === 'true') tally.unharmed++;
  else tally.refused++;
  if (millis <= HANG_MILLIS) return null;
  // Slow twice, or the machine was busy with something else.
  const again = await timed(target, answer, question);
  const least = Math.min(millis, again.millis);
  return least > HANG_MILLIS ? found('hang', `${Math.round(least)} ms`) : null;
}

/** Judges once: an outcome, or an error that has no type of ours. */
async function timed(
  target: Target,
  answer: Uint8Array | string,
  question: number,
): Promise<{ readonly outcome: Outcome | Error; readonly millis: number }> {
  const started = performance.now();
  let outcome: Outcome | Error;
  try {
    outcome = await target.judge(answer, question);
  } catch (error) {
    outcome = error instanceof FanalError ? 'refused' : asError(error);
  }
  return { outcome, millis: performance.now() - started };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
}

/** A mutated answer; null when fields came out that no encoder writes. */
function spoil(chance: Chance, target: Target, question: number): Uint8Array | string | null {
  const valid = target.answers[question] as Uint8Array | string;
  if (typeof valid === 'string') {
    return mutateText(chance, valid, target.answers as readonly string[]);
  }
  const others = target.answers as readonly Uint8Array[];
  if (target.fields === undefined || chance.below(2) === 0) {
    return mutateBytes(chance, valid, others);
  }
  const fields = target.fields.decode(valid);
  mutateFields(chance, fields, target.fields.decode(chance.pick(others)));
  try {
    return target.fields.encode(fields);
  } catch (error) {
    if (error instanceof AssertionError || error instanceof TypeError) return null;
    throw error;
  }
}
