/**
 * Looks over a node's folder and host, and says of each thing whether it is as it should be. It
 * changes nothing, and may run beside the node.
 */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { LoadedConfig } from '../config.ts';
import { type ChainIdentity, readChain } from '../runtime/chain-files.ts';
import { type Home, homePaths } from '../runtime/home.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import { readRegistration } from '../runtime/registration-file.ts';
import { keystorePassword, publicKeys, readSeeds } from '../runtime/validator-keys.ts';
import { readSignState } from '../store/sign-state.ts';

export interface Finding {
  readonly id: string;
  readonly verdict: 'ok' | 'warn' | 'bad';
  readonly found: string;
  /** What to do; null when there is nothing to do. */
  readonly hint: string | null;
}

/** The clock may be so far off the peers' median (docs/operate.md). */
const MAX_SKEW_SECONDS = 0.5;
const LOW_DISK_SHARE = 0.1;
const ASK_MILLIS = 3_000;

type Check = () => Promise<Omit<Finding, 'id'>> | Omit<Finding, 'id'>;

const ok = (found: string) => ({ verdict: 'ok' as const, found, hint: null });
const warn = (found: string, hint: string) => ({ verdict: 'warn' as const, found, hint });
const bad = (found: string, hint: string) => ({ verdict: 'bad' as const, found, hint });

/** Every check in order, or those named. One that throws counts as bad, with what it threw. */
export async function examine(
  loaded: LoadedConfig,
  only: readonly string[] | null = null,
): Promise<Finding[]> {
  const home = homePaths(loaded.home);
  const checks: [string, Check][] = [
    ['settings', () => ok(loaded.file ?? 'no file: defaults and environment')],
    ['genesis', () => genesis(home)],
    ['keys', () => keys(loaded, home)],
    ['sign-state', () => signState(loaded, home)],
    ['permissions', () => permissions(home)],
    ['disk', () => disk(home)],
    ['signatures', signatures],
    ['ports', () => ports(loaded)],
    ['clock', () => clock(loaded)],
  ];
  const findings: Finding[] = [];
  for (const [id, check] of checks) {
    if (only !== null && !only.includes(id)) continue;
    try {
      findings.push({ id, ...(await check()) });
    } catch (error) {
      const hint = error instanceof FanalError ? error.hint : undefined;
      findings.push({ id, ...bad((error as Error).message, hint ?? '') });
    }
  }
  return findings;
}

function genesis(home: Home) {
  const chain = readChain(home.genesis);
  return ok(`${chain.origin}, id ${toHex(chain.genesisId)}`);
}

async function keys(loaded: LoadedConfig, home: Home) {
  if (!existsSync(home.keystore)) return ok('no validator keys: this node follows');
  const registration = readRegistration(home, readChain(home.genesis));
  if (registration === null) {
    return bad(`${home.registration} is missing`, 'Restore it from the backup of the keystore.');
  }
  const found = publicKeys(await readSeeds(home.keystore, keystorePassword(loaded.config)));
  const same = (['vertexKey', 'checkpointKey', 'networkKey'] as const).every(
    (role) => toHex(found[role]) === toHex(registration[role]),
  );
  if (same) return ok(`of ${registration.name}, and the password opens them`);
  return bad(
    `the keystore is not that of ${registration.name}`,
    'Keystore and registration belong together: restore both from one backup.',
  );
}

function signState(loaded: LoadedConfig, home: Home) {
  if (!existsSync(home.keystore) || loaded.config.node.observe) return ok('nothing is signed here');
  const chain: ChainIdentity = readChain(home.genesis);
  const registration = readRegistration(home, chain);
  if (registration === null) return bad('whose it is is not known', 'See keys above.');
  const { vertexKey, checkpointKey } = registration;
  const state = readSignState(home.signState, {
    genesisId: chain.genesisId,
    ...{ vertexKey, checkpointKey },
  });
  if (state !== null) {
    const { vertex, checkpoint } = state;
    return ok(`round ${vertex.round} of epoch ${vertex.epoch}, checkpoint ${checkpoint.size}`);
  }
  if (!existsSync(home.signingMark)) return ok('these keys have never signed');
  return bad(
    `${home.signState} is lost`,
    'Restore it from a backup, or retire this validator. Until then, start with --observe.',
  );
}

/** Secrets that others on this host can read. */
function permissions(home: Home) {
  const open = [home.keystore, home.networkKey, home.config, home.signState].filter(
    (path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0,
  );
  if (open.length === 0) return ok('only this account can read them');
  return warn(`others can read ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`);
}

function disk(home: Home) {
  const { bavail, blocks, bsize } = statfsSync(existsSync(home.data) ? home.data : home.root);
  const share = bavail / blocks;
  const found = `${(100 * share).toFixed(0)} % free, ${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB`;
  if (share >= LOW_DISK_SHARE) return ok(found);
  return warn(found, 'Remove old snapshots and backups, or give it more room.');
}

async function signatures() {
  await selfTestVerifier(verifyNatively);
  return ok('Ed25519 gives the right verdict on every test case');
}

/** Listens for a moment where the node would, unless the node is running. */
async function ports(loaded: LoadedConfig) {
  const { network, api, ops } = loaded.config;
  if (ops.listen !== '' && !/^(127\.|localhost:|\[::1\])/.test(ops.listen)) {
    return warn(
      `health and metrics are open on ${ops.listen}`,
      'Set ops.listen to 127.0.0.1:9670.',
    );
  }
  if (await isAnswering(ops.listen)) return ok('the node is running on them');
  const taken: string[] = [];
  for (const listen of [...network.listen, api.listen, ops.listen]) {
    if (listen !== '' && !(await isFree(listen))) taken.push(listen);
  }
  if (taken.length === 0) return ok('free');
  return bad(`${taken.join(', ')} cannot be listened on`, 'Stop what is there, or set others.');
}

/** What the running node has found about its clock, by its peers. */
async function clock(loaded: LoadedConfig) {
  const text = await ask(loaded.config.ops.listen, '/metrics');
  const match = /^fanal_p2p_clock_skew_seconds\{[^}]*\} (\S+)$/m.exec(text ?? '');
  if (match === null) return ok('not compared: the node is not running');
  const seconds = Number(match[1]);
  const found = `${(1_000 * seconds).toFixed(0)} ms from the peers’ median`;
  if (Math.abs(seconds) <= MAX_SKEW_SECONDS) return ok(found);
  return bad(found, 'Run chrony or systemd-timesyncd, and see that it is in sync.');
}

async function isAnswering(listen: string): Promise<boolean> {
  return (await ask(listen, '/livez')) !== null;
}

async function ask(listen: string, path: string): Promise<string | null> {
  if (listen === '') return null;
  try {
    const signal = AbortSignal.timeout(ASK_MILLIS);
    const response = await fetch(`http://${listen}${path}`, { signal });
    return await response.text();
  } catch {
    return null;
  }
}

function isFree(listen: string): Promise<boolean> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(Number(listen.slice(at + 1)), host, () => server.close(() => resolve(true)));
  });
}
