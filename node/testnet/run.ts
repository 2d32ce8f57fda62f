/**
 * One run of a test network, from its options to its report.
 */
import { judge } from './judge.ts';
import type { TestnetOptions } from './options.ts';
import type { TestnetReport } from './report.ts';
import type { RunFolder, RunPart } from './run-folder.ts';
import { Testnet, type TestnetProgress } from './testnet.ts';

/** What was found so far is kept as often. */
const SAVE_MILLIS = 5_000;

/**
 * Runs a test network. An abort ends it early, and it is judged all the same.
 *
 * @param folder where it is kept what was found, so that a run that is killed can be gone on with
 * @throws {FanalError} `testnet/options`; and whatever broke the run itself
 */
export async function runTestnet(
  options: TestnetOptions,
  signal: AbortSignal,
  onProgress: (progress: TestnetProgress) => void,
  folder: RunFolder | null = null,
): Promise<TestnetReport> {
  const rest = folder === null ? options : folder.rest;
  // All of the time has been run: only the report is wanted.
  if (folder !== null && rest === null) return folder.reportOf([]);
  const net = new Testnet(rest ?? options);
  let saveAt = SAVE_MILLIS;
  try {
    const seconds = await net.run(signal, (progress) => {
      if (folder !== null && progress.elapsedMillis >= saveAt) {
        saveAt = progress.elapsedMillis + SAVE_MILLIS;
        folder.save(partOf(net, judge(net, false, progress.elapsedMillis / 1_000, false)));
      }
      onProgress(progress);
    });
    const part = partOf(net, judge(net, signal.aborted, seconds));
    folder?.save(part);
    return folder === null ? part.report : folder.reportOf([part]);
  } finally {
    await net.close();
  }
}

function partOf(net: Testnet, report: TestnetReport): RunPart {
  return {
    report,
    samples: {
      commit: net.commitMillis.stored(),
      executed: net.executedMillis.stored(),
      certified: net.certifiedMillis.stored(),
      blockInterval: net.blockIntervals.stored(),
      verify: net.follower.verifyMillis.stored(),
    },
  };
}
