/**
 * Wallet files: words in a keystore, or, for networks whose coins are worth nothing, in the open.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressPrefix } from 'fanal/crypto/address.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { type Account, accountFromMnemonic, parseMnemonic } from 'fanal/wallet/index.ts';
import { homePaths, makeFolder } from '../runtime/home.ts';
import { readSecret, writeNewSecret } from '../runtime/secret-file.ts';
import { nativeScrypt } from '../runtime/validator-keys.ts';
import { NotFoundError, UsageError } from './exit.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const PURPOSE = 'wallet';
const OPEN_SCHEMA = 'fanal.open-wallet/1';

export interface WalletFile {
  readonly name: string;
  readonly path: string;
  readonly encrypted: boolean;
}

/** The wallets of a home, by name. */
export function listWallets(home: string): WalletFile[] {
  const folder = homePaths(home).wallets;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const path = join(folder, file);
      const encrypted = !readFileSync(path, 'utf8').includes(OPEN_SCHEMA);
      return { name: file.slice(0, -'.json'.length), path, encrypted };
    });
}

/**
 * Finds a wallet: the one named, or the only one.
 *
 * @throws {NotFoundError | UsageError}
 */
export function findWallet(home: string, name: string | undefined): WalletFile {
  const wallets = listWallets(home);
  const names = wallets.map((wallet) => wallet.name).join(', ');
  if (name !== undefined) {
    const found = wallets.find((wallet) => wallet.name === name);
    if (found !== undefined) return found;
    throw new NotFoundError(`there is no wallet "${name}"`, `Known here: ${names || 'none'}.`);
  }
  const [only, second] = wallets;
  if (only === undefined) {
    throw new NotFoundError('there is no wallet here', 'Make one with `fanal keys new`.');
  }
  if (second !== undefined) {
    throw new UsageError(`${wallets.length} wallets are here`, `Name one with --wallet: ${names}.`);
  }
  return only;
}

/** Writes words into a new wallet file. Without a password they lie in the open. */
export async function writeWallet(
  home: string,
  name: string,
  words: string,
  password: string | null,
): Promise<WalletFile> {
  if (!NAME.test(name)) throw new UsageError(`"${name}" cannot name a wallet`);
  const folder = homePaths(home).wallets;
  makeFolder(folder);
  const path = join(folder, `${name}.json`);
  if (password === null) {
    const json = { schema: OPEN_SCHEMA, words };
    writeNewSecret(path, `${JSON.stringify(json, null, 2)}\n`);
    return { name, path, encrypted: false };
  }
  const { encryptKeystore } = await import('fanal/crypto/keystore.ts');
  const { formatKeystore } = await import('fanal/crypto/keystore-file.ts');
  const { utf8 } = await import('fanal/primitives/bytes.ts');
  const keystore = await encryptKeystore(
    { purpose: PURPOSE, secret: utf8(words), description: `Fanal wallet ${name}` },
    password,
    (length) => new Uint8Array(randomBytes(length)),
    nativeScrypt,
  );
  writeNewSecret(path, formatKeystore(keystore));
  return { name, path, encrypted: true };
}

/**
 * Opens a wallet.
 *
 * @param askPassword called only for an encrypted one
 */
export async function readWords(
  wallet: WalletFile,
  askPassword: () => Promise<string>,
): Promise<string> {
  const text = readSecret(wallet.path);
  if (!wallet.encrypted) {
    const { words } = JSON.parse(text);
    return parseMnemonic(String(words));
  }
  const { decryptKeystore } = await import('fanal/crypto/keystore.ts');
  const { parseKeystore } = await import('fanal/crypto/keystore-file.ts');
  const keystore = parseKeystore(text);
  if (keystore.purpose !== PURPOSE) {
    throw new FanalError('keystore/purpose', `${wallet.path} is for "${keystore.purpose}"`);
  }
  const secret = await decryptKeystore(keystore, await askPassword(), nativeScrypt);
  return parseMnemonic(new TextDecoder().decode(secret));
}

/** The account of a wallet on a network. */
export async function openAccount(
  home: string,
  options: { wallet?: string; passwordFile?: string },
  prefix: AddressPrefix,
): Promise<Account> {
  const wallet = findWallet(home, options.wallet);
  const words = await readWords(wallet, () => passwordOf(options.passwordFile, wallet.name));
  return accountFromMnemonic(words, { prefix });
}

export async function passwordOf(file: string | undefined, name: string): Promise<string> {
  if (file !== undefined) return readSecret(file).replace(/\r?\n$/, '');
  const { askPassword } = await import('./password.ts');
  return askPassword(`Password of wallet ${name}`);
}
