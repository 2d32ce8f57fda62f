/**
 * Four validators in processes of their own with steady traffic, for something to happen to.
 */
import { join } from 'node:path';
import { createLocalNetwork, type LocalNetwork, type LocalNode } from 'fanal-node/testnet/local.ts';
import { NodeProcess, type NodeProcessOptions } from 'fanal-node/testnet/process.ts';
import { audit } from './audit.ts';
import { type FaultReport, type FaultSetting, pause } from './scenario.ts';
import { LIGHT_LOAD, type Load, Witness } from './witness.ts';

export const VALIDATORS = 4;
const READY_MILLIS = 120_000;
const LOOK_MILLIS = 50;

export class Rig {
  readonly network: LocalNetwork;
  readonly witness: Witness;
  readonly #nodes: NodeProcess[];
  readonly #folder: string;

  private constructor(network: LocalNetwork, folder: string, random: () => number, load: Load) {
    this.network = network;
    this.#folder = folder;
    this.#nodes = network.nodes.map((node) => this.#launch(node));
    this.witness = new Witness(network, () => this.live.map(({ url }) => url), random, load);
  }

  /**
   * @param prepare called with the folder that each validator will have
   */
  static async start(
    { folder, random, say }: FaultSetting,
    load: Load,
    prepare: (folders: readonly string[]) => void = () => {},
  ): Promise<Rig> {
    say('starting four validators');
    const root = join(folder, 'network');
    prepare(Array.from({ length: VALIDATORS }, (_, i) => join(root, `val-${i + 1}`)));
    const network = await createLocalNetwork({ folder: root, validators: VALIDATORS, accounts: 1 });
    const rig = new Rig(network, folder, random, load);
    await Promise.all(rig.#nodes.map((node) => node.waitUntilReady(READY_MILLIS)));
    rig.witness.start();
    return rig;
  }

  /** Runs `work` on a new network; stops and looks through it afterwards. */
  static async with(
    setting: FaultSetting,
    work: (rig: Rig) => Promise<FaultReport>,
    load: Load = LIGHT_LOAD,
    prepare?: (folders: readonly string[]) => void,
  ): Promise<FaultReport> {
    const rig = await Rig.start(setting, load, prepare);
    try {
      const report = await work(rig);
      await rig.settle();
      setting.say('looking through what is stored');
      await rig.stop();
      const findings = await audit(rig.network, rig.witness);
      const { certified, height } = rig.witness;
      return {
        figures: { ...report.figures, payments: certified.size, blocks: Number(height) },
        findings: [...report.findings, ...findings],
      };
    } finally {
      await rig.stop();
    }
  }

  node(index: number): NodeProcess {
    return this.#nodes[index] as NodeProcess;
  }

  get live(): NodeProcess[] {
    return this.#nodes.filter(({ isRunning }) => isRunning);
  }

  /** Kills at once, and waits until they are gone. */
  async kill(...indices: readonly number[]): Promise<void> {
    for (const index of indices) this.node(index).kill('SIGKILL');
    await Promise.all(indices.map((index) => this.node(index).exited));
  }

  restart(index: number, options: NodeProcessOptions = {}): NodeProcess {
    const node = this.#launch(this.node(index).node, options);
    this.#nodes[index] = node;
    return node;
  }

  /**
   * Waits until these nodes have certified all that anybody had certified when this was called.
   *
   * @returns how long it took
   */
  async caughtUp(indices: readonly number[], limitMillis = READY_MILLIS): Promise<number> {
    const start = performance.now();
    const goal = this.witness.height;
    await Promise.all(
      indices.map(async (index) => {
        for (;;) {
          const node = this.node(index);
          const height = await certifiedHeight(node);
          if (height !== null && height > goal) return;
          if (!node.isRunning) {
            throw new Error(
              `${node.node.name} ended with code ${await node.exited}, see ${node.log}`,
            );
          }
          if (performance.now() - start > limitMillis) {
            throw new Error(
              `${node.node.name} stands at ${height}, not at ${goal}: see ${node.log}`,
            );
          }
          await pause(LOOK_MILLIS);
        }
      }),
    );
    return performance.now() - start;
  }

  /** Waits until every node runs and has caught up. */
  async settle(): Promise<void> {
    await this.caughtUp(this.#nodes.map((_, index) => index));
  }

  async stop(): Promise<void> {
    await this.witness.stop();
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  /** Logs go beside the folders: a disk that is broken on purpose must not take them along. */
  #launch(node: LocalNode, options: NodeProcessOptions = {}): NodeProcess {
    return new NodeProcess(node, { log: join(this.#folder, `${node.name}.log`), ...options });
  }
}

async function certifiedHeight({ url }: NodeProcess): Promise<bigint | null> {
  try {
    const response = await fetch(`${url}/v1/chain`, { signal: AbortSignal.timeout(2_000) });
    const { tip } = (await response.json()) as { tip: { height: string } };
    return BigInt(tip.height);
  } catch {
    return null;
  }
}
