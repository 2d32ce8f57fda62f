/**
 * The SHA-256 of a file's bytes, however large it is: what `notarize` puts on the ledger.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { NotFoundError, UsageError } from './exit.ts';

/** @throws {NotFoundError | UsageError} when there is no such file, or it cannot be read */
export async function hashOfFile(path: string): Promise<Uint8Array> {
  const hash = createHash('sha256');
  try {
    for await (const part of createReadStream(path)) hash.update(part);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new NotFoundError(`there is no file ${path}`);
    throw new UsageError(`cannot read ${path}: ${message}`);
  }
  return new Uint8Array(hash.digest());
}
