/**
 * A slow link: a TCP proxy with the round trip and the bandwidth of a phone on 4G, as WebPageTest
 * defines it. Unlike a browser's own throttling it slows workers and new connections, too.
 */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export const ROUND_TRIP_MILLIS = 170;
export const BITS_PER_SECOND = 9_000_000;

/** Puts the link before a port of this machine. */
export async function slowLink(
  port: number,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const line = { down: 0, up: 0 };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    // What a handshake takes on such a link comes before the first byte.
    near.pipe(delayed(line, 'up', ROUND_TRIP_MILLIS)).pipe(far);
    far.pipe(delayed(line, 'down', 0)).pipe(near);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
}

/** Half a round trip for each piece, and all pieces one after the other through one line. */
function delayed(line: { down: number; up: number }, way: 'down' | 'up', first: number): Transform {
  let extra = first;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const now = performance.now();
      const sendMillis = (piece.length * 8_000) / BITS_PER_SECOND;
      line[way] = Math.max(line[way], now) + sendMillis;
      const wait = line[way] - now + ROUND_TRIP_MILLIS / 2 + extra;
      extra = 0;
      setTimeout(() => this.push(piece), wait);
      done();
    },
    flush(done) {
      setTimeout(done, ROUND_TRIP_MILLIS);
    },
  });
}
