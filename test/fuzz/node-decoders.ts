/**
 * What a node reads from strangers: wire messages, greetings, requests, snapshots, keystores, JSON.
 */
import { parseJson } from 'fanal/api/json.ts';
import { parseKeystore } from 'fanal/crypto/keystore-file.ts';
import { equalBytes, utf8 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { sealCommit } from '../../node/core/commit.ts';
import { slimOf } from '../../node/core/slim.ts';
import type { PeerRequest, PeerResponse, Vertex } from '../../node/core/types.ts';
import {
  decodeVertex,
  encodeVertex,
  payloadDigest,
  payloadSize,
  vertexDigest,
} from '../../node/core/vertex.ts';
import {
  decodeMessage,
  decodeRequest,
  decodeResponse,
  encodeMessage,
  encodeRequest,
  encodeResponse,
  type MemberMessage,
} from '../../node/core/wire.ts';
import { type Hello, helloCodec, welcomeCodec } from '../../node/network/hello.ts';
import { exchangeRequestCodec } from '../../node/runtime/exchange.ts';
import { manifestCodec, type SnapshotManifest } from '../../node/store/snapshot-format.ts';
import * as any from '../support/arbitraries.ts';
import { testChain } from '../support/chain.ts';
import { signNatively } from '../support/native.ts';
import type { Outcome, Target } from './target.ts';

const chain = testChain({ sign: signNatively }).grow(2);
const context = { genesisId: chain.genesisId, hash: taggedHash };

export function nodeDecoderTargets(): Target[] {
  const vertices = fc.sample(vertex, { seed: 9, numRuns: 6 });
  const [first, second] = vertices as [Vertex, Vertex];
  const commit = sealCommit(taggedHash, {
    epoch: 0,
    index: 3n,
    previousDigest: chain.root(1n),
    leader: first.ref,
    time: 5n,
    vertices: [first.ref, second.ref],
  });
  const { time, signature } = chain.checkpoint().cosignatures[0]!;
  const cosignature = { size: chain.size, root: chain.root(), time, signature };
  const named = Uint32Array.of(0b1010);
  const messages: MemberMessage[] = [
    { kind: 'slimVertex', epoch: 0, slim: slimOf(first, named) },
    { kind: 'vertices', epoch: 0, vertices: [first, second] },
    { kind: 'cosignature', epoch: 0, cosignature },
    { kind: 'subscribe', epoch: 0, round: 9 },
    { kind: 'askOwn', epoch: 0 },
    { kind: 'ownReport', epoch: 0, vertex: first },
  ];
  const requests: PeerRequest[] = [
    { kind: 'vertices', epoch: 0, refs: [first.ref, second.ref] },
    { kind: 'commits', epoch: 0, first: 4n, count: 10 },
    { kind: 'checkpoint', epoch: 0, size: 7n },
  ];
  const responses: PeerResponse[] = [
    { kind: 'vertices', epoch: 0, vertices },
    { kind: 'commits', epoch: 0, commits: [commit], vertices: [first], voters: [second] },
    { kind: 'checkpoint', epoch: 0, checkpoint: null },
  ];
  const hello: Hello = {
    genesisId: chain.genesisId,
    instance: new Uint8Array(16).fill(3),
    challenge: new Uint8Array(16).fill(4),
    time: 1_750_000_000_000n,
    epoch: 2,
    software: 'fanal/0.1.0',
    signature: new Uint8Array(64).fill(5),
  };
  const manifest: SnapshotManifest = {
    genesisId: chain.genesisId,
    header: chain.tip,
    checkpoint: chain.checkpoint(),
    addresses: 3n,
    coins: 3n,
    sizeBytes: 4_000n,
    chunks: [chain.root(), chain.root(1n)],
  };
  return [
    canonical('vertex', vertices.map(encodeVertex), (bytes) =>
      encodeVertex(decodeVertex(bytes, taggedHash)),
    ),
    canonical(
      'message',
      messages.map((m) => encodeMessage(context, m)),
      (bytes) => encodeMessage(context, decodeMessage(context, bytes)),
    ),
    canonical(
      'request',
      requests.map((r) => encodeRequest(context, r)),
      (bytes) => encodeRequest(context, decodeRequest(context, bytes)),
    ),
    canonical(
      'response',
      responses.map((r) => encodeResponse(context, r)),
      (bytes) => encodeResponse(context, decodeResponse(context, bytes)),
    ),
    canonical('hello', [helloCodec.encode(hello)], (bytes) =>
      helloCodec.encode(helloCodec.decode(bytes)),
    ),
    canonical(
      'welcome',
      [
        welcomeCodec.encode({ ...hello, verdict: 'welcome', other: null }),
        welcomeCodec.encode({ ...hello, verdict: 'other-instance', other: hello }),
      ],
      (bytes) => welcomeCodec.encode(welcomeCodec.decode(bytes)),
    ),
    canonical(
      'exchange request',
      [
        exchangeRequestCodec.encode({ kind: 'blocks', first: 3n, count: 9, at: 70n }),
        exchangeRequestCodec.encode({ kind: 'submit', transactions: [utf8('one'), utf8('two')] }),
      ],
      (bytes) => exchangeRequestCodec.encode(exchangeRequestCodec.decode(bytes)),
    ),
    canonical('snapshot manifest', [manifestCodec.encode(manifest)], (bytes) =>
      manifestCodec.encode(manifestCodec.decode(bytes)),
    ),
    reads('json', ['{"a":[1,"\\u00e9",null],"b":{"c":true}}', '[[[]]]', '"x"'], (text) =>
      parseJson(utf8(text)),
    ),
    reads('keystore', [KEYSTORE], parseKeystore),
  ];
}

const vertex: fc.Arbitrary<Vertex> = fc
  .record({
    header: fc.record({
      version: fc.constant(1),
      genesisId: fc.constant(chain.genesisId),
      epoch: any.u32,
      round: any.u32,
      author: any.u16,
      time: any.u64,
      ancestors: fc.array(fc.record({ round: any.u32, author: any.u16, digest: any.bytes32 }), {
        maxLength: 4,
      }),
      medianTime: any.u64,
      commitVote: fc.option(fc.record({ epoch: any.u32, index: any.u64, digest: any.bytes32 })),
      cosignature: fc.option(
        fc.record({ size: any.u64, root: any.bytes32, time: any.u64, signature: any.signature }),
      ),
      misbehaviour: fc.array(
        fc.record({ round: any.u32, author: any.u16, first: any.bytes32, second: any.bytes32 }),
        { maxLength: 2 },
      ),
    }),
    payload: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 3 }),
    signature: any.signature,
  })
  .map(({ header: fields, payload, signature }) => {
    const header = {
      ...fields,
      payloadDigest: payloadDigest(taggedHash, payload),
      payloadBytes: payloadSize(payload),
      transactionCount: payload.length,
    };
    const ref = {
      round: header.round,
      author: header.author,
      digest: vertexDigest(taggedHash, header),
    };
    return { ref, header, payload, signature, transactionIds: [] };
  });

/** Bytes with one encoding for each value: what is read is written back the same. */
function canonical(
  name: string,
  answers: readonly Uint8Array[],
  again: (bytes: Uint8Array) => Uint8Array,
): Target {
  const target: Target<Uint8Array> = {
    name: `decode ${name}`,
    answers,
    judge: (bytes): Outcome =>
      equalBytes(again(bytes), bytes) ? 'true' : { wrong: 'two encodings of one value' },
  };
  return target as Target;
}

function reads(name: string, answers: readonly string[], read: (text: string) => unknown): Target {
  const target: Target<string> = {
    name: `read ${name}`,
    answers,
    judge: (text): Outcome => {
      read(text);
      return 'true';
    },
  };
  return target as Target;
}

/** The shape of EIP-2335 with nothing secret in it. */
const KEYSTORE = JSON.stringify({
  crypto: {
    kdf: {
      function: 'scrypt',
      params: { dklen: 32, n: 262144, r: 8, p: 1, salt: '00' },
      message: '',
    },
    checksum: { function: 'sha256', params: {}, message: '00' },
    cipher: { function: 'aes-256-gcm', params: { iv: '00' }, message: '00' },
  },
  path: '',
  pubkey: '00',
  uuid: '1d85ae20-35c5-4611-98e8-aa14a633906f',
  version: 4,
});
