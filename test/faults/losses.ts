/**
 * A validator that lost a part of its memory, or has an old one, or runs twice. It must come back
 * by what the others know, or refuse to sign; whichever it is, it must never sign two things.
 */
import { cpSync, existsSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { STORE_LIMITS } from 'fanal-node/store/limits.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { copyNode } from '../support/copied-node.ts';
import { Rig, VALIDATORS } from './rig.ts';
import { between, type FaultSetting, pause, type Scenario, spread } from './scenario.ts';

const REFUSED = 6;
const REFUSE_MILLIS = 60_000;
const READY_MILLIS = 120_000;

interface Loss {
  readonly what: string;
  /** What goes; the folder is that of a validator that was killed. */
  readonly damage: (rig: Rig, victim: number, setting: FaultSetting) => Promise<void> | void;
  readonly outcome: 'back' | 'refused';
}

const data = (rig: Rig, victim: number) => rig.node(victim).node.home.data;

/** Removes files of the data folder. */
const without = (pattern: RegExp) => (rig: Rig, victim: number) => {
  const folder = data(rig, victim);
  for (const name of readdirSync(folder)) {
    if (pattern.test(name)) rmSync(join(folder, name), { recursive: true });
  }
};

/**
 * Cuts a write-ahead log off somewhere, as a disk that lies about its syncs does. One that may have
 * been written back is left alone: without its end the database would not be old, but broken.
 */
const torn =
  (kind: string) =>
  (rig: Rig, victim: number, { random }: FaultSetting) => {
    const path = join(data(rig, victim), `${kind}.sqlite-wal`);
    const bytes = existsSync(path) ? statSync(path).size : 0;
    if (bytes > 0 && bytes < STORE_LIMITS.walBytes / 2)
      truncateSync(path, between(0, bytes, random));
  };

const oldSignState = (folder: string, victim: number) => join(folder, `sign-state-${victim}`);

const LOSSES: readonly Loss[] = [
  { what: 'journal', damage: without(/^journal/), outcome: 'back' },
  { what: 'ledger and journal', damage: without(/./), outcome: 'back' },
  { what: 'end of the journal', damage: torn('journal'), outcome: 'back' },
  {
    what: 'sign state',
    damage: (rig, victim) => rmSync(rig.node(victim).node.home.signState),
    outcome: 'back',
  },
  // By now the journal has given up what a ledger without its past would have to execute again.
  { what: 'end of the ledger', damage: torn('ledger'), outcome: 'back' },
  { what: 'ledger', damage: without(/^ledger/), outcome: 'back' },
  {
    // What is left of a copy that an operator made long ago and put back by the book.
    what: 'journal, with an old sign state',
    damage(rig, victim, { folder }) {
      without(/^journal/)(rig, victim);
      cpSync(oldSignState(folder, victim), rig.node(victim).node.home.signState);
    },
    outcome: 'back',
  },
  {
    what: 'journal and sign state',
    damage(rig, victim) {
      without(/^journal/)(rig, victim);
      rmSync(rig.node(victim).node.home.signState);
    },
    outcome: 'refused',
  },
  {
    what: 'all but the keys',
    damage(rig, victim) {
      without(/./)(rig, victim);
      rmSync(rig.node(victim).node.home.signState);
    },
    outcome: 'refused',
  },
];

export const losses: Scenario = {
  name: 'losses',
  about: 'a validator lost its ledger, journal, sign state, or all but its keys; or runs twice',
  times: { short: LOSSES.length + 1, long: 5 * (LOSSES.length + 1) },
  leftOut: () => null,
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, random, say } = setting;
      const findings: string[] = [];
      const back: number[] = [];
      for (let victim = 0; victim < VALIDATORS; victim++) {
        cpSync(rig.node(victim).node.home.signState, oldSignState(setting.folder, victim));
      }
      for (let i = 0; i < times; i++) {
        const victim = between(0, VALIDATORS - 1, random);
        const loss = LOSSES[i % (LOSSES.length + 1)];
        await pause(between(500, 3_000, random));
        if (loss === undefined) {
          say(`loss ${i + 1} of ${times}: a second copy`);
          findings.push(...(await runTwice(rig, victim, setting)));
          continue;
        }
        say(`loss ${i + 1} of ${times}: ${loss.what}`);
        await rig.kill(victim);
        const { root } = rig.node(victim).node.home;
        const kept = join(setting.folder, 'kept');
        cpSync(root, kept, { recursive: true });
        await loss.damage(rig, victim, setting);
        const node = rig.restart(victim);
        if (loss.outcome === 'refused') {
          const code = await refusal(node);
          if (code !== REFUSED) findings.push(`without ${loss.what}: ${code}`);
          await rig.kill(victim);
          rmSync(root, { recursive: true });
          cpSync(kept, root, { recursive: true });
          rig.restart(victim);
        }
        back.push(await rig.caughtUp([victim]));
        // It follows already. A second one that forgot what it signed would be one too many.
        await rig.node(victim).waitUntilReady(READY_MILLIS);
        rmSync(kept, { recursive: true });
      }
      return { figures: { losses: times, ...spread('back', back) }, findings };
    }),
};

/** Starts a copy beside the running original: the copy must go, the original must not. */
async function runTwice(rig: Rig, victim: number, { folder }: FaultSetting): Promise<string[]> {
  const node = await copyNode(rig.node(victim).node, 'copy');
  const copy = new NodeProcess(node, { log: join(folder, 'copy.log') });
  const code = await refusal(copy);
  await copy.stop();
  rmSync(node.home.root, { recursive: true });
  const findings = code === REFUSED ? [] : [`a second copy: ${code}`];
  if (!rig.node(victim).isRunning) findings.push('the original went as well');
  return findings;
}

/** How a node ends that must refuse: its exit code, or that it goes on. */
async function refusal(node: NodeProcess): Promise<number | null | 'still running'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'still running'>((resolve) => {
    timer = setTimeout(() => resolve('still running'), REFUSE_MILLIS);
  });
  try {
    return await Promise.race([node.exited, late]);
  } finally {
    // Or the run would not end before it.
    clearTimeout(timer);
  }
}
