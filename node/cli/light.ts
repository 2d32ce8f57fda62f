/**
 * `fanal light`: a local proxy for wallets and scripts that cannot verify by themselves. It is a
 * gateway of one's own: what it answers, it has checked against the pinned network's signatures.
 */
import type { Command } from 'commander';
import { EXIT, UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface LightFlags {
  readonly listen: string;
}

const LISTEN = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;
const POLL_MILLIS = 100;
/** Requests in ten seconds: whoever runs the proxy is its only client. */
const ALLOWANCE = '100000,100000,100000';

export function registerLight(program: Command, action: Action): void {
  program
    .command('light')
    .description('a local proxy whose every answer is verified')
    .option('--listen <host:port>', 'where it answers', '127.0.0.1:8788')
    .action(
      action<LightFlags>(async (context, { listen }) => {
        const { host, port } = placeOf(listen);
        const { join } = await import('node:path');
        const { formatTrust } = await import('fanal/light/index.ts');
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const { GatewayProcess, requireFree } = await import('../testnet/gateway-process.ts');
        const { openClient } = await import('./networks.ts');
        const { output, signal } = context;
        const { client, network } = await openClient(context);
        await requireFree(host, port, 'the proxy', 'Choose another with --listen.');
        await client.sync({ signal });
        const trust = client.trusted();
        const ended = Promise.withResolvers<string>();
        const url = `http://${host}:${port}`;
        const gateway = new GatewayProcess({
          folder: join(context.home, 'light', toHex(trust.genesisId).slice(0, 16)),
          trust: formatTrust(trust),
          upstreams: network.urls,
          ...{ host: host.replace(/^\[|\]$/g, ''), port, runtime: 'node' },
          settings: {
            INSECURE_UPSTREAMS: 'true',
            FAUCET: 'true',
            ALLOWANCE,
            UPSTREAM_TIMEOUT_MILLIS: '10000',
          },
          onExit: (how, lastWords) => ended.resolve(`${lastWords || how}`),
        });
        signal.addEventListener('abort', () => void gateway.stop(), { once: true });
        const isReady = await Promise.race([untilReady(url, signal), ended.promise]);
        if (isReady === true) {
          output.object('fanal.light/1', { url, origin: trust.origin, upstreams: network.urls }, [
            ['proxy', url],
            ['network', trust.origin],
            ['asks', network.urls.join(' ')],
          ]);
          output.progress('Every answer is verified here. Ctrl-C stops it.');
        }
        const why = await ended.promise;
        if (signal.aborted) return EXIT.interrupted;
        output.warn(`the proxy ended: ${why}`);
        return EXIT.failed;
      }),
    );
}

/** Waits until the proxy has verified a tip of its own. */
async function untilReady(url: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const answer = await fetch(`${url}/readyz`, { signal }).catch(() => null);
    if (answer?.ok) return true;
    await new Promise((done) => setTimeout(done, POLL_MILLIS));
  }
  return false;
}

function placeOf(listen: string): { readonly host: string; readonly port: number } {
  const [, host, port] = LISTEN.exec(listen) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(`expected --listen as host:port, found "${listen}"`);
  }
  return { host, port: Number(port) };
}
