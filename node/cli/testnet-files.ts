/**
 * `fanal testnet files`: a test network as folders, one for each host.
 */
import type { Command } from 'commander';
import { UsageError } from './exit.ts';
import type { Action } from './program.ts';

interface FilesFlags {
  readonly out: string;
  readonly validators: string;
  readonly host?: string[];
  readonly port: string;
  readonly chain: string;
  readonly preset: string;
}

const MOST_VALIDATORS = 100;

export function registerTestnetFiles(testnet: Command, action: Action): void {
  testnet
    .command('files')
    .description('write a ready folder for each host: keys, settings, genesis, systemd units')
    .requiredOption('--out <folder>', 'where the folders go; it must be empty')
    .option('-n, --validators <count>', 'how many, all on this machine', '4')
    .option(
      '--host <address>',
      'IP address or name of a host, one validator each; repeatable, instead of -n',
      (value: string, before: string[] = []) => [...before, value],
    )
    .option('--port <port>', 'first of three ports for each validator of this machine', '27000')
    .option('--chain <domain/network>', 'what the network is called', 'localhost/testnet')
    .option('--preset <name>', 'parameters: public, or local with short epochs', 'public')
    .action(
      action<FilesFlags>(async ({ output }, flags) => {
        const { randomBytes } = await import('node:crypto');
        const { chainName } = await import('./genesis.ts');
        const { newMnemonic } = await import('fanal/wallet/index.ts');
        const { LOCAL_PARAMS, PUBLIC_PARAMS } = await import('fanal/chain/params-presets.ts');
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const { writeHostFiles } = await import('../testnet/files.ts');
        if (flags.preset !== 'public' && flags.preset !== 'local') {
          throw new UsageError(`expected --preset public or local, found ${flags.preset}`);
        }
        const made = await writeHostFiles({
          folder: flags.out,
          hosts: flags.host ?? null,
          validators: whole('-n', flags.validators, 1, MOST_VALIDATORS),
          firstPort: whole('--port', flags.port, 1, 65_535 - 3 * MOST_VALIDATORS),
          ...(await chainName(flags.chain)),
          params: flags.preset === 'local' ? LOCAL_PARAMS : PUBLIC_PARAMS,
          words: newMnemonic((length) => new Uint8Array(randomBytes(length))),
        });
        const { chain, hosts, owner } = made;
        const value = { genesisId: chain.genesisId, origin: chain.origin, owner, hosts };
        output.object('fanal.testnet-files/1', value, [
          ['genesis id', toHex(chain.genesisId)],
          ['origin', chain.origin],
          ['owner of the coins', owner],
          ['its words', `${flags.out}/wallet-words`],
          ...hosts.map(
            ({ folder, host }, i) => [i === 0 ? 'folders' : '', `${folder}  ${host}`] as const,
          ),
        ]);
        output.progress('Copy each folder to its host, and run install.sh in it there.');
      }),
    );
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`expected ${flag} from ${least} to ${most}, found ${text}`);
  }
  return value;
}
