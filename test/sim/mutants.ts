/**
 * Cores that are broken on purpose, each in one way: the simulator has to notice every one of them.
 */
import { fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { type Committer, MysticetiCommitter } from 'fanal-node/core/committer.ts';
import { createCore } from 'fanal-node/core/core.ts';
import type { Dag } from 'fanal-node/core/dag.ts';
import { LeaderVotes } from 'fanal-node/core/leader-votes.ts';
import type { Core, CryptoPort, Event, StepResult, Write } from 'fanal-node/core/types.ts';
import type { CoreFactory } from './simulation.ts';

/** Forgets to write down which vertices and roots it signed. */
export const withoutGuard: CoreFactory = (crypto, local) =>
  changed(createCore(local, crypto), (result) => {
    const isKept = ({ kind }: Write) => kind !== 'guard' && kind !== 'checkpointGuard';
    return { ...result, writes: result.writes.filter(isKept) };
  });

/** Sends what it signed before the disk has it. */
export const withoutSync: CoreFactory = (crypto, local) =>
  changed(createCore(local, crypto), (result) => ({
    ...result,
    now: [...result.now, ...result.afterSync],
    afterSync: [],
  }));

/** Takes one vote too few for a quorum, in the commit rule. */
export const withFewerVotes: CoreFactory = (crypto, local) =>
  createCore(local, crypto, {
    makeCommitter: (dag, votes) => new LaxCommitter(dag, votes),
  });

/** Orders the vertices of a commit as they arrived. */
export const byArrival: CoreFactory = (crypto, local) => {
  const arrivals = new Map<string, number>();
  const hash: CryptoPort['hash'] = (tag, ...parts) => {
    if (tag !== 'fanal/order/v1') return crypto.hash(tag, ...parts);
    const place = arrivals.get(toHex(parts[1] as Uint8Array)) ?? 0;
    return fromHex(place.toString(16).padStart(64, '0')) as ReturnType<CryptoPort['hash']>;
  };
  return changed(
    createCore(local, { ...crypto, hash }),
    (result) => result,
    (event) => {
      if (event.kind !== 'vertices') return;
      for (const { ref } of event.vertices) {
        const name = toHex(ref.digest);
        if (!arrivals.has(name)) arrivals.set(name, arrivals.size + 1);
      }
    },
  );
};

/** A core whose answers pass through somebody's hands. */
function changed(
  core: Core,
  change: (result: StepResult) => StepResult,
  hear: (event: Event) => void = () => {},
): Core {
  return {
    step(now, event) {
      hear(event);
      return change(core.step(now, event));
    },
    stateHash: () => core.stateHash(),
    status: () => core.status(),
  };
}

/** The real rule over a committee that asks for a validator's stake too little. */
class LaxCommitter implements Committer {
  readonly #dag: Dag;
  readonly #strict: LeaderVotes;
  readonly #votes: LeaderVotes;
  readonly #rule: MysticetiCommitter;

  constructor(dag: Dag, strict: LeaderVotes) {
    const { committee } = dag;
    const quorum = committee.quorum - Math.min(...committee.stakes);
    this.#dag = seenWith(dag, { committee: { ...committee, quorum } });
    this.#strict = strict;
    this.#votes = new LeaderVotes(this.#dag, (round) =>
      this.#strict.slotsOf(round).map(({ author }) => author),
    );
    this.#rule = new MysticetiCommitter(this.#dag, this.#votes);
  }

  tryDecide(after: Parameters<Committer['tryDecide']>[0]): ReturnType<Committer['tryDecide']> {
    this.#votes.rebuild(after.round + 1);
    return this.#rule.tryDecide(after);
  }
}

/** The same object with some of its properties replaced. */
function seenWith<T extends object>(object: T, replaced: Partial<T>): T {
  return new Proxy(object, {
    get(target, key) {
      if (Object.hasOwn(replaced, key)) return Reflect.get(replaced, key);
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
