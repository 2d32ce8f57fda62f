/**
 * The epochs: who was in the set of each, where it ended, which checkpoints were certified, and how
 * its validators did.
 */

import { type ValidatorSet, validatorSetCodec } from 'fanal/chain/validators.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from 'fanal/checkpoint/cosigned.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Database } from '../store/database.ts';
import { and, asc, desc, eq, gte, lt, notInArray, sql } from '../store/drizzle.ts';
import { checkpoint, epoch, performance, validatorSet } from '../store/ledger-schema.ts';
import { LEDGER_LIMITS } from './limits.ts';

export interface StoredEpoch {
  readonly epoch: number;
  readonly validatorsHash: Bytes32;
  /** Null while it runs. */
  readonly lastHeight: bigint | null;
}

/** What one validator did in an epoch. */
export interface Performance {
  readonly rounds: bigint;
  readonly rewards: bigint;
  readonly checkpoints: bigint;
  readonly cosigned: bigint;
  readonly mismatched: bigint;
}

export class EpochStore {
  readonly #statements: ReturnType<typeof prepare>;
  /** Sets by the text of their hash: there are few, and they are asked for with every read. */
  readonly #sets = new Map<string, ValidatorSet>();

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  get(number: number): StoredEpoch | null {
    const row = this.#statements.epoch.get({ epoch: number });
    return row === undefined ? null : { ...row, validatorsHash: row.validatorsHash as Bytes32 };
  }

  /** The epoch that a height belongs to, if it has ended. */
  at(height: bigint): number | null {
    return this.#statements.at.get({ height })?.epoch ?? null;
  }

  /** Says whether a height is the last of its epoch. */
  isLast(height: bigint): boolean {
    const epoch = this.at(height);
    return epoch !== null && this.get(epoch)?.lastHeight === height;
  }

  newest(): StoredEpoch {
    const row = this.#statements.newest.get();
    assert(row !== undefined, 'a ledger has an epoch');
    return { ...row, validatorsHash: row.validatorsHash as Bytes32 };
  }

  begin(number: number, set: ValidatorSet): void {
    this.#statements.addSet.run({ hash: set.hash, value: validatorSetCodec.encode(set) });
    this.#statements.addEpoch.run({ epoch: number, validatorsHash: set.hash });
  }

  end(number: number, lastHeight: bigint): void {
    this.#statements.endEpoch.run({ epoch: number, lastHeight });
  }

  /** Takes back that an epoch ended. */
  reopen(number: number): void {
    this.#statements.dropEpochsFrom.run({ epoch: number + 1 });
    this.#statements.endEpoch.run({ epoch: number, lastHeight: null });
  }

  set(hash: Bytes): ValidatorSet | null {
    const name = Buffer.from(hash).toString('hex');
    const known = this.#sets.get(name);
    if (known !== undefined) return known;
    const row = this.#statements.set.get({ hash });
    if (row === undefined) return null;
    const set = validatorSetCodec.decode(row.value);
    if (this.#sets.size >= LEDGER_LIMITS.cachedSets) this.#sets.clear();
    this.#sets.set(name, set);
    return set;
  }

  /** The set of an epoch that has begun. */
  setOf(number: number): ValidatorSet {
    const stored = this.get(number);
    const set = stored === null ? null : this.set(stored.validatorsHash);
    assert(set !== null, `epoch ${number} has a set`);
    return set;
  }

  addCheckpoint(cosigned: CosignedCheckpoint): void {
    const bytes = cosignedCheckpointCodec.encode(cosigned);
    this.#statements.addCheckpoint.run({ size: cosigned.size, bytes });
  }

  checkpoint(size: bigint): CosignedCheckpoint | null {
    const row = this.#statements.checkpoint.get({ size });
    return row === undefined ? null : cosignedCheckpointCodec.decode(row.bytes);
  }

  newestCheckpoint(): CosignedCheckpoint | null {
    const row = this.#statements.newestCheckpoint.get();
    return row === undefined ? null : cosignedCheckpointCodec.decode(row.bytes);
  }

  /** Every checkpoint that is kept, smallest first. */
  checkpoints(): CosignedCheckpoint[] {
    return this.#statements.checkpoints
      .all()
      .map(({ bytes }) => cosignedCheckpointCodec.decode(bytes));
  }

  /** Drops checkpoints below a size, but for each epoch's last. */
  pruneCheckpoints(below: bigint): void {
    this.#statements.pruneCheckpoints.run({ size: below });
  }

  performance(number: number, validator: string): Performance {
    return this.#statements.performance.get({ epoch: number, validator }) ?? NONE;
  }

  setPerformance(number: number, validator: string, row: Performance): void {
    this.#statements.setPerformance.run({ epoch: number, validator, ...row });
  }
}

const NONE: Performance = {
  rounds: 0n,
  rewards: 0n,
  checkpoints: 0n,
  cosigned: 0n,
  mismatched: 0n,
};

function prepare({ query }: Database) {
  const value = sql.placeholder;
  const excluded = (column: string) => sql.raw(`excluded."${column}"`);
  return {
    epoch: query
      .select()
      .from(epoch)
      .where(eq(epoch.epoch, value('epoch')))
      .prepare(),
    at: query
      .select({ epoch: epoch.epoch })
      .from(epoch)
      .where(gte(epoch.lastHeight, value('height')))
      .orderBy(asc(epoch.epoch))
      .limit(1)
      .prepare(),
    newest: query.select().from(epoch).orderBy(desc(epoch.epoch)).limit(1).prepare(),
    addEpoch: query
      .insert(epoch)
      .values({ epoch: value('epoch'), validatorsHash: value('validatorsHash'), lastHeight: null })
      .prepare(),
    endEpoch: query
      .update(epoch)
      .set({ lastHeight: sql`${value('lastHeight')}` })
      .where(eq(epoch.epoch, value('epoch')))
      .prepare(),
    dropEpochsFrom: query
      .delete(epoch)
      .where(gte(epoch.epoch, value('epoch')))
      .prepare(),
    set: query
      .select({ value: validatorSet.value })
      .from(validatorSet)
      .where(eq(validatorSet.hash, value('hash')))
      .prepare(),
    addSet: query
      .insert(validatorSet)
      .values({ hash: value('hash'), value: value('value') })
      .onConflictDoNothing()
      .prepare(),
    addCheckpoint: query
      .insert(checkpoint)
      .values({ size: value('size'), bytes: value('bytes') })
      .onConflictDoNothing()
      .prepare(),
    checkpoint: query
      .select({ bytes: checkpoint.bytes })
      .from(checkpoint)
      .where(eq(checkpoint.size, value('size')))
      .prepare(),
    newestCheckpoint: query
      .select({ bytes: checkpoint.bytes })
      .from(checkpoint)
      .orderBy(desc(checkpoint.size))
      .limit(1)
      .prepare(),
    checkpoints: query
      .select({ bytes: checkpoint.bytes })
      .from(checkpoint)
      .orderBy(asc(checkpoint.size))
      .prepare(),
    pruneCheckpoints: query
      .delete(checkpoint)
      .where(
        and(
          lt(checkpoint.size, value('size')),
          notInArray(
            checkpoint.size,
            sql`(SELECT last_height + 1 FROM epoch WHERE last_height IS NOT NULL)`,
          ),
        ),
      )
      .prepare(),
    performance: query
      .select()
      .from(performance)
      .where(
        and(eq(performance.epoch, value('epoch')), eq(performance.validator, value('validator'))),
      )
      .prepare(),
    setPerformance: query
      .insert(performance)
      .values({
        epoch: value('epoch'),
        validator: value('validator'),
        rounds: value('rounds'),
        rewards: value('rewards'),
        checkpoints: value('checkpoints'),
        cosigned: value('cosigned'),
        mismatched: value('mismatched'),
      })
      .onConflictDoUpdate({
        target: [performance.epoch, performance.validator],
        set: {
          rounds: excluded('rounds'),
          rewards: excluded('rewards'),
          checkpoints: excluded('checkpoints'),
          cosigned: excluded('cosigned'),
          mismatched: excluded('mismatched'),
        },
      })
      .prepare(),
  };
}
