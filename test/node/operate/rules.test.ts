import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { METRICS } from 'fanal/api/metrics.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ALERTS } from '../../../node/operate/alerts.ts';
import { DASHBOARD_NAMES, printDashboard } from '../../../node/operate/dashboards.ts';
import { printRules, runbookFile } from '../../../node/operate/rules.ts';
import { DEFAULT_SERVICE, printUnits } from '../../../node/operate/service.ts';
import { type History, RULE_CASES } from './rule-cases.ts';

const RUNBOOKS = resolve(import.meta.dirname, '../../../docs/runbooks');

/** Metrics that the Node.js and process collectors give, and Prometheus itself. */
const USUAL = new Set([
  'up',
  'process_open_fds',
  'process_max_fds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'nodejs_heap_size_used_bytes',
  'nodejs_eventloop_lag_p99_seconds',
]);

const known = new Map(METRICS.map((metric) => [metric.name, metric]));

/** Names in an expression that look like metrics and that nobody exposes. */
function unknownMetrics(expr: string): string[] {
  const names = expr.match(/\b(?:fanal|process|nodejs)_[a-z0-9_]+\b/g) ?? [];
  return names.filter((name) => {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    return !known.has(name) && known.get(base)?.type !== 'histogram' && !USUAL.has(name);
  });
}

interface PanelJson {
  id: number;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { unit: string } };
  targets: { expr: string; datasource: { uid: string } }[];
}

const dashboards = DASHBOARD_NAMES.map((name) => ({
  name,
  json: JSON.parse(printDashboard(name)) as { uid: string; panels: PanelJson[] },
}));

describe('the alert rules', () => {
  it('use only metrics that a node, gateway or watcher exposes', () => {
    expect(ALERTS.flatMap((alert) => unknownMetrics(alert.expr))).toEqual([]);
  });

  it('have names of their own, and a case that fires and one that stays quiet', () => {
    const names = ALERTS.map((alert) => alert.name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(RULE_CASES).sort()).toEqual([...names].sort());
  });
});

describe('the runbooks', () => {
  it.each([...ALERTS])('$name has a page that opens with its line and quotes its rule', (alert) => {
    const page = readFileSync(join(RUNBOOKS, runbookFile(alert.name)), 'utf8');
    expect(page.startsWith(`# ${alert.name}\n\n${alert.summary} **${alert.runbook}**\n`)).toBe(
      true,
    );
    expect(page).toContain(`\n${alert.expr}\n`);
  });
});

describe('the dashboards', () => {
  it('use only metrics that a node, gateway or watcher exposes', () => {
    const expressions = dashboards.flatMap(({ json }) =>
      json.panels.flatMap((panel) => panel.targets.map((target) => target.expr)),
    );
    expect(expressions.flatMap(unknownMetrics)).toEqual([]);
  });

  it.each(dashboards)('$name: every panel says its unit and what it shows', ({ json }) => {
    for (const panel of json.panels) {
      expect(panel.description.length, panel.title).toBeGreaterThan(10);
      expect(panel.fieldConfig.defaults.unit, panel.title).not.toBe('');
      for (const target of panel.targets) expect(target.datasource.uid).toBe(`\${datasource}`);
    }
  });

  it.each(dashboards)('$name: panels have ids of their own and do not overlap', ({ json }) => {
    const cells = new Set<string>();
    const ids = new Set(json.panels.map((panel) => panel.id));
    expect(ids.size).toBe(json.panels.length);
    for (const { gridPos, title } of json.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x},${y}`), title).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
  });
});

describe('the systemd units', () => {
  it('never restart a node that refused for safety, usage or config', () => {
    expect(printUnits()['fanal.service']).toContain('RestartPreventExitStatus=2 3 6');
  });

  it('leave V8 able to compile', () => {
    expect(Object.values(printUnits()).join('')).not.toContain('MemoryDenyWriteExecute');
  });
});

const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe.skipIf(!systemd)("systemd's own tool", () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanal-units-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // The program must exist, and this machine may have no such account.
  const options = { ...DEFAULT_SERVICE, program: '/bin/true', user: 'root' };
  const write = (name: string, change = (text: string) => text) => {
    mkdirSync(join(folder, name));
    return Object.entries(printUnits(options)).map(([unit, text]) => {
      writeFileSync(join(folder, name, unit), change(text));
      return join(folder, name, unit);
    });
  };
  const analyze = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    return { status, words: stdout + stderr };
  };

  it('finds nothing wrong with the units', () => {
    const { status, words } = analyze('verify', ...write('good'));
    expect(words.split('\n').filter((line) => line.includes(folder))).toEqual([]);
    expect(status).toBe(0);
  });

  it('finds a unit that is broken', () => {
    const units = write('broken', (text) => text.replace('ExecStart=/bin/true', 'ExecStart=true?'));
    expect(analyze('verify', ...units).status).not.toBe(0);
  });

  it('finds the node little exposed', () => {
    write('exposed');
    const unit = join(folder, 'exposed', 'fanal.service');
    const { words } = analyze('security', '--offline=true', unit);
    const exposure = /exposure level for fanal.service: ([0-9.]+)/.exec(words)?.[1];
    expect(Number(exposure)).toBeLessThan(3);
  });
});

if (!systemd) console.log('left out: systemd-analyze is not installed (Debian package: systemd)');

const promtool = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!promtool)("Prometheus's own tool", () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanal-rules-'));
    writeFileSync(join(folder, 'rules.yml'), printRules());
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = (...args: string[]) =>
    spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });

  it('finds nothing wrong with the rules', () => {
    const run = check('check', 'rules', '--lint=all', '--lint-fatal', 'rules.yml');
    expect(run.stdout + run.stderr).toContain('SUCCESS');
    expect(run.status).toBe(0);
  });

  it('refuses a rule that is broken', () => {
    writeFileSync(join(folder, 'broken.yml'), printRules().replace('> 30', '> > 30'));
    expect(check('check', 'rules', 'broken.yml').status).not.toBe(0);
  });

  it('understands every expression of the dashboards', () => {
    const rules = dashboards.flatMap(({ json }) =>
      json.panels.flatMap((panel) =>
        panel.targets.map((target, index) => ({
          record: `fanal:panel_${panel.id}_${index}`,
          expr: target.expr.replaceAll('$__rate_interval', '5m').replaceAll('$chain', 'c'),
        })),
      ),
    );
    writeFileSync(
      join(folder, 'panels.yml'),
      stringify({ groups: [{ name: 'panels', rules }] }, { lineWidth: 0 }),
    );
    const run = check('check', 'rules', '--lint=none', 'panels.yml');
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('sees every alert fire on a bad history and stay quiet on a good one', () => {
    const test = (name: string, history: History, firing: number) => ({
      name: `${name} ${firing}`,
      interval: '1m',
      input_series: Object.entries(history.series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        {
          expr: `count(count by (alertname) (ALERTS{alertname="Fanal${name}",alertstate="firing"})) or vector(0)`,
          eval_time: `${history.atMinutes}m`,
          exp_samples: [{ labels: '{}', value: firing }],
        },
      ],
    });
    const { groups } = parse(printRules()) as { groups: { rules: { alert: string }[] }[] };
    const files = Object.entries(RULE_CASES).map(([name, { fires, quiet }]) => {
      const rules = groups
        .flatMap((group) => group.rules)
        .filter((rule) => rule.alert === `Fanal${name}`);
      writeFileSync(
        join(folder, `${name}.rule.yml`),
        stringify({ groups: [{ name: 'one', rules }] }),
      );
      const tests = [test(name, fires, 1), ...(name === 'Watchdog' ? [] : [test(name, quiet, 0)])];
      const content = { rule_files: [`${name}.rule.yml`], evaluation_interval: '1m', tests };
      writeFileSync(
        join(folder, `${name}.test.yml`),
        stringify(content, { lineWidth: 0, aliasDuplicateObjects: false }),
      );
      return `${name}.test.yml`;
    });
    const run = check('test', 'rules', ...files);
    expect(run.stdout + run.stderr).toContain('SUCCESS');
    expect(run.status).toBe(0);
  });
});

if (!promtool) console.log('left out: promtool is not installed (Debian package: prometheus)');
