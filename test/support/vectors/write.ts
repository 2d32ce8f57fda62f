/**
 * Writes the project's own vectors: `node test/support/vectors/write.ts`. Run it when the protocol
 * changes, and read the difference.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { testChain } from '../chain.ts';
import { CODECS } from '../codecs.ts';
import { signNatively } from '../native.ts';
import { checkpointVectors } from './checkpoint-cases.ts';
import { codecVectors } from './codec-cases.ts';
import { evidenceVectors, receiptVectors, trustVectors } from './file-cases.ts';
import { followVectors } from './follow-cases.ts';
import { idVectors } from './id-cases.ts';
import { proofVectors } from './proof-cases.ts';
import { transactionVectors } from './transaction-cases.ts';
import { listVectors, mapVectors } from './tree-cases.ts';
import type { VectorFile } from './vector-json.ts';

const FOLDER = join(import.meta.dirname, '../../vectors/fanal');

function write(name: string, file: VectorFile): void {
  const path = join(FOLDER, `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(file, null, 1)}\n`);
  const refusals = file.cases.filter(({ refused }) => refused !== undefined).length;
  console.log(`${name}: ${file.cases.length - refusals} hold, ${refusals} are refused`);
}

const payments = testChain({ sign: signNatively });
for (let i = 0; i < 6; i++) {
  payments.pay('alice', i % 2 === 0 ? 'bob' : 'carol', BigInt(i + 1));
  payments.pay('bob', 'carol', 1n);
  payments.block();
}
payments.grow(2);
const unequal = testChain({ validators: [2_000n, 1_000n, 1_000n, 500n], sign: signNatively });

rmSync(join(FOLDER, 'codec'), { recursive: true, force: true });
for (const item of CODECS) write(`codec/${item.name}`, codecVectors(item));
write('ids', idVectors(payments));
write('lists', listVectors());
write('maps', mapVectors());
write('transactions', transactionVectors(payments));
write('checkpoints', checkpointVectors(unequal.grow(3)));
write('follow', followVectors());
write('proofs', proofVectors(payments));
write('receipts', receiptVectors());
write('trust-files', trustVectors());
write('evidence', evidenceVectors());
