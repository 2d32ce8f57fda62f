import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { MAX_U64 } from 'fanal/primitives/units.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sealCommit } from '../../../node/core/commit.ts';
import type { Commit, EpochRecord, Vertex, Write } from '../../../node/core/types.ts';
import { vertexDigest } from '../../../node/core/vertex.ts';
import { continuesLedger } from '../../../node/runtime/boot.ts';
import { type BootFacts, type Journal, openJournal } from '../../../node/store/journal.ts';
import { checkJournal } from '../../../node/store/journal-check.ts';

const bytes32 = (fill: number) => new Uint8Array(32).fill(fill) as Bytes32;
const OWNER = { genesisId: bytes32(1), vertexKey: bytes32(2), checkpointKey: bytes32(3) };
const SCHEDULE = { bad: [], good: [], scores: [0], commits: 1, caught: [] };

let folder: string;
let open: Journal[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-journal-'));
  open = [];
});
afterEach(() => {
  for (const journal of open) journal.close();
  rmSync(folder, { recursive: true });
});

function start(path = 'journal.db'): Journal {
  const journal = openJournal({
    path: join(folder, path),
    hash: taggedHash,
    signing: { path: join(folder, 'sign-state.json'), owner: OWNER },
  });
  open.push(journal);
  return journal;
}

function restart(journal: Journal): Journal {
  journal.close();
  open = open.filter((other) => other !== journal);
  return start();
}

const RECORD: EpochRecord = {
  epoch: 0,
  genesisId: bytes32(1),
  origin: 'example.org/test/0101010101010101',
  startHeight: 0n,
  startBlockId: bytes32(4),
  startTime: 5n,
  members: [
    {
      name: 'val-1',
      stake: 7n,
      vertexKey: bytes32(2),
      checkpointKey: bytes32(3),
      networkKey: bytes32(5),
    },
  ],
  params: {
    leadersPerRound: 1,
    gcDepth: 60,
    scheduleInterval: 100,
    badStakePercent: 20,
    maxVertexTransactions: 1000,
    maxVertexBytes: 262_144,
    blockIntervalMillis: 500n,
    heartbeatMillis: 5000n,
    maxBlockTransactions: 5000,
    maxBlockBytes: 4_194_304,
    epochDurationMillis: 600_000n,
  },
};

const FACTS: BootFacts = {
  epoch: RECORD,
  author: 0,
  executed: { height: 0n, time: 5n, commitIndex: 0n, root: bytes32(6), next: null },
  certifiedSize: 1n,
};

function vertexAt(round: number, author = 0): Vertex {
  const header: Vertex['header'] = {
    version: 1,
    genesisId: bytes32(1),
    epoch: 0,
    round,
    author,
    time: BigInt(round),
    ancestors: [],
    medianTime: 0n,
    payloadDigest: bytes32(9),
    payloadBytes: 4,
    transactionCount: 1,
    commitVote: null,
    cosignature: null,
    misbehaviour: [],
  };
  return {
    ref: { round, author, digest: vertexDigest(taggedHash, header) },
    header,
    payload: [Uint8Array.of(1, 2)],
    signature: new Uint8Array(64),
    transactionIds: [],
  };
}

function commitAt(index: bigint, leader: Vertex): Commit {
  return sealCommit(taggedHash, {
    epoch: 0,
    index,
    previousDigest: bytes32(0),
    leader: leader.ref,
    time: index,
    vertices: [leader.ref],
  });
}

const signed = (round: number): Write[] => [
  { kind: 'vertex', vertex: vertexAt(round) },
  { kind: 'guard', guard: { epoch: 0, round, digest: vertexAt(round).ref.digest } },
];

describe('the journal', () => {
  test('a first start after init may sign at once', () => {
    const journal = start();
    journal.beginSigning();
    const { stored, signing } = journal.load(FACTS);
    expect(signing.amnesia).toBeNull();
    expect(stored.guard).toEqual({ epoch: 0, round: 0, digest: bytes32(0) });
    expect(stored.checkpointGuard.size).toBe(0n);
  });

  test('what was written comes back in order after a restart', () => {
    const first = start();
    first.beginSigning();
    const [one, two] = [vertexAt(1), vertexAt(2)];
    first.write([{ kind: 'epoch', record: RECORD }], 'sync');
    first.write([{ kind: 'vertex', vertex: vertexAt(1, 3) }], 'lazy');
    first.write(signed(1), 'sync');
    first.write(signed(2), 'sync');
    first.write([{ kind: 'commit', commit: commitAt(1n, one), schedule: SCHEDULE }], 'sync');
    first.write([{ kind: 'commit', commit: commitAt(2n, two), schedule: SCHEDULE }], 'sync');
    const journal = restart(first);
    expect(journal.newestEpoch()).toEqual(RECORD);
    const { stored } = journal.load(FACTS);
    expect(stored.vertices.map(({ ref }) => [ref.round, ref.author])).toEqual([
      [1, 0],
      [1, 3],
      [2, 0],
    ]);
    expect(stored.vertices[2]).toEqual(two);
    expect(stored.commits).toEqual([
      { commit: commitAt(1n, one), schedule: SCHEDULE },
      { commit: commitAt(2n, two), schedule: SCHEDULE },
    ]);
    expect(stored.guard).toEqual({ epoch: 0, round: 2, digest: two.ref.digest });
  });

  test('does not continue a ledger that is older than what it has kept', () => {
    const journal = start();
    const at = (commitIndex: bigint) => {
      const executed = { ...FACTS.executed, height: commitIndex, commitIndex };
      return continuesLedger(journal.load({ ...FACTS, executed }).stored);
    };
    expect(at(0n)).toBe(true);
    expect(at(3n), 'an empty journal asks others for everything').toBe(true);
    for (let round = 1; round <= 5; round++) {
      const vertex = vertexAt(round);
      const commit = commitAt(BigInt(round), vertex);
      journal.write(
        [
          { kind: 'vertex', vertex },
          { kind: 'commit', commit, schedule: SCHEDULE },
        ],
        'sync',
      );
    }
    expect(at(0n)).toBe(true);
    // Vertices below round 3 are gone, and commits below the second.
    journal.write([{ kind: 'gc', epoch: 0, round: 3, commit: 2n }], 'sync');
    expect([0n, 1n, 2n, 3n, 4n, 5n, 9n].map(at)).toEqual([
      ...[false, false],
      ...[true, true, true, true, true],
    ]);
  });

  test('a boot gets nothing below what was collected, and peers still do', () => {
    const journal = start();
    for (let round = 1; round <= 5; round++) {
      const vertex = vertexAt(round);
      const commit = commitAt(BigInt(round), vertex);
      journal.write(
        [
          { kind: 'vertex', vertex },
          { kind: 'commit', commit, schedule: SCHEDULE },
        ],
        'sync',
      );
    }
    journal.write([{ kind: 'gc', epoch: 0, round: 4, commit: 5n }], 'sync');
    const { stored } = journal.load(FACTS);
    expect(stored.vertices.map(({ ref }) => ref.round)).toEqual([4, 5]);
    expect(stored.commits.map(({ commit }) => commit.index)).toEqual([5n]);
    expect(journal.vertices(0, [vertexAt(1).ref])).toHaveLength(1);
    expect(journal.commits(0, 1n, 3).map(({ index }) => index)).toEqual([1n, 2n, 3n]);
  });

  test('vertices of epochs before the last are dropped', () => {
    const journal = start();
    journal.write([{ kind: 'vertex', vertex: vertexAt(1) }], 'sync');
    journal.write([{ kind: 'gc', epoch: 1, round: 0, commit: 0n }], 'sync');
    expect(journal.vertices(0, [vertexAt(1).ref])).toHaveLength(1);
    journal.write([{ kind: 'gc', epoch: 2, round: 0, commit: 0n }], 'sync');
    expect(journal.vertices(0, [vertexAt(1).ref])).toHaveLength(0);
  });

  test('a divergence stays marked until the operator clears it', () => {
    const journal = start();
    journal.write([{ kind: 'divergence', info: 'size 9' }], 'sync');
    const again = restart(journal);
    expect(again.load(FACTS).stored.divergence).toBe('size 9');
    again.clearDivergence();
    expect(again.divergence()).toBeNull();
  });
});

describe('the check of a journal', () => {
  function written(): Journal {
    const journal = start();
    let previous = bytes32(0);
    for (let round = 1; round <= 3; round++) {
      const vertex = vertexAt(round);
      const commit = sealCommit(taggedHash, {
        ...commitAt(BigInt(round), vertex),
        previousDigest: previous,
      });
      previous = commit.digest;
      const writes: Write[] = [
        { kind: 'vertex', vertex },
        { kind: 'commit', commit, schedule: SCHEDULE },
      ];
      journal.write(writes, 'sync');
    }
    return journal;
  }

  const check = () => checkJournal(join(folder, 'journal.db'), taggedHash);

  test('finds nothing in a sound one', () => {
    written();
    expect(check()).toEqual({ findings: [], vertices: 3n, commits: 3n });
  });

  test.each([
    ['a vertex under another name', 'UPDATE vertex SET round = 7 WHERE round = 2', 'round 7'],
    ['a commit that is missing', 'DELETE FROM committed WHERE "index" = 2', 'commit 3'],
    ['a commit in another place', 'UPDATE committed SET "index" = 9 WHERE "index" = 3', 'commit 9'],
  ])('notices %s', (_, sql, where) => {
    written();
    const database = new Sqlite(join(folder, 'journal.db'));
    expect(database.prepare(sql).run().changes).toBe(1);
    database.close();
    expect(check().findings.join()).toContain(where);
  });
});

describe('the two guards', () => {
  const signStatePath = () => join(folder, 'sign-state.json');

  test('a sign-state file one write behind is a crash between the two, and no amnesia', () => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(1), 'sync');
    const behind = readFileSync(signStatePath());
    journal.write(signed(2), 'sync');
    writeFileSync(signStatePath(), behind);
    const { signing } = restart(journal).load(FACTS);
    expect(signing.amnesia).toBeNull();
    expect(signing.guard?.round).toBe(2);
  });

  test('a file ahead of the journal means amnesia', () => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(1), 'sync');
    const restored = start('older.db');
    const { signing, stored } = restored.load(FACTS);
    expect(signing.amnesia).toContain('journal');
    expect(stored.guard).toBeNull();
  });

  test('a journal put back from a copy means amnesia', () => {
    const copy = start('copy.db');
    copy.beginSigning();
    rmSync(signStatePath());
    const journal = start();
    journal.beginSigning();
    journal.write(signed(7), 'sync');
    expect(copy.load(FACTS).signing.amnesia).toContain('round 7');
  });

  test('a missing file means amnesia', () => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(1), 'sync');
    rmSync(signStatePath());
    expect(restart(journal).load(FACTS).signing.amnesia).toContain('missing');
  });

  test('an amnesia outlives a restart, and ends with the next signed vertex', () => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(1), 'sync');
    rmSync(signStatePath());
    const forgetful = restart(journal);
    forgetful.load(FACTS);
    const guard = { epoch: 0, size: 3n, root: bytes32(8) };
    forgetful.write([{ kind: 'checkpointGuard', guard }], 'sync');
    const again = restart(forgetful);
    expect(again.load(FACTS).stored.guard).toBeNull();
    again.write(signed(5), 'sync');
    expect(restart(again).load(FACTS).stored.guard?.round).toBe(5);
  });

  test('of two checkpoint guards the larger counts', () => {
    const journal = start();
    journal.beginSigning();
    const at = (size: bigint): Write => ({
      kind: 'checkpointGuard',
      guard: { epoch: 0, size, root: bytes32(8) },
    });
    journal.write([at(9n)], 'sync');
    const file = readFileSync(signStatePath());
    const other = start('other.db');
    writeFileSync(signStatePath(), file);
    expect(other.load(FACTS).stored.checkpointGuard.size).toBe(9n);
    rmSync(signStatePath());
    expect(restart(journal).load(FACTS).stored.checkpointGuard.size).toBe(9n);
  });

  test('without any guard the checkpoint key never signs again', () => {
    const { stored, signing } = start().load(FACTS);
    expect(signing.checkpointKeyLost).toBe(true);
    expect(stored.checkpointGuard.size).toBe(MAX_U64);
    expect(stored.guard).toBeNull();
  });

  test('init on a machine that has signed moves nothing back', () => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(4), 'sync');
    journal.beginSigning();
    expect(journal.load(FACTS).signing.guard?.round).toBe(4);
  });

  test.each([
    ['one digit changed', (text: string) => text.replace('"round": 1', '"round": 2')],
    ['cut short', (text: string) => text.slice(0, -20)],
    ['emptied', () => ''],
    ['of other keys', (text: string) => text.replaceAll('02'.repeat(32), '03'.repeat(32))],
  ])('a file %s is refused, not believed', (_, change) => {
    const journal = start();
    journal.beginSigning();
    journal.write(signed(1), 'sync');
    writeFileSync(signStatePath(), change(readFileSync(signStatePath(), 'utf8')));
    expect(() => journal.load(FACTS)).toThrow(
      expect.objectContaining({ code: 'store/sign-state' }),
    );
  });
});
