/**
 * What waits to be sent to one peer: three queues by urgency, each bounded in bytes.
 *
 * A peer that reads slowly costs a bounded amount of memory and nobody else's time. Old vertices
 * make room for new ones, since what a peer misses it asks for; other kinds refuse what is over.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';

/** In order of urgency. */
export const QUEUES = ['vertex', 'cosignature', 'sync'] as const;
export type QueueName = (typeof QUEUES)[number];

export class Outbox {
  readonly #maxBytes: number;
  readonly #frames: Record<QueueName, Bytes[]> = { vertex: [], cosignature: [], sync: [] };
  readonly #bytes: Record<QueueName, number> = { vertex: 0, cosignature: 0, sync: 0 };
  #dropped = 0;

  constructor(maxBytesPerQueue: number) {
    this.#maxBytes = maxBytesPerQueue;
  }

  /** Frames that found no room since the peer was met. */
  get dropped(): number {
    return this.#dropped;
  }

  get bytes(): number {
    return this.#bytes.vertex + this.#bytes.cosignature + this.#bytes.sync;
  }

  /** Queues a frame; `false` when it or an older one had to be dropped. */
  push(queue: QueueName, frame: Bytes): boolean {
    if (frame.length > this.#maxBytes) {
      this.#dropped++;
      return false;
    }
    const frames = this.#frames[queue];
    let kept = true;
    while (this.#bytes[queue] + frame.length > this.#maxBytes) {
      kept = false;
      this.#dropped++;
      if (queue !== 'vertex') return false;
      this.#bytes[queue] -= (frames.shift() as Bytes).length;
    }
    frames.push(frame);
    this.#bytes[queue] += frame.length;
    return kept;
  }

  /** Takes the most urgent frame among `queues`. */
  shift(queues: readonly QueueName[] = QUEUES): Bytes | undefined {
    for (const queue of queues) {
      const frame = this.#frames[queue].shift();
      if (frame !== undefined) {
        this.#bytes[queue] -= frame.length;
        return frame;
      }
    }
    return undefined;
  }

  clear(): void {
    for (const queue of QUEUES) {
      this.#frames[queue].length = 0;
      this.#bytes[queue] = 0;
    }
  }
}
