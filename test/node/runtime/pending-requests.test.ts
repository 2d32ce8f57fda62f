import { MAX_ASKED_PER_PEER, PendingRequests } from 'fanal-node/runtime/pending-requests.ts';
import { afterEach, expect, test } from 'vitest';

const ANNA = 'anna' as never;
const BERT = 'bert' as never;
const REQUEST = { kind: 'vertices', epoch: 0, refs: [] } as const;
const requests = new PendingRequests();
afterEach(() => requests.close());

test('a peer that never answers takes up a bounded number of requests, and none of another’s', () => {
  const ask = (id: number, peer: never) => requests.ask(id, peer, 0, REQUEST, 60_000, () => {});
  for (let id = 0; id < MAX_ASKED_PER_PEER; id++) expect(ask(id, ANNA)).toBe(true);
  expect(ask(999, ANNA)).toBe(false);
  expect(ask(1_000, BERT)).toBe(true);
  expect(requests.answered(7, ANNA)).toMatchObject({ peer: ANNA });
  expect(ask(2_000, ANNA)).toBe(true);
  expect(requests.lost(ANNA)).toHaveLength(MAX_ASKED_PER_PEER);
  expect(requests.answered(1_000, BERT)).toMatchObject({ peer: BERT });
});
