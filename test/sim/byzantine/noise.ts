/**
 * Behaviours that lie to those who ask, or drown those who listen.
 */
import { type SignedTransaction, signedTransactionCodec } from 'fanal/chain/transaction.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { PeerMessage, PeerRequest, PeerResponse, Vertex } from 'fanal-node/core/types.ts';
import { GENESIS_COINS, genesisOutpoint } from '../ledger.ts';
import { type Behaviour, honestAnswer, type Puppet } from './puppet.ts';

/** Partial, in the wrong order, not what was asked for, endless, or nothing at all. */
export function lyingSync(): Behaviour {
  return { answer: lie };
}

function lie(puppet: Puppet, from: number, request: PeerRequest): PeerResponse | null {
  const answer = honestAnswer(puppet, from, request);
  const { epoch } = request;
  const some = () => puppet.random.pick([...puppet.own, ...puppet.round(1)]);
  switch (puppet.random.below(5)) {
    case 0:
      return null;
    case 1:
      if (answer?.kind !== 'vertices') return null;
      return { ...answer, vertices: answer.vertices.slice(0, answer.vertices.length >> 1) };
    case 2:
      if (answer?.kind !== 'vertices') return null;
      return { ...answer, vertices: answer.vertices.toReversed() };
    case 3: {
      const vertex = some();
      if (vertex === undefined) return null;
      const vertices: Vertex[] = new Array(200).fill(vertex);
      return { kind: 'vertices', epoch, vertices };
    }
    default:
      return {
        kind: 'commits',
        epoch,
        commits: [
          {
            epoch,
            index: request.kind === 'commits' ? request.first : 1n,
            previousDigest: puppet.random.bytes(32) as never,
            leader: puppet.genesisRef(0),
            time: puppet.time(),
            vertices: [puppet.genesisRef(0)],
            digest: puppet.random.bytes(32) as never,
          },
        ],
        vertices: [],
        voters: puppet.own.slice(-2),
      };
  }
}

/** Sends again what was said in earlier epochs, as it was and as if it were of now. */
export function replayEpochs(): Behaviour {
  const heard: PeerMessage[] = [];
  return {
    received(puppet, _from, message) {
      if (heard.length < 200) heard.push(message);
      else if (puppet.random.chance(0.02)) heard[puppet.random.below(200)] = message;
    },
    tick(puppet) {
      const old = heard.filter((message) => message.epoch < puppet.record.epoch);
      for (const message of puppet.random.sample(old, 4)) {
        const { epoch } = puppet.random.chance(0.5) ? message : puppet.record;
        puppet.send(puppet.peers(), { ...message, epoch });
      }
    },
  };
}

/** Payloads of transactions that repeat, conflict, or spend what is not there. */
export function spam(): Behaviour {
  return {
    propose(puppet, draft) {
      const { maxVertexTransactions } = puppet.record.params;
      const count = Math.min(maxVertexTransactions, puppet.random.between(1, 30));
      const repeated = [...puppet.simulation.load.pending.values()].map(
        (payment) => payment.transaction.bytes,
      );
      const payload = Array.from({ length: count }, () =>
        repeated.length > 0 && puppet.random.chance(0.4)
          ? puppet.random.pick(repeated)
          : junk(puppet),
      );
      const vertex = puppet.sign({ ...draft, payload });
      puppet.adopt(vertex);
      puppet.sendVertices(puppet.peers(), vertex);
    },
  };
}

/** A transaction that reads well and spends a coin that is gone, or never was, or is too small. */
function junk(puppet: Puppet): Bytes {
  const transaction: SignedTransaction['transaction'] = {
    chain: puppet.record.genesisId.slice(0, 4),
    expiry: 1_000_000n,
    inputs: [genesisOutpoint(puppet.random.below(2 * GENESIS_COINS))],
    outputs: [{ amount: 1_000_000_000_001n, address: new Uint8Array(33) as never }],
    actions: [],
    note: puppet.random.bytes(16),
  };
  return signedTransactionCodec.encode({ transaction, witnesses: [] });
}

/** Old vertices, requests and cosignatures by the dozen: all valid, none of use. */
export function flood(): Behaviour {
  return {
    tick(puppet) {
      const peers = puppet.peers();
      const { epoch } = puppet.record;
      const newest = puppet.own.at(-1)?.ref.round ?? 1;
      const old = puppet.round(Math.max(1, newest - puppet.random.below(30)));
      if (old.length > 0) puppet.sendVertices(peers, ...old, ...old, ...old);
      for (const peer of peers) {
        for (let i = 0; i < 8; i++) {
          const refs = old.slice(0, 32).map((vertex) => vertex.ref);
          const id = 1_000_000 + i;
          puppet.transmit(peer, {
            kind: 'request',
            id,
            request: { kind: 'vertices', epoch, refs },
          });
        }
        const first = BigInt(1 + puppet.random.below(50));
        const request: PeerRequest = { kind: 'commits', epoch, first, count: 1_000 };
        puppet.transmit(peer, { kind: 'request', id: 2_000_000, request });
        puppet.send([peer], { kind: 'subscribe', epoch, round: 0 });
      }
      for (let i = 0; i < 8; i++) {
        puppet.sendCosignature(
          peers,
          BigInt(puppet.random.below(500)),
          puppet.random.bytes(32) as never,
        );
      }
    },
  };
}
