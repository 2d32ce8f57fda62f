/**
 * The causal history of a vertex, round by round, as sets of authors.
 *
 * Rounds are unions of the ancestors' words, so that a thousand vertices cost a few thousand word
 * operations. Only undecided slots and commits need one.
 */
import { type AuthorSet, addAll, addAuthor, authorsOf, emptySet } from './author-set.ts';
import type { Dag } from './dag.ts';
import type { Entry } from './entry.ts';

/** The part of a history that lies in one round. */
interface Layer {
  readonly even: AuthorSet;
  readonly odd: Set<Entry>;
}

export class History {
  readonly #dag: Dag;
  readonly #layers = new Map<number, Layer>();
  #lowest: number;

  constructor(dag: Dag, top: Entry) {
    this.#dag = dag;
    this.#lowest = top.round;
    this.#add(top);
  }

  /** The vertices of the history in a round above the garbage-collection round. */
  verticesIn(round: number): Entry[] {
    while (this.#lowest > round) {
      for (const entry of this.#members(this.#lowest)) this.#addAncestors(entry);
      this.#lowest -= 1;
    }
    return this.#members(round);
  }

  #members(round: number): Entry[] {
    const layer = this.#layers.get(round);
    if (layer === undefined) return [];
    const members = authorsOf(layer.even).map(
      (author) => this.#dag.table.first(round, author) as Entry,
    );
    members.push(...layer.odd);
    return members;
  }

  #addAncestors(entry: Entry): void {
    if (entry.round - 1 > this.#dag.gcRound) {
      addAll(this.#layer(entry.round - 1).even, entry.parents as AuthorSet);
      for (const parent of entry.oddParents) this.#add(parent);
    }
    for (const ancestor of entry.older) if (ancestor.round > this.#dag.gcRound) this.#add(ancestor);
  }

  #add(entry: Entry): void {
    const layer = this.#layer(entry.round);
    if (entry.variant === 0) addAuthor(layer.even, entry.author);
    else layer.odd.add(entry);
  }

  #layer(round: number): Layer {
    let layer = this.#layers.get(round);
    if (layer === undefined) {
      layer = { even: emptySet(this.#dag.committee), odd: new Set() };
      this.#layers.set(round, layer);
    }
    return layer;
  }
}
