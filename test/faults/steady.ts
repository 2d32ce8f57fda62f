/**
 * Nothing breaks: payments at a steady rate for an hour, while memory and files are measured every
 * minute. Memory may grow by the caches that fill and no further, and what files grow by must have
 * a reason.
 */
import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_LIMITS } from 'fanal-node/ledger/limits.ts';
import { openDatabase } from 'fanal-node/store/database.ts';
import { STORE_LIMITS } from 'fanal-node/store/limits.ts';
import type { LocalNode } from 'fanal-node/testnet/local.ts';
import type { NodeProcess } from 'fanal-node/testnet/process.ts';
import { usageOf } from '../support/process-usage.ts';
import { Rig } from './rig.ts';
import { pause, type Scenario } from './scenario.ts';

const MINUTE_MILLIS = 60_000;
const MIB = 2 ** 20;
const LOAD = { perSecond: 50, coins: 600 };
/** Of shorter runs nothing is judged: caches are still filling. */
const JUDGED_MINUTES = 30;
/** By then code is compiled, and what is left to fill are caches with a size. */
const SETTLED_MINUTES = 5;
/** How many minutes make a level: memory goes up and down with collections. */
const LEVEL_MINUTES = 10;
/** What the caches that fill as the ledger grows may take, once they are full. */
const CACHES = (LEDGER_LIMITS.cacheMebibytes + STORE_LIMITS.journalCacheMebibytes) * MIB;
/** What lists with an end (checked signatures, refusals, headers) and the allocator's gaps take. */
const SLACK = 32 * MIB;
/** The main thread's heap has no caches that grow; this much it may swing. */
const HEAP_SLACK = 12 * MIB;
/** The largest tables and indexes are named. */
const NAMED_TABLES = 12;

/** One node at one minute; bytes. */
export interface Sample {
  readonly resident: number;
  /** Of the main thread. */
  readonly heap: number;
  /** What the main thread's objects hold outside of its heap. */
  readonly external: number;
  readonly cpuSeconds: number;
  readonly ledger: number;
  readonly journal: number;
  /** Write-ahead logs of both, which are used again from the start. */
  readonly logs: number;
  readonly other: number;
}

export interface Minute {
  readonly minute: number;
  readonly payments: number;
  readonly blocks: number;
  readonly nodes: readonly Sample[];
}

export const steady: Scenario = {
  name: 'steady',
  about: `${LOAD.perSecond} payments a second, nothing breaks; memory and files every minute`,
  times: { short: 3, long: 60 },
  leftOut: () => (process.platform === 'linux' ? null : 'memory is read from /proc'),
  run: (setting) =>
    Rig.with(
      setting,
      async (rig) => {
        const { minutes: asked, times, folder, say } = setting;
        const table = join(folder, 'minutes.csv');
        appendFileSync(table, `${COLUMNS.join()}\n`);
        const minutes: Minute[] = [];
        const start = performance.now();
        for (let minute = 0; minute <= (asked ?? times); minute++) {
          await pause(Math.max(1, start + minute * MINUTE_MILLIS - performance.now()));
          const now = await measure(rig, minute);
          minutes.push(now);
          for (const line of linesOf(now)) appendFileSync(table, `${line}\n`);
          say(`minute ${minute}: ${summaryOf(now)}`);
        }
        return { figures: figuresOf(minutes, rig), findings: judge(minutes) };
      },
      LOAD,
    ),
};

const COLUMNS = [
  ...['minute', 'payments', 'blocks', 'node'],
  ...['resident', 'heap', 'external', 'cpuSeconds', 'ledger', 'journal', 'logs', 'other'],
];

const linesOf = ({ minute, payments, blocks, nodes }: Minute) =>
  nodes.map((node, i) => [minute, payments, blocks, i + 1, ...Object.values(node)].join());

async function measure({ live, witness }: Rig, minute: number): Promise<Minute> {
  const payments = witness.certified.size;
  const nodes = await Promise.all(live.map(sampleOf));
  return { minute, payments, blocks: Number(witness.height), nodes };
}

async function sampleOf({ pid, node }: NodeProcess): Promise<Sample> {
  const files = readdirSync(node.home.root, { recursive: true, encoding: 'utf8' });
  const sizes = { ledger: 0, journal: 0, logs: 0, other: 0 };
  for (const name of files) {
    const stat = statSync(join(node.home.root, name), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    const [, stem, log] = /(ledger|journal)\.sqlite(-wal)?$/.exec(name) ?? [];
    const kind = log !== undefined ? 'logs' : ((stem as 'ledger' | 'journal') ?? 'other');
    sizes[kind] += stat.size;
  }
  const { cpuSeconds, residentBytes: resident } = usageOf(pid);
  return { resident, ...(await heapOf(node.ops)), cpuSeconds, ...sizes };
}

/** What the main thread holds, as the node says; 0 when it is too busy to answer. */
async function heapOf(port: number): Promise<Pick<Sample, 'heap' | 'external'>> {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`)
    .then((response) => response.text())
    .catch(() => '');
  const of = (name: string) => Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return { heap: of('nodejs_heap_size_used_bytes'), external: of('nodejs_external_memory_bytes') };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

const inMib = (bytes: number) => Number((bytes / MIB).toFixed(1));

function summaryOf({ payments, blocks, nodes }: Minute): string {
  const of = (name: keyof Sample) => inMib(mean(nodes.map((node) => node[name])));
  return [
    `${payments} payments, ${blocks} blocks; MiB: resident ${of('resident')}, heap ${of('heap')}, external ${of('external')}`,
    `ledger ${of('ledger')}, journal ${of('journal')}, logs ${of('logs')}, other ${of('other')}`,
  ].join(', ');
}

function figuresOf(minutes: readonly Minute[], rig: Rig): Record<string, number | string> {
  const [first, last] = [minutes[0] as Minute, minutes.at(-1) as Minute];
  // The start is left out: code is compiled and caches fill.
  const later = minutes.slice(Math.floor(minutes.length / 3));
  const [early] = later as [Minute];
  const payments = last.payments - early.payments;
  const grown = (name: keyof Sample) =>
    mean(last.nodes.map((node, i) => node[name] - (early.nodes[i] as Sample)[name]));
  const seconds = (last.minute - first.minute) * 60;
  return {
    minutes: last.minute,
    'payments a second': Number(((last.payments - first.payments) / seconds).toFixed(1)),
    'processor of a node, %': Number(
      ((100 * grown('cpuSeconds')) / (60 * (last.minute - early.minute))).toFixed(1),
    ),
    'resident at the end, MiB': last.nodes.map((node) => inMib(node.resident)).join(' '),
    'resident, MiB an hour': slopes(later, 'resident'),
    'heap, MiB an hour': slopes(later, 'heap'),
    'external, MiB an hour': slopes(later, 'external'),
    'journal at the end, MiB': inMib(mean(last.nodes.map((node) => node.journal))),
    'journal, MiB an hour': slopes(later, 'journal'),
    'write-ahead logs at the end, MiB': inMib(mean(last.nodes.map((node) => node.logs))),
    'ledger, MiB an hour': slopes(later, 'ledger'),
    'ledger, bytes a payment': Math.round(grown('ledger') / Math.max(1, payments)),
    'blocks a payment': Number(((last.blocks - early.blocks) / Math.max(1, payments)).toFixed(3)),
    ...tablesOf(rig),
  };
}

/** How fast something grows in each node: the slope of the straight line through its minutes. */
function slopes(minutes: readonly Minute[], name: keyof Sample): string {
  const nodes = (minutes[0] as Minute).nodes.map((_, i) => {
    const points = minutes
      .map(({ minute, nodes }) => ({ minute, value: nodes[i]?.[name] ?? 0 }))
      .filter(({ value }) => value > 0);
    const at = mean(points.map(({ minute }) => minute));
    const level = mean(points.map(({ value }) => value));
    let [up, across] = [0, 0];
    for (const { minute, value } of points) {
      up += (minute - at) * (value - level);
      across += (minute - at) ** 2;
    }
    return inMib((60 * up) / Math.max(1, across));
  });
  return nodes.join(' ');
}

/** What the first node's ledger consists of. */
function tablesOf({ network, witness }: Rig): Record<string, string> {
  const { home } = network.nodes[0] as LocalNode;
  const database = openDatabase({ path: home.ledger, kind: 'ledger', readOnly: true });
  try {
    const rows = database.client
      .prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC')
      .all() as { name: string; bytes: bigint }[];
    return Object.fromEntries(
      rows.slice(0, NAMED_TABLES).map(({ name, bytes }) => {
        const [payments, blocks] = [witness.certified.size, Number(witness.height)];
        const each = `${Math.round(Number(bytes) / payments)} a payment, ${Math.round(Number(bytes) / blocks)} a block`;
        return [`  ${name}`, `${inMib(Number(bytes))} MiB: ${each}`];
      }),
    );
  } finally {
    database.close();
  }
}

/** Memory at the end beside memory once the node had settled, each over some minutes. */
export function judge(minutes: readonly Minute[]): string[] {
  if (minutes.length <= JUDGED_MINUTES) return [];
  const growth = (i: number, name: 'resident' | 'heap') => {
    const level = (part: readonly Minute[]) => {
      const values = part.map(({ nodes }) => (nodes[i] as Sample)[name]).filter((one) => one > 0);
      // What a heap holds is what is left of it after a collection.
      return name === 'heap' ? Math.min(...values) : mean(values);
    };
    const settled = level(minutes.slice(SETTLED_MINUTES, SETTLED_MINUTES + LEVEL_MINUTES));
    const end = level(minutes.slice(-LEVEL_MINUTES));
    return { by: end - settled, text: `from ${inMib(settled)} to ${inMib(end)} MiB` };
  };
  return (minutes[0] as Minute).nodes.flatMap((_, i) => {
    const [resident, heap] = [growth(i, 'resident'), growth(i, 'heap')];
    const findings: string[] = [];
    if (resident.by > CACHES + SLACK) {
      const allowed = `${inMib(CACHES + SLACK)} are caches`;
      findings.push(`validator ${i + 1} grew ${resident.text}, and ${allowed}`);
    }
    if (heap.by > HEAP_SLACK) findings.push(`the heap of validator ${i + 1} grew ${heap.text}`);
    return findings;
  });
}
