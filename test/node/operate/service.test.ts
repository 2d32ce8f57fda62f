/**
 * The systemd units against systemd's own checks, where it is installed (Debian: systemd).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from 'fanal-node/cli/exit.ts';
import { DEFAULT_SERVICE, printUnits } from 'fanal-node/operate/service.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Of systemd's scale from 0 (safe) to 10; with every unit's exposure at most this, in tenths. */
const MAX_EXPOSURE = 25;

const folder = mkdtempSync(join(tmpdir(), 'fanal-units-'));
const units = printUnits({ ...DEFAULT_SERVICE, program: '/bin/true', user: 'root' });
const paths = Object.keys(units).map((name) => join(folder, name));
const analyze = (...args: string[]) => {
  const run = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return `${run.status} ${run.stderr}${run.status === 0 ? '' : run.stdout}`.trim();
};
const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;

beforeAll(() => {
  for (const [name, text] of Object.entries(units)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!isThere)('the units, asked systemd-analyze (skipped where it is missing)', () => {
  it('are all in order', () => {
    expect(analyze('verify', ...paths)).toBe('0');
  });

  it('are hardened', () => {
    for (const path of paths.filter((name) => name.endsWith('.service'))) {
      expect(analyze('security', '--offline=true', `--threshold=${MAX_EXPOSURE}`, path)).toBe('0');
    }
  });

  it('are refused when a line is wrong', () => {
    const path = join(folder, 'broken.service');
    writeFileSync(path, units['fanal.service'].replace('Type=exec', 'Type=exactly'));
    expect(analyze('verify', path)).not.toBe('0');
    writeFileSync(path, '[Service]\nExecStart=/bin/true\n');
    expect(analyze('security', '--offline=true', `--threshold=${MAX_EXPOSURE}`, path)).not.toBe(
      '0',
    );
  });

  it('have calendars that systemd reads', () => {
    for (const [name, text] of Object.entries(units)) {
      const [, calendar] = /^OnCalendar=(.*)$/m.exec(text) ?? [];
      if (name.endsWith('.timer')) expect(analyze('calendar', calendar as string)).toBe('0');
    }
  });
});

it('no restart after an end that a restart cannot mend', () => {
  const [, kept] = /^RestartPreventExitStatus=(.*)$/m.exec(units['fanal.service']) ?? [];
  expect(kept?.split(' ').map(Number)).toEqual([EXIT.usage, EXIT.config, EXIT.unsafe]);
});
