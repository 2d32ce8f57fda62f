/**
 * A crash at an exact write: `kill -9` as the n-th call of a kind enters the kernel, where a crash
 * at a random moment seldom lands.
 */
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, pick, type Scenario, spread } from './scenario.ts';
import { sabotage, straceMissing } from './trace.ts';

const CALLS = ['pwrite64', 'fdatasync', 'fsync', 'rename', 'ftruncate', 'unlink'] as const;
const WAIT_MILLIS = 8_000;

export const writes: Scenario = {
  name: 'writes',
  about: 'kill -9 as the n-th write, sync or rename begins (strace)',
  times: { short: 8, long: 200 },
  leftOut: straceMissing,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const back: number[] = [];
      let hits = 0;
      for (let i = 1; i <= times; i++) {
        const victim = between(0, VALIDATORS - 1, random);
        const call = pick(CALLS, random);
        const nth = between(1, 60, random);
        const node = rig.node(victim);
        const tracer = sabotage(node.pid, call, `signal=KILL:when=${nth}`);
        await Promise.race([node.exited, pause(WAIT_MILLIS)]);
        if (!node.isRunning) hits++;
        tracer.kill('SIGKILL');
        await rig.kill(victim);
        rig.restart(victim);
        back.push(await rig.caughtUp([victim]));
        say(
          `crash ${i} of ${times}: ${call} ${nth}, back in ${Math.round(back.at(-1) as number)} ms`,
        );
      }
      return {
        figures: { crashes: times, 'of them at the call': hits, ...spread('back', back) },
        findings: [],
      };
    }),
};
