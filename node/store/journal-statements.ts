/**
 * Every statement of the consensus journal.
 */

import type { Database } from './database.ts';
import { and, asc, desc, eq, gte, lt, sql } from './drizzle.ts';
import {
  certificate,
  committed,
  divergence,
  epochRecord,
  evidence,
  guard,
  horizon,
  vertex,
} from './journal-schema.ts';
import { STORE_LIMITS } from './limits.ts';

export type JournalStatements = ReturnType<typeof prepareJournal>;

/** SQLite numbers the row itself. */
const NEXT_ROW = sql`null`;

/** Compiles every statement once. */
export function prepareJournal({ query }: Database) {
  const value = sql.placeholder;
  const excluded = (column: string) => sql.raw(`excluded."${column}"`);
  return {
    vertex: query
      .select({ bytes: vertex.bytes })
      .from(vertex)
      .where(
        and(
          eq(vertex.epoch, value('epoch')),
          eq(vertex.round, value('round')),
          eq(vertex.author, value('author')),
          eq(vertex.digest, value('digest')),
        ),
      )
      .orderBy(asc(vertex.id))
      .limit(1)
      .prepare(),
    verticesFrom: query
      .select({ bytes: vertex.bytes })
      .from(vertex)
      .where(and(eq(vertex.epoch, value('epoch')), gte(vertex.round, value('round'))))
      .orderBy(asc(vertex.round), asc(vertex.author), asc(vertex.digest))
      .limit(value('limit'))
      .prepare(),
    addVertex: query
      .insert(vertex)
      .values({
        id: NEXT_ROW,
        epoch: value('epoch'),
        round: value('round'),
        author: value('author'),
        digest: value('digest'),
        bytes: value('bytes'),
      })
      .prepare(),
    commitsFrom: query
      .select({ bytes: committed.bytes, schedule: committed.schedule })
      .from(committed)
      .where(and(eq(committed.epoch, value('epoch')), gte(committed.index, value('index'))))
      .orderBy(asc(committed.index))
      .limit(value('limit'))
      .prepare(),
    addCommit: query
      .insert(committed)
      .values({
        epoch: value('epoch'),
        index: value('index'),
        bytes: value('bytes'),
        schedule: value('schedule'),
      })
      .onConflictDoUpdate({
        target: [committed.epoch, committed.index],
        set: { bytes: excluded('bytes'), schedule: excluded('schedule') },
      })
      .prepare(),
    guard: query
      .select()
      .from(guard)
      .where(eq(guard.key, value('key')))
      .prepare(),
    setGuard: query
      .insert(guard)
      .values({
        key: value('key'),
        epoch: value('epoch'),
        position: value('position'),
        digest: value('digest'),
      })
      .onConflictDoUpdate({
        target: guard.key,
        set: {
          epoch: excluded('epoch'),
          position: excluded('position'),
          digest: excluded('digest'),
        },
      })
      .prepare(),
    dropGuard: query
      .delete(guard)
      .where(eq(guard.key, value('key')))
      .prepare(),
    addCertificate: query
      .insert(certificate)
      .values({ size: value('size'), epoch: value('epoch'), bytes: value('bytes') })
      .onConflictDoNothing()
      .prepare(),
    newestCertificate: query
      .select({ bytes: certificate.bytes })
      .from(certificate)
      .orderBy(desc(certificate.size))
      .limit(1)
      .prepare(),
    certificateFrom: query
      .select({ bytes: certificate.bytes })
      .from(certificate)
      .where(gte(certificate.size, value('size')))
      .orderBy(asc(certificate.size))
      .limit(1)
      .prepare(),
    pruneCertificates: query
      .delete(certificate)
      .where(lt(certificate.size, value('size')))
      .prepare(),
    addEvidence: query
      .insert(evidence)
      .values({
        id: NEXT_ROW,
        epoch: value('epoch'),
        kind: value('kind'),
        first: value('first'),
        second: value('second'),
      })
      .prepare(),
    addEpoch: query
      .insert(epochRecord)
      .values({ epoch: value('epoch'), bytes: value('bytes') })
      .onConflictDoUpdate({ target: epochRecord.epoch, set: { bytes: excluded('bytes') } })
      .prepare(),
    newestEpoch: query
      .select({ bytes: epochRecord.bytes })
      .from(epochRecord)
      .orderBy(desc(epochRecord.epoch))
      .limit(1)
      .prepare(),
    horizon: query
      .select()
      .from(horizon)
      .where(eq(horizon.epoch, value('epoch')))
      .prepare(),
    setHorizon: query
      .insert(horizon)
      .values({ epoch: value('epoch'), round: value('round'), commit: value('commit') })
      .onConflictDoUpdate({
        target: horizon.epoch,
        set: { round: excluded('round'), commit: excluded('commit') },
      })
      .prepare(),
    divergence: query.select().from(divergence).where(eq(divergence.id, 1)).prepare(),
    setDivergence: query
      .insert(divergence)
      .values({ id: 1, info: value('info') })
      .onConflictDoNothing()
      .prepare(),
    clearDivergence: query.delete(divergence).prepare(),
    prunePastVertices: query
      .delete(vertex)
      .where(lt(vertex.epoch, value('epoch')))
      .orderBy(asc(vertex.epoch), asc(vertex.round))
      .limit(STORE_LIMITS.prunedRows)
      .prepare(),
    pruneVertices: query
      .delete(vertex)
      .where(and(eq(vertex.epoch, value('epoch')), lt(vertex.round, value('round'))))
      .orderBy(asc(vertex.round))
      .limit(STORE_LIMITS.prunedRows)
      .prepare(),
    prunePastCommits: query
      .delete(committed)
      .where(lt(committed.epoch, value('epoch')))
      .orderBy(asc(committed.epoch), asc(committed.index))
      .limit(STORE_LIMITS.prunedRows)
      .prepare(),
    pruneCommits: query
      .delete(committed)
      .where(and(eq(committed.epoch, value('epoch')), lt(committed.index, value('index'))))
      .orderBy(asc(committed.index))
      .limit(STORE_LIMITS.prunedRows)
      .prepare(),
  };
}
