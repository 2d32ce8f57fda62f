/**
 * Following: every way to lie about the tip, the crash after every step of a commit, and the fork.
 */
import { validatorSet } from 'fanal/chain/validators.ts';
import type { CosignedCheckpoint } from 'fanal/checkpoint/cosigned.ts';
import { checkpointNote } from 'fanal/checkpoint/cosigned.ts';
import { evidenceCodec, verifyEvidence } from 'fanal/light/evidence.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import { asBytes32, type Bytes, type Bytes32, utf8, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { TestAnswers } from 'fanal/testing/answers.ts';
import { type TestBlock, TestChain } from 'fanal/testing/chain.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../workers/chain/store.ts';
import {
  type MemoryGateway,
  memoryBlob,
  memoryDatabase,
  openMemoryGateway,
  testVerify,
} from './memory-gateway.ts';
import { tellStory } from './story.ts';
import { type Lie, testNode } from './test-node.ts';

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

/** A chain that branched off another one after `shared` blocks, by the same validators. */
function branch(chain: TestChain, shared: number, extra: number): TestChain {
  const twin = new TestChain({
    time: chain.genesis.time,
    balances: chain.genesis.balances,
    validators: chain.validators,
  });
  for (let height = 1; height <= shared; height++) {
    const { header, transactions } = chain.blocks[height] as (typeof chain.blocks)[number];
    for (const bytes of transactions) twin.submit(bytes);
    const endEpoch = header.nextValidatorsHash.some((byte) => byte !== 0);
    twin.addBlock({ time: header.time, endEpoch });
  }
  for (let i = 0; i < extra; i++) twin.addBlock({ time: BigInt(Date.now()) + BigInt(i) + 1n });
  return twin;
}

const lieAboutUpdates =
  (change: (update: Update) => Update): Lie =>
  (answer, { name }) =>
    name === 'update' && answer.status === 200
      ? { ...answer, body: updateCodec.encode(change(updateCodec.decode(answer.body))) }
      : answer;

const resigned = (update: Update, checkpoint: CosignedCheckpoint): Update => ({
  ...update,
  checkpoint,
});

describe('lies about the tip', () => {
  const story = tellStory();
  const { chain } = story;
  const strange = tellStory({ seed: 500n }).chain;
  const signed = (cosigners: number[], root: Bytes32 = chain.tip.root, size = chain.size) =>
    chain.cosign({ size, root }, chain.tip.header.time, chain.tip.validators, cosigners);
  const other = ZERO_32.map(() => 7) as Bytes32;
  const header = (change: object) => (update: Update) => ({
    ...update,
    header: { ...update.header, ...change },
  });

  const LIES: Record<string, (update: Update) => Update> = {
    'one signature of four': (update) => resigned(update, signed([1])),
    'exactly two thirds and no more': (update) => resigned(update, signed([0, 1])),
    'no signature': (update) => resigned(update, signed([])),
    'signatures over another size': (update) => {
      const { cosignatures } = signed([0, 1, 2, 3], chain.tip.root, chain.size - 1n);
      return resigned(update, { ...update.checkpoint, cosignatures });
    },
    'signatures over another root': (update) => {
      const { cosignatures } = signed([0, 1, 2, 3], other);
      return resigned(update, { ...update.checkpoint, cosignatures });
    },
    'signatures under another origin': (update) => {
      const { cosignatures } = strange.cosign(update.checkpoint, chain.tip.header.time);
      return resigned(update, { ...update.checkpoint, cosignatures });
    },
    'a signer outside the set': (update) => {
      const [a, b, c] = signed([0, 1, 2]).cosignatures as unknown as [
        never,
        never,
        { validator: number },
      ];
      return resigned(update, {
        ...update.checkpoint,
        cosignatures: [a, b, { ...(c as object), validator: 200 } as never],
      });
    },
    'one signer under three indexes': (update) => {
      const [one] = signed([0]).cosignatures;
      return resigned(update, {
        ...update.checkpoint,
        cosignatures: [0, 1, 2].map((validator) => ({ ...one, validator }) as never),
      });
    },
    'another root': (update) => resigned(update, { ...update.checkpoint, root: other }),
    'a certified root of another log': (update) => resigned(update, signed([0, 1, 2, 3], other)),
    'another set in a handover': (update) => ({
      ...update,
      handovers: update.handovers.map((handover) => ({
        ...handover,
        header: {
          ...handover.header,
          nextValidatorsHash: validatorSet([...chain.tip.validators.validators].slice(1)).hash,
        },
        nextValidators: validatorSet([...chain.tip.validators.validators].slice(1)),
      })),
    }),
    'no handover': (update) => ({ ...update, handovers: [] }),
    'a handover twice': (update) => ({
      ...update,
      handovers: [...update.handovers, ...update.handovers],
    }),
    'a consistency proof with a hash too many': (update) => ({
      ...update,
      consistency: [...update.consistency, other],
    }),
    'an inclusion proof with a hash too few': (update) => ({
      ...update,
      inclusion: update.inclusion.slice(1),
    }),
    'a start that was not asked for': (update) => ({
      ...update,
      from: { ...update.from, size: 2n },
    }),
    'another height': header({ height: chain.size + 5n }),
    'another epoch': header({ epoch: 9 }),
    'another time': header({ time: chain.tip.header.time + 1n }),
    'another past': header({ previousRoot: other }),
    'another transaction root': header({ txRoot: other }),
    'another count of transactions': header({ txCount: 77 }),
    'another state': header({ stateRoot: other }),
    'another set': header({ validatorsHash: other }),
    'another next set': header({ nextValidatorsHash: other }),
    'another commit': header({ commitIndex: 1_000n }),
    'another commit digest': header({ commitDigest: other }),
    'another consensus snapshot': header({ consensusSnapshotHash: other }),
  };

  for (const [name, change] of Object.entries(LIES)) {
    it(`${name} moves nothing, and an honest node beside the liar does`, async () => {
      const liar = testNode(chain, { lie: lieAboutUpdates(change) });
      const alone = openMemoryGateway({ anchor: chain.trust, nodes: { liar: liar.fetch } });
      await expect(alone.step()).rejects.toMatchObject({ problem: 'upstream-unverified' });
      expect(alone.follower.published).toBeNull();
      expect((await alone.get('/checkpoint')).status).toBe(503);
      const nodes = { liar: liar.fetch, honest: testNode(chain).fetch };
      const among = openMemoryGateway({ anchor: chain.trust, nodes });
      expect(await among.step()).toBe('advanced');
      expect(among.follower.published?.state.header.height).toBe(chain.size - 1n);
    });
  }

  it('headers in between that do not make up the root are not filed', async () => {
    const lie: Lie = (answer, { target }) => {
      if (!target.startsWith('/tile/entries')) return answer;
      const body = answer.body.slice();
      body[300] = (body[300] ?? 0) ^ 1;
      return { ...answer, body };
    };
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: { liar: testNode(chain, { lie }).fetch },
    });
    await expect(gateway.step()).rejects.toMatchObject({ problem: 'upstream-unverified' });
    expect(gateway.store.headers(0n, 10)).toEqual([]);
  });

  it('a time in the future is not taken, and no node is blamed for our clock', async () => {
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: { honest: testNode(chain).fetch },
      now: () => Number(chain.tip.header.time) - 120_000,
    });
    await expect(gateway.step()).rejects.toMatchObject({ problem: 'upstream-unverified' });
    expect(gateway.pool.upstreams[0]?.standing).toBe(0);
  });
});

describe('a tip that stands still', () => {
  it('an older tip after a newer one is not taken, and the size never shrinks', async () => {
    const { chain } = tellStory();
    let shown = chain.size;
    const node = testNode(chain, { size: () => shown });
    const gateway = openMemoryGateway({ anchor: chain.trust, nodes: { node: node.fetch } });
    await gateway.step();
    shown -= 3n;
    await gateway.step().catch(() => {});
    const note = await (await gateway.get('/checkpoint')).text();
    expect(note.split('\n')[1]).toBe(String(chain.size));
    expect(gateway.pool.upstreams[0]?.standing).toBe(0);
  });

  it('with all nodes gone, what was verified is served with its age, and the tip for a minute', async () => {
    const { chain, alice } = tellStory();
    const node = testNode(chain);
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const gateway = openMemoryGateway({ anchor: chain.trust, nodes: { node: node.fetch }, now });
    await gateway.step();
    const pinned = `/v1/addresses/${alice.text}?at=${chain.size}`;
    await gateway.get(pinned);
    node.lie(() => {
      throw new TypeError('gone');
    });
    ahead = 30_000;
    const young = await gateway.get('/checkpoint');
    expect(young.status).toBe(200);
    expect(Number(young.headers.get('fanal-age'))).toBeGreaterThanOrEqual(29);
    ahead = 90_000;
    const old = await gateway.get('/checkpoint');
    expect([old.status, old.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await old.json()).toMatchObject({ code: 'syncing', reason: 'gateway/stale-checkpoint' });
    expect((await gateway.get('/readyz')).status).toBe(503);
    expect((await gateway.get('/livez')).status).toBe(200);
    expect((await gateway.get(pinned)).status).toBe(200);
    expect((await gateway.get('/v1/headers/2')).status).toBe(200);
    const unknown = await gateway.get(`/v1/addresses/${alice.text}?at=5`);
    expect([unknown.status, unknown.headers.has('retry-after')]).toEqual([503, true]);
    node.lie(null);
    chain.addBlock({ time: BigInt(now()) });
    ahead = 130_000;
    chain.addBlock({ time: BigInt(now()) });
    // The breaker lets a probe through after a second.
    await vi.waitFor(() => gateway.step(), { timeout: 5_000, interval: 100 });
    expect((await gateway.get('/checkpoint')).status).toBe(200);
  });
});

describe('a fork', () => {
  it('stops the publishing at the last good tip, and the evidence convicts who signed both', async () => {
    const { chain } = tellStory({ blocks: 8, epochEnds: [] });
    const twin = branch(chain, 5, 6);
    let asked: 'one' | 'other' = 'one';
    const [one, other] = [testNode(chain), testNode(twin)];
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: { node: (url, init) => (asked === 'one' ? one : other).fetch(url, init) },
    });
    await gateway.step();
    asked = 'other';
    expect(await gateway.step()).toBe('forked');
    expect(await gateway.step()).toBe('halted');
    expect(gateway.follower.published?.state.header.height).toBe(8n);
    await checkEvidence(gateway, chain);
  });

  it('shows in a note of another root at a size we passed, when nodes are compared', async () => {
    const { chain } = tellStory({ blocks: 8, epochEnds: [] });
    const twin = branch(chain, 5, 2);
    const nodes = { honest: testNode(chain).fetch, forked: testNode(twin).fetch };
    const gateway = openMemoryGateway({ anchor: chain.trust, nodes });
    // The honest node is the one further ahead.
    gateway.pool.upstreams.forEach((upstream, i) => {
      upstream.verifiedSize = BigInt(2 - i);
    });
    await gateway.step();
    expect(gateway.follower.published?.state.header.height).toBe(8n);
    await gateway.crossCheck();
    expect(await gateway.step()).toBe('halted');
    await checkEvidence(gateway, chain);
  });

  it('is not claimed by a note that nobody certified', async () => {
    const { chain } = tellStory({ blocks: 8, epochEnds: [] });
    const forged = { ...chain.tip.checkpoint, root: asBytes32(new Uint8Array(32).fill(9)) };
    const note = checkpointNote(forged, chain.start.origin, chain.tip.validators);
    const liar = testNode(chain, {
      lie: (answer, { name }) => (name === 'checkpoint' ? { ...answer, body: utf8(note) } : answer),
    });
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: { liar: liar.fetch, honest: testNode(chain).fetch },
    });
    await gateway.step();
    await gateway.crossCheck();
    expect(gateway.follower.conflicts).toBe(0);
    expect(gateway.pool.upstreams.map(({ standing }) => standing)).toEqual([2, 0]);
  });

  async function checkEvidence(gateway: MemoryGateway, chain: TestChain): Promise<void> {
    const list = (await (await gateway.get('/v1/evidence')).json()) as {
      items: { path: string }[];
    };
    expect(list.items).toHaveLength(1);
    const file = await bytesOf(await gateway.get(list.items[0]?.path as string));
    const finding = await verifyEvidence(evidenceCodec.decode(file), testVerify, chain.trust);
    expect(finding.kind).toBe('fork');
    expect(finding.guiltyStake * 3n).toBeGreaterThan(finding.totalStake);
    expect((await gateway.get('/readyz')).status).toBe(503);
  }
});

describe('a crash', () => {
  /** The calls that write, in the order of a commit. */
  const STEPS = ['stage', 'swap', 'put', 'unstage', 'publish'] as const;
  /** Enough headers that a tile fills now and then, so that there are objects to write. */
  let chain: TestChain;
  beforeAll(() => {
    ({ chain } = tellStory({ blocks: 250, epochEnds: [100], payments: [] }));
  });

  for (const step of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} "${step}" loses nothing and contradicts nothing that was served`, async () => {
        const base = chain.size;
        const database = memoryDatabase();
        const blob = memoryBlob();
        let isArmed = false;
        const crash = (name: string, moment: 'before' | 'after') => {
          if (isArmed && name === step && moment === when) throw new Error('power cut');
        };
        const watched = <T extends object>(target: T, names: readonly string[]): T =>
          new Proxy(target, {
            get(inner, name) {
              const value = Reflect.get(inner, name);
              if (typeof value !== 'function') return value;
              return (...args: unknown[]) => {
                if (!names.includes(String(name))) return value.apply(inner, args);
                crash(String(name), 'before');
                const result = value.apply(inner, args);
                if (!(result instanceof Promise)) {
                  crash(String(name), 'after');
                  return result;
                }
                return result.then((given) => {
                  crash(String(name), 'after');
                  return given;
                });
              };
            },
          });
        let ahead = 0;
        const open = () =>
          openMemoryGateway({
            anchor: chain.trust,
            now: () => Date.now() + ahead,
            nodes: { node: testNode(chain).fetch },
            database,
            blob: watched(blob, STEPS),
            store: (store: Store) => watched(store, STEPS),
          });
        const first = open();
        await first.step();
        const before = await (await first.get('/checkpoint')).text();
        for (let i = 0; i < 20; i++) {
          chain.addBlock({ time: BigInt(Date.now()), endEpoch: i === 9 });
        }
        isArmed = true;
        await first.step().catch(() => {});
        isArmed = false;

        // A new life, with nothing but what was written down.
        const second = open();
        const served = second.follower.published;
        expect(served).not.toBeNull();
        const sizes = [base, chain.size];
        expect(sizes).toContain((served?.state.header.height ?? 0n) + 1n);
        expect([before, noteOf(chain)]).toContain(await (await second.get('/checkpoint')).text());
        await second.step();
        ahead = 1_000;
        expect(await (await second.get('/checkpoint')).text()).toBe(noteOf(chain));
        expect(second.store.staged()).toEqual([]);
        const keys = [...blob.objects.keys()].map((key) => key.slice(67));
        for (const key of ['/tile/0/000', '/tile/entries/000']) expect(keys).toContain(key);
        // Two headers that were served under the old tip are in the new one, too.
        const proof = await second.get(`/v1/headers/3?at=${base}`);
        expect(proof.status).toBe(200);
      });
    }
  }

  const noteOf = (chain: TestChain): string => {
    const { checkpoint, validators } = chain.tip;
    const cosignatures = checkpoint.cosignatures.slice(0, 3);
    return checkpointNote({ ...checkpoint, cosignatures }, chain.start.origin, validators);
  };

  it('of somebody else who was faster leaves the faster one in place', async () => {
    const { chain } = tellStory();
    const database = memoryDatabase();
    const open = () =>
      openMemoryGateway({ anchor: chain.trust, nodes: { node: testNode(chain).fetch }, database });
    const [one, two] = [open(), open()];
    expect(await one.step()).toBe('advanced');
    expect(await two.step()).toBe('lost-race');
    expect(await two.step()).toBe('same');
    expect(two.follower.published?.state.header.height).toBe(
      one.follower.published?.state.header.height,
    );
  });
});

describe('a gateway that begins in the middle', () => {
  it('takes the log by its edge, and proves headers from before its time all the same', async () => {
    const { chain } = tellStory({ blocks: 530, epochEnds: [10, 300], payments: [] });
    const { header, root, validators, checkpoint } = chain.blocks[50] as TestBlock;
    const { cosignatures } = checkpoint;
    const anchor = { ...chain.trust, header, root, validators, cosignatures, sureAt: header.time };
    const node = testNode(chain);
    const gateway = openMemoryGateway({ anchor, nodes: { node: node.fetch } });
    expect(await gateway.step()).toBe('advanced');
    // The tiles at the edge, and not one header of those in between.
    expect(node.asked.filter((target) => target.startsWith('/tile/'))).toEqual([
      '/tile/0/002.p/19',
      '/tile/1/000.p/2',
    ]);
    const answers = new TestAnswers(chain);
    for (const height of [0n, 1n, 255n, 256n, 511n, 512n, 530n]) {
      const response = await gateway.get(`/v1/headers/${height}?at=${chain.size}&format=bytes`);
      expect(response.status).toBe(200);
      expect(await bytesOf(response)).toEqual(answers.headerProof(height) as Bytes);
    }
    const update = await bytesOf(await gateway.get('/v1/update?from=5&format=bytes'));
    expect(updateCodec.decode(update).handovers).toHaveLength(2);
  });

  it('refuses an edge that does not make up the certified root', async () => {
    const { chain } = tellStory({ blocks: 300, epochEnds: [], payments: [] });
    const { header, root, validators, checkpoint } = chain.blocks[50] as TestBlock;
    const { cosignatures } = checkpoint;
    const anchor = { ...chain.trust, header, root, validators, cosignatures, sureAt: header.time };
    for (const tile of ['/tile/0/001.p/45', '/tile/1/000.p/1']) {
      const lie: Lie = (answer, { target }) => {
        if (target !== tile) return answer;
        const body = answer.body.slice();
        body[0] = (body[0] ?? 0) ^ 1;
        return { ...answer, body };
      };
      const nodes = { liar: testNode(chain, { lie }).fetch };
      const gateway = openMemoryGateway({ anchor, nodes });
      await expect(gateway.step()).rejects.toMatchObject({ problem: 'upstream-unverified' });
      expect(gateway.pool.upstreams[0]?.standing).toBe(2);
    }
  });
});
