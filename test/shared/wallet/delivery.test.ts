import { deliver, type ProblemCode } from 'fanal/wallet';
import { describe, expect, it } from 'vitest';
import { bobAddress, coins, world } from '../../support/wallet-world.ts';

/** A world whose gateway answers the first `times` submissions with a problem. */
async function troubled(code: ProblemCode, status: number, times: number) {
  const w = world();
  await w.wallet.sync();
  const draft = await w.wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
  let submissions = 0;
  w.gateways[0]?.tamper((answer, { name }) => {
    if (name !== 'submit' || ++submissions > times) return answer;
    const problem = { type: `urn:fanal:problem:${code}`, title: 'trouble', status, code };
    return { ...answer, status, body: new TextEncoder().encode(JSON.stringify(problem)) };
  });
  return { ...w, draft, submissions: () => submissions };
}

describe('delivering a payment', () => {
  it('offers it again until a server takes it', async () => {
    const { wallet, draft, chain } = await troubled('upstream-unverified', 503, 4);
    const troubles: string[] = [];
    const taken = await deliver(wallet, draft, {
      onRetry: ({ message }) => troubles.push(message),
    });
    expect(taken.id).toEqual(draft.id);
    expect(troubles.length).toBeGreaterThan(0);
    expect(chain.isWaiting(draft.id)).toBe(true);
  });

  it('stops when a server refuses the payment itself', async () => {
    const { wallet, draft, submissions } = await troubled('transaction-conflict', 409, 9);
    await expect(deliver(wallet, draft)).rejects.toMatchObject({
      code: 'problem/transaction-conflict',
    });
    expect(submissions()).toBe(1);
  });

  it('gives up when its time is over, with what the last server said', async () => {
    const { wallet, draft, clock } = await troubled('upstream-unverified', 503, 1_000);
    const onRetry = () => clock.pass(20_000);
    await expect(deliver(wallet, draft, { onRetry })).rejects.toMatchObject({
      code: 'problem/upstream-unverified',
    });
  });
});
