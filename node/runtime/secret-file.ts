/**
 * Files that hold secrets: readable by their owner alone, never through a link, never large.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { MAX_CONFIG_FILE_BYTES } from 'fanal/chain/limits.ts';
import { ConfigError } from '../config.ts';

/**
 * Reads a secret file.
 *
 * @throws {ConfigError} when it is missing, a link, too large, or open to other users
 */
export function readSecret(path: string): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    if (code === 'ELOOP') throw new ConfigError(`${path} is a link; name the file itself`);
    throw new ConfigError(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new ConfigError(`${path} is not a regular file`);
    if (stat.size > MAX_CONFIG_FILE_BYTES) throw new ConfigError(`${path} has ${stat.size} bytes`);
    if ((stat.mode & 0o077) !== 0) {
      throw new ConfigError(`${path} can be read by other users`, { hint: `chmod 600 ${path}` });
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a new secret file, and is done when it is on disk.
 *
 * @throws {ConfigError} when there already is one: secrets are not overwritten
 */
export function writeNewSecret(path: string, content: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'EEXIST') {
      throw new ConfigError(`${path} exists already`, { hint: 'Keys are never overwritten.' });
    }
    throw cause;
  }
  try {
    fchmodSync(file, 0o600);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
