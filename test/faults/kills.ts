/**
 * `kill -9` of one node, two, or all of them, at any moment; each comes back by itself.
 */
import { loadavg } from 'node:os';
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, type Scenario, some, spread } from './scenario.ts';

const ALL = Array.from({ length: VALIDATORS }, (_, index) => index);
/** Most of the time one node dies, as in life. */
const TWO_SHARE = 0.2;
const ALL_SHARE = 0.1;

export const kills: Scenario = {
  name: 'kills',
  about: 'kill -9 of one, two or all validators at random moments',
  times: { short: 15, long: 200 },
  leftOut: () => null,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const back: number[] = [];
      const quiet: number[] = [];
      const stalls: number[] = [];
      for (let i = 1; i <= times; i++) {
        const chance = random();
        const count = chance < ALL_SHARE ? VALIDATORS : chance < ALL_SHARE + TWO_SHARE ? 2 : 1;
        const victims = some(ALL, count, random);
        rig.witness.takeStall();
        await pause(between(500, 3_000, random));
        quiet.push(rig.witness.takeStall());
        await rig.kill(...victims);
        await pause(between(0, 3_000, random));
        // With one of four down the others go on.
        if (count === 1) stalls.push(rig.witness.takeStall());
        for (const victim of victims) rig.restart(victim);
        back.push(await rig.caughtUp(victims));
        const took = Math.round(back.at(-1) as number);
        say(`kill ${i} of ${times}: ${count} dead, back in ${took} ms, load ${loadNow()}`);
      }
      return {
        figures: {
          kills: times,
          ...spread('back', back),
          'back within 5 s': `${back.filter((millis) => millis <= 5_000).length} of ${back.length}`,
          ...spread('no block, all up', quiet),
          ...spread('no block, one down', stalls),
        },
        findings: [],
      };
    }),
};

/** What else the machine has to do: times mean little without it. */
const loadNow = () => (loadavg()[0] as number).toFixed(1);
