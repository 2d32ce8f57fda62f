/**
 * `fanal doctor` and `fanal watch`: is this host fit, and is the network well as seen from here?
 */
import type { Command } from 'commander';
import type { Trouble } from '../operate/watch.ts';
import { EXIT, UsageError } from './exit.ts';
import { pause } from './pause.ts';
import type { Action } from './program.ts';

interface WatchFlags {
  readonly webhook?: string;
  readonly listen: string;
  readonly interval: string;
  readonly once?: boolean;
}

const MARKS = { ok: 'good', warn: 'warn', bad: 'bad' } as const;
const MAX_NODES = 16;

export function registerHost(program: Command, action: Action): void {
  program
    .command('doctor')
    .description('look over this node’s folder and host; changes nothing')
    .action(
      action(async (context) => {
        const { examine } = await import('../operate/doctor.ts');
        const findings = await examine(context.loadConfig());
        context.output.table('fanal.doctor/1', 'findings', findings, [
          { title: 'CHECK', cell: ({ id }) => id },
          {
            title: 'VERDICT',
            cell: ({ verdict }) => context.output.style(MARKS[verdict], verdict),
          },
          { title: 'FOUND', cell: ({ found }) => found },
          { title: 'WHAT TO DO', cell: ({ hint }) => hint ?? '' },
        ]);
        return findings.some(({ verdict }) => verdict === 'bad') ? EXIT.checksNotMet : EXIT.ok;
      }),
    );

  program
    .command('watch')
    .description('watch a network from another host; name each node with --url')
    .option('--webhook <url>', 'where changes are posted as JSON')
    .option('--listen <host:port>', 'serves the validators’ figures as metrics', '127.0.0.1:9671')
    .option('--interval <seconds>', 'time between looks', '15')
    .option('--once', 'look once and end: 0 when all is well, 8 otherwise')
    .action(
      action<WatchFlags>(async ({ output, options, signal }, flags) => {
        const urls = (options.url ?? []).map((url) => url.replace(/\/+$/, ''));
        if (urls.length === 0 || urls.length > MAX_NODES) {
          throw new UsageError('expected --url, once for each node to ask', 'Name up to 16.');
        }
        const seconds = Number(flags.interval);
        if (!(seconds >= 1)) throw new UsageError('expected an interval of at least a second');
        const { troubles, TroubleLog, viewNode } = await import('../operate/watch.ts');
        const look = () => Promise.all(urls.map((url) => viewNode(url, fetch, 5_000)));
        if (flags.once) {
          const found = troubles(await look());
          output.table('fanal.watch/1', 'troubles', found, [
            { title: 'SEVERITY', cell: ({ severity }) => severity },
            { title: 'WHAT', cell: ({ text }) => text },
          ]);
          return found.length === 0 ? EXIT.ok : EXIT.checksNotMet;
        }
        const board = await serveBoard(urls[0] as string, flags.listen);
        try {
          const log = new TroubleLog();
          while (!signal.aborted) {
            const views = await look();
            board.update(views);
            const { began, ended } = log.update(troubles(views));
            for (const one of began)
              output.line('fanal.watch/1', { ...one, over: false }, `${one.severity}: ${one.text}`);
            for (const one of ended)
              output.line('fanal.watch/1', { ...one, over: true }, `over: ${one.text}`);
            if (flags.webhook !== undefined && began.length + ended.length > 0) {
              await post(flags.webhook, began, ended).catch((error: Error) =>
                output.warn(`the webhook did not take it: ${error.message}`),
              );
            }
            await pause(seconds * 1_000, signal);
          }
          return EXIT.ok;
        } finally {
          board.close();
        }
      }),
    );
}

/** Opens `/metrics` with the validators' figures. */
async function serveBoard(url: string, listen: string) {
  const { createServer } = await import('node:http');
  const { openMetrics } = await import('../api/metrics.ts');
  const { BoardMetrics, chainIdOf } = await import('../operate/watch.ts');
  const signal = AbortSignal.timeout(10_000);
  const { FanalError } = await import('fanal/primitives/errors.ts');
  const chain = await fetch(`${url}/v1/chain`, { signal })
    .then((response) => response.json() as Promise<{ origin: string }>)
    .catch((error: Error) => {
      throw new FanalError('client/unreachable', `${url} does not answer: ${error.message}`);
    });
  const metrics = openMetrics(chainIdOf(String(chain.origin)), 'watch');
  const board = new BoardMetrics(metrics);
  const at = listen.lastIndexOf(':');
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(listen.slice(at + 1)), listen.slice(0, at), resolve);
  });
  return {
    update: (views: Parameters<typeof board.update>[0]) => board.update(views),
    close: () => server.close(),
  };
}

async function post(url: string, began: readonly Trouble[], ended: readonly Trouble[]) {
  const text = [
    ...began.map((one) => `${one.severity}: ${one.text}`),
    ...ended.map((one) => `over: ${one.text}`),
  ].join('\n');
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // `text` is what chat services show; the rest is for programs.
    body: JSON.stringify({ schema: 'fanal.watch/1', text, began, ended }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
}
