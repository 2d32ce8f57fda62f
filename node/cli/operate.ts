/**
 * `fanal rules`, `dashboard`, `service` and `monitor`: what an operator puts beside a node.
 */
import { type Command, Option } from 'commander';
import { EXIT, UsageError } from './exit.ts';
import type { Action } from './program.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_OPS_URL = 'http://127.0.0.1:9670';

interface MonitorFlags {
  readonly ops: string;
  readonly once?: boolean;
  readonly interval: string;
  readonly listen?: string;
}

export function registerOperate(program: Command, action: Action): void {
  registerPrinters(program, action);
  program
    .command('monitor')
    .description('watch a node and its network on a full screen')
    .option('--ops <url>', 'where the node’s metrics are, or "none"', DEFAULT_OPS_URL)
    .option('--once', 'print one frame and end')
    .option('--interval <seconds>', 'time between samples', '1')
    .option('--listen <host:port>', 'serve the same board as a web page here')
    .action(
      action<MonitorFlags>(async ({ output, options, signal }, flags) => {
        const { Sampler } = await import('../monitor/source.ts');
        const { frameText, LatencyHistory, runMonitor } = await import('../monitor/terminal.ts');
        const { SMALLEST } = await import('../monitor/frame.ts');
        const { FIRST_VIEW } = await import('../monitor/leaderboard.ts');
        const intervalMillis = Number(flags.interval) * 1000;
        if (!(intervalMillis >= 200)) {
          throw new UsageError('expected an interval of at least 0.2 seconds');
        }
        const sampler = new Sampler({
          url: (options.url?.[0] ?? DEFAULT_URL).replace(/\/+$/, ''),
          opsUrl: flags.ops === 'none' ? null : flags.ops.replace(/\/+$/, ''),
          timeoutMillis: 3000,
          now: Date.now,
        });
        if (flags.listen !== undefined) {
          const at = flags.listen.lastIndexOf(':');
          const host = flags.listen.slice(0, at).replace(/^\[|\]$/g, '');
          const port = Number(flags.listen.slice(at + 1));
          if (host === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
            throw new UsageError(`expected --listen host:port, found ${flags.listen}`);
          }
          const { serveBoard } = await import('../monitor/web.ts');
          const sample = () => sampler.sample();
          const board = await serveBoard({ sample, intervalMillis, host, port });
          output.object('fanal.monitor-page/1', { url: board.url }, [['page', board.url]]);
          await new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
          await board.close();
          return EXIT.ok;
        }
        const live = process.stdin.isTTY === true && process.stdout.isTTY === true;
        if (options.json) {
          do {
            const sample = await sampler.sample();
            output.line('fanal.monitor/1', sample, '');
            if (flags.once) return sample.health === 'unreachable' ? EXIT.network : EXIT.ok;
            await pause(intervalMillis, signal);
          } while (!signal.aborted);
          return EXIT.ok;
        }
        if (flags.once || !live) {
          await sampler.sample();
          // Rates and latencies are what happened between two samples.
          await pause(intervalMillis, signal);
          const sample = await sampler.sample();
          const history = new LatencyHistory();
          history.add(sample);
          const size = {
            columns: process.stdout.columns ?? SMALLEST.columns,
            rows: process.stdout.rows ?? SMALLEST.rows,
          };
          const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
          output.raw(`${frameText(sample, history, FIRST_VIEW, size, colour)}\n`);
          return sample.health === 'unreachable' ? EXIT.network : EXIT.ok;
        }
        await runMonitor(
          {
            sample: () => sampler.sample(),
            intervalMillis,
            colour: process.env.NO_COLOR === undefined,
          },
          process.stdin,
          process.stdout,
          signal,
        );
        return EXIT.ok;
      }),
    );
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

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, millis);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
