/**
 * Objects as files below a directory.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from 'fanal/primitives/assert.ts';
import type { Blob } from '../chain/blob.ts';

/** Keys are made of the origin's hash and canonical targets: nothing in them leads upward. */
const KEY = /^[A-Za-z0-9][A-Za-z0-9/?&=.,_-]*$/;

/** An object store in a directory. A file is whole or absent: it is written beside and renamed. */
export function directoryBlob(directory: string): Blob {
  let writes = 0;
  return {
    get: (key) => readFileBelow(directory, key),
    async put(key, bytes) {
      const path = pathBelow(directory, key);
      assert(path !== null, `no key for a file: ${key}`);
      const beside = `${path}.${process.pid}.${writes++}.new`;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(beside, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, path);
    },
  };
}

/** Reads a file below a directory, or null where there is none. */
export async function readFileBelow(directory: string, key: string): Promise<Uint8Array | null> {
  const path = pathBelow(directory, key);
  if (path === null) return null;
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
}

function pathBelow(directory: string, key: string): string | null {
  if (!KEY.test(key) || key.split('/').some((part) => part === '' || /^\.+$/.test(part)))
    return null;
  return join(directory, ...key.split('/'));
}
