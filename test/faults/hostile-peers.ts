/**
 * Strangers that mean harm, in every way that a stranger has, each for a while between quiet times:
 * blocks must go on at four fifths of the quiet rate, and memory must stay within bounds.
 */
import { fork } from 'node:child_process';
import type { Registration } from 'fanal/chain/registration.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { peerOfKey } from 'fanal-node/network/identity.ts';
import { readRegistration } from 'fanal-node/runtime/registration-file.ts';
import { usageOf } from '../support/process-usage.ts';
import type { AttackName, AttackTask } from './attacker.ts';
import { Rig } from './rig.ts';
import { pause, type Scenario } from './scenario.ts';

const ATTACKS: readonly AttackName[] = ['connections', 'drips', 'lengths', 'garbage'];
const ATTACKER = new URL('./attacker.ts', import.meta.url).pathname;
/** Processes, each as fast as the machine lets it. */
const ATTACKERS = 2;
const KEPT_RATE = 0.8;
const TOLERATED_BYTES = 256 * 2 ** 20;
const LOOK_MILLIS = 500;
const PHASE_MILLIS = 10_000;
const WARM_UP_MILLIS = 10_000;

/** What was seen for some seconds, or for several such times together. */
interface Phase {
  readonly seconds: number;
  readonly blocks: number;
  /** The most that any validator took. */
  readonly residentBytes: number;
}

const NOTHING: Phase = { seconds: 0, blocks: 0, residentBytes: 0 };

export const hostilePeers: Scenario = {
  name: 'hostile-peers',
  about: 'a stranger’s floods, drips, giant lengths and garbage, in turn with quiet',
  times: { short: 2, long: 12 },
  leftOut: () => (process.platform === 'linux' ? null : 'strangers come from all of 127.0.0.0/8'),
  run: (setting) =>
    Rig.with(setting, async (rig) => {
      const { times, say } = setting;
      const findings: string[] = [];
      const figures: Record<string, string> = {};
      await pause(WARM_UP_MILLIS);
      for (const attack of ATTACKS) {
        let [quiet, loud, harms, busy] = [NOTHING, NOTHING, 0, 0];
        for (let i = 0; i < times; i++) {
          quiet = together(quiet, await watch(rig));
          const attackers = await Promise.all(
            Array.from({ length: ATTACKERS }, () => start(rig, attack)),
          );
          loud = together(loud, await watch(rig));
          for (const attacker of attackers) {
            busy += usageOf(attacker.pid).cpuSeconds;
            harms += attacker.harms();
            attacker.kill();
          }
        }
        const kept = loud.blocks / loud.seconds / (quiet.blocks / quiet.seconds);
        const percent = `${Math.round(100 * kept)} % of the quiet block rate`;
        const memory = `at most ${inMib(loud)} MiB (quiet: ${inMib(quiet)})`;
        const share = `${Math.round((100 * busy) / loud.seconds)} % of a processor`;
        figures[attack] = `${percent}, ${memory}; ${harms} from ${share}`;
        say(`${attack}: ${figures[attack]}`);
        if (kept < KEPT_RATE) findings.push(`${attack}: ${percent}`);
        if (loud.residentBytes > quiet.residentBytes + TOLERATED_BYTES) {
          findings.push(`${attack}: ${memory}`);
        }
      }
      return { figures, findings };
    }),
};

const inMib = ({ residentBytes }: Phase) => Math.round(residentBytes / 2 ** 20);

const together = (a: Phase, b: Phase): Phase => ({
  seconds: a.seconds + b.seconds,
  blocks: a.blocks + b.blocks,
  residentBytes: Math.max(a.residentBytes, b.residentBytes),
});

/** Starts an attacker and waits until it begins: loading its program is no attack. */
async function start({ network: { nodes, chain } }: Rig, attack: AttackName) {
  const targets = nodes.map(({ p2p, home }) => {
    const { networkKey } = readRegistration(home, chain) as Registration;
    return `/ip4/127.0.0.1/tcp/${p2p}/p2p/${peerOfKey(networkKey)}`;
  });
  const task: AttackTask = { attack, targets, genesisId: toHex(chain.genesisId) };
  const child = fork(ATTACKER, { env: { ...process.env, FANAL_ATTACK: JSON.stringify(task) } });
  let harms = 0;
  await new Promise<void>((resolve) => {
    child.on('message', (count: number) => {
      harms = count;
      resolve();
    });
  });
  return { pid: child.pid as number, harms: () => harms, kill: () => child.kill('SIGKILL') };
}

async function watch({ witness, live }: Rig): Promise<Phase> {
  const [start, first] = [performance.now(), witness.height];
  const elapsed = () => performance.now() - start;
  let residentBytes = 0;
  while (elapsed() < PHASE_MILLIS) {
    await pause(LOOK_MILLIS);
    for (const { pid } of live) residentBytes = Math.max(residentBytes, usageOf(pid).residentBytes);
  }
  return { seconds: elapsed() / 1_000, blocks: Number(witness.height - first), residentBytes };
}
