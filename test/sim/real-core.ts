/** The core that validators run, as the simulator makes it. */
import { createCore } from 'fanal-node/core/core.ts';
import { EntryTable, genesisVertices } from 'fanal-node/core/entry.ts';
import type { CoreFactory } from './simulation.ts';

export const realCore: CoreFactory = (crypto, local) => createCore(local, crypto);

/**
 * Makes cores of one epoch that share what follows from digests alone: so a thousand of them fit in
 * one process.
 */
export function coresOfOneTable(): CoreFactory {
  let table: EntryTable | undefined;
  return (crypto, local) =>
    createCore(local, crypto, {
      makeTable: (committee, record) => {
        table ??= new EntryTable(committee, genesisVertices(crypto.hash, record));
        return table;
      },
    });
}
