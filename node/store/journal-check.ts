/**
 * Checks a consensus journal: that every row is what it says, and that the commits of each epoch are
 * one chain. Part of `fanal fsck` on a data folder.
 */
import { type Bytes, type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import { decodeCommit, scheduleCodec } from '../core/commit.ts';
import { decodeVertex, type TaggedHash } from '../core/vertex.ts';
import { type Database, openDatabase } from './database.ts';

export interface JournalVerdict {
  readonly findings: readonly string[];
  readonly vertices: bigint;
  readonly commits: bigint;
}

interface VertexRow {
  readonly epoch: bigint;
  readonly round: bigint;
  readonly author: bigint;
  readonly digest: Bytes;
  readonly bytes: Bytes;
}

interface CommitRow {
  readonly epoch: bigint;
  readonly index: bigint;
  readonly bytes: Bytes;
  readonly schedule: Bytes;
}

/** The commit before the one at hand. */
interface Previous {
  readonly epoch: bigint;
  readonly index: bigint;
  readonly digest: Bytes32;
}

/** @throws {StoreError} when the file cannot be read at all */
export function checkJournal(path: string, hash: TaggedHash): JournalVerdict {
  const database = openDatabase({ path, kind: 'journal', readOnly: true });
  const findings: string[] = [];
  try {
    database.client.exec('BEGIN');
    const rows = database.client.pragma('integrity_check') as { integrity_check: string }[];
    for (const { integrity_check: line } of rows) if (line !== 'ok') findings.push(`file: ${line}`);
    const vertices = checkVertices(database, hash, findings);
    const commits = checkCommits(database, hash, findings);
    return { findings, vertices, commits };
  } finally {
    database.close();
  }
}

function checkVertices({ client }: Database, hash: TaggedHash, findings: string[]): bigint {
  let count = 0n;
  const rows = client.prepare('SELECT * FROM vertex ORDER BY epoch, round, author, digest');
  for (const row of rows.iterate() as Iterable<VertexRow>) {
    const { epoch, round, author, digest, bytes } = row;
    const at = `vertex of ${author} in round ${round} of epoch ${epoch}`;
    count += 1n;
    try {
      const { ref, header } = decodeVertex(new Uint8Array(bytes), hash);
      const isThis =
        BigInt(header.epoch) === epoch &&
        BigInt(ref.round) === round &&
        BigInt(ref.author) === author &&
        equalBytes(ref.digest, digest);
      if (!isThis) findings.push(`${at}: its bytes are of another`);
    } catch (error) {
      findings.push(`${at}: ${(error as Error).message}`);
    }
  }
  return count;
}

function checkCommits({ client }: Database, hash: TaggedHash, findings: string[]): bigint {
  let count = 0n;
  let before: Previous | null = null as Previous | null;
  const rows = client.prepare('SELECT * FROM committed ORDER BY epoch, "index"');
  for (const row of rows.iterate() as Iterable<CommitRow>) {
    const { epoch, index } = row;
    const at = `commit ${index} of epoch ${epoch}`;
    count += 1n;
    try {
      scheduleCodec.decode(new Uint8Array(row.schedule));
      const commit = decodeCommit(new Uint8Array(row.bytes), hash);
      if (BigInt(commit.epoch) !== epoch || commit.index !== index) {
        findings.push(`${at}: its bytes are of another`);
      }
      const follows = before?.epoch === epoch && before.index + 1n === index;
      if (follows && !equalBytes(commit.previousDigest, before?.digest as Bytes)) {
        findings.push(`${at}: it does not follow the one before`);
      }
      if (before?.epoch === epoch && !follows) findings.push(`${at}: one is missing before it`);
      before = { epoch, index, digest: commit.digest };
    } catch (error) {
      findings.push(`${at}: ${(error as Error).message}`);
      before = null;
    }
  }
  return count;
}
