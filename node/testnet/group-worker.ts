/** Entry of a thread with validators of a test network. */
import { parentPort, workerData } from 'node:worker_threads';
import { Group } from './group.ts';
import type { GroupData, ToGroup } from './group-protocol.ts';

const group = new Group(workerData as GroupData, (message) => parentPort?.postMessage(message));
parentPort?.on('message', (message: ToGroup) => {
  group.handle(message);
  if (message.kind === 'stop') parentPort?.close();
});
