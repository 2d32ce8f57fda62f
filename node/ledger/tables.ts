/**
 * Everything that the ledger keeps in its database, opened together.
 */
import type { Database } from '../store/database.ts';
import { AccountStore } from './account-store.ts';
import { BlockStore } from './block-store.ts';
import { CoinStore } from './coin-store.ts';
import { EpochStore } from './epoch-store.ts';
import { HeaderLog } from './header-log.ts';
import { HistoryStore } from './history-store.ts';
import { MetaStore } from './meta-store.ts';
import { RecordStore } from './record-store.ts';
import { UndoStore } from './undo-store.ts';

export interface Tables {
  readonly database: Database;
  readonly accounts: AccountStore;
  readonly blocks: BlockStore;
  readonly coins: CoinStore;
  readonly epochs: EpochStore;
  readonly history: HistoryStore;
  readonly log: HeaderLog;
  readonly meta: MetaStore;
  readonly records: RecordStore;
  readonly undo: UndoStore;
}

export function openTables(database: Database): Tables {
  return {
    database,
    accounts: new AccountStore(database),
    blocks: new BlockStore(database),
    coins: new CoinStore(database),
    epochs: new EpochStore(database),
    history: new HistoryStore(database),
    log: new HeaderLog(database),
    meta: new MetaStore(database),
    records: new RecordStore(database),
    undo: new UndoStore(database),
  };
}
