import { checkGenesis, genesisCodec, sortGenesis } from 'fanal/chain/genesis.ts';
import { genesisFromText, genesisToText } from 'fanal/chain/genesis-file.ts';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { blockId, endsEpoch } from 'fanal/chain/header.ts';
import { MAX_SUPPLY } from 'fanal/chain/limits.ts';
import { originNames, originOf, parseOrigin } from 'fanal/chain/origin.ts';
import { checkParams } from 'fanal/chain/params-check.ts';
import { LOCAL_PARAMS, PUBLIC_PARAMS } from 'fanal/chain/params-presets.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { genesisContext, possessionItems } from 'fanal/chain/registration.ts';
import { mapRoot } from 'fanal/merkle/map.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { describe, expect, it } from 'vitest';
import { TEST_DOMAIN, testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const { genesis, genesisState: state } = testChain({ sign: signNatively });

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

/** A genesis file as far as these tests take it apart. */
interface GenesisJson {
  network?: string;
  readonly params: object;
  readonly validators: { proofs: string[] }[];
  readonly balances: object[];
}

describe('a genesis file', () => {
  it('reads back as the same genesis, whatever its layout', () => {
    const text = genesisToText(genesis);
    expect(genesisFromText(text)).toEqual(genesis);
    expect(genesisFromText(JSON.stringify(JSON.parse(text)))).toEqual(genesis);
    expect(genesisToText(genesisFromText(text))).toBe(text);
  });

  const edited = (edit: (json: GenesisJson) => void): string => {
    const json = JSON.parse(genesisToText(genesis));
    edit(json);
    return JSON.stringify(json);
  };

  it.each<[string, string, string]>([
    ['is not JSON', 'genesis', 'genesis/file'],
    ['is a list', '[]', 'genesis/file'],
    ['has an unknown key', edited((j) => Object.assign(j, { more: 1 })), 'genesis/file'],
    [
      'has __proto__ for a key',
      genesisToText(genesis).replace('"domain"', '"__proto__"'),
      'genesis/file',
    ],
    ['lacks a key', edited((j) => delete j.network), 'genesis/file'],
    ['has another schema', edited((j) => Object.assign(j, { schema: 'x' })), 'genesis/file'],
    [
      'has a number for an amount',
      edited((j) => Object.assign(j.balances[0]!, { amount: 5 })),
      'genesis/file',
    ],
    [
      'has an amount with an exponent',
      edited((j) => Object.assign(j.balances[0]!, { amount: '1e9' })),
      'encoding/integer',
    ],
    [
      'has an address of another network',
      edited((j) => Object.assign(j, { prefix: 'fan' })),
      'address/prefix',
    ],
    [
      'has a float for a count',
      edited((j) => Object.assign(j.params, { gcDepth: 6.5 })),
      'genesis/file',
    ],
    [
      'has a name with capitals',
      edited((j) => Object.assign(j.validators[0]!, { name: 'Val' })),
      'genesis/file',
    ],
    ['has two proofs', edited((j) => j.validators[0]!.proofs.pop()), 'genesis/file'],
    ['is out of order', edited((j) => j.validators.reverse()), 'genesis/order'],
  ])('that %s is refused', (_, text, code) => {
    expect(codeOf(() => genesisFromText(text))).toBe(code);
  });

  it('carries proofs that its validators have their keys', () => {
    const context = genesisContext(TEST_DOMAIN, 'unit');
    for (const { registration } of genesis.validators) {
      expect(verifyNatively(possessionItems(registration, context))).toEqual([true, true, true]);
      const elsewhere = possessionItems(registration, genesisContext(TEST_DOMAIN, 'main'));
      expect(verifyNatively(elsewhere)).toEqual([false, false, false]);
    }
  });
});

describe('a genesis', () => {
  const with_ = (changes: object) => () => checkGenesis({ ...genesis, ...changes });
  const [first] = genesis.validators;
  const [rich] = genesis.balances;

  it('passes its own checks', () => {
    expect(codeOf(with_({}))).toBeUndefined();
    expect(sortGenesis({ ...genesis, balances: genesis.balances.toReversed() })).toEqual(genesis);
  });

  it.each([
    ['a domain with capitals', { domain: 'Example.com' }, 'genesis/name'],
    ['a network with a slash', { network: 'a/b' }, 'genesis/name'],
    ['a stake under the minimum', { validators: [{ ...first!, stake: 1n }] }, 'genesis/stake'],
    ['a balance of dust', { balances: [{ ...rich!, amount: 1n }] }, 'genesis/balance'],
    ['an address twice', { balances: [rich!, rich!] }, 'genesis/order'],
    ['a name twice', { validators: [first!, first!] }, 'genesis/order'],
    ['nobody to validate', { validators: [] }, 'validators/count'],
    ['too much money', { balances: [{ ...rich!, amount: MAX_SUPPLY }] }, 'genesis/supply'],
    [
      'more validators than it allows',
      { params: { ...genesis.params, maxValidators: 3 } },
      'genesis/validators',
    ],
  ])('with %s is refused', (_, changes, code) => {
    expect(codeOf(with_(changes))).toBe(code);
  });

  it('gives one id, which everything in it moves', () => {
    expect(genesisState(genesis).genesisId).toEqual(state.genesisId);
    const ids = [
      genesis,
      { ...genesis, time: genesis.time + 1n },
      { ...genesis, domain: 'other.example' },
      { ...genesis, prefix: 'fan' as const },
      { ...genesis, params: { ...genesis.params, dust: 2n } },
      { ...genesis, balances: genesis.balances.slice(1) },
      { ...genesis, validators: genesis.validators.slice(1) },
    ].map((changed) => toHex(genesisState(changed).genesisId));
    expect(new Set(ids).size).toBe(7);
    expect(genesisCodec.decode(genesisCodec.encode(genesis))).toEqual(genesis);
  });

  it('makes a state whose root is in header 0', () => {
    const leaves = state.entries.map(({ key, value }) => ({ key, valueHash: sha256(value) }));
    expect(state.header.stateRoot).toEqual(mapRoot(leaves));
    expect(blockId(state.header)).toEqual(state.genesisId);
    expect(endsEpoch(state.header)).toBe(false);
    expect(state.addresses[0]?.record.balance).toBe(1_000n * UNITS_PER_COIN);
  });

  it('names payouts of each epoch apart', () => {
    const ids = [0, 1, 2].map((epoch) => toHex(payoutId(state.genesisId, epoch)));
    expect(new Set(ids).size).toBe(3);
  });
});

describe('parameters', () => {
  it('of the presets fit together', () => {
    checkParams(PUBLIC_PARAMS);
    checkParams(LOCAL_PARAMS);
  });

  it.each([
    ['trust as long as unbonding takes', { trustingPeriodMillis: 84n * 6n * 3_600_000n }],
    ['no validators', { maxValidators: 0 }],
    ['a heartbeat faster than blocks', { heartbeatMillis: 10n }],
    ['no dust limit', { dust: 0n }],
    ['slashing of more than all', { slashPermille: 1_001 }],
    ['a shallow horizon', { gcDepth: 5 }],
  ])('with %s are refused', (_, changes) => {
    const check = () => checkParams({ ...PUBLIC_PARAMS, ...changes });
    expect(codeOf(check)).toBe('genesis/parameters');
  });
});

describe('an origin', () => {
  it('names domain, network and genesis', () => {
    const origin = originOf('example.org', 'main', state.genesisId);
    expect(parseOrigin(origin)).toEqual({
      domain: 'example.org',
      network: 'main',
      digits: toHex(state.genesisId).slice(0, 16),
    });
    expect(originNames(origin, state.genesisId)).toBe(true);
    expect(originNames(origin, sha256(state.genesisId))).toBe(false);
  });

  it.each([
    'example.org/main',
    'example.org/main/0123456789ABCDEF',
    'example.org/main/0123456789abcde',
    'example.org/main/0123456789abcdef/x',
    'example .org/main/0123456789abcdef',
    '/main/0123456789abcdef',
    'example..org/main/0123456789abcdef',
    `${'a'.repeat(65)}/main/0123456789abcdef`,
  ])('cannot be %s', (text) => {
    expect(codeOf(() => parseOrigin(text))).toBe('checkpoint/origin');
  });
});
