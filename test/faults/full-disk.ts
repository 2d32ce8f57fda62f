/**
 * A disk that fills up under a running validator. The node must stop by itself and say so; with
 * room again it goes on where it was, and meanwhile the others do.
 */
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Disk, disksMissing, makeDisk, removeDisk } from './disk.ts';
import { Rig } from './rig.ts';
import { between, type FaultSetting, pause, type Scenario, spread } from './scenario.ts';
import { LIGHT_LOAD } from './witness.ts';

const MEBIBYTES = 192;
const VICTIM = 3;
const FAILED = 1;
const WAIT_MILLIS = 60_000;
const KIBIBYTE = 1_024;

export const fullDisk: Scenario = {
  name: 'full-disk',
  about: 'a validator’s disk is filled to the last block (ext4 on a loop device)',
  times: { short: 3, long: 20 },
  leftOut: disksMissing,
  async run(setting) {
    let disk: Disk | null = null;
    try {
      return await Rig.with(
        setting,
        (rig) => fillOften(rig, disk as Disk, setting),
        LIGHT_LOAD,
        (folders) => {
          const folder = folders[VICTIM] as string;
          disk = makeDisk(join(setting.folder, 'disk'), folder, MEBIBYTES);
        },
      );
    } finally {
      if (disk !== null) removeDisk(disk);
    }
  },
};

async function fillOften(rig: Rig, disk: Disk, { times, random, say }: FaultSetting) {
  const findings: string[] = [];
  const back: number[] = [];
  const stops: number[] = [];
  const ballast = join(disk.folder, 'ballast');
  for (let i = 1; i <= times; i++) {
    const node = rig.node(VICTIM);
    const logged = readFileSync(node.log, 'utf8').length;
    const room = between(0, 256, random) * KIBIBYTE;
    const { bsize, bavail } = statfsSync(disk.folder);
    const start = performance.now();
    fill(ballast, Math.max(0, bsize * bavail - room));
    await Promise.race([node.exited, pause(WAIT_MILLIS)]);
    const code = node.isRunning ? null : await node.exited;
    if (code !== FAILED) findings.push(`with a full disk: ${code ?? 'still running'}`);
    if (!/store\/disk-full/.test(readFileSync(node.log, 'utf8').slice(logged))) {
      findings.push('the node did not say that its disk was full');
    }
    stops.push(performance.now() - start);
    await rig.kill(VICTIM);
    rmSync(ballast);
    rig.restart(VICTIM);
    back.push(await rig.caughtUp([VICTIM]));
    say(`full ${i} of ${times}: stopped by itself after ${Math.round(stops.at(-1) as number)} ms`);
  }
  return {
    figures: { times, ...spread('stopped', stops), ...spread('back', back) },
    findings,
  };
}

function fill(path: string, bytes: number): void {
  try {
    writeFileSync(path, Buffer.alloc(bytes));
  } catch (error) {
    // The node was faster and took what was left.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
