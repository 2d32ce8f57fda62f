/**
 * A validator computes a wrong state. It must notice, stop by itself, stay stopped until somebody
 * looked, and be a validator like any other after `fanal repair`.
 */
import { execFileSync } from 'node:child_process';
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, type Scenario, spread } from './scenario.ts';

const MAIN = new URL('../../node/main.ts', import.meta.url).pathname;
const MODULE = new URL('./wrong-hash.ts', import.meta.url).pathname;
const WRONG_AFTER_MILLIS = 4_000;
const STOPPED = 6;
const STOP_MILLIS = 60_000;

export const wrongState: Scenario = {
  name: 'wrong-state',
  about: 'a validator computes a wrong state; it stops, and is repaired',
  times: { short: 2, long: 10 },
  leftOut: () => null,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const findings: string[] = [];
      const back: number[] = [];
      const takenBack: number[] = [];
      for (let i = 1; i <= times; i++) {
        const victim = between(0, VALIDATORS - 1, random);
        const { home } = rig.node(victim).node;
        say(`state ${i} of ${times}`);
        await rig.node(victim).stop();
        const wrong = rig.restart(victim, {
          nodeArgs: ['--import', MODULE],
          env: { FANAL_TEST_WRONG_AFTER_MILLIS: `${WRONG_AFTER_MILLIS}` },
        });
        const late = pause(STOP_MILLIS).then(() => 'still running' as const);
        const code = await Promise.race([wrong.exited, late]);
        if (code !== STOPPED) findings.push(`with a wrong state: ${code}`);
        await rig.kill(victim);
        const args = [MAIN, 'repair', '--json', '--home', home.root];
        const repair = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
        if (repair.divergence === null) findings.push('no divergence was marked');
        takenBack.push(Number(repair.from) - Number(repair.to));
        rig.restart(victim);
        back.push(await rig.caughtUp([victim]));
      }
      return {
        figures: {
          states: times,
          ...spread('blocks taken back', takenBack),
          ...spread('back', back),
        },
        findings,
      };
    }),
};
