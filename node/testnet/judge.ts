/**
 * Judges a run of a test network: the checks that it must pass, and the figures that it made.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism, platform, release, totalmem } from 'node:os';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import type { ValidatorStatus } from './group-protocol.ts';
import type { Fault } from './options.ts';
import {
  type Check,
  REPORT_SCHEMA,
  type ReportValidator,
  type TestnetReport,
  warningsOf,
} from './report.ts';
import { testnetLocalParams } from './setting.ts';
import type { Testnet } from './testnet.ts';

/** The longest that nothing may be certified while a quorum can speak. */
const STALL_MILLIS = 30_000;
/** Blocks that a validator at work may be behind the first at the end. */
const BEHIND_BLOCKS = 30n;
/** A payment had its chance after so long. */
const PAYMENT_MILLIS = 30_000;

/** Checks that only hold once a network has been let come to rest. */
const FINAL_CHECKS = ['everyone-keeps-up', 'light-client-follows'];

/** @param isOver false for a look at a run that goes on */
export function judge(
  net: Testnet,
  interrupted: boolean,
  seconds: number,
  isOver = true,
): TestnetReport {
  const { options, ledger, follower } = net;
  const { genesis } = net.setting.chain;
  const { links } = options;
  const statuses = [...net.stats.values()].flatMap(({ validators }) => validators);
  const checks = allChecks(net, statuses, seconds * 1_000).filter(
    ({ id }) => isOver || !FINAL_CHECKS.includes(id),
  );
  const { settled, late } = paymentsOf(net);
  const local = testnetLocalParams(options.validators);
  const stats = [...net.stats.values()];
  const sum = (pick: (one: (typeof stats)[number]) => number) =>
    stats.reduce((total, one) => total + pick(one), 0);
  const tip = ledger.tip();
  const cpu = process.cpuUsage(net.cpuBefore);
  return {
    schema: REPORT_SCHEMA,
    result: checks.every(({ ok }) => ok) ? 'pass' : 'fail',
    interrupted,
    parts: [
      {
        started: new Date(net.startedAt).toISOString(),
        durationSeconds: Math.round(seconds * 10) / 10,
        height: Number(tip.height),
        transactions: net.transactions,
      },
    ],
    run: {
      id: randomUUID(),
      seed: options.seed,
      started: new Date(net.startedAt).toISOString(),
      finished: new Date().toISOString(),
      durationSeconds: Math.round(seconds * 10) / 10,
      commit: process.env.FANAL_COMMIT ?? '',
      node: process.version,
      host: hostOf(net.loadBefore),
    },
    config: {
      validators: options.validators,
      byzantine: options.byzantine,
      threads: options.threads,
      paymentsPerSecond: options.paymentsPerSecond,
      ...links,
      blockIntervalMillis: Number(genesis.params.blockIntervalMillis),
      minRoundDelayMillis: local.minRoundDelay,
      leaderTimeoutMillis: local.leaderTimeout,
      faults: options.faults.map((fault) => ({
        kind: fault.kind,
        at: fault.atMillis / 1_000,
        for: fault.forMillis / 1_000,
        target: (net.targets.get(fault) ?? []).map((validator) => net.nameOf(validator)),
      })),
    },
    checks,
    chain: {
      height: Number(tip.height),
      certifiedHeight: Number(ledger.certifiedTip().height),
      blocks: net.blocks,
      commits: Number(tip.header.commitIndex),
      rounds: Math.max(0, ...stats.map(({ round }) => round)),
      transactions: net.transactions,
      forks: net.forks.length,
      evidence: net.evidence.length,
      marks: marksOf(stats.map(({ marks }) => marks)),
    },
    latencySeconds: {
      commit: net.commitMillis.percentiles(),
      executed: net.executedMillis.percentiles(),
      certified: net.certifiedMillis.percentiles(),
      blockInterval: net.blockIntervals.percentiles(),
    },
    throughput: {
      submitted: net.submitted,
      txPerSecond: {
        mean: Math.round((10 * net.transactions) / seconds) / 10,
        peak: Math.round(10 * net.peakPerSecond) / 10,
      },
      ...{ settled, late, successRate: shareOf(settled, late) },
    },
    validators: board(net, statuses),
    lightClient: {
      updatesVerified: follower.updates,
      height: Number(follower.height),
      verifySeconds: follower.verifyMillis.percentiles(),
      tamperRefused: follower.refused,
      tamperHarmless: follower.harmless,
      tamperTotal: follower.tampered,
    },
    resources: {
      cpuSeconds: Math.round((cpu.user + cpu.system) / 1e5) / 10,
      rssPeakBytes: net.rssPeakBytes,
      netBytes: sum(({ netBytes }) => netBytes),
      netMessages: sum(({ netMessages }) => netMessages),
      netLost: sum(({ netLost }) => netLost),
      signaturesVerified: sum(({ signaturesVerified }) => signaturesVerified),
      signatureSeconds: Math.round(sum(({ verifyMillis }) => verifyMillis) / 100) / 10,
    },
    warnings: warningsOf(options),
  };
}

function allChecks(net: Testnet, statuses: readonly ValidatorStatus[], ranMillis: number): Check[] {
  const { ledger, follower, options } = net;
  const certified = ledger.certifiedTip().height;
  const supply = ledger.stats().supplyUnits;
  const { genesis } = net.setting.chain;
  const minted =
    genesis.balances.reduce((sum, { amount }) => sum + amount, 0n) +
    genesis.validators.reduce((sum, { stake }) => sum + stake, 0n);
  const gap = longestGap(net, ranMillis);
  const behind = laggards(net, statuses, ranMillis);
  const { settled, late } = paymentsOf(net);
  const success = shareOf(settled, late);
  const wrongIds = statuses.filter(
    ({ executedHeight, blockId }) => blockId !== null && !isOurs(net, executedHeight, blockId),
  );
  const check = (id: string, ok: boolean, expected: string, actual: string): Check => ({
    ...{ id, ok, expected, actual },
  });
  return [
    check(
      'one-block-per-height',
      net.forks.length === 0 && wrongIds.length === 0,
      'every validator cut and holds the same block at each height',
      net.forks[0] ?? (wrongIds.length === 0 ? 'the same' : `${wrongIds.length} hold another`),
    ),
    check(
      'no-validator-broke',
      net.broken.size === 0,
      'no honest validator halted or crashed',
      [...net.broken].map(([at, why]) => `${net.nameOf(at)}: ${why.split('\n')[0]}`)[0] ?? 'none',
    ),
    check(
      'no-false-evidence',
      net.evidence.length === 0,
      'nobody is accused: silent members break no rule',
      net.evidence[0] ?? 'nobody',
    ),
    check(
      'progress',
      certified > 0n && gap <= STALL_MILLIS,
      `something certified at least each ${STALL_MILLIS / 1_000} s while a quorum could speak`,
      `height ${certified}, longest pause ${(gap / 1_000).toFixed(1)} s`,
    ),
    check(
      'everyone-keeps-up',
      behind.length === 0,
      `every running validator within ${BEHIND_BLOCKS} blocks of the first at the end`,
      behind.length === 0 ? 'all' : `${behind.length} behind, first ${behind[0]}`,
    ),
    check(
      'payments-succeed',
      options.paymentsPerSecond === 0 || (net.rejected.length === 0 && (success ?? 1) > 0.999),
      'every payment that had 30 s is in a block, none rejected',
      `${success === null ? 'none had 30 s' : `${(100 * success).toFixed(2)} %`}, ${net.rejected.length} rejected${net.rejected[0] === undefined ? '' : ` (${net.rejected[0]})`}`,
    ),
    check('supply', supply === minted, `${minted} units`, `${supply} units`),
    check(
      'light-client-follows',
      follower.failure === null && follower.height === certified,
      `the light client is at height ${certified} and believed nothing damaged`,
      follower.failure ?? `height ${follower.height}, ${follower.refused} damaged updates refused`,
    ),
  ];
}

/** The longest time without a certificate, outside of faults that took the quorum away. */
function longestGap(net: Testnet, ranMillis: number): number {
  const { options } = net;
  const mayFail = Math.floor((options.validators - 1) / 3) - options.byzantine;
  const halting = options.faults.filter(({ count }) => count > mayFail);
  let longest = 0;
  let last = 0;
  for (const at of [...net.certifiedAt, ranMillis]) {
    const excused = halting.reduce((sum, fault) => sum + overlap(fault, last, at), 0);
    longest = Math.max(longest, at - last - excused);
    last = at;
  }
  return longest;
}

function overlap({ atMillis, forMillis }: Fault, from: number, to: number): number {
  return Math.max(0, Math.min(to, atMillis + forMillis) - Math.max(from, atMillis));
}

/** Validators that run and were left in peace for a while, and yet are far behind. */
function laggards(net: Testnet, statuses: readonly ValidatorStatus[], ranMillis: number): string[] {
  const disturbed = new Set(
    net.options.faults
      .filter(({ atMillis, forMillis }) => ranMillis < atMillis + forMillis + PAYMENT_MILLIS)
      .flatMap((fault) => net.targets.get(fault) ?? []),
  );
  const { height } = net.ledger.tip();
  return statuses
    .filter(({ validator }) => !disturbed.has(validator))
    .filter(({ running, executedHeight }) => !running || executedHeight + BEHIND_BLOCKS < height)
    .map(
      ({ validator, executedHeight }) =>
        `${net.nameOf(validator)} at ${executedHeight} of ${height}`,
    );
}

/** Payments that are in a block, and those that are not although they had their time. */
function paymentsOf(net: Testnet): { readonly settled: number; readonly late: number } {
  const now = performance.now();
  const late = [...net.payers.open.values()].filter(
    ({ submittedAt }) => now - submittedAt > PAYMENT_MILLIS,
  ).length;
  return { settled: net.executedMillis.count, late };
}

/** The share of payments that got in; null before there are any. */
export function shareOf(settled: number, late: number): number | null {
  return settled + late === 0 ? null : settled / (settled + late);
}

function isOurs(net: Testnet, height: bigint, blockId: Uint8Array): boolean {
  return net.ledger.tip().height >= height && toHex(blockId) === net.blockId(height);
}

/** Best first, as on the board of a node. */
function board(net: Testnet, statuses: readonly ValidatorStatus[]): ReportValidator[] {
  const byName = new Map(statuses.map((status) => [net.nameOf(status.validator), status]));
  const share = (part: bigint, whole: bigint) =>
    whole === 0n ? null : Number(part) / Number(whole);
  return net.ledger
    .validators()
    .map((row) => {
      const { name } = validatorRecordCodec.decode(row.record);
      const status = byName.get(name);
      return {
        rank: 0,
        name,
        stake: String(row.stake),
        cosigned: share(row.cosigned, row.checkpoints),
        accuracy: share(row.cosigned, row.cosigned + row.mismatched),
        rounds: Number(row.rounds),
        rewards: String(row.rewards),
        finalHeight: status === undefined ? null : Number(status.executedHeight),
        finalBlockId: status?.blockId == null ? null : toHex(status.blockId),
      };
    })
    .sort(
      (a, b) =>
        (b.accuracy ?? 0) - (a.accuracy ?? 0) ||
        (b.cosigned ?? 0) - (a.cosigned ?? 0) ||
        b.rounds - a.rounds ||
        (a.name < b.name ? -1 : 1),
    )
    .map((row, i) => ({ ...row, rank: i + 1 }));
}

/** What a report says of the machine. */
function hostOf(loadBefore: number): TestnetReport['run']['host'] {
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${platform()} ${release()}`,
    loadBefore: Math.round(loadBefore * 100) / 100,
    shared: true,
  };
}

/** What the cores counted, added up over all validators. */
function marksOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const marks of all) {
    for (const [name, count] of Object.entries(marks)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
