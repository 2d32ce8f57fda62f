/**
 * A disk that reports errors, once or from then on. The node must stop by itself, say why, and
 * come back whole when the disk works again.
 */
import { readFileSync } from 'node:fs';
import { Rig, VALIDATORS } from './rig.ts';
import { between, pause, pick, type Scenario, spread } from './scenario.ts';
import { sabotage, straceMissing } from './trace.ts';

/** What may fail, and how many of its calls there are in the time that is waited at the most. */
const CALLS = [
  { call: 'fdatasync', most: 40 },
  { call: 'pwrite64', most: 40 },
  { call: 'fsync', most: 2 },
  { call: 'pread64', most: 2 },
] as const;
const WAIT_MILLIS = 20_000;
const FAILED = 1;

export const brokenDisk: Scenario = {
  name: 'broken-disk',
  about: 'EIO from a sync, write or read, once or for good (strace)',
  times: { short: 5, long: 60 },
  leftOut: straceMissing,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const findings: string[] = [];
      const stops: number[] = [];
      const back: number[] = [];
      let wentOn = 0;
      for (let i = 1; i <= times; i++) {
        const victim = between(0, VALIDATORS - 1, random);
        const { call, most } = pick(CALLS, random);
        const when = `${between(1, most, random)}${random() < 0.5 ? '+' : ''}`;
        const node = rig.node(victim);
        const logged = readFileSync(node.log, 'utf8').length;
        const start = performance.now();
        const tracer = sabotage(node.pid, call, `error=EIO:when=${when}`);
        await Promise.race([node.exited, pause(WAIT_MILLIS)]);
        tracer.kill('SIGKILL');
        if (node.isRunning) {
          // The call that was to fail may not have come.
          wentOn++;
          await rig.kill(victim);
        } else {
          stops.push(performance.now() - start);
          const code = await node.exited;
          const log = readFileSync(node.log, 'utf8').slice(logged);
          const why = `EIO from ${call} ${when}`;
          if (code !== FAILED) findings.push(`${why}: exit code ${code}, expected ${FAILED}`);
          if (!/store\/|SQLITE_IOERR|EIO/.test(log)) {
            findings.push(`${why}: the node did not say what it stopped for`);
          }
        }
        rig.restart(victim);
        back.push(await rig.caughtUp([victim]));
        say(`error ${i} of ${times}: ${call} ${when}`);
      }
      return {
        figures: {
          errors: times,
          'stopped by itself': stops.length,
          'never came to the call': wentOn,
          ...spread('stopped', stops),
          ...spread('back', back),
        },
        findings,
      };
    }),
};
