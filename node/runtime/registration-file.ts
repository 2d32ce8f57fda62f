/**
 * The public file of a validator in its folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registrationFromJson } from 'fanal/chain/genesis-file.ts';
import type { Registration } from 'fanal/chain/registration.ts';
import { ConfigError } from '../config.ts';
import type { ChainIdentity } from './chain-files.ts';
import type { Home } from './home.ts';

/** The public half of this folder's validator, or null where there is none. */
export function readRegistration(home: Home, chain: ChainIdentity): Registration | null {
  if (!existsSync(home.registration)) return null;
  try {
    const { schema: _, ...json } = JSON.parse(readFileSync(home.registration, 'utf8'));
    return registrationFromJson(json, chain.genesis.prefix);
  } catch (cause) {
    throw new ConfigError(`${home.registration} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}
