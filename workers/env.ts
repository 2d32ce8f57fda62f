/**
 * What the Worker is bound to, and what an operator may set. Everything but `TRUST` and `UPSTREAMS`
 * has a default; bindings that a platform lacks are left out.
 */
import type { Bucket, FileService } from './chain/blob.ts';
import type { ChainDO } from './chain/chain-do.ts';
import type { FetchDO } from './chain/fetch-do.ts';
import type { MetricsDO } from './gateway/metrics-do.ts';
import type { QuotaDO } from './gateway/quota-do.ts';
import type { RateBinding } from './gateway/rate-limit.ts';
import type { PushDO } from './push/push-do.ts';
import type { StreamDO } from './push/stream-do.ts';

export interface Env {
  /** The trust file's text: which chain, and from where on it is trusted. */
  readonly TRUST: string;
  /** URLs of nodes, separated by spaces or commas. */
  readonly UPSTREAMS: string;
  /** What stands before every path, such as `/testnet`. */
  readonly BASE_PATH?: string;
  /** `true` to let nodes be reached by plain HTTP: only for nodes of one's own network. */
  readonly INSECURE_UPSTREAMS?: string;
  /** Whoever sends it as a bearer token may read `/metrics`. A secret. */
  readonly METRICS_TOKEN?: string;
  /** Whoever sends it as a bearer token may take API keys back. A secret. */
  readonly OPERATOR_TOKEN?: string;
  /** `true` to hand `POST /v1/faucet` on. */
  readonly FAUCET?: string;
  /** The header in which the platform says who the client is; `none` where nothing does. */
  readonly CLIENT_HEADER?: string;
  /** Requests in ten seconds for clients without a key: `cached,uncached,submit`. */
  readonly ALLOWANCE?: string;
  readonly SOCKETS_PER_CLIENT?: string;
  readonly PUSH_ROOMS?: string;
  readonly FETCH_SHARDS?: string;
  readonly FOLLOW_MILLIS?: string;
  readonly UPSTREAM_TIMEOUT_MILLIS?: string;
  readonly VERSION?: string;
  readonly COMMIT?: string;

  readonly CHAIN: DurableObjectNamespace<ChainDO>;
  readonly FETCH: DurableObjectNamespace<FetchDO>;
  readonly METRICS: DurableObjectNamespace<MetricsDO>;
  readonly QUOTA: DurableObjectNamespace<QuotaDO>;
  readonly PUSH: DurableObjectNamespace<PushDO>;
  readonly STREAM: DurableObjectNamespace<StreamDO>;

  /** Immutable objects: R2, or workerd's writable disk service. Without either, caches alone. */
  readonly OBJECTS?: Bucket;
  readonly OBJECTS_DISK?: FileService;
  readonly PLANS?: KVNamespace;
  /** The page's files, where the platform does not serve them before the Worker. */
  readonly ASSETS_DISK?: FileService;
  readonly LIMIT_CACHED?: RateBinding;
  readonly LIMIT_UNCACHED?: RateBinding;
  readonly LIMIT_SUBMIT?: RateBinding;
}
