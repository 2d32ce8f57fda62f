/**
 * A validator whose clock is wrong by seconds, hours or months. The chain's time stays right, and
 * with its clock set the node is a validator like any other.
 */
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, pick, type Scenario, spread } from './scenario.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const OFFSETS = [-90 * DAY, -HOUR, -5 * SECOND, 5 * SECOND, HOUR, 90 * DAY] as const;
const MODULE = new URL('./wrong-clock.ts', import.meta.url).pathname;
const WRONG_MILLIS = 8_000;
/** What the time of a block may differ from ours: votes, and a machine that has much to do. */
const TOLERATED_MILLIS = 10_000;

export const clocks: Scenario = {
  name: 'clocks',
  about: 'one validator’s clock is wrong by up to 90 days, either way',
  times: { short: 3, long: 24 },
  leftOut: () => null,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const findings: string[] = [];
      const back: number[] = [];
      const errors: number[] = [];
      for (let i = 1; i <= times; i++) {
        const victim = between(0, VALIDATORS - 1, random);
        const offset = pick(OFFSETS, random);
        await rig.node(victim).stop();
        const wrong = rig.restart(victim, {
          nodeArgs: ['--import', MODULE],
          env: { FANAL_TEST_CLOCK_MILLIS: `${offset}` },
        });
        say(`clock ${i} of ${times}: wrong by ${offset / SECOND} s`);
        await pause(WRONG_MILLIS);
        const other = rig.node((victim + 1) % VALIDATORS);
        const ahead = await timeOfTip(other.url);
        errors.push(Math.abs(ahead));
        if (Math.abs(ahead) > TOLERATED_MILLIS) {
          findings.push(`a clock wrong by ${offset} ms moved the chain’s time by ${ahead} ms`);
        }
        await wrong.stop();
        rig.restart(victim);
        back.push(await rig.caughtUp([victim]));
      }
      return {
        figures: { clocks: times, ...spread('chain time off by', errors), ...spread('back', back) },
        findings,
      };
    }),
};

/** How far the newest certified block is ahead of our clock. */
async function timeOfTip(url: string): Promise<number> {
  const { tip } = (await (await fetch(`${url}/v1/chain`)).json()) as { tip: { time: string } };
  return Number(tip.time) - Date.now();
}
