/**
 * A run of hours that may be killed: what it has found so far lies in a folder, and another run
 * goes on from there for the time that is left. Journals are in memory, so each part has a chain of
 * its own; the report is of all parts together.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FanalError } from 'fanal/primitives/errors.ts';
import { shareOf } from './judge.ts';
import type { Fault, TestnetOptions } from './options.ts';
import type { Check, ReportValidator, TestnetReport } from './report.ts';
import { Samples, type StoredSamples } from './samples.ts';

export const SAMPLE_NAMES = ['commit', 'executed', 'certified', 'blockInterval', 'verify'] as const;
export type SampleName = (typeof SAMPLE_NAMES)[number];

/** What one part came to, as far as it is known. */
export interface RunPart {
  readonly report: TestnetReport;
  readonly samples: Readonly<Record<SampleName, StoredSamples>>;
}

interface RunFile {
  readonly schema: typeof SCHEMA;
  /** Of the whole run, as it was begun. */
  readonly options: TestnetOptions;
  readonly parts: readonly RunPart[];
}

const SCHEMA = 'fanal.testnet-run/1';
const FILE = 'run.json';

export class RunFolder {
  readonly options: TestnetOptions;
  readonly #path: string;
  readonly #earlier: readonly RunPart[];

  private constructor(path: string, { options, parts }: Pick<RunFile, 'options' | 'parts'>) {
    this.options = options;
    this.#path = path;
    this.#earlier = parts;
  }

  /** @throws {FanalError} `testnet/folder` when a run is there already */
  static begin(folder: string, options: TestnetOptions): RunFolder {
    const path = join(folder, FILE);
    if (existsSync(path)) {
      throw new FanalError('testnet/folder', `there is a run in ${folder} already`, {
        hint: 'Go on with it by --resume, or name another folder.',
      });
    }
    mkdirSync(folder, { recursive: true });
    const begun = new RunFolder(path, { options, parts: [] });
    begun.#write([]);
    return begun;
  }

  /** @throws {FanalError} `testnet/folder` when there is no run */
  static open(folder: string): RunFolder {
    const path = join(folder, FILE);
    try {
      const file = JSON.parse(readFileSync(path, 'utf8')) as RunFile;
      if (file.schema === SCHEMA) return new RunFolder(path, file);
    } catch (cause) {
      throw new FanalError('testnet/folder', `there is no run to go on with in ${folder}`, {
        cause,
      });
    }
    throw new FanalError('testnet/folder', `${path} is not of this program`);
  }

  /** What is left to do: time, faults, and another seed. Null when all of it is done. */
  get rest(): TestnetOptions | null {
    const { options } = this;
    const doneMillis = 1_000 * this.#earlier.reduce((sum, part) => sum + secondsOf(part), 0);
    const durationMillis = Math.round(options.durationMillis - doneMillis);
    if (durationMillis < 1_000) return null;
    const faults = options.faults.flatMap((fault): Fault[] => {
      const atMillis = fault.atMillis - doneMillis;
      // What was going on when the run was killed is over with it.
      return atMillis < 0 ? [] : [{ ...fault, atMillis }];
    });
    return { ...options, durationMillis, faults, seed: options.seed + this.#earlier.length };
  }

  get parts(): number {
    return this.#earlier.length;
  }

  /** Keeps what the running part has come to. */
  save(part: RunPart): void {
    this.#write([...this.#earlier, part]);
  }

  /** The report of all parts, the running one last. */
  reportOf(parts: readonly RunPart[]): TestnetReport {
    return joined([...this.#earlier, ...parts], this.options);
  }

  #write(parts: readonly RunPart[]): void {
    const file: RunFile = { schema: SCHEMA, options: this.options, parts };
    writeFileSync(`${this.#path}.new`, JSON.stringify(file));
    renameSync(`${this.#path}.new`, this.#path);
  }
}

const secondsOf = ({ report }: RunPart) => report.run.durationSeconds;

function joined(parts: readonly RunPart[], options: TestnetOptions): TestnetReport {
  const reports = parts.map(({ report }) => report);
  const [first] = reports;
  const last = reports.at(-1);
  if (first === undefined || last === undefined) {
    throw new FanalError('testnet/folder', 'the run was killed before it had found anything');
  }
  if (reports.length === 1) return last;
  const sum = (pick: (report: TestnetReport) => number) =>
    Math.round(10 * reports.reduce((total, report) => total + pick(report), 0)) / 10;
  const most = (pick: (report: TestnetReport) => number) => Math.max(...reports.map(pick));
  const percentiles = (name: SampleName) => {
    const all = new Samples();
    for (const { samples } of parts) all.addAll(samples[name]);
    return all.percentiles();
  };
  const checks = joinedChecks(reports);
  const seconds = sum(({ run }) => run.durationSeconds);
  const transactions = sum(({ chain }) => chain.transactions);
  const settled = sum(({ throughput }) => throughput.settled);
  const late = sum(({ throughput }) => throughput.late);
  return {
    ...last,
    result: checks.every(({ ok }) => ok) ? 'pass' : 'fail',
    parts: reports.flatMap((report) => report.parts),
    run: { ...last.run, seed: options.seed, started: first.run.started, durationSeconds: seconds },
    config: { ...last.config, faults: reports.flatMap(({ config }) => config.faults) },
    checks,
    chain: {
      ...last.chain,
      blocks: sum(({ chain }) => chain.blocks),
      commits: sum(({ chain }) => chain.commits),
      rounds: sum(({ chain }) => chain.rounds),
      transactions,
      forks: sum(({ chain }) => chain.forks),
      evidence: sum(({ chain }) => chain.evidence),
      marks: joinedMarks(reports),
    },
    latencySeconds: {
      commit: percentiles('commit'),
      executed: percentiles('executed'),
      certified: percentiles('certified'),
      blockInterval: percentiles('blockInterval'),
    },
    throughput: {
      submitted: sum(({ throughput }) => throughput.submitted),
      txPerSecond: {
        mean: Math.round((10 * transactions) / seconds) / 10,
        peak: most(({ throughput }) => throughput.txPerSecond.peak),
      },
      ...{ settled, late, successRate: shareOf(settled, late) },
    },
    validators: joinedBoard(reports),
    lightClient: {
      ...last.lightClient,
      updatesVerified: sum(({ lightClient }) => lightClient.updatesVerified),
      verifySeconds: percentiles('verify'),
      tamperRefused: sum(({ lightClient }) => lightClient.tamperRefused),
      tamperHarmless: sum(({ lightClient }) => lightClient.tamperHarmless),
      tamperTotal: sum(({ lightClient }) => lightClient.tamperTotal),
    },
    resources: {
      cpuSeconds: sum(({ resources }) => resources.cpuSeconds),
      rssPeakBytes: most(({ resources }) => resources.rssPeakBytes),
      netBytes: sum(({ resources }) => resources.netBytes),
      netMessages: sum(({ resources }) => resources.netMessages),
      netLost: sum(({ resources }) => resources.netLost),
      signaturesVerified: sum(({ resources }) => resources.signaturesVerified),
      signatureSeconds: sum(({ resources }) => resources.signatureSeconds),
    },
  };
}

/** Each check of the last part, which holds only if it held in every part that knows it. */
function joinedChecks(reports: readonly TestnetReport[]): Check[] {
  return (reports.at(-1) as TestnetReport).checks.map((check) => {
    const failed = reports
      .map(({ checks }, part) => ({ part, found: checks.find(({ id }) => id === check.id) }))
      .find(({ found }) => found?.ok === false);
    if (failed?.found === undefined) return check;
    return { ...failed.found, actual: `part ${failed.part + 1}: ${failed.found.actual}` };
  });
}

function joinedMarks(reports: readonly TestnetReport[]): Record<string, number> {
  const marks: Record<string, number> = {};
  for (const { chain } of reports) {
    for (const [name, count] of Object.entries(chain.marks)) {
      marks[name] = (marks[name] ?? 0) + count;
    }
  }
  return marks;
}

/** The last part's board, with the rounds and rewards of all parts and the lowest shares. */
function joinedBoard(reports: readonly TestnetReport[]): ReportValidator[] {
  const least = (a: number | null, b: number | null) =>
    a === null || b === null ? (a ?? b) : Math.min(a, b);
  return (reports.at(-1) as TestnetReport).validators.map((row) => {
    const earlier = reports
      .slice(0, -1)
      .flatMap(({ validators }) => validators.filter(({ name }) => name === row.name));
    const all = [row, ...earlier];
    return {
      ...row,
      cosigned: all.map(({ cosigned }) => cosigned).reduce(least),
      accuracy: all.map(({ accuracy }) => accuracy).reduce(least),
      rounds: all.reduce((sum, { rounds }) => sum + rounds, 0),
      rewards: String(all.reduce((sum, { rewards }) => sum + BigInt(rewards), 0n)),
    };
  });
}
