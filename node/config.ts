/**
 * The node's settings: a flag beats `FANAL_SECTION_KEY`, which beats `fanal.toml`, which beats the
 * default. Everything is checked before anything starts, and every value knows where it came from.
 *
 * Secrets are never settings: they come from files (or systemd credentials) that settings name.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MAX_CONFIG_FILE_BYTES } from 'fanal/chain/limits.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';

/** A setting that is missing, malformed or contradictory: the command line exits with 3. */
export class ConfigError extends FanalError {
  constructor(message: string, details: { hint?: string; cause?: unknown } = {}) {
    super('config/invalid', message, details);
    this.name = 'ConfigError';
  }
}

interface Setting<T> {
  readonly schema: z.ZodType<T>;
  readonly fallback: T;
  /** Reads the form it has in an environment variable. */
  readonly fromText: (text: string) => unknown;
  readonly help: string;
}

function setting<T>(
  schema: z.ZodType<T>,
  fallback: T,
  fromText: (text: string) => unknown,
  help: string,
): Setting<T> {
  return { schema, fallback, fromText, help };
}

const text = (fallback: string, help: string, schema: z.ZodType<string> = z.string().max(1_024)) =>
  setting(schema, fallback, (value) => value, help);
const integer = (fallback: number, min: number, max: number, help: string) =>
  setting(z.int().min(min).max(max), fallback, (value) => Number(value), help);
const flag = (fallback: boolean, help: string) =>
  setting(z.boolean(), fallback, (value) => ({ true: true, false: false })[value] ?? value, help);
const list = (fallback: string[], help: string) =>
  setting(
    z.array(z.string().min(1).max(256)).max(64),
    fallback,
    (value) => (value === '' ? [] : value.split(',').map((item) => item.trim())),
    help,
  );
const choice = <const T extends string>(options: readonly T[], fallback: T, help: string) =>
  setting(z.enum(options) as unknown as z.ZodType<T>, fallback, (value) => value, help);

const HOST_PORT = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s/[\]]+):[0-9]{1,5}$/, 'expected host:port');

/** Every setting there is. `fanal config show` prints this table with its values. */
export const SETTINGS = {
  node: {
    name: text('', 'This node’s name in logs; a validator’s is the one in the registry'),
    mode: choice(['archive', 'pruned'], 'archive', 'Keep every block, or the recent ones only'),
    observe: flag(false, 'Follow and serve, but never sign'),
    log_level: choice(
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'info',
      'How much the log says',
    ),
    verify_workers: integer(0, 0, 64, 'Threads that check signatures; 0 chooses by the machine'),
  },
  network: {
    listen: list(['0.0.0.0:26700'], 'Where peers connect: host:port, several with commas'),
    peers: list([], 'Peers to start from, besides the validators in the registry'),
    max_followers: integer(48, 0, 1_000, 'Connections of nodes that are no validators'),
  },
  api: {
    listen: text('127.0.0.1:8080', 'Where wallets and gateways ask; empty for nowhere'),
    trust_forwarded: flag(false, 'Take client addresses from a reverse proxy on loopback'),
    unlimited: list([], 'Addresses of clients without a limit, such as your gateway’s'),
  },
  ops: {
    listen: text('127.0.0.1:9670', 'Health and metrics, on loopback; empty for nowhere'),
  },
  keys: {
    password_file: text('', 'File with the password of the validator’s keystores'),
  },
  consensus: {
    min_round_delay_millis: integer(50, 1, 10_000, 'Least time between two own vertices'),
    leader_timeout_millis: integer(300, 10, 60_000, 'How long a round waits for its leader'),
    slim_least_bytes: integer(512, 0, 1_000_000, 'Send vertices slim when it saves so much'),
    watch_millis: integer(60_000, 0, 3_600_000, 'Least watch for a twin before restored keys sign'),
    watch_heights: integer(20, 0, 10_000, 'Blocks that the watch for a twin looks at'),
  },
  faucet: {
    key_file: text('', 'File with the seed that a local network’s faucet pays from'),
  },
  mempool: {
    max_bytes: integer(32 * 1024 * 1024, 65_536, 1 << 30, 'Memory for waiting transactions'),
    max_transactions: integer(20_000, 100, 10_000_000, 'Waiting transactions'),
  },
} as const;

type Section = keyof typeof SETTINGS;

export type Config = {
  readonly [S in Section]: {
    readonly [K in keyof (typeof SETTINGS)[S]]: (typeof SETTINGS)[S][K] extends Setting<infer T>
      ? T
      : never;
  };
};

export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

export interface LoadedConfig {
  readonly home: string;
  readonly file: string | null;
  readonly config: Config;
  /** By `section.key`. */
  readonly sources: Readonly<Record<string, ConfigSource>>;
}

export interface ConfigInput {
  readonly home?: string | undefined;
  /** `fanal.toml` in the home when none is named. */
  readonly file?: string | undefined;
  /** By `section.key`, as given on the command line. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The folder with everything of one node: `--home`, `$FANAL_HOME`, or `~/.fanal`. */
export function homeFolder(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return resolve(given ?? environment.FANAL_HOME ?? join(homedir(), '.fanal'));
}

/**
 * Reads and checks all settings.
 *
 * @throws {ConfigError} that names the file or variable, the setting, and what is wrong with it
 */
export function loadConfig(input: ConfigInput = {}): LoadedConfig {
  const environment = input.environment ?? process.env;
  const home = homeFolder(input.home, environment);
  const { file, tables } = readFile(
    input.file ?? join(home, 'fanal.toml'),
    input.file !== undefined,
  );
  const flags = input.flags ?? {};
  const sources: Record<string, ConfigSource> = {};
  const config: Record<string, Record<string, unknown>> = {};
  for (const [section, settings] of Object.entries(SETTINGS)) {
    const values: Record<string, unknown> = {};
    for (const [key, definition] of Object.entries(settings) as [string, Setting<unknown>][]) {
      const path = `${section}.${key}`;
      const variable = `FANAL_${section}_${key}`.toUpperCase();
      const fromEnvironment = environment[variable];
      const fromFile = tables[section]?.[key];
      const take = (source: ConfigSource, where: string, value: unknown) => {
        sources[path] = source;
        values[key] = check(definition, value, where);
      };
      if (flags[path] !== undefined) take('flag', `--${key.replaceAll('_', '-')}`, flags[path]);
      else if (fromEnvironment !== undefined) {
        take('environment', variable, definition.fromText(fromEnvironment));
      } else if (fromFile !== undefined) take('file', `${file}: ${path}`, fromFile);
      else take('default', path, definition.fallback);
    }
    config[section] = values;
  }
  refuseUnknown(file, tables);
  const loaded = config as unknown as Config;
  checkListen('api.listen', loaded.api.listen);
  checkListen('ops.listen', loaded.ops.listen);
  return { home, file, config: loaded, sources };
}

function readFile(
  path: string,
  required: boolean,
): { file: string | null; tables: Record<string, Record<string, unknown>> } {
  let content: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_FILE_BYTES) throw new ConfigError(`${path} has ${size} bytes`);
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if (!required && (cause as { code?: string }).code === 'ENOENT')
      return { file: null, tables: {} };
    throw new ConfigError(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  let tables: Record<string, unknown>;
  try {
    tables = parseToml(content);
  } catch (cause) {
    const message = (cause as Error).message.split('\n')[0] ?? '';
    throw new ConfigError(`${path} is not valid TOML: ${message}`, { cause });
  }
  return { file: path, tables: tables as Record<string, Record<string, unknown>> };
}

function check(definition: Setting<unknown>, value: unknown, where: string): unknown {
  const result = definition.schema.safeParse(value);
  if (result.success) return result.data;
  const why = result.error.issues.map(({ message }) => message).join('; ');
  throw new ConfigError(`${where}: ${why}`, { hint: definition.help });
}

/** A misspelt setting would be silently ignored otherwise. */
function refuseUnknown(file: string | null, tables: Record<string, unknown>): void {
  for (const [section, values] of Object.entries(tables)) {
    const known: Record<string, unknown> | undefined = SETTINGS[section as Section];
    if (known === undefined || typeof values !== 'object' || values === null) {
      throw new ConfigError(`${file}: there is no section [${section}]`, {
        hint: `Sections are ${Object.keys(SETTINGS).join(', ')}.`,
      });
    }
    for (const key of Object.keys(values)) {
      if (key in known) continue;
      throw new ConfigError(`${file}: there is no setting ${section}.${key}`, {
        hint: `In [${section}] there are ${Object.keys(known).join(', ')}.`,
      });
    }
  }
}

function checkListen(where: string, value: string): void {
  if (value === '') return;
  const result = HOST_PORT.safeParse(value);
  if (!result.success) throw new ConfigError(`${where}: expected host:port, found "${value}"`);
}
