import { createCore } from 'fanal-node/core/core.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import type { CoreStatus } from 'fanal-node/core/types.ts';
import type { Network } from 'fanal-node/network/network.ts';
import { nativeCryptoPort } from 'fanal-node/runtime/native-crypto.ts';
import { NodeStatus } from 'fanal-node/runtime/node-status.ts';
import { expect, test } from 'vitest';

const network = { peers: () => [] } as unknown as Network;
const seed = new Uint8Array(32);
const unbooted = createCore(DEFAULT_LOCAL_PARAMS, nativeCryptoPort(seed, seed)).status();

test('a validator that forgot what it signed is not ready before it signs again', () => {
  let now: CoreStatus | null = null;
  const status = new NodeStatus(network, () => now);
  const trouble = () => status.status().trouble;
  expect(trouble()).toBe('starting');
  status.trouble = null;
  status.isAmnesiac = true;
  const asking = 'asking the others what this validator signed last';
  now = unbooted;
  expect(trouble(), 'asked before the core has begun').toBe('starting');
  now = { ...unbooted, phase: 'amnesia' };
  expect(trouble()).toBe(asking);
  now = { ...unbooted, phase: 'running', round: 10, clockRound: 20 };
  expect(trouble(), 'it resumes far above what it may have signed').toBe(asking);
  now = { ...unbooted, phase: 'running', round: 19, clockRound: 20 };
  expect(trouble()).toBeNull();
  now = { ...unbooted, phase: 'running', round: 19, clockRound: 40 };
  expect(trouble(), 'the others are ahead, as anybody’s are now and then').toBeNull();
});
