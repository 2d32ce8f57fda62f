/**
 * The object store that a Worker is bound to.
 */
import type { Env } from '../env.ts';
import { type Blob, bucketBlob, fileServiceBlob, noBlob, sealed } from './blob.ts';

/** R2, or workerd's disk; without either, what the caches lose is fetched again. */
export function openBlob({ OBJECTS, OBJECTS_DISK }: Pick<Env, 'OBJECTS' | 'OBJECTS_DISK'>): Blob {
  if (OBJECTS !== undefined) return sealed(bucketBlob(OBJECTS));
  if (OBJECTS_DISK !== undefined) return sealed(fileServiceBlob(OBJECTS_DISK));
  return noBlob;
}
