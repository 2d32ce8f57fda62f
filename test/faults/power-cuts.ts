/**
 * Power cuts: everything that was not synced is gone, for one node or for all at the same instant.
 */
import { join } from 'node:path';
import { cutPower, type Disk, disksMissing, makeDisk, mountDisk, removeDisk } from './disk.ts';
import { Rig, VALIDATORS } from './rig.ts';
import { between, type FaultSetting, pause, type Scenario, some, spread } from './scenario.ts';
import { LIGHT_LOAD } from './witness.ts';

const ALL = Array.from({ length: VALIDATORS }, (_, index) => index);
const MEBIBYTES = 512;
const ALL_SHARE = 0.4;

export const powerCuts: Scenario = {
  name: 'power-cuts',
  about: 'the power of one disk, or of all, is cut (ext4 on a loop device)',
  times: { short: 6, long: 200 },
  leftOut: disksMissing,
  async run(setting) {
    const disks: Disk[] = [];
    try {
      return await Rig.with(
        setting,
        (rig) => cutOften(rig, disks, setting),
        LIGHT_LOAD,
        (folders) => {
          for (const [i, folder] of folders.entries()) {
            disks.push(makeDisk(join(setting.folder, `disk-${i}`), folder, MEBIBYTES));
          }
        },
      );
    } finally {
      for (const disk of disks) removeDisk(disk);
    }
  },
};

async function cutOften(rig: Rig, disks: readonly Disk[], setting: FaultSetting) {
  const { times, random, say } = setting;
  const back: number[] = [];
  for (let i = 1; i <= times; i++) {
    const victims = random() < ALL_SHARE ? ALL : some(ALL, 1, random);
    const cut = victims.map((victim) => disks[victim] as Disk);
    await pause(between(500, 4_000, random));
    cutPower(cut);
    await rig.kill(...victims);
    for (const disk of cut) {
      removeDisk(disk);
      mountDisk(disk);
    }
    for (const victim of victims) rig.restart(victim);
    back.push(await rig.caughtUp(victims));
    say(`cut ${i} of ${times}: ${victims.length} back in ${Math.round(back.at(-1) as number)} ms`);
  }
  return { figures: { cuts: times, ...spread('back', back) }, findings: [] };
}
