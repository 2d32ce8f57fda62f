/**
 * The snapshots in a node's folder, for peers and for the API.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { SnapshotPort } from '../api/ports.ts';
import { listSnapshots, readChunk, type StoredSnapshot } from '../store/snapshot-files.ts';
import type { SnapshotSource } from './serve.ts';

/** The folder is looked at again after so long: snapshots are made by another process. */
const LOOK_MILLIS = 10_000;

export class SnapshotFolder {
  readonly #root: string;
  #known: readonly StoredSnapshot[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(root: string) {
    this.#root = root;
  }

  /** Newest first. */
  stored(): readonly StoredSnapshot[] {
    if (performance.now() - this.#lookedAt > LOOK_MILLIS) {
      this.#known = listSnapshots(this.#root);
      this.#lookedAt = performance.now();
    }
    return this.#known;
  }

  /** For peers. */
  get source(): SnapshotSource {
    return {
      list: async () => this.stored().map(({ manifestBytes }) => manifestBytes),
      chunk: (height, index) => this.chunk(height, index),
    };
  }

  /** For the API. */
  get port(): SnapshotPort {
    return {
      list: async () =>
        this.stored().map(({ height, manifest, manifestBytes }) => ({
          height,
          chunks: manifest.chunks.length,
          sizeBytes: Number(manifest.sizeBytes),
          manifest: manifestBytes,
        })),
      chunk: (height, index) => this.chunk(height, index),
    };
  }

  async chunk(height: bigint, index: number): Promise<Bytes | null> {
    const found = this.stored().find((one) => one.height === height);
    if (found === undefined || index >= found.manifest.chunks.length) return null;
    return readChunk(found.folder, index);
  }
}
