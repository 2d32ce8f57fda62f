/**
 * Behaviours that sign more than one vertex in a slot, or show a vertex to some only.
 */
import type { Vertex } from 'fanal-node/core/types.ts';
import type { Behaviour, Draft, Puppet } from './puppet.ts';

/** A second vertex for the same slot: the same but for its time. */
function twin(puppet: Puppet, draft: Draft, by: number): Vertex {
  return puppet.sign({ ...draft, time: draft.time + BigInt(by) });
}

/** The first half of the other validators by index, and the second. */
function halves(puppet: Puppet): [number[], number[]] {
  const peers = puppet.peers();
  const half = Math.floor(peers.length / 2);
  return [peers.slice(0, half), peers.slice(half)];
}

export function equivocateHalves(): Behaviour {
  return {
    propose(puppet, draft) {
      const pair = [puppet.sign(draft), twin(puppet, draft, 1)] as const;
      const [some, others] = halves(puppet);
      puppet.sendVertices(some, pair[0]);
      puppet.sendVertices(others, pair[1]);
      const chosen = puppet.random.below(2);
      puppet.keep(pair[1 - chosen] as Vertex);
      puppet.adopt(pair[chosen] as Vertex);
    },
  };
}

export function equivocatePerPeer(): Behaviour {
  return {
    propose(puppet, draft) {
      const peers = puppet.peers();
      const vertices = peers.map((_, i) => twin(puppet, draft, i));
      for (const [i, peer] of peers.entries()) {
        puppet.sendVertices([peer], vertices[i] as Vertex);
        puppet.keep(vertices[i] as Vertex);
      }
      puppet.adopt(puppet.random.pick(vertices));
    },
  };
}

export function equivocateOpenly(): Behaviour {
  return {
    propose(puppet, draft) {
      const pair = [puppet.sign(draft), twin(puppet, draft, 1)];
      // Not in the same order to all, so that the first one accepted differs.
      const [some, others] = halves(puppet);
      puppet.sendVertices(some, ...pair);
      puppet.sendVertices(others, ...pair.toReversed());
      for (const vertex of pair) puppet.keep(vertex);
      puppet.adopt(puppet.random.pick(pair));
    },
  };
}

/** Two chains, each naming its own vertex as the one before. */
export function equivocateChains(): Behaviour {
  let tips: [Vertex, Vertex] | undefined;
  let epoch = -1;
  return {
    propose(puppet, draft) {
      if (epoch !== draft.epoch) {
        epoch = draft.epoch;
        tips = undefined;
      }
      const pair = [0, 1].map((side) => {
        const before = tips?.[side as 0 | 1].ref;
        const [first, ...rest] = draft.ancestors;
        const ancestors = [before ?? first, ...rest].filter((ref) => ref !== undefined);
        const medianTime = puppet.medianTime(draft.round, ancestors);
        return puppet.sign({ ...draft, ancestors, medianTime, time: draft.time + BigInt(side) });
      }) as [Vertex, Vertex];
      tips = pair;
      const [some, others] = halves(puppet);
      puppet.sendVertices(some, pair[0]);
      puppet.sendVertices(others, pair[1]);
      puppet.keep(pair[1]);
      puppet.adopt(pair[0]);
    },
  };
}

/** Shows its vertices to `count` validators and lets them find out who lacks them. */
export function withhold(count: (puppet: Puppet) => number, answers: boolean): Behaviour {
  const behaviour: Behaviour = {
    propose(puppet, draft) {
      const vertex = puppet.sign(draft);
      puppet.sendVertices(puppet.peers().slice(0, count(puppet)), vertex);
      puppet.adopt(vertex);
    },
  };
  return answers ? behaviour : { ...behaviour, answer: () => null };
}

/** Keeps its vertices until they are almost too old to count, then sends them all. */
export function releaseLate(): Behaviour {
  let kept: Vertex[] = [];
  return {
    propose(puppet, draft) {
      const vertex = puppet.sign(draft);
      if (kept.length > 0 && kept[0]?.header.epoch !== draft.epoch) kept = [];
      kept.push(vertex);
      puppet.adopt(vertex);
      const oldest = kept[0]?.ref.round ?? 0;
      if (draft.round - oldest < puppet.record.params.gcDepth - 2) return;
      puppet.sendVertices(puppet.peers(), ...kept);
      kept = [];
    },
    answer: () => null,
  };
}
