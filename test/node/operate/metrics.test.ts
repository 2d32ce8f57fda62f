/**
 * Four real validators, watched: every line of the metrics table is there and moves when what it
 * counts happens, and the monitor shows them in a terminal.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { METRICS, type MetricDefinition } from 'fanal/api/metrics.ts';
import { Scrape } from 'fanal-node/monitor/exposition.ts';
import { createBackup, markVerified, verifyBackup } from 'fanal-node/operate/backup.ts';
import { createSnapshot } from 'fanal-node/operate/snapshots.ts';
import { addFollower, createLocalNetwork, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OwnedCoin, Payer, statusOf, submit } from '../../support/payments.ts';
import { until } from '../../support/peers.ts';
import { account } from '../../support/people.ts';

/**
 * What does not happen to a healthy network in a minute, or is over before anyone looks. What
 * consensus tells is moved in test/node/runtime/consensus-metrics.test.ts; the rest follows counters
 * that the mempool and the network keep.
 */
const RARE: Readonly<Record<string, readonly string[] | 'all'>> = {
  fanal_chain_divergence_total: 'all',
  fanal_consensus_evidence_total: 'all',
  fanal_consensus_missing_ancestors: 'all',
  fanal_consensus_leader_slots_total: ['indirect_commit', 'indirect_skip'],
  fanal_consensus_timeouts_total: ['vote'],
  fanal_consensus_vertices_total: ['invalid'],
  fanal_validator_cosignatures_total: ['mismatched', 'missed'],
  fanal_validator_vertices_total: ['dropped'],
  fanal_validator_sign_refused_total: 'all',
  fanal_crypto_verify_failures_total: ['vertex', 'cosignature', 'handshake'],
  fanal_mempool_transactions: 'all',
  fanal_mempool_bytes: 'all',
  fanal_mempool_evicted_total: 'all',
  fanal_p2p_bans_total: 'all',
  fanal_p2p_clock_skew_seconds: 'all',
  fanal_sync_active: 'all',
};

const TABLE = METRICS.filter(({ source }) => source === 'node');
const COIN = 100_000_000n;
let folder: string;
let network: LocalNetwork;
let nodes: NodeProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-metrics-'));
  const params = { epochDurationMillis: 20_000n, trustingPeriodMillis: 600_000n };
  network = await createLocalNetwork({ folder, validators: 4, accounts: 1, params });
  nodes = network.nodes.map((node) => new NodeProcess(node));
  await Promise.all(nodes.map((node) => node.waitUntilReady(150_000)));
}, 180_000);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const node = (index: number) => nodes[index] as NodeProcess;

async function exposition(of: NodeProcess): Promise<string> {
  return (await fetch(`http://127.0.0.1:${of.node.ops}/metrics`)).text();
}

const scrape = async (of: NodeProcess) => new Scrape(await exposition(of));

/** Every label value that a metric with closed sets can have, for one label at a time. */
function valuesOf({ labels }: MetricDefinition): [string, string][] {
  return Object.entries(labels).flatMap(([label, values]) =>
    values.map((value): [string, string] => [label, value]),
  );
}

/** What has not moved: names, with the label value where only some of them have. */
function still(scrapes: readonly Scrape[]): string[] {
  return TABLE.flatMap((metric) => {
    const rare = RARE[metric.name] ?? [];
    if (rare === 'all') return [];
    const name = metric.type === 'histogram' ? `${metric.name}_count` : metric.name;
    const moved = (labels: Record<string, string>) =>
      scrapes.some((one) => one.all(name, labels).some(({ value }) => value > 0));
    const values = valuesOf(metric).filter(([, value]) => !rare.includes(value));
    if (values.length === 0) return moved({}) ? [] : [metric.name];
    return values
      .filter(([label, value]) => !moved({ [label]: value }))
      .map(([label, value]) => `${metric.name}{${label}="${value}"}`);
  });
}

test('the handbook’s table has a line for each metric', () => {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const lines = METRICS.map(({ name, type, labels, help }) => {
    const sets = Object.entries(labels).map(([label, values]) =>
      values.length === 0 ? `\`${label}\`` : `\`${label}\`: ${values.join(', ')}`,
    );
    return `| \`${name}\` | ${type} | ${sets.join('; ')} | ${help} |`;
  });
  expect(page.split('\n').filter((line) => line.startsWith('| `fanal_'))).toEqual(lines);
});

describe('the metrics of a live network', () => {
  test('each node has every metric of the table, with its help, type and chain', async () => {
    for (const each of nodes) {
      const text = await exposition(each);
      for (const { name, type, help } of TABLE) {
        expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
      }
      const chains = new Set(
        [...text.matchAll(/^fanal_.*?chain_id="(\w+)"/gm)].map(([, chain]) => chain),
      );
      expect(chains.size).toBe(1);
    }
  });

  test('a closed set of label values starts at 0, so that the first event is seen', async () => {
    const now = await scrape(node(0));
    for (const metric of TABLE.filter(({ type }) => type === 'counter')) {
      for (const [label, value] of valuesOf(metric)) {
        const found = now.all(metric.name, { [label]: value });
        expect(found.length, `${metric.name}{${label}="${value}"}`).toBeGreaterThan(0);
      }
    }
  });

  test('every metric moves when its event happens', async () => {
    const payer = new Payer(network, network.accounts[0] as never);
    const split = payer.split(payer.coins[0] as OwnedCoin, 40);
    await submit(node(0).url, split);
    const certified = (id: string, at = node(0)) =>
      until('certified', async () => (await statusOf(at.url, id)) === 'certified', 60_000);
    await Promise.all(nodes.map((each) => certified(split.id, each)));
    const payments = split.own.map((coin) => payer.pay(coin, account('carol').address, COIN));
    for (const [i, payment] of payments.slice(0, 30).entries()) {
      expect(await submit(node(i % 4).url, payment)).toMatchObject({ status: 202 });
    }
    await certified((payments[29] as { id: string }).id);

    // Somebody sends a payment with a wrong signature, and one twice.
    const forged = Uint8Array.from((payments[30] as { bytes: Uint8Array }).bytes);
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    expect((await submit(node(0).url, { bytes: forged })).status).toBeGreaterThanOrEqual(400);

    // Somebody listens; an operator makes a snapshot and a backup.
    const listening = new AbortController();
    const stream = await fetch(`${node(0).url}/v1/events`, { signal: listening.signal });
    expect(stream.status).toBe(200);
    const socket = new WebSocket(`${node(0).url.replace('http', 'ws')}/v1/events`);
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    const { home } = node(0).node;
    await createSnapshot(home);
    await verifyBackup((await createBackup(home, join(folder, 'backups'))).folder);
    markVerified(home);

    // A validator is killed: it leads no more and cosigns no more. It comes back.
    node(3).kill();
    await node(3).exited;
    const before = await scrape(node(0));
    const skipped = { decision: 'direct_skip' };
    const slots = 'fanal_consensus_leader_slots_total';
    await until(
      'a leader is skipped',
      async () =>
        ((await scrape(node(0))).sum(slots, skipped) ?? 0) > (before.sum(slots, skipped) ?? 0),
      20_000,
    );
    await submit(node(1).url, payments[31] as { bytes: Uint8Array });
    await certified((payments[31] as { id: string }).id, node(1));
    nodes[3] = new NodeProcess(node(3).node);
    await node(3).waitUntilReady(90_000);

    await until(
      'all of it is told',
      async () => still(await Promise.all(nodes.map(scrape))).length === 0,
      30_000,
    ).catch(() => {});
    expect(still(await Promise.all(nodes.map(scrape)))).toEqual([]);
    await stream.body?.cancel();
    listening.abort();
    socket.close();
  }, 240_000);

  test('a node that only follows claims nothing of consensus, which would fire alerts', async () => {
    const follower = new NodeProcess(await addFollower(network, 'follower'));
    nodes.push(follower);
    await follower.waitUntilLive(60_000);
    const now = await scrape(follower);
    for (const name of ['cosigned_stake_ratio', 'last_commit_timestamp_seconds']) {
      const [sample] = now.all(`fanal_consensus_${name}`);
      expect(sample?.value, name).toBeNaN();
    }
    expect(now.sum('fanal_validator_active')).toBe(0);
    nodes.pop();
    await follower.stop();
  }, 90_000);

  test('the monitor fills terminals of 80 × 24 and 120 × 36 with them', async (context) => {
    if (spawnSync('tmux', ['-V']).error !== undefined) context.skip('tmux is not installed');
    const tmux = (...args: string[]) =>
      spawnSync('tmux', ['-L', `fanal-${process.pid}`, '-u', ...args], { encoding: 'utf8' }).stdout;
    const main = new URL('../../../node/main.ts', import.meta.url).pathname;
    const { api, ops } = node(0).node;
    const command = [process.execPath, main, 'monitor', '--interval', '0.5'];
    command.push('--url', `http://127.0.0.1:${api}`, '--ops', `http://127.0.0.1:${ops}`);
    const sizes = [
      [80, 24],
      [120, 36],
    ] as const;
    const screen = (rows: number) =>
      tmux('capture-pane', '-p', '-t', `rows-${rows}`).split('\n').slice(0, rows);
    try {
      for (const [columns, rows] of sizes) {
        const size = ['-x', `${columns}`, '-y', `${rows}`];
        tmux('new-session', '-d', '-s', `rows-${rows}`, ...size, ...command);
      }
      for (const [, rows] of sizes) {
        const isFull = () =>
          /healthy[\s\S]*cosigned [\s\S]* last [3-9]/.test(screen(rows).join('\n'));
        await until('the board is full', async () => isFull(), 60_000);
        const lines = screen(rows);
        const text = lines.join('\n');
        expect(lines[0]).toMatch(/^ fanal {2}dev {2}v\d.* healthy .*epoch \d+ {2}height [1-9]/);
        expect(text).toMatch(/p50 \d.* p95 \d.* p99 \d/);
        expect(text).toMatch(/cosigned █+ 100\.0 %/);
        for (const { name } of network.nodes) {
          const row = `${name} .* 25\\.00 % .*(\\d ms|\\d s|itself) +\\d+\\.\\d`;
          expect(text).toMatch(new RegExp(row));
        }
        expect(text).toMatch(/PEERS {2}\d: \d in, \d out .* version \S+ ×4/);
        expect(lines[rows - 1]).toContain('q quit');
        expect(lines.filter((line) => line.endsWith('…'))).toEqual([]);
      }
      node(3).kill('SIGSTOP');
      for (const [, rows] of sizes) {
        const saysSo = () => /val-4 has gone silent/.test(screen(rows).join());
        await until('it says who is silent', async () => saysSo(), 40_000);
        expect(screen(rows).join('\n')).toMatch(/^x .*val-4 .* silent/m);
      }
    } finally {
      node(3).kill('SIGCONT');
      tmux('kill-server');
    }
  }, 120_000);

  test('promtool finds no fault with what a live node exposes', async (context) => {
    if (spawnSync('promtool', ['--version']).error !== undefined) {
      context.skip('promtool is not installed (apt-get install prometheus)');
    }
    for (const each of nodes) {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input: await exposition(each),
        encoding: 'utf8',
      });
      expect(`${stdout}${stderr}`).toBe('');
      expect(status).toBe(0);
    }
  });
});
