/**
 * Objects that never change, by key: R2 on Cloudflare, a directory when self-hosted.
 *
 * Every object lies behind the SHA-256 of its bytes. One that was torn, swapped or rotted reads as
 * absent, and is fetched and verified anew.
 */
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';

export interface Blob {
  get(key: string): Promise<Bytes | null>;
  put(key: string, bytes: Bytes): Promise<void>;
}

const DIGEST_BYTES = 32;

/** Puts a seal before every object and believes none that does not match. */
export function sealed(inner: Blob): Blob {
  return {
    async get(key) {
      const found = await inner.get(key);
      if (found === null || found.length < DIGEST_BYTES) return null;
      const bytes = found.subarray(DIGEST_BYTES);
      return equalBytes(await digest(bytes), found.subarray(0, DIGEST_BYTES)) ? bytes : null;
    },
    async put(key, bytes) {
      const whole = new Uint8Array(DIGEST_BYTES + bytes.length);
      whole.set(await digest(bytes));
      whole.set(bytes, DIGEST_BYTES);
      await inner.put(key, whole);
    },
  };
}

/** No object store: everything is fetched again when the caches have lost it. */
export const noBlob: Blob = { get: async () => null, put: async () => undefined };

/** R2, as far as it is used. */
export interface Bucket {
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, value: Bytes): Promise<unknown>;
}

export function bucketBlob(bucket: Bucket): Blob {
  return {
    async get(key) {
      const object = await bucket.get(key);
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async put(key, bytes) {
      await bucket.put(key, bytes);
    },
  };
}

/** A service that keeps files by path: workerd's writable `disk` service. */
export interface FileService {
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

export function fileServiceBlob(service: FileService): Blob {
  const url = (key: string) => `http://objects/${key}`;
  return {
    async get(key) {
      const response = await service.fetch(url(key));
      if (response.status === 200) return new Uint8Array(await response.arrayBuffer());
      await response.body?.cancel();
      return null;
    },
    async put(key, bytes) {
      const body = bytes as Uint8Array<ArrayBuffer>;
      const response = await service.fetch(url(key), { method: 'PUT', body });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the object store answered ${response.status}`);
    },
  };
}

async function digest(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
