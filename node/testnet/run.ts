/**
 * One run of a test network, from its options to its report.
 */
import { judge } from './judge.ts';
import type { TestnetOptions } from './options.ts';
import type { TestnetReport } from './report.ts';
import { Testnet, type TestnetProgress } from './testnet.ts';

/**
 * Runs a test network. An abort ends it early, and it is judged all the same.
 *
 * @throws {FanalError} `testnet/options`; and whatever broke the run itself
 */
export async function runTestnet(
  options: TestnetOptions,
  signal: AbortSignal,
  onProgress: (progress: TestnetProgress) => void,
): Promise<TestnetReport> {
  const net = new Testnet(options);
  try {
    const seconds = await net.run(signal, onProgress);
    return judge(net, signal.aborted, seconds);
  } finally {
    await net.close();
  }
}
