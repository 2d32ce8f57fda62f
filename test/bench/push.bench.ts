/**
 * Two thousand WebSocket subscribers of one gateway under raw workerd: how soon the last of them has
 * each tip, what becomes of those who do not read, and what those hear who come back.
 */
import { startGateway } from '../../workers/selfhost/workerd.ts';
import { Subscriber } from '../gateway/subscriber.ts';
import { startUpstream } from '../support/gateway-upstream.ts';
import { quantile } from '../support/load.ts';
import type { Benchmark } from './report.ts';

const SUBSCRIBERS = 2_000;
const SLOW = 50;
const LEAVERS = 500;
const BLOCK_MILLIS = 250;
const TIPS = 100;
const OPENING = 50;
const PING_MILLIS = 5_000;
const TRY_AGAIN_LATER = 1013;

export const run: Benchmark = async (report) => {
  const node = await startUpstream(2, BLOCK_MILLIS);
  const gateway = await startGateway({
    trust: node.ready.trust,
    upstreams: [node.ready.url],
    port: 0,
    settings: { CLIENT_HEADER: 'x-test-client', ALLOWANCE: '1000000,1000000,1000000' },
  });
  const open: Subscriber[] = [];
  const pinging = setInterval(() => {
    for (const one of open) one.say('{"kind":"ping"}');
  }, PING_MILLIS);
  try {
    const began = performance.now();
    const crowd: Subscriber[] = [];
    for (let i = 0; i < SUBSCRIBERS; i += OPENING) {
      crowd.push(...(await Promise.all(opened(gateway.url, i, OPENING))));
    }
    report.figures(`${SUBSCRIBERS} sockets opened`, 'ms', { all: performance.now() - began });
    const slow = crowd.slice(0, SLOW);
    const leavers = crowd.slice(SLOW, SLOW + LEAVERS);
    const others = crowd.slice(SLOW + LEAVERS);
    for (const one of slow) one.socket.pause();
    open.push(...leavers, ...others);

    const first = node.blocks.at(-1)?.size ?? 0;
    await until(() => (node.blocks.at(-1)?.size ?? 0) >= first + TIPS / 4);
    for (const one of leavers) one.close();
    open.splice(0, open.length, ...others);
    await until(() => (node.blocks.at(-1)?.size ?? 0) >= first + TIPS / 2);
    const back: Subscriber[] = [];
    for (let i = 0; i < LEAVERS; i += OPENING) {
      back.push(...(await Promise.all(opened(gateway.url, SUBSCRIBERS + i, OPENING))));
    }
    for (const [i, one] of back.entries()) {
      const after = String(leavers[i]?.tips().at(-1));
      one.say({ kind: 'subscribe', topics: ['tip'], addresses: [], after });
    }
    open.push(...back);
    await until(() => (node.blocks.at(-1)?.size ?? 0) >= first + TIPS);
    const last = first + TIPS - 1;
    await until(() => [...others, ...back].every((one) => (one.tips().at(-1) ?? 0) >= last));

    const heights = Array.from({ length: TIPS - 4 }, (_, i) => first + 3 + i);
    const whole = others.filter((one) => heights.every((height) => one.heardAt(height) !== null));
    const resumed = back.filter((one, i) => isGapless(leavers[i] as Subscriber, one));
    for (const one of slow) one.socket.resume();
    const codes = await Promise.all(slow.map(async ({ closed }) => (await closed).code));
    const dropped = codes.filter((code) => code === TRY_AGAIN_LATER).length;
    const all = (count: number) => ({ atLeast: count });
    report.figures(
      `of ${others.length} readers, who heard each of ${heights.length} tips`,
      '',
      { readers: whole.length },
      all(others.length),
    );
    report.figures(
      `of ${LEAVERS} who left and came back, without a gap`,
      '',
      { resumed: resumed.length },
      all(LEAVERS),
    );
    report.figures(
      `of ${SLOW} slow readers, dropped with ${TRY_AGAIN_LATER}`,
      '',
      { dropped },
      all(SLOW),
    );
    // Sizes count from one, heights from nothing.
    const late = heights.map((height) => {
      const certified = node.blocks.find(({ size }) => size === height + 1)?.at ?? 0;
      return Math.max(...others.map((one) => one.heardAt(height) ?? 0)) - certified;
    });
    late.sort((a, b) => a - b);
    report.figures('from certification until the last of them has a tip', 'ms', {
      p99: quantile(late, 0.99),
      p50: quantile(late, 0.5),
    });
    for (const one of [...others, ...back]) one.close();
  } finally {
    clearInterval(pinging);
    await gateway.stop();
    node.close();
  }
};

function opened(url: string, from: number, count: number): Promise<Subscriber>[] {
  return Array.from({ length: count }, async (_, i) => {
    const id = from + i;
    const one = new Subscriber(url, `10.${id >> 16}.${(id >> 8) & 255}.${id & 255}`);
    if (!(await one.opened())) throw new Error(`subscriber ${id} was refused`);
    return one;
  });
}

/** Whether two connections of one subscriber heard every height between them. */
function isGapless(before: Subscriber, after: Subscriber): boolean {
  const heights = new Set([...before.tips(), ...after.tips()]);
  const [least, greatest] = [Math.min(...heights), Math.max(...heights)];
  return heights.size === greatest - least + 1;
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it never came to that');
    await new Promise((done) => setTimeout(done, 50));
  }
}
