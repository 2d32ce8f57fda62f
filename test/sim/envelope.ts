/**
 * What travels between simulated validators: one-way messages, requests and their answers.
 */
import type { AuthorSet } from 'fanal-node/core/author-set.ts';
import { bytesSaved } from 'fanal-node/core/slim.ts';
import type { PeerMessage, PeerRequest, PeerResponse, Vertex } from 'fanal-node/core/types.ts';
import { signedHeaderSize, VERTEX_REF_BYTES, vertexSize } from 'fanal-node/core/vertex.ts';

export type Envelope =
  | {
      readonly kind: 'message';
      readonly message: PeerMessage;
      /** Of a slim vertex: the authors whose vertices it names by them alone. */
      readonly named?: AuthorSet | null;
    }
  | { readonly kind: 'request'; readonly id: number; readonly request: PeerRequest }
  | { readonly kind: 'response'; readonly id: number; readonly response: PeerResponse };

/** Frame, genesis id, epoch, kind. */
const OVERHEAD_BYTES = 48;
const COSIGNATURE_BYTES = 112;

/** Bytes on the wire. */
export function envelopeSize(envelope: Envelope): number {
  switch (envelope.kind) {
    case 'message':
      return (
        OVERHEAD_BYTES +
        messageSize(envelope.message) -
        (envelope.named ? bytesSaved(envelope.named) : 0)
      );
    case 'request':
      return OVERHEAD_BYTES + requestSize(envelope.request);
    case 'response':
      return OVERHEAD_BYTES + responseSize(envelope.response);
  }
}

function messageSize(message: PeerMessage): number {
  switch (message.kind) {
    case 'vertices':
      return verticesSize(message.vertices);
    case 'cosignature':
      return COSIGNATURE_BYTES;
    case 'certified':
      return 48 + (COSIGNATURE_BYTES + 2) * message.checkpoint.cosignatures.length;
    case 'subscribe':
    case 'askOwn':
      return 8;
    case 'ownReport':
      return message.vertex === null ? 1 : vertexSize(message.vertex);
  }
}

function requestSize(request: PeerRequest): number {
  return request.kind === 'vertices' ? VERTEX_REF_BYTES * request.refs.length : 16;
}

function responseSize(response: PeerResponse): number {
  switch (response.kind) {
    case 'vertices':
      return verticesSize(response.vertices);
    case 'commits': {
      const refs = response.commits.reduce((sum, commit) => sum + commit.vertices.length, 0);
      const voters = response.voters.reduce((sum, voter) => sum + signedHeaderSize(voter), 0);
      return VERTEX_REF_BYTES * refs + verticesSize(response.vertices) + voters;
    }
    case 'checkpoint':
      return 48 + 114 * (response.checkpoint?.cosignatures.length ?? 0);
  }
}

function verticesSize(vertices: readonly Vertex[]): number {
  return vertices.reduce((sum, vertex) => sum + vertexSize(vertex), 0);
}

/** Signature checks that a receiver spends on it, if it has not seen any of it before. */
export function envelopeChecks(envelope: Envelope): number {
  switch (envelope.kind) {
    case 'message':
      return messageChecks(envelope.message);
    case 'request':
      return 0;
    case 'response':
      switch (envelope.response.kind) {
        case 'vertices':
          return envelope.response.vertices.length;
        case 'commits':
          return envelope.response.voters.length;
        case 'checkpoint':
          return envelope.response.checkpoint?.cosignatures.length ?? 0;
      }
  }
}

function messageChecks(message: PeerMessage): number {
  switch (message.kind) {
    case 'vertices':
      return message.vertices.length;
    case 'certified':
      return message.checkpoint.cosignatures.length;
    case 'ownReport':
      return message.vertex === null ? 0 : 1;
    // Cosignatures are checked when the core asks for it.
    case 'cosignature':
    case 'subscribe':
    case 'askOwn':
      return 0;
  }
}
