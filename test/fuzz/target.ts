/**
 * What is fuzzed: an answer that some server could give, who judges it, and what is true.
 */

/** What came of one mutated answer. */
export type Outcome =
  /** Refused with a typed error. */
  | 'refused'
  /** Accepted, and what it proves is true. */
  | 'true'
  /** Accepted, and it says something that is not so. The bug that this program looks for. */
  | { readonly wrong: string };

/** One question with its valid answers. */
export interface Target<Answer = Uint8Array | string> {
  readonly name: string;
  readonly answers: readonly Answer[];
  /** Reads the bytes as fields for mutations that know the structure; texts have none. */
  readonly fields?: {
    decode(bytes: Uint8Array): unknown;
    encode(value: unknown): Uint8Array;
  };
  /** Judges an answer to question number `question`. Throws typed errors for what is refused. */
  judge(answer: Answer, question: number): Promise<Outcome> | Outcome;
}
