/**
 * What a node is at a time: a follower, or a member of the running epoch. After each change of
 * epoch, and after falling behind, the role is found anew.
 */
import type { EpochRecord, Event } from '../core/types.ts';
import { type Beginning, continuesLedger, findBeginning, loadStored } from './boot.ts';
import { Consensus } from './consensus.ts';
import { consensusMetrics, executionMetrics } from './consensus-metrics.ts';
import { authorOf, currentEpochRecord } from './epoch-record.ts';
import { tipNewsCodec } from './exchange.ts';
import { Execution } from './execution.ts';
import { followLedger, syncOptions } from './follower.ts';
import { catchUp } from './join.ts';
import { requireKnownVersion } from './known-version.ts';
import { watchForLaterEpoch } from './later-epoch.ts';
import { type LedgerSyncOptions, syncLedger } from './ledger-sync.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import { memberAddresses } from './membership.ts';
import { nativeCryptoPort, nativeTaggedHash } from './native-crypto.ts';
import type { NodeContext } from './node-context.ts';
import { watchForTwin } from './twin-watch.ts';

/** Works until the signal aborts. Throws what a node must stop for. */
export async function runRoles(context: NodeContext): Promise<never> {
  const { parts, signal } = context;
  for (let isStart = true; ; isStart = false) {
    signal.throwIfAborted();
    const beginning = await findBeginning(parts.ledger, vertexKeyOf(context));
    if (beginning.executed.next === null) await requireKnownVersion(context, isStart);
    if (beginning.author === null || parts.signing === null) await follow(context);
    else await takePart(context, beginning);
  }
}

/** Follows the chain until this node is in the set. */
async function follow(context: NodeContext): Promise<void> {
  const { parts, network, roster, status, signal } = context;
  const { ledger, book, chain, log } = parts;
  const execution = makeExecution(context, () => {});
  const record = await currentEpochRecord(ledger);
  roster.begin(record);
  network.setMembers(new Map());
  context.mempool.author = null;
  status.validator = null;
  status.trouble = 'looking for peers';
  log.info({ epoch: record.epoch }, 'following');
  const key = vertexKeyOf(context);
  await followLedger({
    ...{ network, book, ledger, signal },
    origin: chain.origin,
    verify: parts.pool.batch('cosignature'),
    onBlock: (executed, target) => {
      execution.note(executed);
      noteProgress(context, executed.height, target);
    },
    onTarget: (height) => noteTarget(context, height),
    onCertified: async () => {
      await execution.certifiedInLedger();
      await publishTip(context);
      status.sync = null;
    },
    isDone: async () =>
      !(await ledger.info()).knowsVersion ||
      (key !== null && authorOf(await currentEpochRecord(ledger), key) !== null),
    onError: (error) => log.debug({ err: error }, 'catching up failed; trying again'),
  });
}

/** Takes part in consensus until it ends for this node. */
async function takePart(context: NodeContext, beginning: Beginning): Promise<void> {
  const { parts, network, roster, status, watch, mempool, payloads, signal } = context;
  const { ledger, log, signing, journal, pool, chain } = parts;
  if (signing === null || journal === null) throw new Error('only a validator takes part');
  status.validator = signing.registration.name;
  status.trouble = 'looking for the other validators';
  roster.begin(beginning.record);
  await setMembers(context, beginning.record);
  await catchUp(network, catchUpOptions(context), (error) =>
    log.warn({ err: error }, 'catching up failed; trying again'),
  );
  status.sync = null;
  // Epochs may have passed: look again at where we are, and whether we are still in the set.
  const start = await findBeginning(ledger, vertexKeyOf(context));
  const { author, record } = start;
  if (author === null) return;
  if (start.executed.next === null) await requireKnownVersion(context, false);
  const epoch = roster.begin(record);
  await setMembers(context, record);
  const { stored, isAmnesiac, isFirstTimeHere } = await loadStored(journal, start, log);
  if (!continuesLedger(stored)) {
    await fillGap(context);
    return;
  }
  status.isAmnesiac = isAmnesiac;
  await watch.quorum(epoch, author, signal);
  if (isFirstTimeHere && !watch.hasWatched) {
    await watchBeforeSigning(context);
    // Blocks and perhaps epochs have passed: find the role anew.
    return;
  }
  const consensus = new Consensus({
    crypto: nativeCryptoPort(signing.seeds.vertex, signing.seeds.checkpoint),
    local: {
      minRoundDelay: parts.loaded.config.consensus.min_round_delay_millis,
      leaderTimeout: parts.loaded.config.consensus.leader_timeout_millis,
    },
    slimLeastBytes: parts.loaded.config.consensus.slim_least_bytes,
    wire: { genesisId: chain.genesisId, hash: nativeTaggedHash },
    ...{ stored, network, roster, journal, ledger, mempool, payloads, pool, log },
    execution: (onEvent) => makeExecution(context, onEvent),
    onEpoch: (next, nextAuthor) => {
      mempool.author = nextAuthor;
      log.info({ epoch: next.epoch, author: nextAuthor }, 'a new epoch begins');
      void setMembers(context, next)
        .then(() => mempool.epochStarted())
        .catch((error) => log.error({ err: error }, 'the members are not known'));
    },
    ...consensusMetrics(context),
    onAlarm: (alarm, info) => {
      status.trouble = `${alarm}: ${info}`;
    },
  });
  context.consensus = consensus;
  mempool.author = author;
  status.trouble = null;
  log.info(
    { epoch: record.epoch, author, height: start.executed.height },
    'taking part in consensus',
  );
  const stopWatching = watchForLaterEpoch({
    ask: catchUpOptions(context).ask,
    peers: () => network.connected(),
    executed: () => context.heights.executed,
    epoch: () => roster.current?.record.epoch ?? record.epoch,
    onLater: () => consensus.fallBehind(),
  });
  try {
    const end = await consensus.run(signal);
    log.info({ end }, 'consensus ended here');
  } finally {
    stopWatching();
    context.consensus = null;
    mempool.author = null;
  }
}

/** Follows in silence for a while, so that a twin of these keys shows itself. */
async function watchBeforeSigning(context: NodeContext): Promise<void> {
  const { parts, status, watch, signal } = context;
  const { log, ledger, loaded } = parts;
  const { watch_millis: millis, watch_heights: heights } = loaded.config.consensus;
  log.info({ millis, heights }, 'watching for another node with these keys before signing');
  const sync = catchUpOptions(context);
  await watchForTwin({
    ...{ ledger, millis, heights, signal },
    vertexKey: vertexKeyOf(context) as Uint8Array,
    sync: () => syncLedger(sync, false),
    onProgress: (text) => {
      status.trouble = text;
      status.sync = null;
    },
  });
  watch.hasWatched = true;
  log.info('nobody else signs with these keys');
}

/**
 * Brings a ledger that is older than the journal to where the journal goes on. What lies between
 * was certified, so others have it.
 */
async function fillGap(context: NodeContext): Promise<void> {
  const { parts, network, status, signal } = context;
  const { height } = await parts.ledger.tip();
  parts.log.warn({ height: Number(height) }, 'the ledger is older than the journal; asking others');
  const onError = (err: unknown) => parts.log.warn({ err }, 'catching up failed; trying again');
  await catchUp(network, catchUpOptions(context), onError, false);
  status.sync = null;
  if ((await parts.ledger.tip()).height > height) return;
  status.trouble = 'the ledger is older than the journal, and nobody has what lies between';
  await new Promise((resolve) => setTimeout(resolve, RUNTIME_LIMITS.gapRetryMillis));
  signal.throwIfAborted();
}

function makeExecution(context: NodeContext, onEvent: (event: Event) => void): Execution {
  const { parts, payloads, mempool } = context;
  const told = executionMetrics(context);
  return new Execution({
    ledger: parts.ledger,
    feed: parts.feed,
    start: { ...context.heights },
    flags: (transactions) => payloads.flags(transactions),
    authorIn: (record) => authorOf(record, vertexKeyOf(context)),
    onEvent,
    onExecuted: (executed) => {
      context.heights.executed = executed.height;
      mempool.executed(executed);
      told.executed(executed);
    },
    onCertified: (height) => {
      context.heights.certified = height;
      told.certified(height);
      void publishTip(context).catch(() => {});
    },
    onFailure: (error) => context.fail(error),
  });
}

function catchUpOptions(context: NodeContext): LedgerSyncOptions {
  const { parts, network, signal } = context;
  const execution = makeExecution(context, () => {});
  return syncOptions(
    {
      network,
      origin: parts.chain.origin,
      ledger: parts.ledger,
      verify: parts.pool.batch('cosignature'),
      onBlock: async (executed, target) => {
        execution.note(executed);
        noteProgress(context, executed.height, target);
        if (executed.height === target) await execution.certifiedInLedger();
      },
      signal,
    },
    () => network.connected(),
  );
}

async function setMembers(context: NodeContext, record: EpochRecord): Promise<void> {
  const members = await memberAddresses(context.parts.ledger, record);
  for (const [peer, addresses] of members) {
    for (const address of addresses) context.parts.book.add(`${address}/p2p/${peer}`);
  }
  context.network.setMembers(members);
}

/** Tells followers how long the certified log is. */
async function publishTip({ parts, network }: NodeContext): Promise<void> {
  const { size } = await parts.ledger.certifiedTip();
  const { epoch } = await parts.ledger.epoch();
  network.publishTip(tipNewsCodec.encode({ size, epoch }));
}

function noteTarget(context: NodeContext, target: bigint): void {
  const { status } = context;
  // From the first tip on it is known how far there is to go.
  status.trouble = null;
  const height = context.heights.certified;
  status.sync =
    target > height + RUNTIME_LIMITS.syncedBlocks ? { mode: 'blocks', height, target } : null;
}

function noteProgress({ status }: NodeContext, height: bigint, target: bigint): void {
  status.sync =
    target > height + RUNTIME_LIMITS.syncedBlocks ? { mode: 'blocks', height, target } : null;
}

function vertexKeyOf({ parts }: NodeContext): Uint8Array | null {
  return parts.signing?.registration.vertexKey ?? null;
}
