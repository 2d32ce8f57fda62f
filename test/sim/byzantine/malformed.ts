/**
 * Behaviours that sign what a vertex must not say.
 */
import { type AuthorSet, addAuthor, emptySet } from 'fanal-node/core/author-set.ts';
import type { Vertex, VertexRef } from 'fanal-node/core/types.ts';
import { type Behaviour, type Draft, honestAnswer, type Puppet } from './puppet.ts';

/** Sends a bad vertex, and every so often a good one, so that its author is not forgotten. */
function mostly(bad: (puppet: Puppet, draft: Draft) => Vertex): Behaviour {
  return {
    propose(puppet, draft) {
      if (puppet.random.chance(0.5)) {
        const vertex = puppet.sign(draft);
        puppet.adopt(vertex);
        puppet.sendVertices(puppet.peers(), vertex);
      } else {
        puppet.sendVertices(puppet.peers(), bad(puppet, draft));
      }
    },
  };
}

/** The header binds one payload, another one travels with it. */
export function wrongPayload(): Behaviour {
  return mostly((puppet, draft) => ({
    ...puppet.sign({ ...draft, payload: [puppet.random.bytes(150)] }),
    payload: puppet.random.chance(0.5) ? [] : [puppet.random.bytes(150)],
  }));
}

/** Names vertices that nobody has. */
export function ghostAncestors(): Behaviour {
  return mostly((puppet, draft) => {
    const ghost = (ref: VertexRef): VertexRef => ({
      ...ref,
      digest: puppet.random.bytes(32) as VertexRef['digest'],
    });
    const chosen = puppet.random.between(1, Math.max(1, draft.ancestors.length - 1));
    const ancestors = draft.ancestors.map((ref, i) => (i === chosen ? ghost(ref) : ref));
    return puppet.sign({ ...draft, ancestors });
  });
}

/** A bare quorum in the round before, and the oldest ancestors that there are. */
export function oldAncestors(): Behaviour {
  return mostly((puppet, draft) => {
    let stake = 0;
    const ancestors = draft.ancestors.map((ref) => {
      const enough = stake >= puppet.committee.quorum;
      if (!enough) {
        if (ref.round === draft.round - 1) stake += puppet.committee.stakes[ref.author] as number;
        return ref;
      }
      const round = puppet.random.between(1, Math.max(1, draft.round - 2));
      return puppet.round(round).find((old) => old.ref.author === ref.author)?.ref ?? ref;
    });
    return puppet.sign({
      ...draft,
      ancestors,
      medianTime: puppet.medianTime(draft.round, ancestors),
    });
  });
}

/** One author twice, none first, or out of order. */
export function malformedAncestors(): Behaviour {
  return mostly((puppet, draft) => {
    const list = [...draft.ancestors];
    const shape = puppet.random.below(3);
    if (shape === 0) list.push(puppet.random.pick(list));
    else if (shape === 1) list.shift();
    else list.splice(1, list.length - 1, ...list.slice(1).toReversed());
    return puppet.sign({ ...draft, ancestors: list });
  });
}

export function farRounds(): Behaviour {
  return mostly((puppet, draft) => {
    const round = draft.round + puppet.random.pick([2, 50, 1_000, 0xfffffff0 - draft.round]);
    const shift = round - draft.round;
    const ancestors = draft.ancestors.map((ref) => ({ ...ref, round: ref.round + shift }));
    return puppet.sign({ ...draft, round, ancestors });
  });
}

/** As far ahead as is allowed, and further; or as far back. */
export function driftTimes(): Behaviour {
  return {
    propose(puppet, draft) {
      const drift = puppet.random.pick([499, 500, 501, 5_000, -5_000, 3_600_000]);
      const vertex = puppet.sign({ ...draft, time: draft.time + BigInt(drift) });
      puppet.adopt(vertex);
      puppet.sendVertices(puppet.peers(), vertex);
    },
  };
}

export function wrongMedian(): Behaviour {
  return mostly((puppet, draft) =>
    puppet.sign({
      ...draft,
      medianTime: draft.medianTime + BigInt(puppet.random.pick([1, 9_000])),
    }),
  );
}

export function badSignatures(): Behaviour {
  return mostly((puppet, draft) => ({
    ...puppet.sign(draft),
    signature: puppet.random.bytes(64),
  }));
}

/** More transactions, or more bytes, than the parameters allow. */
export function oversize(): Behaviour {
  return mostly((puppet, draft) => {
    const { maxVertexBytes, maxVertexTransactions } = puppet.record.params;
    const many = puppet.random.chance(0.5);
    const count = many ? maxVertexTransactions + 1 : Math.ceil(maxVertexBytes / 16_000) + 1;
    const payload = Array.from({ length: count }, () => new Uint8Array(many ? 100 : 16_000));
    return puppet.sign({ ...draft, payload });
  });
}

/**
 * A good vertex that goes out whole to some peers, slim to some, and to others in a slim form that
 * cannot be restored; whoever asks for the whole one gets it half of the time.
 */
export function lieInSlim(): Behaviour {
  return {
    propose(puppet, draft) {
      const vertex = puppet.sign(draft);
      puppet.adopt(vertex);
      const { epoch } = draft;
      for (const peer of puppet.peers()) {
        const named = puppet.random.pick([null, namedIn(puppet, vertex), lieAbout(puppet, vertex)]);
        const message = { kind: 'vertices', epoch, vertices: [vertex] } as const;
        puppet.transmit(peer, { kind: 'message', message, named });
      }
    },
    answer: (puppet, from, request) =>
      puppet.random.chance(0.5) ? honestAnswer(puppet, from, request) : null,
  };
}

/** What a slim form may leave out. */
function namedIn(puppet: Puppet, { header }: Vertex): AuthorSet {
  const named = emptySet(puppet.committee);
  for (const { round, author } of header.ancestors) {
    if (round === header.round - 1 && author !== header.author) addAuthor(named, author);
  }
  return named;
}

/** The same, and some authors that are no ancestors; of the committee or not. */
function lieAbout(puppet: Puppet, vertex: Vertex): AuthorSet {
  const named = namedIn(puppet, vertex);
  for (let i = 0; i < 3; i++) addAuthor(named, puppet.random.below(32 * named.length));
  return named;
}
