/**
 * A second copy of a node, keys and all: what an operator makes by mistake.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { homePaths } from 'fanal-node/runtime/home.ts';
import { freePorts, type LocalNode } from 'fanal-node/testnet/local.ts';

/** Copies a node's folder to one beside it, which listens elsewhere. */
export async function copyNode(original: LocalNode, name: string): Promise<LocalNode> {
  const home = homePaths(join(original.home.root, '..', name));
  cpSync(original.home.root, home.root, {
    recursive: true,
    filter: (path) => !path.endsWith('.sock') && !path.includes('instance.'),
  });
  const [p2p, api, ops] = (await freePorts(3)) as [number, number, number];
  const settings = readFileSync(original.home.config, 'utf8')
    .replace(`:${original.p2p}`, `:${p2p}`)
    .replace(`:${original.api}`, `:${api}`)
    .replace(`:${original.ops}`, `:${ops}`);
  writeFileSync(home.config, settings);
  return { name, home, p2p, api, ops };
}
