/**
 * The node's door for its own operator: a socket in its folder that only the folder's owner can
 * open. `fanal stop`, `status` and `peers` use it.
 */
import { rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** What the operator may ask; answers are plain JSON. */
export interface AdminCommands {
  status(): Promise<object> | object;
  peers(): Promise<object> | object;
  /** Whether others reach the addresses that this validator is registered with. */
  reach(): Promise<object> | object;
  /** Begins to stop and returns at once. */
  stop(): Promise<object> | object;
}

export type AdminCommand = keyof AdminCommands;
const COMMANDS: readonly AdminCommand[] = ['status', 'peers', 'reach', 'stop'];
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Longer paths do not fit the system's socket address. */
const MAX_SOCKET_PATH = 100;

export interface AdminServer {
  close(): Promise<void>;
}

export function adminSocket(home: string): string {
  return join(home, 'admin.sock');
}

/**
 * Listens. A folder whose path is too long for a socket gets none.
 *
 * @param home the folder, which this process has locked: a socket that lies there is a dead one
 */
export async function serveAdmin(
  home: string,
  commands: AdminCommands,
): Promise<AdminServer | null> {
  const path = adminSocket(home);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return null;
  rmSync(path, { force: true });
  const server: Server = createServer(async (message, response) => {
    const name = (message.url ?? '/').slice(1) as AdminCommand;
    const isChange = name === 'stop';
    if (!COMMANDS.includes(name) || (message.method === 'POST') !== isChange) {
      response.writeHead(404).end();
      return;
    }
    try {
      const answer = JSON.stringify(await commands[name](), (_key, value) => {
        if (typeof value === 'bigint') return value.toString();
        return value instanceof Uint8Array ? toHex(value) : value;
      });
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    } catch (error) {
      response.writeHead(500).end(JSON.stringify({ message: (error as Error).message }));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          rmSync(path, { force: true });
          resolve();
        });
      }),
  };
}

/**
 * Asks the node that runs in `home`.
 *
 * @throws {FanalError} `client/not-running` when none does
 */
export function askAdmin(
  home: string,
  command: AdminCommand,
  timeoutMillis: number,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: adminSocket(home),
        path: `/${command}`,
        method: command === 'stop' ? 'POST' : 'GET',
        timeout: timeoutMillis,
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.length;
          if (length > MAX_ANSWER_BYTES) asked.destroy();
          parts.push(part);
        });
        response.on('end', () => {
          try {
            const json = JSON.parse(Buffer.concat(parts).toString('utf8'));
            if (response.statusCode === 200) resolve(json);
            else reject(new FanalError('client/failed', String(json.message)));
          } catch (cause) {
            reject(new FanalError('client/failed', 'the node’s answer makes no sense', { cause }));
          }
        });
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', (cause) => {
      reject(
        new FanalError('client/not-running', `no node answers in ${home}`, {
          hint: 'Start one with `fanal start`, or name its folder with --home.',
          cause,
        }),
      );
    });
    asked.end();
  });
}
