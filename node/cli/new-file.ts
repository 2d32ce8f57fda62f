/**
 * A result file that a command will write: its place is taken before anything is paid or asked, so
 * that a receipt never gets lost, and an older one is never overwritten.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { UsageError } from './exit.ts';

export interface NewFile {
  readonly path: string;
  /** Writes the content, and is done when it is on disk. */
  write(content: string): void;
  /** Gives the place up again, unless something was written. */
  release(): void;
}

/**
 * Takes a place.
 *
 * @throws {UsageError} when something is there already, or nothing can be written there
 */
export function takePlace(path: string, option: string): NewFile {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o644);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new UsageError(`${path} is there already`, `Name another file with ${option}.`);
    }
    throw new UsageError(`cannot write ${path}: ${message}`, `Name another file with ${option}.`);
  }
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return {
    path,
    write(content) {
      writeFileSync(file, content);
      fsyncSync(file);
      close();
    },
    release() {
      if (!isOpen) return;
      close();
      rmSync(path, { force: true });
    },
  };
}
