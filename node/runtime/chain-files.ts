/**
 * The genesis file in a node's folder, checked in full: shape, sums, and the proofs of possession
 * of every validator's keys.
 */
import { readFileSync, statSync } from 'node:fs';
import { type Genesis, genesisValidatorSet } from 'fanal/chain/genesis.ts';
import { genesisFromText } from 'fanal/chain/genesis-file.ts';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { MAX_GENESIS_BYTES } from 'fanal/chain/limits.ts';
import { genesisContext, possessionItems } from 'fanal/chain/registration.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { ConfigError } from '../config.ts';
import { nativeSha256 } from '../ledger/native-hash.ts';
import { verifyNatively } from './native-verify.ts';

/** What every part of a node needs to know of its chain. */
export interface ChainIdentity {
  readonly genesis: Genesis;
  readonly genesisId: Bytes32;
  readonly origin: string;
  readonly validators: ValidatorSet;
}

/**
 * Reads a genesis file and computes the chain's identity from it.
 *
 * @throws {ConfigError | FanalError} `config/…` when it cannot be read, `genesis/…` when it is wrong
 */
export function readChain(path: string): ChainIdentity {
  let text: string;
  try {
    // Text takes a little over twice its canonical bytes.
    if (statSync(path).size > 4 * MAX_GENESIS_BYTES) throw new Error('the file is too large');
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`cannot read the genesis file ${path}: ${(cause as Error).message}`, {
      hint: 'Get it from the network’s makers, and put it there with `fanal init --genesis FILE`.',
      cause,
    });
  }
  try {
    return chainOf(genesisFromText(text));
  } catch (error) {
    if (!(error instanceof FanalError)) throw error;
    const hint = error.hint ?? 'Get it anew from the network’s makers.';
    throw new FanalError(error.code, `${path}: ${error.message}`, { hint, cause: error });
  }
}

/** Checks the proofs of possession and computes what follows from a genesis. */
export function chainOf(genesis: Genesis): ChainIdentity {
  const context = genesisContext(genesis.domain, genesis.network);
  for (const { registration } of genesis.validators) {
    if (!verifyNatively(possessionItems(registration, context)).every(Boolean)) {
      throw new FanalError(
        'genesis/possession',
        `${registration.name}: a key’s proof of possession does not verify`,
        { hint: `The registration must be made for ${genesis.domain}/${genesis.network}.` },
      );
    }
  }
  const { genesisId, origin } = genesisState(genesis, nativeSha256);
  return { genesis, genesisId, origin, validators: genesisValidatorSet(genesis) };
}
