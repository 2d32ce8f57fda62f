import { type NodeView, TroubleLog, troubles, viewNode } from 'fanal-node/operate/watch.ts';
import { expect, test } from 'vitest';

const VIEW: NodeView = {
  url: 'http://a',
  reachable: true,
  status: 'healthy',
  reason: null,
  certifiedHeight: 100n,
  checkpointAgeMillis: 400,
  epoch: 3,
  validators: [
    { name: 'anna', active: true, cosignedShare: 1, accuracy: 1, rounds: '9', rewards: '0' },
  ],
};

test('a network that is well gives no trouble', () => {
  expect(troubles([VIEW, { ...VIEW, url: 'http://b', certifiedHeight: 80n }])).toEqual([]);
});

test('a node that is down, one that lags, and a chain that stands still are told apart', () => {
  const keys = troubles([
    { ...VIEW, checkpointAgeMillis: 61_000 },
    { ...VIEW, url: 'http://b', certifiedHeight: 79n, checkpointAgeMillis: 70_000 },
    { ...VIEW, url: 'http://c', reachable: false, reason: 'refused', epoch: -1, validators: [] },
  ]).map(({ key }) => key);
  expect(keys).toEqual(['behind http://b', 'down http://c', 'checkpoint-old']);
});

test('a validator counts as missing only when no node of the epoch saw its cosignatures', () => {
  const missing = { ...(VIEW.validators[0] as (typeof VIEW.validators)[0]), cosignedShare: 0.5 };
  expect(troubles([VIEW, { ...VIEW, url: 'http://b', validators: [missing] }])).toEqual([]);
  expect(troubles([{ ...VIEW, validators: [missing] }])).toMatchObject([{ key: 'missing anna' }]);
});

test('each trouble is told once when it begins and once when it is over', () => {
  const log = new TroubleLog();
  const found = troubles([{ ...VIEW, status: 'unhealthy', reason: 'no peers' }]);
  expect(log.update(found)).toEqual({ began: found, ended: [] });
  expect(log.update(found)).toEqual({ began: [], ended: [] });
  expect(log.update([])).toEqual({ began: [], ended: found });
});

test('a node that answers nonsense is one that is not reachable', async () => {
  const nonsense = (async () => new Response('<html>')) as typeof fetch;
  expect(await viewNode('http://a', nonsense, 1_000)).toMatchObject({ reachable: false });
});
