/**
 * Which running instance of each member we talk to, and whether two run with one key.
 *
 * The first instance keeps its place for as long as it can answer. A newcomer with the same key is
 * refused with that answer: the first one's signature over the newcomer's own number. If the first
 * does not answer (its host lost power and its connection hangs) the newcomer takes over.
 */
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hello } from './hello.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';

/** What an instance is connected by. */
export interface InstanceLane {
  /** Asks the instance to sign `number`. Null: no good answer in time. */
  prove(number: Bytes, timeoutMillis: number): Promise<Hello | null>;
  abort(error: Error): void;
}

interface Present {
  readonly instance: Bytes;
  readonly lanes: Set<InstanceLane>;
}

export class Instances {
  readonly #present = new Map<PeerName, Present>();
  readonly #isHelloOf: (peer: PeerName, hello: Hello) => Promise<boolean>;

  /** @param isHelloOf says whether a peer itself signed a hello */
  constructor(isHelloOf: (peer: PeerName, hello: Hello) => Promise<boolean>) {
    this.#isHelloOf = isHelloOf;
  }

  /** The instance that holds a member's place now. */
  current(peer: PeerName): Bytes | null {
    return this.#present.get(peer)?.instance ?? null;
  }

  /**
   * Lets an instance of `peer` in, or hands back the proof that another one lives. Takes up to a few
   * seconds, while that one is given time to answer.
   */
  async admit(peer: PeerName, instance: Bytes, lane: InstanceLane): Promise<Hello | null> {
    const present = this.#present.get(peer);
    if (present === undefined || present.lanes.size === 0) {
      this.#present.set(peer, { instance, lanes: new Set([lane]) });
      return null;
    }
    if (equalBytes(present.instance, instance)) {
      present.lanes.add(lane);
      return null;
    }
    const proof = await this.#firstProof(peer, present, instance);
    if (proof !== null) return proof;
    for (const old of present.lanes) old.abort(new Error('replaced by a newer instance'));
    this.#present.set(peer, { instance, lanes: new Set([lane]) });
    return null;
  }

  /** A lane of `peer` closed. */
  leave(peer: PeerName, lane: InstanceLane): void {
    const present = this.#present.get(peer);
    if (present === undefined) return;
    present.lanes.delete(lane);
    if (present.lanes.size === 0) this.#present.delete(peer);
  }

  async #firstProof(peer: PeerName, present: Present, number: Bytes): Promise<Hello | null> {
    const proofs = [...present.lanes].map(async (lane) => {
      const proof = await lane.prove(number, NETWORK_LIMITS.instanceProbeMillis);
      const isGood =
        proof !== null &&
        equalBytes(proof.instance, present.instance) &&
        (await this.#isHelloOf(peer, proof));
      if (!isGood) throw new Error('no proof');
      return proof;
    });
    return Promise.any(proofs).catch(() => null);
  }
}
