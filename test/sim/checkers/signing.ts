/**
 * S3, S4, S5: what an honest validator signs and lets out, over all its lives.
 *
 * The book is kept outside the machine, so no crash and no wiped disk makes it forget.
 */
import { equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import type {
  Cosignature,
  Event,
  PeerMessage,
  StepResult,
  Vertex,
  VertexRef,
} from 'fanal-node/core/types.ts';
import { refKey } from '../disk.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { AgreementChecker } from './agreement.ts';

/** What one validator has let out so far. */
interface Book {
  /** The digest of each own vertex, by epoch and round. */
  readonly vertices: Map<string, Uint8Array>;
  /** The highest own round, by epoch. */
  readonly rounds: Map<number, number>;
  readonly roots: Map<bigint, Uint8Array>;
  largestSize: bigint;
  /** Sizes that were larger than all before when they were cosigned. */
  readonly inTurn: Set<bigint>;
  /** Own vertices made after a collection or a loss, by epoch and round: a gap may lie below them. */
  readonly resumed: Set<string>;
}

export class SigningChecker implements Observer {
  readonly #agreement: AgreementChecker;
  readonly #books = new Map<number, Book>();

  constructor(agreement: AgreementChecker) {
    this.#agreement = agreement;
  }

  /** A slow disk holds vertices back while later ones are made, so what is sent cannot tell this. */
  stepped(node: SimNode, _event: Event, { writes, now }: StepResult): void {
    for (const write of writes) {
      if (write.kind !== 'checkpointGuard') continue;
      const book = this.#book(node);
      if (write.guard.size > book.largestSize) book.inTurn.add(write.guard.size);
    }
    const resumes = now.some(
      (effect) =>
        effect.kind === 'mark' && (effect.name === 'safeResume' || effect.name === 'amnesiaResume'),
    );
    if (!resumes) return;
    const { resumed } = this.#book(node);
    for (const write of writes) {
      if (write.kind === 'guard') resumed.add(`${write.guard.epoch}/${write.guard.round}`);
    }
  }

  sending(node: SimNode, message: PeerMessage): void {
    switch (message.kind) {
      case 'vertices':
        for (const vertex of message.vertices) {
          if (vertex.ref.author === node.author) this.#vertex(node, vertex);
        }
        return;
      case 'ownReport':
        if (message.vertex !== null) this.#vertex(node, message.vertex);
        return;
      case 'cosignature':
        this.#cosignature(node, message.cosignature);
        return;
      case 'certified':
      case 'subscribe':
      case 'askOwn':
        return;
    }
  }

  #vertex(node: SimNode, vertex: Vertex): void {
    const book = this.#book(node);
    const { epoch, cosignature, commitVote, ancestors } = vertex.header;
    const { round, digest } = vertex.ref;
    const known = book.vertices.get(`${epoch}/${round}`);
    if (known !== undefined) {
      if (!equalBytes(known, digest)) {
        throw new Violation('S3', `${name(node)} signed two vertices in round ${round}`);
      }
      return;
    }
    noteEarlier(node, book.vertices, epoch, ancestors[0]);
    const before = book.rounds.get(epoch) ?? 0;
    if (round <= before) {
      throw new Violation('S3', `${name(node)} signed round ${round} after ${before}`);
    }
    // A round whose vertex was written, and not sent before a crash, is no gap: the next one names it.
    if (ancestors[0]?.round !== round - 1 && !book.resumed.has(`${epoch}/${round}`)) {
      throw new Violation('S4', `${name(node)} went from own round ${before} to ${round}`);
    }
    book.vertices.set(`${epoch}/${round}`, digest);
    book.rounds.set(epoch, round);
    this.#durable(node, vertex);
    if (commitVote !== null && commitVote.epoch === epoch) {
      const { epoch: at, index } = node.disk.durableCommit();
      if (at !== epoch || index < commitVote.index) {
        throw new Violation(
          'S5',
          `${name(node)} voted for commit ${commitVote.index}, not on disk`,
        );
      }
    }
    const { gcRound } = node.status();
    for (const ref of ancestors) {
      if (ref.round === 0 || ref.round <= gcRound || node.disk.holdsVertex(epoch, ref)) continue;
      if (this.#agreement.isCommitted(epoch, refKey(ref))) continue;
      throw new Violation(
        'S5',
        `${name(node)} sent round ${round}, its ancestor ${ref.round}/${ref.author} is not on disk`,
      );
    }
    if (cosignature !== null) this.#cosignature(node, cosignature);
  }

  #durable(node: SimNode, { ref, header }: Vertex): void {
    const { journal, file } = node.disk.durableGuards();
    for (const guard of [journal, file]) {
      if (guard !== null && guard.epoch === header.epoch && guard.round >= ref.round) continue;
      if (guard !== null && guard.epoch > header.epoch) continue;
      throw new Violation(
        'S5',
        `${name(node)} sent round ${ref.round} before its guard was on disk`,
      );
    }
    if (!node.disk.holdsVertex(header.epoch, ref)) {
      throw new Violation('S5', `${name(node)} sent round ${ref.round} before it was on disk`);
    }
  }

  #cosignature(node: SimNode, { size, root }: Cosignature): void {
    const book = this.#book(node);
    const known = book.roots.get(size);
    if (known !== undefined) {
      if (equalBytes(known, root)) return;
      throw new Violation(
        'S3',
        `${name(node)} cosigned ${toHex(known).slice(0, 8)} and ${toHex(root).slice(0, 8)} at size ${size}`,
      );
    }
    // One that went into a vertex before a crash may leave with it after a larger one.
    if (size <= book.largestSize && !book.inTurn.has(size)) {
      throw new Violation('S3', `${name(node)} cosigned size ${size} after ${book.largestSize}`);
    }
    book.roots.set(size, root);
    if (size > book.largestSize) book.largestSize = size;
    const { checkpoint, checkpointFile } = node.disk.durableGuards();
    if (checkpoint.size < size || checkpointFile.size < size) {
      throw new Violation('S5', `${name(node)} cosigned size ${size} before its guard was on disk`);
    }
    if (node.ledger.height + 1n < size) {
      throw new Violation('S5', `${name(node)} cosigned size ${size} before executing it`);
    }
  }

  #book(node: SimNode): Book {
    let book = this.#books.get(node.validator);
    if (book === undefined) {
      book = {
        vertices: new Map(),
        rounds: new Map(),
        roots: new Map(),
        largestSize: 0n,
        inTurn: new Set(),
        resumed: new Set(),
      };
      this.#books.set(node.validator, book);
    }
    return book;
  }
}

function name(node: SimNode): string {
  return `validator ${node.validator}`;
}

/** Vertices that were written and not sent before a crash were signed in their turn all the same. */
function noteEarlier(
  node: SimNode,
  signed: Map<string, Uint8Array>,
  epoch: number,
  named: VertexRef | undefined,
): void {
  for (let ref = named; ref !== undefined && ref.round > 0; ) {
    const key = `${epoch}/${ref.round}`;
    if (signed.has(key)) return;
    signed.set(key, ref.digest);
    ref = node.disk.vertex(epoch, ref)?.header.ancestors[0];
  }
}
