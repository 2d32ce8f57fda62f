/**
 * Looks into the folders of nodes that have stopped: whether every database is whole, all ledgers
 * are one, nothing that a wallet was shown is gone, and no key signed two things.
 */
import { existsSync } from 'node:fs';
import { headerCodec } from 'fanal/chain/header.ts';
import { fromBase64, toHex } from 'fanal/primitives/bytes.ts';
import { checkLedger } from 'fanal-node/ledger/fsck.ts';
import { nativeTaggedHash } from 'fanal-node/ledger/native-hash.ts';
import { verifyNatively } from 'fanal-node/runtime/native-verify.ts';
import { openDatabase } from 'fanal-node/store/database.ts';
import { checkJournal } from 'fanal-node/store/journal-check.ts';
import type { LocalNetwork, LocalNode } from 'fanal-node/testnet/local.ts';
import type { Witness } from './witness.ts';

interface Stored {
  readonly name: string;
  readonly headers: readonly string[];
  readonly payments: ReadonlySet<string>;
}

export async function audit(network: LocalNetwork, witness: Witness): Promise<string[]> {
  const findings = [...witness.findings];
  const ledgers: Stored[] = [];
  const slots = new Map<string, string>();
  for (const node of network.nodes) {
    const { name, home } = node;
    const ledger = await checkLedger({
      path: home.ledger,
      genesis: network.chain.genesis,
      verify: verifyNatively,
    });
    findings.push(...ledger.findings.map((finding) => `${name}: ledger: ${finding}`));
    ledgers.push(readLedger(node));
    if (existsSync(home.journal)) findings.push(...readJournal(node, slots));
  }
  compare(ledgers, findings);
  for (const ledger of ledgers) compareWithWitness(ledger, witness, findings);
  return findings;
}

function readLedger({ name, home }: LocalNode): Stored {
  const database = openDatabase({ path: home.ledger, kind: 'ledger', readOnly: true });
  try {
    const { client } = database;
    const headers = client.prepare('SELECT header FROM block ORDER BY height').pluck().all();
    const payments = client.prepare('SELECT txid FROM payment').pluck().all();
    return {
      name,
      headers: (headers as Uint8Array[]).map(toHex),
      payments: new Set((payments as Uint8Array[]).map(toHex)),
    };
  } finally {
    database.close();
  }
}

/** @param slots what each author is known to have signed in each round, by any journal so far */
function readJournal({ name, home }: LocalNode, slots: Map<string, string>): string[] {
  const findings = checkJournal(home.journal, nativeTaggedHash).findings.map(
    (finding) => `${name}: journal: ${finding}`,
  );
  const database = openDatabase({ path: home.journal, kind: 'journal', readOnly: true });
  try {
    const { client } = database;
    const rows = client.prepare('SELECT epoch, round, author, digest FROM vertex').all() as {
      epoch: bigint;
      round: bigint;
      author: bigint;
      digest: Uint8Array;
    }[];
    for (const { epoch, round, author, digest } of rows) {
      const slot = `author ${author} in round ${round} of epoch ${epoch}`;
      const known = slots.get(slot);
      if (known === undefined) slots.set(slot, toHex(digest));
      else if (known !== toHex(digest)) findings.push(`two vertices of ${slot}`);
    }
    const evidence = client.prepare('SELECT kind, epoch FROM evidence').all() as {
      kind: string;
      epoch: bigint;
    }[];
    for (const { kind, epoch } of evidence) {
      findings.push(`${name}: holds evidence of a double ${kind} in epoch ${epoch}`);
    }
  } finally {
    database.close();
  }
  return findings;
}

function compare(ledgers: readonly Stored[], findings: string[]): void {
  const longest = ledgers.reduce((a, b) => (b.headers.length > a.headers.length ? b : a));
  for (const { name, headers } of ledgers) {
    const at = headers.findIndex((header, height) => header !== longest.headers[height]);
    if (at >= 0) findings.push(`${name} and ${longest.name} differ from height ${at}`);
  }
}

function compareWithWitness(
  { name, headers, payments }: Stored,
  { roots, certified }: Witness,
  findings: string[],
): void {
  for (const [size, root] of roots) {
    const next = headers[Number(size)];
    if (next === undefined) continue;
    const { previousRoot } = headerCodec.decode(Buffer.from(next, 'hex'));
    if (toHex(previousRoot) !== toHex(fromBase64(root))) {
      findings.push(`${name}: the certified root of ${size} headers is not in its log`);
    }
  }
  let lost = 0;
  for (const [id, height] of certified) {
    if (Number(height) < headers.length && !payments.has(id)) lost++;
  }
  if (lost > 0) findings.push(`${name}: ${lost} payments are gone that were certified`);
}
