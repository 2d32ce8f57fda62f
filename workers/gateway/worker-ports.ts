/**
 * The gateway's ports over Cloudflare's bindings.
 */

import { shardOf } from '../chain/fetch-do.ts';
import { originHash } from '../chain/follower.ts';
import { fetchAnything, nodesThrough } from '../chain/nodes.ts';
import { openBlob } from '../chain/worker-blob.ts';
import { now, openPool, verify } from '../chain/world.ts';
import type { Config } from '../config.ts';
import type { Env } from '../env.ts';
import { roomOf, subscriptionRequest } from '../push/subscription.ts';
import type { AppPorts } from './app.ts';
import { clientKey } from './client-address.ts';
import { type ObjectSources, objectsThrough } from './immutable.ts';
import { MetricsRegistry } from './metrics.ts';
import type { LimitsPort } from './ports.ts';
import { ApiKeys, LeasedQuota } from './quota.ts';
import { BindingLimiter, MemoryLimiter, RememberingLimiter } from './rate-limit.ts';

/** Where an isolate finds what never changes. */
export function objectSources(env: Env, config: Config): ObjectSources {
  return {
    originHash: originHash(config.anchor.origin),
    blob: openBlob(env),
    nodes: (target) => env.FETCH.getByName(shardOf(target, config.fetchShards)).load(target),
  };
}

export function workerPorts(env: Env, config: Config): AppPorts {
  const { anchor, version, commit, basePath, metricsToken, operatorToken, faucet } = config;
  const metrics = new MetricsRegistry();
  const chain = () => env.CHAIN.getByName(anchor.origin);
  const pulse = () => env.METRICS.getByName('metrics');
  return {
    chain: {
      read: (size) => chain().read(size),
      evidence: () => chain().evidence(),
    },
    objects: objectsThrough(objectSources(env, config)),
    nodes: nodesThrough(openPool(config, metrics, fetchAnything), metrics),
    push: {
      open: (request, interest, call) => {
        const isSocket = request.headers.has('upgrade');
        const client = clientKey(call.client);
        const rooms = isSocket ? env.PUSH : env.STREAM;
        const room = rooms.getByName(roomOf(client, config.pushRooms));
        return room.fetch(subscriptionRequest(client, interest, anchor.prefix, isSocket));
      },
    },
    limits: limitsOf(env, config),
    metrics,
    pulse: {
      report: (delta, buckets) => pulse().report(delta, buckets),
      health: () => pulse().health(),
      metricsText: () => pulse().text(),
    },
    now,
    verify,
    copiesHeaders: true,
    identity: { anchor, version, commit, basePath, metricsToken, operatorToken, faucet },
    onError: (error) => console.error('internal error', error),
  };
}

/** The platform's limits where they are bound, else this isolate's own. */
function limitsOf(env: Env, { allowance }: Config): LimitsPort {
  const { LIMIT_CACHED, LIMIT_UNCACHED, LIMIT_SUBMIT, PLANS, QUOTA } = env;
  const isBound = LIMIT_CACHED && LIMIT_UNCACHED && LIMIT_SUBMIT;
  const anonymous = isBound
    ? new RememberingLimiter(
        new BindingLimiter({
          cached: LIMIT_CACHED,
          uncached: LIMIT_UNCACHED,
          submit: LIMIT_SUBMIT,
        }),
        now,
      )
    : new MemoryLimiter(allowance, now);
  return {
    anonymous,
    allowance,
    keys: PLANS === undefined ? null : new ApiKeys({ get: (keyHash) => PLANS.get(keyHash) }),
    quota: new LeasedQuota(
      (keyHash, tokensPerDay, wanted) => QUOTA.getByName(keyHash).lease(tokensPerDay, wanted),
      now,
    ),
    revoke: (keyHash, isRevoked) => QUOTA.getByName(keyHash).setRevoked(isRevoked),
    ofPlan: (_, planAllowance) => new MemoryLimiter(planAllowance, now),
  };
}
