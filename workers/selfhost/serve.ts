#!/usr/bin/env node
/**
 * Serves a gateway on this machine: `node workers/selfhost/serve.ts --trust FILE --upstream URL`.
 *
 * Prints one line of JSON when it is ready, `{"url": …, "pid": …}`, and goes in order on SIGINT or
 * SIGTERM. Exit codes: 0 ended as asked, 1 it broke, 2 wrong arguments, 3 wrong settings.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Settings } from '../config.ts';

const USAGE = `usage: serve.ts --trust FILE --upstream URL [--upstream URL ...]
  --runtime node|workerd   what runs it (workerd)
  --port N --host HOST     where it listens (8787, 127.0.0.1)
  --directory DIR          where state is kept (a temporary directory)
  --assets DIR             the built page
  --plans FILE             plans of API keys (with --runtime node)
  --set NAME=VALUE         any other setting of docs/deploy.md
`;

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      trust: { type: 'string' },
      upstream: { type: 'string', multiple: true },
      runtime: { type: 'string', default: 'workerd' },
      port: { type: 'string', default: '8787' },
      host: { type: 'string', default: '127.0.0.1' },
      directory: { type: 'string' },
      assets: { type: 'string' },
      plans: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const { trust, upstream, runtime, port, host, directory, assets, plans } = values;
  const settings = readSettings(values.set);
  if (trust === undefined || upstream === undefined || settings === null) return usage();
  if ((runtime !== 'node' && runtime !== 'workerd') || !/^\d{1,5}$/.test(port)) return usage();
  if (plans !== undefined && runtime !== 'node') return usage();
  const options = {
    trust: readFileSync(trust, 'utf8'),
    upstreams: upstream,
    port: Number(port),
    host,
    settings,
    onLog: (line: string) => process.stderr.write(`${line}\n`),
    ...(directory === undefined ? {} : { directory }),
    ...(assets === undefined ? {} : { assets }),
    ...(plans === undefined ? {} : { plans }),
  };
  const server: Server =
    runtime === 'node'
      ? await (await import('./node.ts')).startGateway(options)
      : await (await import('./workerd.ts')).startGateway(options);
  const asked = new Promise<void>((done) => {
    process.once('SIGINT', () => done());
    process.once('SIGTERM', () => done());
  });
  process.stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid })}\n`);
  const ended = await Promise.race([server.exited, asked]);
  if (ended !== undefined) return ended === 0 ? 0 : 1;
  await server.stop();
  return 0;
}

function readSettings(pairs: readonly string[]): Settings | null {
  const settings: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) return null;
    settings[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return settings;
}

function usage(): number {
  process.stderr.write(USAGE);
  return 2;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const { code, message } = error as { code?: unknown; message?: unknown };
    process.stderr.write(`${String(message ?? error)}\n`);
    const isSetting = typeof code === 'string' && /^(?:config|trust|decode)\//.test(code);
    process.exitCode = isSetting ? 3 : 1;
  },
);
