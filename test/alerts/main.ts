/**
 * `npm run alerts`: a real Prometheus watches four real validators by the rules that we ship. It is
 * quiet while they are well; two are killed, and it says that the network stands still; they come
 * back, and it is quiet again. Takes about five minutes, most of them the rules' own waits.
 *
 * Exit code 0 when every step holds, 8 when one does not, 3 when there is no Prometheus.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { hasPrometheus, Prometheus } from './prometheus.ts';

const EXIT_CONFIG = 3;
const EXIT_CHECKS = 8;
const LOOK_MILLIS = 500;
/** A network that is well is watched for so long. */
const QUIET_MILLIS = 45_000;

/** How soon each alert must fire after two of four validators are killed: its wait, and a margin. */
const AFTER_THE_KILL: Readonly<Record<string, number>> = {
  FanalConsensusStalled: 60_000,
  FanalNodeDown: 160_000,
  FanalCheckpointOld: 160_000,
};

async function until(holds: () => Promise<boolean>, millis: number): Promise<number> {
  const start = performance.now();
  for (;;) {
    if (await holds()) return performance.now() - start;
    if (performance.now() - start > millis) throw new Error(`not within ${millis / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
  }
}

let failed = 0;
async function step(what: string, work: () => Promise<string>): Promise<void> {
  try {
    console.log(`ok    ${what}: ${await work()}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${what}: ${(error as Error).message}`);
  }
}

const seconds = (millis: number) => `${(millis / 1_000).toFixed(1)} s`;

async function main(): Promise<number> {
  if (!hasPrometheus()) {
    console.error('No Prometheus here. Install one (Debian: apt-get install prometheus).');
    return EXIT_CONFIG;
  }
  const folder = mkdtempSync(join(tmpdir(), 'fanal-alerts-'));
  const network = await createLocalNetwork({ folder, validators: 4, accounts: 1 });
  const nodes = network.nodes.map((node) => new NodeProcess(node));
  const prometheus = await Prometheus.start(
    folder,
    network.nodes.map(({ ops }) => ops),
  );
  const critical = async () =>
    (await prometheus.alerts()).filter(
      ({ severity, state }) => severity === 'critical' && state === 'firing',
    );
  try {
    await step('four validators are ready', async () => {
      await Promise.all(nodes.map((node) => node.waitUntilReady(180_000)));
      return nodes.map(({ node }) => node.name).join(', ');
    });
    await step('Prometheus scrapes all of them', async () => {
      const up = async () => (await prometheus.up().catch(() => [])).length === nodes.length;
      return `after ${seconds(await until(up, 60_000))}`;
    });
    await step('no critical alert while all is well', async () => {
      await until(async () => (await critical()).length === 0, 60_000);
      const end = performance.now() + QUIET_MILLIS;
      while (performance.now() < end) {
        const [first] = await critical();
        if (first !== undefined) throw new Error(`${first.name} of ${first.instance} fires`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
      }
      return `for ${seconds(QUIET_MILLIS)}`;
    });
    await step('the watchdog fires, as always', async () => {
      await until(() => prometheus.isFiring('FanalWatchdog'), 10_000);
      return 'FanalWatchdog';
    });
    for (const node of nodes.slice(2)) node.kill();
    const killedAt = performance.now();
    for (const [name, millis] of Object.entries(AFTER_THE_KILL)) {
      await step(`two of four are killed, and ${name} fires`, async () => {
        const left = killedAt + millis - performance.now();
        await until(() => prometheus.isFiring(name), Math.max(0, left));
        return `${seconds(performance.now() - killedAt)} after the kill`;
      });
    }
    for (const [i, { node }] of [...nodes.entries()].slice(2)) nodes[i] = new NodeProcess(node);
    await step('they come back, and no critical alert is left', async () => {
      const quiet = async () => (await critical()).length === 0;
      const took = await until(quiet, 120_000).catch(async (error: Error) => {
        const left = (await critical()).map(({ name, instance }) => `${name} of ${instance}`);
        throw new Error(`${error.message}: ${left.join(', ')}`);
      });
      return `after ${seconds(took)}`;
    });
  } finally {
    await prometheus.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  console.log(failed === 0 ? 'every step holds' : `${failed} failed`);
  return failed === 0 ? 0 : EXIT_CHECKS;
}

process.exitCode = await main();
