/**
 * Snapshots as folders: `<height>-<first digits of the block's id>/manifest` and numbered chunks.
 * A folder without a manifest is unfinished; the manifest is written last.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { blockId } from 'fanal/chain/header.ts';
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';
import { storeError } from './errors.ts';
import { MAX_CHUNK_BYTES, manifestCodec, type SnapshotManifest } from './snapshot-format.ts';

/** A snapshot that is complete. */
export interface StoredSnapshot {
  readonly folder: string;
  readonly height: bigint;
  readonly manifest: SnapshotManifest;
  readonly manifestBytes: Bytes;
}

const FOLDER = /^[0-9]+-[0-9a-f]{16}$/;

/** The folder of the snapshot at a header. */
export function snapshotFolder(root: string, { header }: Pick<SnapshotManifest, 'header'>): string {
  return join(root, `${header.height}-${toHex(blockId(header)).slice(0, 16)}`);
}

/** Every complete snapshot in a folder, newest first. */
export function listSnapshots(root: string): StoredSnapshot[] {
  const found: StoredSnapshot[] = [];
  for (const name of readFolder(root)) {
    if (!FOLDER.test(name)) continue;
    const folder = join(root, name);
    const manifestBytes = readIfThere(join(folder, 'manifest'));
    if (manifestBytes === null) continue;
    const manifest = manifestCodec.decode(manifestBytes);
    found.push({ folder, height: manifest.header.height, manifest, manifestBytes });
  }
  return found.sort((a, b) => (a.height > b.height ? -1 : 1));
}

/** A chunk's bytes; null when it is not there. */
export function readChunk(folder: string, index: number): Bytes | null {
  const path = chunkPath(folder, index);
  const size = sizeIfThere(path);
  return size === null || size > MAX_CHUNK_BYTES ? null : readIfThere(path);
}

/** Writes a chunk under its name once it is on disk. */
export function writeChunk(folder: string, index: number, bytes: Bytes): void {
  writeDurably(chunkPath(folder, index), bytes);
}

/** Completes a snapshot. */
export function writeManifest(folder: string, bytes: Bytes): void {
  writeDurably(join(folder, 'manifest'), bytes);
}

export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeError(`making ${folder}`, cause);
  }
}

/** Removes all but the newest snapshots, and folders that were never finished but for `except`. */
export function pruneSnapshots(root: string, keep: number, except: string | null = null): void {
  const kept = new Set(
    listSnapshots(root)
      .slice(0, keep)
      .map(({ folder }) => folder),
  );
  for (const name of readFolder(root)) {
    const folder = join(root, name);
    if (!FOLDER.test(name) || kept.has(folder) || folder === except) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

function chunkPath(folder: string, index: number): string {
  return join(folder, `${index.toString().padStart(5, '0')}.chunk`);
}

function writeDurably(path: string, bytes: Bytes): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw storeError(`writing ${path}`, cause);
  }
}

function readFolder(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw storeError(`reading ${root}`, cause);
  }
}

function readIfThere(path: string): Bytes | null {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw storeError(`reading ${path}`, cause);
  }
}

function sizeIfThere(path: string): number | null {
  try {
    return statSync(path).size;
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw storeError(`reading ${path}`, cause);
  }
}

function isMissing(cause: unknown): boolean {
  return (cause as { code?: string }).code === 'ENOENT';
}
