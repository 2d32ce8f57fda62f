/**
 * The loop: take a valid answer, spoil it, ask who judges, count.
 */
import { AssertionError } from 'fanal/primitives/assert.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { printed } from './answers.ts';
import { type Chance, chanceOf } from './chance.ts';
import { mutateBytes, mutateFields, mutateText } from './mutate.ts';
import type { Target } from './target.ts';

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
 * @param seed of the first mutation; mutation i has seed + i, so a finding can be made again alone
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
  let count = 0;
  while (!isDone(count)) {
    const target = targets[count % targets.length] as Target;
    const tally = tallies[count % targets.length] as Tally;
    const finding = await tryOnce(target, seed + count, tally);
    if (finding !== null) {
      tally.findings++;
      if (findings.length < KEPT) findings.push(finding);
    }
    count++;
    if (count % 1_000 === 0) onProgress(count);
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
  const started = performance.now();
  try {
    const outcome = await target.judge(answer, question);
    if (typeof outcome === 'object') return found('accepted', outcome.wrong);
    if (outcome === 'true') tally.unharmed++;
    else tally.refused++;
  } catch (error) {
    if (!(error instanceof FanalError)) return found('untyped', String((error as Error).stack));
    tally.refused++;
  }
  const millis = performance.now() - started;
  return millis > HANG_MILLIS ? found('hang', `${Math.round(millis)} ms`) : null;
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
