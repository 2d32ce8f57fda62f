/**
 * `fanal trust`: where trust in a network begins, and how to hand it on.
 */
import type { Command } from 'commander';
import { NotFoundError, UsageError } from './exit.ts';
import type { Action } from './program.ts';

export function registerTrust(program: Command, action: Action): void {
  const trust = program.command('trust').description('where trust in a network begins');

  trust
    .command('show')
    .description('what is trusted now')
    .action(
      action(async (context) => {
        const { openClient } = await import('./networks.ts');
        const { client, network } = await openClient(context);
        const tip = await client.sync({ signal: context.signal });
        const { toHex } = await import('fanal/primitives/bytes.ts');
        const { origin, genesisId } = client.chain.trust;
        context.output.object(
          'fanal.trust/1',
          { network: network.name, origin, genesisId, ...tip },
          [
            ['network', network.name],
            ['origin', origin],
            ['genesis id', toHex(genesisId)],
            ['height', `${tip.height} (proved)`],
            ['root', toHex(tip.root)],
            ['epoch', tip.epoch],
            ['vouched for', new Date(Number(tip.sureAt)).toISOString()],
            ['freshness', tip.freshness],
            ['sources', `${tip.agreed} of ${tip.asked} agree`],
          ],
        );
      }),
    );

  trust
    .command('pin')
    .description('trust a network from a trust file, a genesis file, or a genesis id and a url')
    .argument('<file-or-genesis-id>')
    .option('--name <name>', 'what to call the network (default: its own name)')
    .action(
      action<{ name?: string }>(async (context, options, source) => {
        const { formatTrust } = await import('fanal/light/index.ts');
        const { fetchChain, http } = await import('fanal/wallet/index.ts');
        const { pinNetwork } = await import('./networks.ts');
        const urls = context.options.url ?? [];
        let state: import('fanal/light/index.ts').TrustState;
        if (/^[0-9a-f]{64}$/.test(source as string)) {
          const url = urls[0];
          if (url === undefined) throw new UsageError('a genesis id needs a --url to ask');
          state = (await fetchChain(source as string, http(url))).trust;
        } else state = await readTrust(source as string);
        const name = options.name ?? (state.origin.split('/')[1] as string);
        const pinned = pinNetwork(context.home, name, formatTrust(state), urls);
        context.output.object('fanal.trust-pin/1', { ...pinned, origin: state.origin }, [
          ['network', name],
          ['origin', state.origin],
          ['urls', urls.join(' ') || 'none: give one with --url'],
        ]);
      }),
    );

  trust
    .command('export')
    .description('write a trust file of what is trusted now, for someone who trusts you')
    .argument('<file>')
    .action(
      action(async (context, _options, file) => {
        const { formatTrust } = await import('fanal/light/index.ts');
        const { takePlace } = await import('./new-file.ts');
        const { openClient } = await import('./networks.ts');
        const { client } = await openClient(context);
        await client.sync({ signal: context.signal });
        const state = client.trusted();
        takePlace(file as string, 'another name').write(formatTrust(state));
        context.output.object(
          'fanal.trust-export/1',
          { file, origin: state.origin, height: state.header.height },
          [
            ['file', file],
            ['origin', state.origin],
            ['height', state.header.height],
          ],
        );
      }),
    );
}

/** A trust file, or the trust that a genesis file begins. */
export async function readTrust(file: string): Promise<import('fanal/light/index.ts').TrustState> {
  const { existsSync, readFileSync } = await import('node:fs');
  const { parseTrust } = await import('fanal/light/index.ts');
  if (!existsSync(file)) throw new NotFoundError(`there is no file ${file}`);
  const text = readFileSync(file, 'utf8');
  if (!text.trimStart().startsWith('{')) return parseTrust(text);
  const { trustGenesis } = await import('fanal/light/trust-genesis.ts');
  const { genesisFromText } = await import('fanal/chain/genesis-file.ts');
  return trustGenesis(genesisFromText(text));
}
