/**
 * Where a node stops because the network goes on by rules that it does not know. The epoch that
 * ends is brought to its certificate by the old ones.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { paramsCodec } from 'fanal/chain/params.ts';
import { unknownVersion } from '../ledger/unknown-version.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import type { NodeContext } from './node-context.ts';

/**
 * Requires that the rules of the next block are known. A node that learns at the end of an epoch
 * that they are not still serves what it has for a while: others may need it.
 *
 * @throws {FanalError} `safety/upgrade-required`
 */
export async function requireKnownVersion(context: NodeContext, isStart: boolean): Promise<void> {
  const { parts, status, signal } = context;
  const { knowsVersion, params } = await parts.ledger.info();
  if (knowsVersion) return;
  const reason = unknownVersion(paramsCodec.decode(params).protocolVersion);
  status.trouble = reason.message;
  // Others may still need what this node has of the epoch that ended.
  if (!isStart) await pause(RUNTIME_LIMITS.farewellMillis, signal);
  throw reason;
}

/** Waits, and throws as soon as the node is to stop. */
async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await sleep(millis, undefined, { signal }).catch(() => signal.throwIfAborted());
}
