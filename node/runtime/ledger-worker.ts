/** Entry of the ledger's thread. */
import { runLedgerThread } from './ledger-thread.ts';

runLedgerThread();
