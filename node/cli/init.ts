/**
 * `fanal init`: makes a node's folder, with new keys for a validator, or with a network's genesis.
 * Nothing that exists is overwritten, so it may be run again.
 */
import type { Command } from 'commander';
import { UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface InitOptions {
  readonly name?: string;
  readonly chain?: string;
  readonly prefix: 'fan' | 'tfan' | 'dfan';
  readonly owner?: string;
  readonly address?: string[];
  readonly passwordFile?: string;
  readonly genesis?: string;
}

export function registerInit(program: Command, action: Action): void {
  program
    .command('init')
    .description('make this node’s folder: a validator’s keys, or a network’s genesis')
    .option('--name <name>', 'make a validator of this name')
    .option('--chain <domain/network>', 'the network that the validator is for')
    .option('--prefix <prefix>', 'what the network’s addresses begin with', 'tfan')
    .option('--owner <address>', 'who owns the validator’s stake and rewards')
    .option(
      '--address <multiaddr>',
      'where peers reach it, such as /ip4/192.0.2.7/tcp/26700; up to four times',
      (value: string, before: string[] = []) => [...before, value],
    )
    .option('--password-file <file>', 'file with the password for the keys (default: ask)')
    .option('--genesis <file>', 'install a network’s sealed genesis')
    .action(
      action<InitOptions>(async (context, options) => {
        const { homePaths, makeFolder } = await import('../runtime/home.ts');
        const home = homePaths(context.home);
        makeFolder(home.root);
        if (options.name === undefined && options.genesis === undefined) {
          throw new UsageError(
            'there is nothing to make',
            'Use --name and --chain for a validator’s keys, --genesis FILE to join a network.',
          );
        }
        if (options.name !== undefined) await makeValidator(context, home, options);
        if (options.genesis !== undefined) await installGenesis(context, home, options);
      }),
    );
}

type Context = import('./context.ts').CommandContext;
type Home = import('../runtime/home.ts').Home;

async function makeValidator(context: Context, home: Home, options: InitOptions): Promise<void> {
  const { name, chain, owner, address: addresses = [] } = options;
  if (chain === undefined || owner === undefined) {
    throw new UsageError('a validator needs --chain and --owner', 'See `fanal init --help`.');
  }
  const { writeFileSync } = await import('node:fs');
  const { registrationToJson } = await import('fanal/chain/genesis-file.ts');
  const { isNetworkAddress, isValidatorName } = await import('fanal/chain/text.ts');
  const { decodeAddress } = await import('fanal/crypto/address.ts');
  const { parseAddress } = await import('../network/addresses.ts');
  const { makeRegistration, newSeeds, writeSeeds } = await import('../runtime/validator-keys.ts');
  const { chainName } = await import('./genesis.ts');
  if (!isValidatorName(name as string)) {
    throw new UsageError(
      `"${name}" cannot name a validator`,
      'Lower-case letters, digits, inner hyphens.',
    );
  }
  const about = {
    name: name as string,
    owner: decodeAddress(owner, options.prefix).address,
    addresses: addresses.map((text) => parseAddress(text).toString()),
  };
  if (about.addresses.length > 4 || !about.addresses.every(isNetworkAddress)) {
    throw new UsageError('a validator has at most four addresses');
  }
  const password = await newPassword(options.passwordFile);
  const seeds = newSeeds();
  await writeSeeds(home.keystore, seeds, password, `Fanal validator ${name}`);
  const registration = makeRegistration(seeds, about, await chainName(chain));
  const json = { schema: 'fanal.validator/1', ...registrationToJson(registration, options.prefix) };
  writeFileSync(home.registration, `${JSON.stringify(json, null, 2)}\n`, { flush: true });
  writeSettings(
    home.config,
    { name: about.name, passwordFile: options.passwordFile },
    writeFileSync,
  );
  context.output.object('fanal.init/1', { keys: home.keystore, registration: home.registration }, [
    ['keys', home.keystore],
    ['registration', home.registration],
  ]);
  context.output.progress(
    'Send the registration to the network’s coordinator. Keep the keys, and a backup of them.',
  );
}

async function installGenesis(context: Context, home: Home, options: InitOptions): Promise<void> {
  const { existsSync, readFileSync, writeFileSync } = await import('node:fs');
  const { toHex } = await import('fanal/primitives/bytes.ts');
  const { readChain } = await import('../runtime/chain-files.ts');
  const { prepareSigning } = await import('../runtime/prepare.ts');
  const chain = readChain(options.genesis as string);
  if (existsSync(home.genesis)) {
    if (!readFileSync(home.genesis).equals(readFileSync(options.genesis as string))) {
      throw new UsageError(
        `${home.genesis} is of another network`,
        'Use a folder of its own for each network: --home.',
      );
    }
  } else {
    const bytes = readFileSync(options.genesis as string);
    writeFileSync(home.genesis, bytes, { flag: 'wx', flush: true });
  }
  const validator = await prepareSigning(home, chain);
  context.output.object(
    'fanal.init/1',
    { genesisId: chain.genesisId, origin: chain.origin, validator },
    [
      ['genesis id', toHex(chain.genesisId)],
      ['origin', chain.origin],
      ['validator', validator ?? 'none: this node will follow'],
    ],
  );
}

async function newPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    const { readSecret } = await import('../runtime/secret-file.ts');
    return readSecret(file).replace(/\r?\n$/, '');
  }
  const { askNewPassword } = await import('./password.ts');
  return askNewPassword('Password for the validator’s keys');
}

function writeSettings(
  path: string,
  about: { name: string; passwordFile: string | undefined },
  write: typeof import('node:fs').writeFileSync,
): void {
  const lines = [
    '# Settings of this node. `fanal config show` lists all there are.',
    '',
    '[node]',
    `name = ${JSON.stringify(about.name)}`,
    '',
    '[keys]',
    about.passwordFile === undefined
      ? '# password_file = "/etc/fanal/keystore-password"'
      : `password_file = ${JSON.stringify(about.passwordFile)}`,
    '',
  ];
  try {
    write(path, lines.join('\n'), { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    // Settings that are there already are the operator's.
    if ((cause as { code?: string }).code !== 'EEXIST') throw cause;
  }
}
