/**
 * What consensus tells the metrics of events that a healthy network does not have.
 */
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { openMetrics } from 'fanal-node/api/metrics.ts';
import type { Commit, MarkName, Write } from 'fanal-node/core/types.ts';
import { Scrape } from 'fanal-node/monitor/exposition.ts';
import { consensusMetrics, executionMetrics } from 'fanal-node/runtime/consensus-metrics.ts';
import { ConsensusWatch } from 'fanal-node/runtime/consensus-watch.ts';
import type { NodeContext } from 'fanal-node/runtime/node-context.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';

let context: NodeContext;
let hooks: ReturnType<typeof consensusMetrics>;

beforeEach(() => {
  const parts = { metrics: openMetrics('00'), seen: new ConsensusWatch(), mempool: { author: 1 } };
  context = { ...parts, consensus: {} } as unknown as NodeContext;
  hooks = consensusMetrics(context);
});

async function value(name: string, labels: Record<string, string> = {}): Promise<number | null> {
  return new Scrape(await context.metrics.text()).sum(`fanal_${name}`, labels);
}

describe('a mark of the core', () => {
  const marks: [MarkName, string, Record<string, string>][] = [
    ['divergence', 'chain_divergence_total', {}],
    ['equivocationSeen', 'consensus_evidence_total', { kind: 'vertex' }],
    ['indirectCommit', 'consensus_leader_slots_total', { decision: 'indirect_commit' }],
    ['indirectSkip', 'consensus_leader_slots_total', { decision: 'indirect_skip' }],
    ['voteTimeout', 'consensus_timeouts_total', { kind: 'vote' }],
    ['ownVertexCollected', 'validator_vertices_total', { outcome: 'dropped' }],
    ['cosignRefusedRoot', 'validator_sign_refused_total', { reason: 'root' }],
    ['cosignRefusedSize', 'validator_sign_refused_total', { reason: 'size' }],
  ];
  test.each(marks)('%s counts in %s', async (mark, name, labels) => {
    expect(await value(name, labels)).toBe(0);
    hooks.onMark(mark, 2);
    expect(await value(name, labels)).toBe(2);
  });
});

describe('a certified checkpoint counts for its own cosignature', () => {
  test.each(['matched', 'mismatched', 'missed'])('%s', async (outcome) => {
    const report = { size: 9n, matched: [0], mismatched: [2], [outcome]: [1] };
    hooks.onCosigning(1, report as never);
    expect(await value('validator_cosignatures_total', { outcome })).toBe(1);
    expect(await value('validator_cosignatures_total')).toBe(1);
  });
});

test('two cosignatures of one size are evidence of a checkpoint', async () => {
  hooks.onWrites([{ kind: 'evidence', evidence: { kind: 'cosignature' } } as unknown as Write]);
  expect(await value('consensus_evidence_total', { kind: 'checkpoint' })).toBe(1);
});

test('own vertices in a commit count as committed', async () => {
  const ref = (author: number, round: number) => ({ author, round, digest: new Uint8Array(32) });
  const commit = { leader: ref(0, 7), vertices: [ref(1, 5), ref(0, 7), ref(1, 6)] };
  hooks.onWrites([{ kind: 'commit', commit: commit as unknown as Commit } as unknown as Write]);
  expect(await value('validator_vertices_total', { outcome: 'committed' })).toBe(2);
});

test('a vertex that breaks a rule is invalid; another mistake is not a vertex', async () => {
  hooks.onRefused(new FanalError('vertex/signature', 'bad signature'));
  hooks.onRefused(new FanalError('network/answer', 'to another question'));
  expect(await value('consensus_vertices_total', { outcome: 'invalid' })).toBe(1);
});

test('a signature takes from its record to its sending, a round from own vertex to own vertex', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
  try {
    for (const round of [4, 5]) {
      const digest = new Uint8Array(32) as Bytes32;
      hooks.onWrites([{ kind: 'guard', guard: { epoch: 0, round, digest } }]);
      vi.setSystemTime(Date.now() + 20);
      const vertex = { ref: { author: 1, round, digest }, header: { time: 1n, cosignature: null } };
      hooks.onSend(1, { kind: 'vertices', epoch: 0, vertices: [vertex] } as never);
      vi.setSystemTime(Date.now() + 80);
    }
    expect(await value('validator_sign_duration_seconds_count')).toBe(2);
    expect(await value('validator_sign_duration_seconds_sum')).toBeCloseTo(0.04);
    expect(await value('consensus_round_duration_seconds_count')).toBe(1);
    expect(await value('consensus_round_duration_seconds_sum')).toBeCloseTo(0.1);
  } finally {
    vi.useRealTimers();
  }
});

test('a certificate is timed from the execution of each block that it covers', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
  try {
    const told = executionMetrics(context);
    const timings = { checkMillis: 1, stateMillis: 2, writeMillis: 3 };
    for (const height of [5n, 6n, 7n]) {
      told.executed({ height, header: { txCount: 4 }, sizeBytes: 900, timings } as never);
      vi.setSystemTime(Date.now() + 100);
    }
    told.certified(6n);
    expect(await value('chain_certify_duration_seconds_count')).toBe(2);
    expect(await value('chain_certify_duration_seconds_sum')).toBeCloseTo(0.5);
    expect(await value('chain_block_size_bytes_sum')).toBe(2_700);
    expect(await value('chain_transactions_total')).toBe(12);
  } finally {
    vi.useRealTimers();
  }
});
