import type { Core, Effect, Event, StepResult, Write } from 'fanal-node/core/types.ts';
import { Driver, type WorldEffect } from 'fanal-node/runtime/driver.ts';
import { describe, expect, test } from 'vitest';

const epochOf = (event: Event) => ('epoch' in event ? event.epoch : -1);
const tick = (number: number): Event => ({ kind: 'askOwn', epoch: number, from: 0 });
const mark = (count: number): Effect => ({ kind: 'mark', name: 'fetch', count });
const write: Write = { kind: 'divergence', info: 'x' };

/** A core that answers each event as told, and a disk that syncs when told. */
function stage(answer: (event: Event) => Partial<StepResult>) {
  const log: string[] = [];
  let failure: Error | null = null;
  let callbacks: (() => void)[] = [];
  let pending = 0;
  const core = {
    step(_now: number, event: Event): StepResult {
      log.push(`step ${event.kind} ${epochOf(event)}`);
      return { writes: [], durability: 'none', now: [], afterSync: [], ...answer(event) };
    },
  } as unknown as Core;
  let clock = 0;
  const driver = new Driver({
    core,
    journal: {
      write: (writes) => {
        log.push(`write ${writes.length}`);
        pending += writes.length;
      },
      afterSync: (callback) => {
        if (pending === 0) callback();
        else callbacks.push(callback);
      },
      isBehind: false,
    },
    now: () => Math.max(clock, Math.floor(performance.now())),
    onEffect: (effect: WorldEffect) => {
      if (effect.kind === 'mark') log.push(`effect ${effect.count}`);
    },
    onFailure: (error) => {
      failure = error;
    },
  });
  return {
    log,
    driver,
    failure: () => failure,
    sync() {
      pending = 0;
      const run = callbacks;
      callbacks = [];
      for (const callback of run) callback();
    },
    setClock(to: number) {
      clock = to;
    },
  };
}

const settle = (millis = 5) => new Promise((resolve) => setTimeout(resolve, millis));

describe('the driver', () => {
  test('runs what must wait for the disk only after the disk', async () => {
    const { driver, log, sync } = stage(() => ({
      writes: [write],
      durability: 'sync',
      now: [mark(1)],
      afterSync: [mark(2)],
    }));
    driver.push(tick(0));
    await settle();
    expect(log).toEqual(['step askOwn 0', 'write 1', 'effect 1']);
    sync();
    expect(log.at(-1)).toBe('effect 2');
    driver.stop();
  });

  test('goes on with other events while the disk is busy', async () => {
    const { driver, log, sync } = stage((event) =>
      epochOf(event) === 0
        ? { writes: [write], durability: 'sync', afterSync: [mark(9)] }
        : { now: [mark(epochOf(event))] },
    );
    for (let i = 0; i < 3; i++) driver.push(tick(i));
    await settle();
    expect(log).toEqual([
      'step askOwn 0',
      'write 1',
      'step askOwn 1',
      'effect 1',
      'step askOwn 2',
      'effect 2',
    ]);
    sync();
    expect(log.at(-1)).toBe('effect 9');
    driver.stop();
  });

  test('hands over one event at a time, in order, and an awaited answer first', async () => {
    const { driver, log } = stage((event) => {
      if (epochOf(event) === 1) driver.pushFirst({ kind: 'payload', round: 1, transactions: [] });
      return {};
    });
    for (let i = 1; i <= 3; i++) driver.push(tick(i));
    await settle();
    expect(log).toEqual(['step askOwn 1', 'step payload -1', 'step askOwn 2', 'step askOwn 3']);
    driver.stop();
  });

  test('a timer comes back as an event of its generation; a cancelled one does not', async () => {
    const events: Event[] = [];
    const { driver } = stage((event) => {
      events.push(event);
      if (event.kind !== 'askOwn') return {};
      const at = Math.floor(performance.now()) + 10;
      return {
        now: [
          { kind: 'timer', id: 'propose', generation: 7, at },
          { kind: 'timer', id: 'sync', generation: 1, at },
          { kind: 'cancel', id: 'sync' },
        ],
      };
    });
    driver.push(tick(0));
    await settle(60);
    expect(events.slice(1)).toEqual([{ kind: 'timer', id: 'propose', generation: 7 }]);
    driver.stop();
  });

  test('arming a timer again replaces it', async () => {
    const generations: number[] = [];
    const { driver } = stage((event) => {
      if (event.kind === 'timer') generations.push(event.generation);
      if (event.kind !== 'askOwn') return {};
      const at = Math.floor(performance.now()) + 5;
      return { now: [{ kind: 'timer', id: 'propose', generation: event.epoch, at }] };
    });
    driver.push(tick(1));
    driver.push(tick(2));
    await settle(40);
    expect(generations).toEqual([2]);
    driver.stop();
  });

  test('stops for good when the core breaks', async () => {
    const { driver, log, failure } = stage((event) => {
      if (epochOf(event) === 1) throw new Error('impossible');
      return {};
    });
    for (let i = 0; i < 3; i++) driver.push(tick(i));
    await settle();
    expect(log).toEqual(['step askOwn 0', 'step askOwn 1']);
    expect(failure()?.message).toBe('impossible');
    driver.push(tick(5));
    await settle();
    expect(log).toHaveLength(2);
  });

  test('nothing runs after it was stopped, not even what waited for the disk', async () => {
    const { driver, log, sync } = stage(() => ({
      writes: [write],
      durability: 'sync',
      afterSync: [mark(2)],
    }));
    driver.push(tick(0));
    await settle();
    driver.stop();
    sync();
    expect(log).toEqual(['step askOwn 0', 'write 1']);
  });

  test('lets timers and sockets have their turn while events keep coming', async () => {
    let steps = 0;
    const { driver } = stage((event) => {
      const end = performance.now() + 1;
      while (performance.now() < end);
      if (++steps < 60) driver.push(event);
      return {};
    });
    driver.push(tick(0));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    while (steps < 60) await settle(1);
    clearInterval(timer);
    // 60 ms of work in turns of 8 ms.
    expect(turns).toBeGreaterThanOrEqual(4);
    driver.stop();
  });
});
