/**
 * Disks of our own: files with a file system in them, that can be full and whose power can be cut.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`: what is not on the disk now is gone. */
const CUT =
  'foreach (@ARGV) { open(D, "<", $_) or die $!; my $f = pack("L", 2); ioctl(D, 0x8004587D, $f) or die "$_: $!"; close(D) }';

export interface Disk {
  readonly image: string;
  readonly folder: string;
}

/** Why disks cannot be made here, or null. */
export function disksMissing(): string | null {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  for (const tool of ['mkfs.ext4', 'mount', 'perl']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined) {
      return `${tool} is not installed`;
    }
  }
  const image = join(tmpdir(), `fanal-disk-${process.pid}`);
  const folder = `${image}.mounted`;
  try {
    const disk = makeDisk(image, folder, 16);
    try {
      cutPower([disk]);
    } finally {
      removeDisk(disk);
    }
    return null;
  } catch (error) {
    const text = (error as { stderr?: Buffer }).stderr?.toString() ?? (error as Error).message;
    return `no loop disk whose power can be cut: ${text.trim().split('\n')[0]}`;
  } finally {
    execFileSync('rm', ['-rf', image, folder]);
  }
}

export function makeDisk(image: string, folder: string, mebibytes: number): Disk {
  quietly('truncate', '-s', `${mebibytes}M`, image);
  quietly('mkfs.ext4', '-q', '-F', '-m', '0', image);
  mkdirSync(folder, { recursive: true });
  const disk = { image, folder };
  mountDisk(disk);
  return disk;
}

export function mountDisk({ image, folder }: Disk): void {
  quietly('mount', '-o', 'loop', image, folder);
}

export function removeDisk({ folder }: Disk): void {
  quietly('umount', folder);
}

/** Cuts all at once: writes that were not synced are lost, and every call fails from here on. */
export function cutPower(disks: readonly Disk[]): void {
  quietly('perl', '-e', CUT, ...disks.map(({ folder }) => folder));
}

function quietly(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}
