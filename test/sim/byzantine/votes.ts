/**
 * Behaviours that play with votes: for leaders, for commits, and with cosignatures.
 */
import type { CommitRef } from 'fanal-node/core/types.ts';
import type { Behaviour, Draft, Puppet } from './puppet.ts';

/** The draft without the leader's vertex among its ancestors, if that still leaves a quorum. */
function withoutLeader(puppet: Puppet, draft: Draft): Draft {
  const { oracle } = puppet.simulation;
  if (oracle.epoch !== draft.epoch || draft.round === 1) return draft;
  const leader = oracle.leader(draft.round - 1);
  const { stakes, quorum } = puppet.committee;
  const ancestors = draft.ancestors.filter((ref, i) => i === 0 || ref.author !== leader);
  let stake = 0;
  for (const ref of ancestors) {
    if (ref.round === draft.round - 1) stake += stakes[ref.author] as number;
  }
  if (stake < quorum) return draft;
  return { ...draft, ancestors, medianTime: puppet.medianTime(draft.round, ancestors) };
}

export function neverVote(): Behaviour {
  return {
    propose(puppet, draft) {
      const vertex = puppet.sign(withoutLeader(puppet, draft));
      puppet.adopt(vertex);
      puppet.sendVertices(puppet.peers(), vertex);
    },
  };
}

/** Votes, and tells one validator only. */
export function voteThenHide(): Behaviour {
  return {
    propose(puppet, draft) {
      const vertex = puppet.sign(draft);
      puppet.adopt(vertex);
      puppet.sendVertices([puppet.random.pick(puppet.peers())], vertex);
    },
    answer: () => null,
  };
}

/** Votes for commits far ahead, and for others than anybody made. */
export function falseCommitVotes(): Behaviour {
  return {
    propose(puppet, draft) {
      const index = (draft.commitVote?.index ?? 0n) + BigInt(puppet.random.pick([0, 1, 1_000]));
      const digest = puppet.random.bytes(32) as CommitRef['digest'];
      const commitVote = { epoch: draft.epoch, index: index === 0n ? 1n : index, digest };
      const vertex = puppet.sign({ ...draft, commitVote });
      puppet.adopt(vertex);
      puppet.sendVertices(puppet.peers(), vertex);
    },
  };
}

/** Cosigns the right root for some, another one for the rest. */
export function doubleCosign(): Behaviour {
  return {
    cosign(puppet, size, root) {
      const peers = puppet.random.shuffled(puppet.peers());
      const half = Math.ceil(peers.length / 2);
      const other = puppet.random.bytes(32) as typeof root;
      puppet.sendCosignature(peers.slice(0, half), size, root);
      puppet.sendCosignature(peers.slice(puppet.random.below(half)), size, other);
    },
  };
}

/** Cosignatures of sizes that do not exist, and ones that do not verify. */
export function badCosign(): Behaviour {
  return {
    cosign(puppet, size, root) {
      const { epoch } = puppet.record;
      const signature = puppet.random.bytes(64);
      const broken = { ...puppet.cosignature(size, root), signature };
      puppet.send(puppet.peers(), { kind: 'cosignature', epoch, cosignature: broken });
      puppet.sendCosignature(puppet.peers(), size + BigInt(puppet.random.below(100_000)), root);
    },
  };
}

export function neverCosign(): Behaviour {
  return { cosign() {} };
}
