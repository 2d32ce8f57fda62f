/**
 * workerd's configuration for a gateway on one machine, as the text that `workerd serve` reads.
 */
import type { Settings } from '../config.ts';

export interface WorkerdPlaces {
  readonly port: number;
  /** The interface to listen on. */
  readonly host: string;
  /** Directories for the databases and for what never changes. */
  readonly stateDirectory: string;
  readonly objectsDirectory: string;
  /** The built page; null for none. */
  readonly assetsDirectory: string | null;
}

/** Durable Objects by binding and class. The keys name their data on disk, so they never change. */
const OBJECTS = [
  ['CHAIN', 'ChainDO'],
  ['FETCH', 'FetchDO'],
  ['METRICS', 'MetricsDO'],
  ['QUOTA', 'QuotaDO'],
  ['PUSH', 'PushDO'],
  ['STREAM', 'StreamDO'],
] as const;

/**
 * For V8. workerd frees what a request leaves behind in one go, standing still meanwhile; with little
 * room for what is new it does so more often, and for a third of the time.
 */
export const V8_FLAGS = ['--max-semi-space-size=1'] as const;

/** Writes the configuration; the Worker itself lies beside it as `main.js`. */
export function workerdConfig(settings: Settings, places: WorkerdPlaces): string {
  const { host, port, stateDirectory, objectsDirectory, assetsDirectory } = places;
  const hasAssets = assetsDirectory !== null;
  const texts = Object.entries(settings).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const bindings = [
    ...texts.map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    ...OBJECTS.map(
      ([binding, name]) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(name)})`,
    ),
    '(name = "OBJECTS_DISK", service = "objects")',
    ...(hasAssets ? ['(name = "ASSETS_DISK", service = "assets")'] : []),
  ];
  const namespaces = OBJECTS.map(
    ([, name]) => `(className = ${quote(name)}, uniqueKey = "fanal-${name}", enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = [${V8_FLAGS.map(quote).join(', ')}],
  services = [
    (name = "gateway", worker = .gateway),
    (name = "nodes", network = (
      allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = true)
    )),
    (name = "state", disk = (path = ${quote(stateDirectory)}, writable = true)),
    (name = "objects", disk = (path = ${quote(objectsDirectory)}, writable = true)),
${hasAssets ? `    (name = "assets", disk = (path = ${quote(assetsDirectory)})),\n` : ''}  ],
  sockets = [
    (name = "http", address = ${quote(`${host}:${port}`)}, http = (), service = "gateway"),
  ],
);

const gateway :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "2026-10-23",
  bindings = [
    ${bindings.join(',\n    ')},
  ],
  durableObjectNamespaces = [
    ${namespaces.join(',\n    ')},
  ],
  durableObjectStorage = (localDisk = "state"),
  globalOutbound = "nodes",
);
`;
}

/** A Cap'n Proto text literal. */
function quote(text: string): string {
  return `"${text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')}"`;
}
