/**
 * SIGSTOP for a while: a node that stands still without knowing it, as under a hypervisor.
 */
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, type Scenario, some, spread } from './scenario.ts';

const ALL = Array.from({ length: VALIDATORS }, (_, index) => index);
const TWO_SHARE = 0.25;
const LONG_SHARE = 0.3;

export const pauses: Scenario = {
  name: 'pauses',
  about: 'SIGSTOP of one or two validators for 1 to 30 s, then SIGCONT',
  times: { short: 4, long: 30 },
  leftOut: () => null,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const back: number[] = [];
      for (let i = 1; i <= times; i++) {
        const victims = some(ALL, random() < TWO_SHARE ? 2 : 1, random);
        const millis = random() < LONG_SHARE ? 30_000 : between(1_000, 10_000, random);
        say(`pause ${i} of ${times}: ${victims.length} stopped for ${millis} ms`);
        for (const victim of victims) rig.node(victim).kill('SIGSTOP');
        await pause(millis);
        for (const victim of victims) rig.node(victim).kill('SIGCONT');
        back.push(await rig.caughtUp(victims));
        await pause(between(0, 2_000, random));
      }
      return { figures: { pauses: times, ...spread('caught up', back) }, findings: [] };
    }),
};
