/**
 * `fanal monitor`: a node and its network on a full screen, as lines, or as a web page.
 */
import type { Command } from 'commander';
import type { Sampler } from '../monitor/source.ts';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import { pause } from './pause.ts';
import type { Action } from './program.ts';

interface MonitorFlags {
  readonly ops?: string;
  readonly once?: boolean;
  readonly interval: string;
  readonly listen?: string;
}

const LEAST_INTERVAL_MILLIS = 200;
const TIMEOUT_MILLIS = 3_000;

export function registerMonitor(program: Command, action: Action): void {
  program
    .command('monitor')
    .description('watch a node and its network on a full screen')
    .option('--ops <url>', 'where the node’s metrics are, or "none" (default: of this folder)')
    .option('--once', 'print one frame and end')
    .option('--interval <seconds>', 'time between samples', '1')
    .option('--listen <host:port>', 'serve the same board as a web page here')
    .action(
      action<MonitorFlags>(async (context, flags) => {
        const intervalMillis = Number(flags.interval) * 1_000;
        if (!(intervalMillis >= LEAST_INTERVAL_MILLIS)) {
          throw new UsageError('expected an interval of at least 0.2 seconds');
        }
        const { Sampler } = await import('../monitor/source.ts');
        const target = await targetOf(context, flags.ops);
        const sampler = new Sampler({ ...target, timeoutMillis: TIMEOUT_MILLIS, now: Date.now });
        if (flags.listen !== undefined) {
          return servePage(context, sampler, flags.listen, intervalMillis);
        }
        const once = flags.once ?? false;
        if (context.options.json) return printLines(context, sampler, once, intervalMillis);
        const isLive = process.stdin.isTTY === true && process.stdout.isTTY === true;
        if (once || !isLive) return printFrame(context, sampler, intervalMillis);
        const { runMonitor } = await import('../monitor/terminal.ts');
        const colour = process.env.NO_COLOR === undefined;
        const sample = () => sampler.sample();
        const options = { sample, intervalMillis, colour };
        await runMonitor(options, process.stdin, process.stdout, context.signal);
        return EXIT.ok;
      }),
    );
}

interface Target {
  readonly url: string;
  readonly opsUrl: string | null;
}

/**
 * Whom to ask: at `--url`, or the node of this folder, or the first of `fanal dev` in it. Metrics
 * are those of the same node, or none: another's would tell of another host.
 */
async function targetOf(context: CommandContext, ops: string | undefined): Promise<Target> {
  const own = await ownNode(context);
  const url = (context.options.url?.[0] ?? own.url).replace(/\/+$/, '');
  if (ops !== undefined) return { url, opsUrl: ops === 'none' ? null : ops.replace(/\/+$/, '') };
  return { url, opsUrl: url === own.url ? own.opsUrl : null };
}

async function ownNode(context: CommandContext): Promise<Target & { readonly opsUrl: string }> {
  const { join } = await import('node:path');
  const { openLocalNetwork } = await import('../testnet/local.ts');
  const loaded = context.loadConfig();
  const dev = loaded.file === null ? openLocalNetwork(join(context.home, 'dev')) : null;
  const [first] = dev?.nodes ?? [];
  if (first !== undefined) {
    return { url: `http://127.0.0.1:${first.api}`, opsUrl: `http://127.0.0.1:${first.ops}` };
  }
  const { api, ops } = loaded.config;
  const reachable = (listen: string) =>
    `http://${listen.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}`;
  return { url: reachable(api.listen), opsUrl: reachable(ops.listen) };
}

async function servePage(
  { output, signal }: CommandContext,
  sampler: Sampler,
  listen: string,
  intervalMillis: number,
): Promise<number> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(listen.slice(at + 1));
  if (host === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`expected --listen host:port, found ${listen}`);
  }
  const { serveBoard } = await import('../monitor/web.ts');
  const sample = () => sampler.sample();
  const board = await serveBoard({ sample, intervalMillis, host, port });
  output.object('fanal.monitor-page/1', { url: board.url }, [['page', board.url]]);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await board.close();
  return EXIT.ok;
}

async function printLines(
  { output, signal }: CommandContext,
  sampler: Sampler,
  once: boolean,
  intervalMillis: number,
): Promise<number> {
  do {
    const sample = await sampler.sample();
    output.line('fanal.monitor/1', sample, '');
    if (once) return sample.health === 'unreachable' ? EXIT.network : EXIT.ok;
    await pause(intervalMillis, signal);
  } while (!signal.aborted);
  return EXIT.ok;
}

async function printFrame(
  { output, signal }: CommandContext,
  sampler: Sampler,
  intervalMillis: number,
): Promise<number> {
  const { frameText, LatencyHistory } = await import('../monitor/terminal.ts');
  const { SMALLEST } = await import('../monitor/frame.ts');
  const { FIRST_VIEW } = await import('../monitor/leaderboard.ts');
  await sampler.sample();
  // Rates and latencies are what happened between two samples.
  await pause(intervalMillis, signal);
  const sample = await sampler.sample();
  const history = new LatencyHistory();
  history.add(sample);
  const { columns = SMALLEST.columns, rows = SMALLEST.rows, isTTY } = process.stdout;
  const colour = isTTY === true && process.env.NO_COLOR === undefined;
  output.raw(`${frameText(sample, history, FIRST_VIEW, { columns, rows }, colour)}\n`);
  return sample.health === 'unreachable' ? EXIT.network : EXIT.ok;
}
