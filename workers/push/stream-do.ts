/**
 * A room of server-sent event streams: the fallback that any HTTP client can read.
 *
 * Apart from the sockets' rooms, because an open stream keeps its object awake. Each event's id is
 * its height, so that a browser which reconnects says by itself what it saw last.
 */
import { DurableObject } from 'cloudflare:workers';
import { MAX_SOCKETS_PER_SHARD } from 'fanal/chain/limits.ts';
import { type Config, readConfig } from '../config.ts';
import type { Env } from '../env.ts';
import { EventMemory } from './event-memory.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import type { RoomState } from './push-do.ts';
import { catchUp, startOf, tellAll } from './room.ts';
import { type BlockEvent, takeSeat } from './seat.ts';
import { readSubscription } from './subscription.ts';

export class StreamDO extends DurableObject<Env> {
  readonly #config: Config;
  readonly #memory = new EventMemory();
  readonly #streams = new Map<EventStream, string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = readConfig(env);
  }

  override async fetch(request: Request): Promise<Response> {
    const subscription = readSubscription(request);
    const { client, addresses } = subscription;
    await this.#remember();
    // Nothing is waited for between counting and taking.
    const own = [...this.#streams.values()].filter((other) => other === client);
    if (
      this.#streams.size >= MAX_SOCKETS_PER_SHARD ||
      own.length >= this.#config.socketsPerClient
    ) {
      return new Response(null, { status: 429, headers: { 'retry-after': '10' } });
    }
    const last = startOf(subscription.after, this.#memory);
    const stream = openEventStream(takeSeat(subscription, last, Date.now()), () => {
      this.#streams.delete(stream);
    });
    this.#streams.set(stream, client);
    catchUp(stream.carrier, this.#memory, Date.now());
    const name = this.ctx.id.name ?? '';
    await this.#chain.join({ kind: 'stream', name }, addresses.length > 0);
    return new Response(stream.body, { headers: { 'content-type': 'text/event-stream' } });
  }

  async publish(events: readonly BlockEvent[]): Promise<RoomState> {
    const first = events[0]?.tip.height;
    if (first !== undefined && first > this.#memory.newest + 1n) await this.#remember();
    this.#memory.add(events);
    const streams = [...this.#streams.keys()];
    tellAll(
      streams.map(({ carrier }) => carrier),
      this.#memory,
      Date.now(),
    );
    return {
      seats: this.#streams.size,
      wantsAddresses: streams.some(({ carrier }) => carrier.seat().addresses.length > 0),
    };
  }

  async #remember(): Promise<void> {
    const { newest } = this.#memory;
    const missed = await this.#chain.events(newest < 0n ? null : newest).catch(() => null);
    if (missed !== null) this.#memory.add(missed);
    else this.#memory.add((await this.#chain.events(null).catch(() => null)) ?? []);
  }

  get #chain() {
    return this.env.CHAIN.getByName(this.#config.anchor.origin);
  }
}
