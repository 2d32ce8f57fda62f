import { asBytes32 } from 'fanal/primitives/bytes.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import { EntryTable } from 'fanal-node/core/entry.ts';
import { MAX_FETCH_VERTICES, MAX_FETCHES_PER_PEER } from 'fanal-node/core/limits.ts';
import { StepOutput } from 'fanal-node/core/output.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import { Synchronizer } from 'fanal-node/core/synchronizer.ts';
import type { Pending } from 'fanal-node/core/vertex-manager.ts';
import { expect, it } from 'vitest';
import { testRecord } from './dag-builder.ts';

const committee = createCommittee(0, testRecord(4).members);
const PEERS = 3;
const MOST = PEERS * MAX_FETCHES_PER_PEER * MAX_FETCH_VERTICES;

/** So many vertices that others name and nobody here has. */
function missing(count: number): Pending[] {
  const table = new EntryTable(committee, []);
  return Array.from({ length: count }, (_, i) => {
    const digest = new Uint8Array(32);
    new DataView(digest.buffer).setUint32(0, i + 1);
    const ref = { round: 1 + Math.floor(i / 4), author: i % 4, digest: asBytes32(digest) };
    const none = { suspended: false, unmet: 0, children: [], chargedTo: 1, held: false };
    return { ...none, entry: table.intern(ref), since: 0, wantedBy: new Set([1]) };
  });
}

it('asks peers for as much as they may be asked for, and looks no further than that', () => {
  let looks = 0;
  const output = new StepOutput();
  let id = 0;
  const nextId = () => ++id;
  const synchronizer = new Synchronizer(committee, 0, DEFAULT_LOCAL_PARAMS, output, nextId, () => {
    looks++;
    return [];
  });
  const much = missing(MOST + 500);
  synchronizer.plan(much, 10_000);
  expect(synchronizer.fetching).toBe(PEERS * MAX_FETCHES_PER_PEER);
  expect(looks).toBe(MOST);
  synchronizer.plan(much, 10_001);
  expect(looks).toBe(MOST);
  synchronizer.finished(1);
  synchronizer.plan(much, 10_002);
  expect(synchronizer.fetching).toBe(PEERS * MAX_FETCHES_PER_PEER);
  expect(looks).toBeLessThanOrEqual(MOST + MAX_FETCH_VERTICES);
});
