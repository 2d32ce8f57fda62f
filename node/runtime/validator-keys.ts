/**
 * The three keys of a validator on disk: one keystore, one password, none used for two things.
 */
import { randomBytes, scrypt } from 'node:crypto';
import { join } from 'node:path';
import {
  genesisContext,
  KEY_ROLES,
  possessionMessage,
  type Registration,
  type ValidatorKeys,
} from 'fanal/chain/registration.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed, SEED_BYTES, sign } from 'fanal/crypto/ed25519.ts';
import { decryptKeystore, encryptKeystore, type Scrypt } from 'fanal/crypto/keystore.ts';
import { formatKeystore, parseKeystore } from 'fanal/crypto/keystore-file.ts';
import { asBytes32, type Bytes, concat } from 'fanal/primitives/bytes.ts';
import { type Config, ConfigError } from '../config.ts';
import { readSecret, writeNewSecret } from './secret-file.ts';

/** The seeds, in the order in which registrations list the keys. */
export interface ValidatorSeeds {
  readonly vertex: Bytes;
  readonly checkpoint: Bytes;
  readonly network: Bytes;
}

const PURPOSE = 'validator-keys';

/** Draws three new seeds. */
export function newSeeds(): ValidatorSeeds {
  const draw = () => new Uint8Array(randomBytes(SEED_BYTES));
  return { vertex: draw(), checkpoint: draw(), network: draw() };
}

export function publicKeys(seeds: ValidatorSeeds): ValidatorKeys {
  return {
    vertexKey: asBytes32(publicKeyFromSeed(seeds.vertex)),
    checkpointKey: asBytes32(publicKeyFromSeed(seeds.checkpoint)),
    networkKey: asBytes32(publicKeyFromSeed(seeds.network)),
  };
}

/** What a validator shows to be let in, with a proof that it holds each key. */
export function makeRegistration(
  seeds: ValidatorSeeds,
  about: { name: string; owner: AddressBytes; addresses: readonly string[] },
  chain: { domain: string; network: string },
): Registration {
  const context = genesisContext(chain.domain, chain.network);
  const unproved = { ...publicKeys(seeds), ...about };
  const secrets = [seeds.vertex, seeds.checkpoint, seeds.network];
  const proofs = KEY_ROLES.map((_, role) =>
    sign(possessionMessage(unproved, role as 0 | 1 | 2, context), secrets[role] as Bytes),
  );
  return { ...unproved, proofs: proofs as unknown as Registration['proofs'] };
}

/** Writes the keystore; it must not exist yet. */
export async function writeSeeds(
  path: string,
  seeds: ValidatorSeeds,
  password: string,
  description: string,
): Promise<void> {
  const keystore = await encryptKeystore(
    {
      purpose: PURPOSE,
      secret: concat(seeds.vertex, seeds.checkpoint, seeds.network),
      publicKey: publicKeyFromSeed(seeds.vertex),
      description,
    },
    password,
    (length) => new Uint8Array(randomBytes(length)),
    nativeScrypt,
  );
  writeNewSecret(path, formatKeystore(keystore));
}

/**
 * Opens the keystore.
 *
 * @throws {FanalError} `keystore/…` on a wrong password or a file that is no such keystore
 */
export async function readSeeds(path: string, password: string): Promise<ValidatorSeeds> {
  const keystore = parseKeystore(readSecret(path));
  const secret = await decryptKeystore(keystore, password, nativeScrypt);
  if (keystore.purpose !== PURPOSE || secret.length !== 3 * SEED_BYTES) {
    throw new ConfigError(`${path} is a keystore for "${keystore.purpose}", not for a validator`);
  }
  const part = (index: number) => secret.slice(index * SEED_BYTES, (index + 1) * SEED_BYTES);
  return { vertex: part(0), checkpoint: part(1), network: part(2) };
}

/**
 * The password of the keystore: from the file that the settings name, or from systemd.
 *
 * @throws {ConfigError} when there is neither
 */
export function keystorePassword(
  config: Config,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const credentials = environment.CREDENTIALS_DIRECTORY;
  const path =
    config.keys.password_file !== ''
      ? config.keys.password_file
      : credentials === undefined
        ? null
        : join(credentials, 'keystore-password');
  if (path === null) {
    throw new ConfigError('the password of the validator’s keystore is not known', {
      hint: 'Set keys.password_file, or load the credential keystore-password in the unit.',
    });
  }
  // One line break at the end is an editor's, not the password's.
  return readSecret(path).replace(/\r?\n$/, '');
}

/** scrypt by OpenSSL on the thread pool. */
export const nativeScrypt: Scrypt = (password, salt, { n, r, p }) =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { N: n, r, p, maxmem: 256 * n * r }, (error, key) => {
      if (error !== null) reject(error);
      else resolve(new Uint8Array(key));
    });
  });
