/**
 * All of the project's own vectors, by file name. The same every time.
 */
import { testChain } from '../chain.ts';
import { CODECS } from '../codecs.ts';
import { signNatively } from '../native.ts';
import { checkpointVectors } from './checkpoint-cases.ts';
import { codecVectors } from './codec-cases.ts';
import { evidenceVectors, receiptVectors, trustVectors } from './file-cases.ts';
import { followVectors } from './follow-cases.ts';
import { idVectors } from './id-cases.ts';
import { proofVectors } from './proof-cases.ts';
import { addressVectors, amountVectors, genesisVectors, mnemonicVectors } from './text-cases.ts';
import { tileVectors } from './tile-cases.ts';
import { transactionVectors } from './transaction-cases.ts';
import { listVectors, mapVectors } from './tree-cases.ts';
import type { VectorFile } from './vector-json.ts';

export function allVectors(): Map<string, VectorFile> {
  const payments = testChain({ sign: signNatively });
  for (let i = 0; i < 6; i++) {
    payments.pay('alice', i % 2 === 0 ? 'bob' : 'carol', BigInt(i + 1));
    payments.pay('bob', 'carol', 1n);
    payments.block();
  }
  payments.grow(2);
  const unequal = testChain({ validators: [2_000n, 1_000n, 1_000n, 500n], sign: signNatively });
  return new Map([
    ...CODECS.map((item): [string, VectorFile] => [`codec/${item.name}`, codecVectors(item)]),
    ['addresses', addressVectors()],
    ['amounts', amountVectors()],
    ['mnemonics', mnemonicVectors()],
    ['genesis-files', genesisVectors(payments)],
    ['tiles', tileVectors()],
    ['ids', idVectors(payments)],
    ['lists', listVectors()],
    ['maps', mapVectors()],
    ['transactions', transactionVectors(payments)],
    ['checkpoints', checkpointVectors(unequal.grow(3))],
    ['follow', followVectors()],
    ['proofs', proofVectors(payments)],
    ['receipts', receiptVectors()],
    ['trust-files', trustVectors()],
    ['evidence', evidenceVectors()],
  ]);
}

/** A file's text, as it is kept. */
export function vectorText(file: VectorFile): string {
  return `${JSON.stringify(file, null, 1)}\n`;
}
