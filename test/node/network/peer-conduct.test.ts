import { Backoff } from 'fanal-node/network/backoff.ts';
import { Outbox } from 'fanal-node/network/outbox.ts';
import { Quota } from 'fanal-node/network/quota.ts';
import { PeerScores } from 'fanal-node/network/score.ts';
import { Inbox } from 'fanal-node/runtime/inbox.ts';
import { describe, expect, test } from 'vitest';

const bytes = (length: number, fill = 0) => new Uint8Array(length).fill(fill);

describe('what waits for a slow peer', () => {
  test('vertices go before cosignatures, and both before answers', () => {
    const outbox = new Outbox(100);
    outbox.push('sync', bytes(1, 3));
    outbox.push('cosignature', bytes(1, 2));
    outbox.push('vertex', bytes(1, 1));
    expect([outbox.shift(), outbox.shift(), outbox.shift(), outbox.shift()]).toEqual([
      bytes(1, 1),
      bytes(1, 2),
      bytes(1, 3),
      undefined,
    ]);
  });

  test('old vertices make room for new ones, and the bytes stay within the limit', () => {
    const outbox = new Outbox(10);
    for (let i = 0; i < 5; i++) outbox.push('vertex', bytes(4, i));
    expect(outbox.bytes).toBe(8);
    expect(outbox.dropped).toBe(3);
    expect(outbox.shift()).toEqual(bytes(4, 3));
  });

  test('an answer that finds no room is refused, and those that wait stay', () => {
    const outbox = new Outbox(10);
    expect(outbox.push('sync', bytes(8, 1))).toBe(true);
    expect(outbox.push('sync', bytes(8, 2))).toBe(false);
    expect(outbox.shift()).toEqual(bytes(8, 1));
  });

  test('a frame larger than the whole queue is dropped and drops nothing else', () => {
    const outbox = new Outbox(10);
    outbox.push('vertex', bytes(4, 1));
    expect(outbox.push('vertex', bytes(11))).toBe(false);
    expect(outbox.shift()).toEqual(bytes(4, 1));
  });
});

describe('what waits from many peers', () => {
  const limits = { maxBytes: 100, maxItems: 4 };

  test('peers get their turns one after the other, whatever one of them sends', () => {
    const inbox = new Inbox<string>(limits, () => {});
    for (let i = 0; i < 3; i++) inbox.push('loud', bytes(1, i));
    inbox.push('quiet', bytes(1, 9));
    const order: string[] = [];
    for (let next = inbox.take(); next !== undefined; next = inbox.take()) {
      order.push(next.peer);
      inbox.done(next.peer);
    }
    expect(order).toEqual(['loud', 'quiet', 'loud', 'loud']);
  });

  test('the next message of a peer waits until the one before is dealt with', () => {
    const inbox = new Inbox<string>(limits, () => {});
    inbox.push('a', bytes(1, 1));
    inbox.push('a', bytes(1, 2));
    expect(inbox.take()?.body).toEqual(bytes(1, 1));
    expect(inbox.take()).toBeUndefined();
    inbox.done('a');
    expect(inbox.take()?.body).toEqual(bytes(1, 2));
  });

  test('a peer that fills its queue is paused, and read again when half of it is gone', () => {
    const calls: boolean[] = [];
    const inbox = new Inbox<string>(limits, (_peer, paused) => calls.push(paused));
    for (let i = 0; i < 5; i++) inbox.push('a', bytes(1));
    expect(calls).toEqual([true]);
    for (let i = 0; i < 3; i++) {
      inbox.take();
      inbox.done('a');
    }
    expect(calls).toEqual([true, false]);
  });
});

describe('quotas and delays', () => {
  test('a bucket gives its burst at once, then so much a second', () => {
    const quota = new Quota(10, 5, 0);
    expect(quota.take(5, 0)).toBe(true);
    expect(quota.take(1, 0)).toBe(false);
    expect(quota.take(1, 100)).toBe(true);
    expect(quota.waitMillis(1, 100)).toBe(100);
  });

  test('a charge beyond what is there has to be earned back first', () => {
    const quota = new Quota(10, 5, 0);
    quota.charge(25, 0);
    expect(quota.take(1, 2_000)).toBe(false);
    expect(quota.take(1, 2_100)).toBe(true);
  });

  test('a clock that jumps back gives no tokens', () => {
    const quota = new Quota(10, 5, 10_000);
    quota.take(5, 10_000);
    expect(quota.take(1, 0)).toBe(false);
  });

  test('each wait is between half and the whole of a step that doubles up to the longest', () => {
    const least = new Backoff(100, 1_000, () => 0);
    const most = new Backoff(100, 1_000, () => 1);
    const take = (backoff: Backoff) => Array.from({ length: 6 }, () => backoff.nextMillis());
    expect(take(least)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(take(most)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    most.reset();
    expect(most.nextMillis()).toBe(100);
  });
});

describe('misconduct', () => {
  test('two malformed messages ban a stranger, and longer each time', () => {
    let now = 0;
    const scores = new PeerScores(() => now);
    expect(scores.offend('p', 'malformed', false)).toBe(false);
    expect(scores.offend('p', 'malformed', false)).toBe(true);
    expect(scores.isBanned('p')).toBe(true);
    now = 61_000;
    expect(scores.isBanned('p')).toBe(false);
    scores.offend('p', 'malformed', false);
    scores.offend('p', 'malformed', false);
    now += 61_000;
    expect(scores.isBanned('p')).toBe(true);
  });

  test('a validator is only kept out for seconds', () => {
    let now = 0;
    const scores = new PeerScores(() => now);
    for (let i = 0; i < 2; i++) scores.offend('v', 'malformed', true);
    expect(scores.isBanned('v')).toBe(true);
    now = 1_001;
    expect(scores.isBanned('v')).toBe(false);
  });

  test('small offences fade and never add up over a long time', () => {
    let now = 0;
    const scores = new PeerScores(() => now);
    for (let i = 0; i < 100; i++) {
      expect(scores.offend('p', 'excessive', false)).toBe(false);
      now += 60_000;
    }
  });

  test('the table of offenders stays bounded', () => {
    const scores = new PeerScores(() => 0);
    for (let i = 0; i < 10_000; i++) scores.offend(`p${i}`, 'invalid', false);
    expect(scores.points('p0')).toBe(0);
    expect(scores.points('p9999')).toBe(35);
  });
});
