/**
 * A genesis on its way: the file that a coordinator fills with validators and accounts, until it
 * is sealed and nothing about it changes any more.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { type Genesis, sortGenesis } from 'fanal/chain/genesis.ts';
import {
  genesisFromText,
  genesisToText,
  paramsFromJson,
  paramsToJson,
  registrationFromJson,
  registrationToJson,
} from 'fanal/chain/genesis-file.ts';
import { MAX_GENESIS_BYTES } from 'fanal/chain/limits.ts';
import type { Params } from 'fanal/chain/params.ts';
import { genesisContext, possessionItems, type Registration } from 'fanal/chain/registration.ts';
import {
  ADDRESS_PREFIXES,
  type AddressBytes,
  type AddressPrefix,
  decodeAddress,
  encodeAddress,
} from 'fanal/crypto/address.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { u64FromText } from 'fanal/primitives/units.ts';
import { verifyNatively } from './native-verify.ts';

export interface GenesisDraft {
  readonly domain: string;
  readonly network: string;
  readonly prefix: AddressPrefix;
  /** Milliseconds since 1970. */
  readonly time: bigint;
  readonly params: Params;
  readonly validators: readonly { readonly registration: Registration; readonly stake: bigint }[];
  readonly balances: readonly { readonly address: AddressBytes; readonly amount: bigint }[];
}

const SCHEMA = 'fanal.genesis-draft/1';

export function draftToText(draft: GenesisDraft): string {
  return `${JSON.stringify(
    {
      schema: SCHEMA,
      domain: draft.domain,
      network: draft.network,
      prefix: draft.prefix,
      time: String(draft.time),
      params: paramsToJson(draft.params),
      validators: draft.validators.map(({ registration, stake }) => ({
        stake: String(stake),
        registration: registrationToJson(registration, draft.prefix),
      })),
      balances: draft.balances.map(({ address, amount }) => ({
        address: encodeAddress(address, draft.prefix),
        amount: String(amount),
      })),
    },
    null,
    2,
  )}\n`;
}

/** @throws {FanalError} `genesis/draft` when the file is not a draft of ours */
export function readDraft(path: string): GenesisDraft {
  try {
    if (statSync(path).size > 4 * MAX_GENESIS_BYTES) throw new Error('the file is too large');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    if (json.schema !== SCHEMA) throw new Error(`its schema is not ${SCHEMA}`);
    const prefix = ADDRESS_PREFIXES.find((known) => known === json.prefix);
    if (prefix === undefined) throw new Error('its prefix is unknown');
    return {
      domain: String(json.domain),
      network: String(json.network),
      prefix,
      time: u64FromText(json.time),
      params: paramsFromJson(json.params),
      validators: json.validators.map((item: { registration: unknown; stake: string }) => ({
        registration: registrationFromJson(item.registration, prefix),
        stake: u64FromText(item.stake),
      })),
      balances: json.balances.map((item: { address: string; amount: string }) => ({
        address: decodeAddress(item.address, prefix).address,
        amount: u64FromText(item.amount),
      })),
    };
  } catch (cause) {
    if (cause instanceof FanalError && cause.code.startsWith('genesis/')) throw cause;
    throw new FanalError('genesis/draft', `cannot use ${path}: ${(cause as Error).message}`, {
      hint: 'Begin one with `fanal genesis init`.',
      cause,
    });
  }
}

/** Puts the new draft in place of the old one. */
export function writeDraft(path: string, draft: GenesisDraft): void {
  writeFileSync(`${path}.new`, draftToText(draft), { flush: true });
  renameSync(`${path}.new`, path);
}

/**
 * Adds a validator; one of the same name is replaced.
 *
 * @throws {FanalError} `genesis/possession` when it does not hold its keys, `genesis/stake`
 */
export function withValidator(
  draft: GenesisDraft,
  registration: Registration,
  stake: bigint,
): GenesisDraft {
  const context = genesisContext(draft.domain, draft.network);
  if (!verifyNatively(possessionItems(registration, context)).every(Boolean)) {
    throw new FanalError(
      'genesis/possession',
      `${registration.name}: a key’s proof of possession does not verify`,
      {
        hint: `The validator must be made with \`fanal init --chain ${draft.domain}/${draft.network}\`.`,
      },
    );
  }
  if (stake < draft.params.minStake) {
    throw new FanalError(
      'genesis/stake',
      `${registration.name}: expected at least ${draft.params.minStake} units, found ${stake}`,
    );
  }
  const others = draft.validators.filter((one) => one.registration.name !== registration.name);
  return { ...draft, validators: [...others, { registration, stake }] };
}

/** Adds coins to an address. */
export function withBalance(
  draft: GenesisDraft,
  address: AddressBytes,
  amount: bigint,
): GenesisDraft {
  const name = address.join();
  const held = draft.balances.find((one) => one.address.join() === name)?.amount ?? 0n;
  const others = draft.balances.filter((one) => one.address.join() !== name);
  return { ...draft, balances: [...others, { address, amount: held + amount }] };
}

/**
 * Freezes a draft.
 *
 * @throws {FanalError} `genesis/…` with what does not fit
 */
export function sealDraft(draft: GenesisDraft): { genesis: Genesis; text: string } {
  const text = genesisToText(sortGenesis(draft));
  // Read back: what is handed out is what everyone else will read.
  return { genesis: genesisFromText(text), text };
}
