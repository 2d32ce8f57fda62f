/** Entry of the journal's thread. */
import { runJournalThread } from './journal-thread.ts';

runJournalThread();
