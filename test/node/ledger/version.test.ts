import { paramsCodec } from 'fanal/chain/params.ts';
import { nextVersion, readinessCodec } from 'fanal/chain/readiness.ts';
import { PARAMETERS_KEY, READINESS_KEY } from 'fanal/chain/state-keys.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { validatorSet } from 'fanal/chain/validators.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { COIN, LedgerChain, type LedgerChainOptions } from '../../support/ledger-chain.ts';

let chain: LedgerChain;
afterEach(() => chain.close());

const OWNERS = ['val-0', 'val-1', 'val-2', 'val-3', 'val-4', 'val-5', 'val-6'];

/** A chain of seven equal validators, whose owners have a coin each for the fee. */
function begin(options: LedgerChainOptions = {}): void {
  chain = new LedgerChain({
    stakes: OWNERS.map(() => 1_000n * COIN),
    people: [...OWNERS.map((name) => [`${name} owner`, 10n * COIN] as const)],
    ...options,
  });
}

/** A transaction of a validator's owner. */
function act(name: string, action: object) {
  const owner = chain.person(`${name} owner`);
  const coin = chain.genesisCoin(`${name} owner`);
  return chain.sign({
    from: [owner],
    inputs: [coin],
    outputs: [{ amount: coin.amount - 100_000n, address: owner.address }],
    actions: [{ validator: name, ...action } as never],
  }).bytes;
}

const ready = (name: string, version: number) => act(name, { kind: 'ready', version });
const outcomeOf = (bytes: Uint8Array) => chain.block([bytes]).outcomes[0];
const inForce = () => paramsCodec.decode(chain.ledger.info().params).protocolVersion;

describe('the protocol version', () => {
  it('moves at the end of an epoch, when more than five sixths of the stake are ready', () => {
    begin();
    chain.block(OWNERS.slice(0, 5).map((name) => ready(name, 2)));
    chain.block([], { last: true });
    expect(inForce()).toBe(1);
    chain.block([ready('val-5', 2)]);
    expect(inForce()).toBe(1);
    const last = chain.block([], { last: true });
    expect(last.header.version).toBe(1);
    expect(inForce()).toBe(2);
    expect(chain.block().header).toMatchObject({ version: 2, epoch: 2 });
  });

  it('lets a validator move under version 2, and not before', () => {
    begin();
    const addresses = ['/ip4/192.0.2.99/tcp/26700'];
    const move = act('val-6', { kind: 'move', addresses });
    expect(chain.ledger.checkActions([move])).toEqual(['transaction/version']);
    expect(outcomeOf(move)).toMatchObject({ kind: 'rejected', code: 'transaction/version' });
    chain.block(OWNERS.slice(0, 6).map((name) => ready(name, 2)));
    chain.block([], { last: true });
    expect(outcomeOf(act('val-6', { kind: 'move', addresses }))).toMatchObject({
      kind: 'included',
    });
    const row = chain.ledger.validators().find(({ name }) => name === 'val-6');
    expect(validatorRecordCodec.decode(row!.record).addresses).toEqual(addresses);
  });

  it('is the state’s: proved, kept over a restart, and taken back with its block', () => {
    begin();
    chain.block(OWNERS.slice(0, 6).map((name) => ready(name, 2)));
    chain.certify();
    const before = chain.ledger.tip();
    chain.block([], { last: true });
    chain.block();
    const after = chain.ledger.tip();
    chain.reopen();
    expect(chain.ledger.tip()).toEqual(after);
    expect(inForce()).toBe(2);
    expect(chain.ledger.validators()[0]).toMatchObject({ readyFor: 2 });
    chain.ledger.discardUncertified();
    expect(chain.ledger.tip()).toEqual(before);
    expect(inForce()).toBe(1);
    chain.block([], { last: true });
    chain.certify();
    expect(inForce()).toBe(2);
    expect(chain.ledger.stateProof(PARAMETERS_KEY)).not.toBeNull();
    expect(chain.ledger.stateProof(READINESS_KEY)).not.toBeNull();
  });

  it('is for members to speak of, and their owners alone', () => {
    begin();
    const other = act('val-2', { kind: 'ready', validator: 'val-9', version: 2 });
    expect(outcomeOf(other)).toMatchObject({ code: 'transaction/validator-unknown' });
    const thief = chain.sign({
      from: [chain.person('val-1 owner')],
      inputs: [chain.genesisCoin('val-1 owner')],
      outputs: [{ amount: COIN, address: chain.person('val-1 owner').address }],
      actions: [{ kind: 'ready', validator: 'val-0', version: 2 }],
    });
    expect(outcomeOf(thief.bytes)).toMatchObject({ code: 'transaction/not-owner' });
    expect(outcomeOf(act('val-0', { kind: 'ready', version: 0 }))).toMatchObject({
      code: 'transaction/action',
    });
  });

  it('stops a ledger that does not know it after the old version’s last block', () => {
    begin({ newestVersion: 1 });
    chain.block(OWNERS.map((name) => ready(name, 2)));
    expect(chain.ledger.info().knowsVersion).toBe(true);
    const last = chain.block([], { last: true });
    chain.certify();
    expect(last.header.version).toBe(1);
    expect(chain.ledger.info().knowsVersion).toBe(false);
    expect(() => chain.block()).toThrow(
      expect.objectContaining({ code: 'safety/upgrade-required' }),
    );
    // The newer release opens the same file and goes on from there.
    chain.ledger.close();
    chain.ledger = chain.open(chain.path, { newestVersion: 2 });
    expect(chain.block().header.version).toBe(2);
  });
});

describe('the rule', () => {
  const set = (stakes: readonly bigint[]) =>
    validatorSet(
      stakes.map((stake, i) => {
        const key = (role: number) => new Uint8Array(32).fill(3 * i + role + 1) as never;
        const owner = new Uint8Array(33) as never;
        const keys = { vertexKey: key(0), checkpointKey: key(1), networkKey: key(2) };
        return { name: `val-${i}`, stake, ...keys, owner };
      }),
    );
  const three = set([5n, 4n, 3n]);

  it.each([
    ['exactly five sixths are not enough', [2, 0], set([5n, 1n]), 1],
    ['a little more is', [2, 0], set([51n, 10n]), 2],
    ['the highest that has enough wins', [4, 3, 3], three, 3],
    ['whoever is ready for more is ready for less', [9, 9, 2], three, 2],
    ['it never falls', [1, 1, 1], three, 2, 2],
    ['whoever said nothing is not ready', [2, 2, 0], three, 1],
  ])('%s', (_, versions, next, expected, current = 1) => {
    begin();
    expect(nextVersion(current, { versions }, next)).toBe(expected);
  });

  it('has one encoding of what was said', () => {
    begin();
    const bytes = readinessCodec.encode({ versions: [0, 2, 255] });
    expect([...bytes]).toEqual([0, 3, 0, 2, 255]);
    expect(readinessCodec.decode(bytes)).toEqual({ versions: [0, 2, 255] });
  });
});
