/**
 * A thread that connects to a node and sends it empty muxer frames as fast as it can.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';

const node = await createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
});
const connection = await node.dial(multiaddr(workerData.address));
const stream = await connection.newStream('/ipfs/ping/1.0.0');
const { sendFrame } = stream as unknown as {
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }): boolean;
};
parentPort?.postMessage('connected');
for (;;) {
  let more = true;
  for (let i = 0; i < 500 && more; i++) {
    // A window update of nothing.
    more = sendFrame({ type: 1, flag: 0, streamID: 1, length: 0 });
  }
  await new Promise((resolve) => setTimeout(resolve, more ? 0 : 20));
  if (connection.status !== 'open') break;
}
