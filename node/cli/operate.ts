/**
 * `fanal rules`, `dashboard`, `service` and `monitor`: what an operator puts beside a node.
 */
import { type Command, Option } from 'commander';
import { UsageError } from './exit.ts';
import { registerMonitor } from './monitor.ts';
import type { Action } from './program.ts';

export function registerOperate(program: Command, action: Action): void {
  registerPrinters(program, action);
  registerMonitor(program, action);
}

function registerPrinters(program: Command, action: Action): void {
  program
    .command('rules')
    .description('alert rules for Prometheus')
    .command('print')
    .description('print the rule file')
    .option('--runbooks <url>', 'where the runbook pages can be read')
    .action(
      action<{ runbooks?: string }>(async ({ output }, { runbooks }) => {
        const { printRules } = await import('../operate/rules.ts');
        output.raw(printRules(runbooks));
      }),
    );

  program
    .command('dashboard')
    .description('dashboards for Grafana')
    .command('print')
    .description('print a dashboard as JSON')
    .argument('<name>', 'node, network or gateway')
    .action(
      action(async ({ output }, _options, name) => {
        const { DASHBOARD_NAMES, printDashboard } = await import('../operate/dashboards.ts');
        const known = DASHBOARD_NAMES.find((each) => each === name);
        if (known === undefined) {
          throw new UsageError(`expected ${DASHBOARD_NAMES.join(', ')}, found ${name}`);
        }
        output.raw(printDashboard(known));
      }),
    );

  program
    .command('service')
    .description('systemd units for a host')
    .command('print')
    .description('print the units, or write them into a folder')
    .addOption(new Option('--out <folder>', 'write each unit to a file here'))
    .option('--program <path>', 'the fanal command', '/usr/bin/fanal')
    .option('--user <name>', 'the account that runs it', 'fanal')
    .action(
      action<{ out?: string; program: string; user: string }>(async ({ output }, flags) => {
        const { DEFAULT_SERVICE, printUnits } = await import('../operate/service.ts');
        const units = printUnits({ ...DEFAULT_SERVICE, program: flags.program, user: flags.user });
        if (flags.out === undefined) {
          for (const [name, text] of Object.entries(units)) output.raw(`# ${name}\n${text}\n`);
          return;
        }
        const { mkdirSync, writeFileSync } = await import('node:fs');
        const { join } = await import('node:path');
        mkdirSync(flags.out, { recursive: true });
        for (const [name, text] of Object.entries(units)) {
          writeFileSync(join(flags.out, name), text);
          output.progress(`wrote ${join(flags.out, name)}`);
        }
      }),
    );
}
