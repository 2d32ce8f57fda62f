/**
 * What consensus starts from on this machine: the ledger's tip, the journal, and what the guards
 * say of the keys.
 */
import { endsEpoch, headerCodec } from 'fanal/chain/header.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { type ValidatorSet, validatorSetCodec } from 'fanal/chain/validators.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { leafHash } from 'fanal/merkle/list-hash.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { EpochRecord, ExecutedTip, StoredState, VertexRef } from '../core/types.ts';
import type { AsyncLedger, Tip } from '../ledger/ledger.ts';
import {
  authorOf,
  consensusParams,
  currentEpochRecord,
  membersOf,
  nextEpoch,
} from './epoch-record.ts';
import type { JournalClient } from './journal-client.ts';
import type { Log } from './log.ts';

/** Where consensus would begin now. */
export interface Beginning {
  readonly record: EpochRecord;
  readonly author: number | null;
  readonly executed: ExecutedTip;
  readonly certifiedSize: bigint;
}

/**
 * Finds the epoch to begin in. An epoch's executed last block that is not certified yet still
 * belongs to the work of that epoch.
 */
export async function findBeginning(
  ledger: AsyncLedger,
  vertexKey: Uint8Array | null,
): Promise<Beginning> {
  const [tip, certified] = await Promise.all([ledger.tip(), ledger.certifiedTip()]);
  const isOpenEnd = endsEpoch(tip.header) && certified.size < tip.size;
  const record = isOpenEnd
    ? await endingEpochRecord(ledger, tip)
    : await currentEpochRecord(ledger);
  const isStart = tip.height === record.startHeight;
  return {
    record,
    author: authorOf(record, vertexKey),
    executed: {
      height: tip.height,
      time: tip.header.time,
      commitIndex: isStart ? 0n : tip.header.commitIndex,
      root: tip.root,
      next: isOpenEnd
        ? await nextEpoch(ledger, (following) => authorOf(following, vertexKey))
        : null,
    },
    certifiedSize: certified.size,
  };
}

/** What the core boots from, and how careful it has to be. */
export interface LoadedState {
  readonly stored: StoredState;
  readonly isAmnesiac: boolean;
  /** These keys have not signed on this disk, in a network that is already in motion. */
  readonly isFirstTimeHere: boolean;
}

/**
 * Reads what the core boots from.
 *
 * @throws {FanalError} `safety/sign-state-lost` when the checkpoint key may not sign again
 */
export async function loadStored(
  journal: JournalClient,
  beginning: Beginning,
  log: Log,
): Promise<LoadedState> {
  const { record, author, executed, certifiedSize } = beginning;
  const { stored, signing } = await journal.load({
    epoch: record,
    author,
    executed,
    certifiedSize,
  });
  if (signing.checkpointKeyLost) {
    throw new FanalError(
      'safety/sign-state-lost',
      'what these keys have signed last is not known any more',
      {
        hint: 'Restore the sign state from a backup, or retire this validator and register new keys. Until then, run with --observe.',
      },
    );
  }
  if (signing.amnesia !== null) {
    log.warn({ reason: signing.amnesia }, 'the last signed round is asked of the other validators');
  }
  const isAmnesiac = signing.amnesia !== null;
  const isNew = signing.checkpointGuard.size === 0n && executed.height > 0n;
  return { stored, isAmnesiac, isFirstTimeHere: isAmnesiac || isNew };
}

/**
 * Says whether the journal has, whole, every commit that execution has still to take. It has not
 * when the ledger is older than the journal: put back from a snapshot, or robbed of its end by a
 * disk that lied.
 */
export function continuesLedger({
  commits,
  vertices,
  executed,
}: Pick<StoredState, 'commits' | 'vertices' | 'executed'>): boolean {
  const name = ({ round, author, digest }: VertexRef) => `${round} ${author} ${toHex(digest)}`;
  const stored = new Set(vertices.map(({ ref }) => name(ref)));
  let next = executed.commitIndex + 1n;
  for (const { commit } of commits) {
    if (commit.index < next) continue;
    if (commit.index > next || !commit.vertices.every((ref) => stored.has(name(ref)))) return false;
    next += 1n;
  }
  return true;
}

/** The record of the epoch that ends with the ledger's tip. */
async function endingEpochRecord(ledger: AsyncLedger, tip: Tip): Promise<EpochRecord> {
  const { epoch, validatorsHash } = tip.header;
  const [info, encodedSet, start] = await Promise.all([
    ledger.info(),
    ledger.validatorSet(validatorsHash),
    startHeader(ledger, epoch),
  ]);
  assert(encodedSet !== null, 'the ledger knows the set of its own tip');
  const set: ValidatorSet = validatorSetCodec.decode(encodedSet);
  return {
    epoch,
    genesisId: info.genesisId,
    origin: info.origin,
    startHeight: start.height,
    startBlockId: leafHash(headerCodec.encode(start)),
    startTime: start.time,
    members: membersOf(set),
    params: consensusParams(paramsCodec.decode(info.params)),
  };
}

async function startHeader(ledger: AsyncLedger, epoch: number) {
  if (epoch === 0) {
    const bytes = await ledger.header(0n);
    assert(bytes !== null, 'header 0 is always there');
    return headerCodec.decode(bytes);
  }
  const bytes = await ledger.handover(epoch - 1);
  assert(bytes !== null, 'an epoch began with the handover of the one before');
  return handoverCodec.decode(bytes).header;
}
