/**
 * `fanal genesis`: the ceremony that begins a network, from an empty draft to a sealed file.
 */
import { type Command, Option } from 'commander';
import { NotFoundError, UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface InitOptions {
  readonly chain: string;
  readonly prefix: 'fan' | 'tfan' | 'dfan';
  readonly preset: 'public' | 'local';
  readonly time?: string;
  readonly param?: readonly string[];
  readonly draft: string;
}

const DRAFT = 'genesis-draft.json';

export function registerGenesis(program: Command, action: Action): void {
  const genesis = program.command('genesis').description('begin a network');
  const draft = () => new Option('--draft <file>', 'the file that is being filled').default(DRAFT);

  genesis
    .command('init')
    .description('start a draft with the network’s name and parameters')
    .requiredOption('--chain <domain/network>', 'name of the network, such as example.org/main')
    .addOption(
      new Option('--prefix <prefix>', 'what addresses begin with')
        .choices(['fan', 'tfan', 'dfan'])
        .default('tfan'),
    )
    .addOption(
      new Option('--preset <preset>', 'parameters to start from')
        .choices(['public', 'local'])
        .default('public'),
    )
    .option('--param <name=value...>', 'a parameter that differs from the preset')
    .option('--time <when>', 'when it begins: ISO 8601, or +10m (default: now)')
    .addOption(draft())
    .action(
      action<InitOptions>(async ({ output }, options) => {
        const { existsSync } = await import('node:fs');
        const { writeDraft } = await import('../runtime/genesis-draft.ts');
        const { domain, network } = await chainName(options.chain);
        if (existsSync(options.draft)) {
          throw new UsageError(`${options.draft} exists already`, 'Move it away, or use --draft.');
        }
        const time = parseTime(options.time);
        writeDraft(options.draft, {
          domain,
          network,
          prefix: options.prefix,
          time,
          params: await paramsOf(options),
          validators: [],
          balances: [],
        });
        output.object('fanal.genesis-draft/1', { file: options.draft, domain, network, time }, [
          ['draft', options.draft],
          ['chain', `${domain}/${network}`],
          ['begins', new Date(Number(time)).toISOString()],
        ]);
        output.progress('Next: each validator runs `fanal init` and sends its validator.json.');
      }),
    );

  genesis
    .command('add-validator')
    .description('add a validator’s public file, as `fanal init` made it')
    .argument('<file>', 'its validator.json')
    .requiredOption('--stake <coins>', 'what it begins with')
    .addOption(draft())
    .action(
      action<{ stake: string; draft: string }>(async ({ output }, options, file) => {
        const { readFileSync } = await import('node:fs');
        const { registrationFromJson } = await import('fanal/chain/genesis-file.ts');
        const { parseCoins } = await import('fanal/wallet/amounts.ts');
        const { readDraft, withValidator, writeDraft } = await import(
          '../runtime/genesis-draft.ts'
        );
        const before = readDraft(options.draft);
        const { schema: _, ...json } = parseJson(file as string, readFileSync);
        const registration = registrationFromJson(json, before.prefix);
        const after = withValidator(before, registration, parseCoins(options.stake));
        writeDraft(options.draft, after);
        output.object(
          'fanal.genesis-validator/1',
          { name: registration.name, validators: after.validators.length },
          [
            ['validator', registration.name],
            ['validators', after.validators.length],
          ],
        );
      }),
    );

  genesis
    .command('add-account')
    .description('give coins to an address')
    .argument('<address>')
    .argument('<coins>')
    .addOption(draft())
    .action(
      action<{ draft: string }>(async ({ output }, options, text, coins) => {
        const { decodeAddress } = await import('fanal/crypto/address.ts');
        const { parseCoins } = await import('fanal/wallet/amounts.ts');
        const { readDraft, withBalance, writeDraft } = await import('../runtime/genesis-draft.ts');
        const before = readDraft(options.draft);
        const { address } = decodeAddress(text as string, before.prefix);
        const after = withBalance(before, address, parseCoins(coins as string));
        writeDraft(options.draft, after);
        output.object('fanal.genesis-account/1', { accounts: after.balances.length }, [
          ['accounts', after.balances.length],
        ]);
      }),
    );

  genesis
    .command('seal')
    .description('freeze the draft; prints the genesis id that everyone compares')
    .option('--out <file>', 'where the sealed file goes', 'genesis.json')
    .addOption(draft())
    .action(
      action<{ out: string; draft: string }>(async ({ output }, options) => {
        const { writeFileSync } = await import('node:fs');
        const { chainOf } = await import('../runtime/chain-files.ts');
        const { readDraft, sealDraft } = await import('../runtime/genesis-draft.ts');
        const { genesis: sealed, text } = sealDraft(readDraft(options.draft));
        const chain = chainOf(sealed);
        try {
          writeFileSync(options.out, text, { flag: 'wx', flush: true });
        } catch (cause) {
          if ((cause as { code?: string }).code !== 'EEXIST') throw cause;
          throw new UsageError(`${options.out} exists already`, 'A sealed genesis never changes.');
        }
        output.progress('Compare the genesis id by voice, then: fanal init --genesis FILE');
        await printChain(output, options.out, chain);
      }),
    );

  genesis
    .command('verify')
    .description('check a sealed file and print its genesis id')
    .argument('[file]', 'the sealed file', 'genesis.json')
    .action(
      action(async ({ output }, _options, file) => {
        const { existsSync } = await import('node:fs');
        if (!existsSync(file as string)) throw new NotFoundError(`there is no file ${file}`);
        const { readChain } = await import('../runtime/chain-files.ts');
        await printChain(output, file as string, readChain(file as string));
      }),
    );
}

async function printChain(
  output: import('./output.ts').Output,
  file: string,
  chain: import('../runtime/chain-files.ts').ChainIdentity,
): Promise<void> {
  const { genesisSupply } = await import('fanal/chain/genesis.ts');
  const { toHex } = await import('fanal/primitives/bytes.ts');
  const { formatCoins } = await import('fanal/wallet/amounts.ts');
  const { genesis, genesisId, origin, validators } = chain;
  const begins = new Date(Number(genesis.time)).toISOString();
  output.object(
    'fanal.genesis-summary/1',
    {
      file,
      genesisId,
      origin,
      begins,
      validators: validators.validators.length,
      stake: validators.totalStake,
      accounts: genesis.balances.length,
      supply: genesisSupply(genesis),
    },
    [
      ['genesis id', output.style('strong', toHex(genesisId))],
      ['origin', origin],
      ['begins', begins],
      ['validators', validators.validators.length],
      ['stake', `${formatCoins(validators.totalStake)} coins`],
      ['accounts', genesis.balances.length],
      ['supply', `${formatCoins(genesisSupply(genesis))} coins`],
    ],
  );
}

/** Reads `example.org/main`. */
export async function chainName(text: string): Promise<{ domain: string; network: string }> {
  const { isDomain, isNetwork } = await import('fanal/chain/origin.ts');
  const [domain = '', network = '', ...rest] = text.split('/');
  if (rest.length > 0 || !isDomain(domain) || !isNetwork(network)) {
    throw new UsageError(
      `expected domain/network, found "${text.slice(0, 100)}"`,
      'Such as example.org/main.',
    );
  }
  return { domain, network };
}

/** The preset, with the parameters that were given instead. */
async function paramsOf({ preset, param = [] }: InitOptions) {
  const { LOCAL_PARAMS, PUBLIC_PARAMS } = await import('fanal/chain/params-presets.ts');
  const { paramsFromJson, paramsToJson } = await import('fanal/chain/genesis-file.ts');
  const json = paramsToJson(preset === 'local' ? LOCAL_PARAMS : PUBLIC_PARAMS);
  for (const text of param) {
    const [name = '', value = ''] = text.split('=');
    const before = json[name as keyof typeof json];
    if (before === undefined || !/^[0-9]+$/.test(value)) {
      throw new UsageError(
        `expected a parameter such as epochDurationMillis=3600000, found "${text}"`,
        `There are: ${Object.keys(json).join(', ')}.`,
      );
    }
    json[name as keyof typeof json] = typeof before === 'number' ? Number(value) : value;
  }
  return paramsFromJson(json);
}

function parseTime(text: string | undefined): bigint {
  if (text === undefined) return BigInt(Date.now());
  const relative = /^\+([0-9]{1,6})(s|m|h|d)$/.exec(text);
  if (relative !== null) {
    const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[relative[2] as 's'];
    return BigInt(Date.now() + Number(relative[1]) * unit);
  }
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new UsageError(`expected a time such as 2027-01-31T12:00Z, found "${text}"`);
  return BigInt(time);
}

function parseJson(
  file: string,
  read: (path: string, encoding: 'utf8') => string,
): Record<string, unknown> {
  try {
    const json = JSON.parse(read(file, 'utf8'));
    if (typeof json === 'object' && json !== null) return json;
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') {
      throw new NotFoundError(`there is no file ${file}`);
    }
  }
  throw new UsageError(
    `${file} is not a validator’s public file`,
    'Each validator makes one with `fanal init`.',
  );
}
