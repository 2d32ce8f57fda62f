/**
 * The journal's own thread: the main thread never waits for the disk.
 */
import { openJournal } from '../store/journal.ts';
import { answerFromJournal } from './journal-answers.ts';
import type { JournalCalls, JournalThreadData } from './journal-calls.ts';
import { nativeTaggedHash } from './native-crypto.ts';
import { serveThread, threadData } from './thread.ts';

serveThread<JournalCalls>(() => {
  const data = threadData<JournalThreadData>();
  const journal = openJournal({ ...data, hash: nativeTaggedHash });
  return {
    api: {
      write: (writes) => journal.write(writes, 'sync'),
      load: (facts) => journal.load(facts),
      answer: (request) =>
        answerFromJournal(journal, { genesisId: data.genesisId, hash: nativeTaggedHash }, request),
      flush: () => journal.flush(),
      newestEpoch: () => journal.newestEpoch(),
      beginSigning: () => journal.beginSigning(),
      vertices: (epoch, refs) => journal.vertices(epoch, refs),
      commits: (epoch, first, count) => journal.commits(epoch, first, count),
      verticesFrom: (epoch, round, limit) => journal.verticesFrom(epoch, round, limit),
      certificate: (size) => journal.certificate(size),
      divergence: () => journal.divergence(),
      sizeBytes: () => journal.sizeBytes(),
    },
    onClose: () => journal.close(),
  };
});
