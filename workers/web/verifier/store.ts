/**
 * Where the light client keeps its trust between visits: IndexedDB, which a worker may use.
 */
import { memoryStore, type Store } from 'fanal/wallet/store.ts';

const DATABASE = 'fanal';
const TABLE = 'trust';

/** Opens the store. In a private window without storage it lasts as long as the page. */
export async function openStore(): Promise<Store> {
  const database = await open().catch(() => null);
  if (database === null) return memoryStore();
  return {
    async get(name) {
      const value = await done(database.transaction(TABLE).objectStore(TABLE).get(name));
      return value instanceof Uint8Array ? value : null;
    },
    async set(name, value) {
      await done(database.transaction(TABLE, 'readwrite').objectStore(TABLE).put(value, name));
    },
  };
}

/** Forgets everything: the next visit starts anew. */
export function forgetAll(): Promise<unknown> {
  return done(indexedDB.deleteDatabase(DATABASE));
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(TABLE));
  return done(request).then((database) => {
    // Without this, forgetting in another tab would wait for this one.
    database.addEventListener('versionchange', () => database.close());
    return database;
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
    request.addEventListener('blocked', () => reject(new Error('storage is in use elsewhere')));
  });
}
