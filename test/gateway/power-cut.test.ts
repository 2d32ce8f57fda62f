/**
 * What is left of a gateway under workerd when the power goes: at any moment, and at every step of
 * a commit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import type { TestChain } from 'fanal/testing/chain.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleWorker } from '../../workers/selfhost/bundle.ts';
import { type GatewayOptions, startGateway } from '../../workers/selfhost/workerd.ts';
import { addBlockNow, tellStory } from './story.ts';
import { listen, testNode } from './test-node.ts';

const SETTINGS = { ALLOWANCE: '1000000,1000000,1000000', FOLLOW_MILLIS: '50' };

let bundle: string;
beforeAll(async () => {
  bundle = await bundleWorker();
});

/** Size and root of what is served; null while nothing is. */
async function served(url: string): Promise<{ size: number; root: string } | null> {
  const response = await fetch(`${url}/checkpoint`);
  const [, size, root] = (await response.text()).split('\n') as [string, string, string];
  return response.status === 200 ? { size: Number(size), root } : null;
}

const rootAt = (chain: TestChain, size: number): string =>
  Buffer.from(chain.blocks[size - 1]?.root as Uint8Array).toString('base64');

describe('a power cut', () => {
  it('at any moment leaves a gateway that goes on where it was and contradicts nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fanal-cut-'));
    const { chain } = tellStory({ blocks: 240, epochEnds: [100], payments: [] });
    const node = await listen(testNode(chain));
    const growing = setInterval(() => addBlockNow(chain), 30);
    const options = {
      trust: formatTrust(chain.trust),
      upstreams: [node.url],
      directory,
      bundle,
      settings: SETTINGS,
      port: 0,
    };
    let greatest = -1;
    try {
      for (let life = 0; life < 8; life++) {
        const gateway = await startGateway(options);
        const end = Date.now() + 150 + life * 60;
        // The first lives may end before anything was served; the others see it served.
        let isSeen = life < 3;
        while (Date.now() < end || (!isSeen && Date.now() < end + 20_000)) {
          const tip = await served(gateway.url);
          if (tip === null) continue;
          // What is served is the chain's, and never less than before.
          expect(tip.root).toBe(rootAt(chain, tip.size));
          expect(tip.size).toBeGreaterThanOrEqual(greatest);
          greatest = tip.size;
          isSeen = true;
        }
        await gateway.kill();
      }
      clearInterval(growing);
      const gateway = await startGateway(options);
      await vi.waitFor(
        async () => expect((await served(gateway.url))?.size).toBe(Number(chain.size)),
        { timeout: 15_000 },
      );
      // Every full tile is in its place, and what hangs from the tip is proved.
      node.asked.length = 0;
      for (const target of ['/tile/0/000', '/tile/entries/000', `/v1/headers/3?at=${chain.size}`]) {
        expect((await fetch(gateway.url + target)).status).toBe(200);
      }
      expect(node.asked.filter((asked) => asked.startsWith('/tile'))).toEqual([]);
      await gateway.stop();
      expect(greatest).toBeGreaterThan(240);
    } finally {
      clearInterval(growing);
      await node.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('begins to follow by itself, and leaves no child when the one who started it goes', async () => {
    const { chain } = tellStory({ blocks: 2, epochEnds: [], payments: [] });
    const node = await listen(testNode(chain));
    const trust = formatTrust(chain.trust);
    const gateway = await startGateway({ trust, upstreams: [node.url], port: 0, bundle });
    // It follows before anybody has asked it for anything.
    const follows = () => node.asked.some((target) => target.startsWith('/v1/update'));
    await vi.waitFor(() => expect(follows()).toBe(true), 10_000);
    await gateway.stop();
    expect(() => process.kill(gateway.pid, 0)).toThrow('ESRCH');
    await node.close();
  });
});

/** The calls that write, in the order of a commit. */
const STEPS = ['stage', 'swap', 'put', 'unstage', 'publish'] as const;

/**
 * A Worker that says so and stands still when a commit beyond `size` headers reaches a step. It
 * stands in for the gateway's own, which knows nothing of this.
 */
const standingStill = (step: string, when: string, size: bigint): string => `
import { ChainDO as Own } from './chain/chain-do.ts';
import { SqlStore } from './chain/store.ts';
export * from './main.ts';
export { default } from './main.ts';

let isArmed = false;
const isHere = (step, when) => isArmed && step === '${step}' && when === '${when}';
const reach = (step, when) => {
  if (!isHere(step, when)) return;
  console.log('standing still');
  for (;;);
};
for (const step of ['stage', 'swap', 'unstage', 'publish']) {
  const own = SqlStore.prototype[step];
  SqlStore.prototype[step] = function (...args) {
    if (step === 'stage' && args[1] > ${size}n) isArmed = true;
    reach(step, 'before');
    const result = own.apply(this, args);
    reach(step, 'after');
    return result;
  };
}
const reachPut = async (when) => {
  if (!isHere('put', when)) return;
  console.log('standing still');
  await scheduler.wait(60_000);
};
export class ChainDO extends Own {
  constructor(ctx, env) {
    const disk = {
      async fetch(url, init) {
        if (init?.method !== 'PUT') return env.OBJECTS_DISK.fetch(url, init);
        await reachPut('before');
        const response = await env.OBJECTS_DISK.fetch(url, init);
        await reachPut('after');
        return response;
      },
    };
    super(ctx, { ...env, OBJECTS_DISK: disk });
  }
}
`;

describe('killed at a step of a commit', () => {
  it('a gateway comes back verified, and nothing it serves contradicts what it served', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fanal-steps-'));
    // An epoch ends in every commit, so that there are always objects to write.
    const { chain } = tellStory({ blocks: 250, epochEnds: [100], payments: [] });
    const node = await listen(testNode(chain));
    const options: GatewayOptions = {
      trust: formatTrust(chain.trust),
      upstreams: [node.url],
      directory,
      settings: SETTINGS,
      port: 0,
      bundle,
    };
    try {
      for (const step of STEPS) {
        for (const when of ['before', 'after']) {
          const before = chain.size;
          let isReached = false;
          const gateway = await startGateway({
            ...options,
            bundle: await bundleWorker(standingStill(step, when, before)),
            onLog: (line) => {
              isReached ||= line.includes('standing still');
            },
          });
          await vi.waitFor(async () => {
            const tip = await served(gateway.url);
            expect(tip).toEqual({ size: Number(before), root: rootAt(chain, Number(before)) });
          }, 20_000);
          for (let i = 0; i < 3; i++) {
            chain.addBlock({ time: BigInt(Date.now()), endEpoch: i === 1 });
          }
          await vi.waitFor(() => expect(isReached, `${when} ${step}`).toBe(true), 20_000);
          await gateway.kill();

          const again = await startGateway(options);
          const first = await vi.waitFor(async () => {
            const tip = await served(again.url);
            expect(tip).not.toBeNull();
            return tip as { size: number; root: string };
          }, 20_000);
          // The tip from before or the new one, whole; never anything else, and never less.
          expect([Number(before), Number(chain.size)]).toContain(first.size);
          expect(first.root).toBe(rootAt(chain, first.size));
          await vi.waitFor(
            async () => expect((await served(again.url))?.size).toBe(Number(chain.size)),
            20_000,
          );
          // What hangs from the old tip and from the new one is proved all the same.
          const epoch = chain.tip.header.epoch - 1;
          for (const target of [
            `/v1/headers/3?at=${before}`,
            `/v1/headers/${before}?at=${chain.size}`,
            `/v1/epochs/${epoch}/handover`,
          ]) {
            const response = await fetch(again.url + target);
            expect(`${target} ${response.status}`).toBe(`${target} 200`);
          }
          await again.kill();
        }
      }
    } finally {
      await node.close();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 180_000);
});
