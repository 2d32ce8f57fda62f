/**
 * `fanal start` and `fanal stop`: a node in the foreground, and its end.
 */
import type { Command } from 'commander';
import { EXIT } from './exit.ts';
import type { Action } from './program.ts';

interface StartOptions {
  readonly observe?: boolean;
  readonly listen?: string[];
  readonly peer?: string[];
  readonly api?: string;
  readonly ops?: string;
}

const PARENT_MILLIS = 1_000;

const collect = (value: string, before: string[] = []) => [...before, value];

export function registerRun(program: Command, action: Action): void {
  program
    .command('start')
    .description('run the node of this folder until Ctrl-C')
    .option('--observe', 'follow and serve, but never sign')
    .option('--listen <address>', 'where peers connect, host:port', collect)
    .option('--peer <address>', 'a peer to start from, …/p2p/…', collect)
    .option('--api <host:port>', 'where wallets and gateways ask')
    .option('--ops <host:port>', 'health and metrics')
    .action(
      action<StartOptions>(async (context, options) => {
        const { startNode } = await import('../runtime/node.ts');
        const { SOFTWARE, VERSION } = await import('./version.ts');
        const loaded = context.loadConfig({
          'node.observe': options.observe,
          'network.listen': options.listen,
          'network.peers': options.peer,
          'api.listen': options.api,
          'ops.listen': options.ops,
        });
        const node = await startNode(loaded, {
          version: VERSION,
          commit: process.env.FANAL_COMMIT ?? '',
          software: SOFTWARE,
        });
        context.signal.addEventListener('abort', () => void node.stop(), { once: true });
        const parent = Number(process.env.FANAL_EXIT_WITH_PARENT ?? 0);
        if (parent > 0) stopWithParent(parent, () => void node.stop());
        if (context.signal.aborted) void node.stop();
        // Stopping when asked to is what a service does: no failure.
        await node.ended;
        return EXIT.ok;
      }),
    );

  program
    .command('stop')
    .description('stop the node that runs in this folder, and wait until it has')
    .action(
      action(async (context) => {
        const { existsSync } = await import('node:fs');
        const { adminSocket, askAdmin } = await import('../runtime/admin.ts');
        const { timeoutMillis } = await import('./context.ts');
        await askAdmin(context.home, 'stop', timeoutMillis(context));
        const deadline = performance.now() + timeoutMillis(context);
        // The socket goes when everything else is closed.
        while (existsSync(adminSocket(context.home))) {
          if (performance.now() > deadline) {
            const { FanalError } = await import('fanal/primitives/errors.ts');
            throw new FanalError('client/timeout', 'the node is still running');
          }
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        context.output.object('fanal.stop/1', { stopped: true }, [['stopped', true]]);
      }),
    );
}

/** A node that a test or `fanal dev` started does not outlive it, however and whenever that ends. */
function stopWithParent(parent: number, stop: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid !== parent) stop();
  }, PARENT_MILLIS);
  timer.unref();
}
