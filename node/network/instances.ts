/**
 * Which running instance of each member we talk to, and whether two run with one key.
 *
 * The first instance keeps its place for as long as it shows signs of life. A newcomer with the
 * same key is shown the first one's signed hello and refused; if the first is silent (its host
 * lost power and its connection hangs) the newcomer takes over.
 */
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hello } from './hello.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';

/** What an instance is connected by. */
export interface InstanceLane {
  readonly lastHeard: number;
  abort(error: Error): void;
}

interface Present {
  hello: Hello;
  readonly lanes: Set<InstanceLane>;
}

export class Instances {
  readonly #present = new Map<PeerName, Present>();

  /** The instance that holds a member's place now. */
  current(peer: PeerName): Bytes | null {
    return this.#present.get(peer)?.hello.instance ?? null;
  }

  /**
   * Lets `hello` in as the instance of `peer`, or names the living one that keeps it out. Takes up
   * to a few seconds, while the one that is here is given time for a sign of life.
   */
  async admit(peer: PeerName, hello: Hello, lane: InstanceLane): Promise<Hello | null> {
    const present = this.#present.get(peer);
    if (present === undefined || present.lanes.size === 0) {
      this.#present.set(peer, { hello, lanes: new Set([lane]) });
      return null;
    }
    if (equalBytes(present.hello.instance, hello.instance)) {
      present.hello = hello;
      present.lanes.add(lane);
      return null;
    }
    if (await isAlive(present)) return present.hello;
    for (const old of present.lanes) old.abort(new Error('replaced by a newer instance'));
    this.#present.set(peer, { hello, lanes: new Set([lane]) });
    return null;
  }

  /** A lane of `peer` closed. */
  leave(peer: PeerName, lane: InstanceLane): void {
    const present = this.#present.get(peer);
    if (present === undefined) return;
    present.lanes.delete(lane);
    if (present.lanes.size === 0) this.#present.delete(peer);
  }
}

/** Members ping every three seconds, so a living one is heard within that and a little more. */
async function isAlive(present: Present): Promise<boolean> {
  const since = performance.now();
  const deadline = since + NETWORK_LIMITS.instanceProbeMillis + NETWORK_LIMITS.pingMillis;
  while (performance.now() < deadline) {
    if (present.lanes.size === 0) return false;
    for (const lane of present.lanes) if (lane.lastHeard > since) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
