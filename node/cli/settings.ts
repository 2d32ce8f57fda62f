/**
 * `fanal config show` and `fanal version`: what runs here, with which settings.
 */
import type { Command } from 'commander';
import type { Action } from './program.ts';
import { VERSION } from './version.ts';

export function registerSettings(program: Command, action: Action): void {
  const config = program.command('config').description('look at the settings');
  config
    .command('show')
    .description('print every setting with its value')
    .option('--sources', 'say where each value comes from')
    .action(
      action<{ sources?: boolean }>(async (context, { sources }) => {
        const { SETTINGS } = await import('../config.ts');
        const loaded = context.loadConfig();
        const rows = Object.entries(SETTINGS).flatMap(([section, settings]) =>
          Object.entries(settings).map(([key, { help }]) => ({
            setting: `${section}.${key}`,
            value: (loaded.config as unknown as Record<string, Record<string, unknown>>)[section]?.[
              key
            ],
            source: loaded.sources[`${section}.${key}`] ?? 'default',
            help,
          })),
        );
        context.output.table(
          'fanal.config/1',
          'settings',
          rows,
          [
            { title: 'SETTING', cell: (row) => row.setting },
            { title: 'VALUE', cell: (row) => JSON.stringify(row.value) },
            ...(sources ? [{ title: 'FROM', cell: (row: (typeof rows)[0]) => row.source }] : []),
            { title: 'MEANING', cell: (row) => row.help },
          ],
          { home: loaded.home, file: loaded.file },
        );
      }),
    );

  program
    .command('version')
    .description('print the versions of Fanal and what it runs on')
    .action(
      action(async ({ output }) => {
        const { platform, arch, version: node } = process;
        output.object('fanal.version/1', { version: VERSION, node, platform, arch }, [
          ['fanal', VERSION],
          ['node', node],
          ['platform', `${platform}-${arch}`],
        ]);
      }),
    );
}
