/**
 * `fanal snapshot`, `backup` and `restore`: a node's data, kept safe and brought back.
 */
import type { Command } from 'commander';
import { toHex } from 'fanal/primitives/bytes.ts';
import { u64FromText } from 'fanal/primitives/units.ts';
import type { RestoredSnapshot } from '../operate/snapshots.ts';
import type { Cell, Output } from './output.ts';
import type { Action } from './program.ts';

export function registerData(program: Command, action: Action): void {
  registerSnapshot(program, action);
  registerBackup(program, action);
}

function registerSnapshot(program: Command, action: Action): void {
  const snapshot = program.command('snapshot').description('the state at a certified height');
  snapshot
    .command('create')
    .description('write a snapshot of the newest certified state; the node may run')
    .option('--keep <count>', 'snapshots to keep', '2')
    .action(
      action<{ keep: string }>(async ({ home, output }, { keep }) => {
        const { createSnapshot } = await import('../operate/snapshots.ts');
        const paths = await homeOf(home);
        const { manifest, folder } = await createSnapshot(
          paths,
          Math.max(1, Number(keep) || 1),
          ({ chunks, sizeBytes }) => output.status(`chunk ${chunks}, ${sizeBytes} bytes`),
        );
        const { header, addresses, coins, sizeBytes, chunks } = manifest;
        const value = { height: header.height, stateRoot: header.stateRoot, folder };
        output.object('fanal.snapshot/1', { ...value, addresses, coins, sizeBytes }, [
          ['height', header.height],
          ['state root', toHex(header.stateRoot)],
          ['size', `${sizeBytes} bytes in ${chunks.length} chunks`],
          ['folder', folder],
        ]);
      }),
    );
  snapshot
    .command('list')
    .description('the snapshots of this folder, newest first')
    .action(
      action(async ({ home, output }) => {
        const { listSnapshots } = await import('../store/snapshot-files.ts');
        const rows = listSnapshots((await homeOf(home)).snapshots).map(
          ({ height, folder, manifest }) => {
            const { sizeBytes, chunks, addresses, coins, header } = manifest;
            const { time, stateRoot } = header;
            return {
              height,
              time,
              sizeBytes,
              chunks: chunks.length,
              addresses,
              coins,
              stateRoot,
              folder,
            };
          },
        );
        output.table('fanal.snapshots/1', 'items', rows, [
          { title: 'HEIGHT', cell: ({ height }) => height, align: 'right' },
          { title: 'TIME', cell: ({ time }) => new Date(Number(time)).toISOString() },
          { title: 'BYTES', cell: ({ sizeBytes }) => sizeBytes, align: 'right' },
          { title: 'CHUNKS', cell: ({ chunks }) => chunks, align: 'right' },
          { title: 'COINS', cell: ({ coins }) => coins, align: 'right' },
          { title: 'FOLDER', cell: ({ folder }) => folder },
        ]);
      }),
    );
  snapshot
    .command('verify')
    .description('restore a snapshot into a temporary folder, and compare state roots')
    .argument('[height]', 'which one; the newest by default')
    .action(
      action(async ({ home, output }, _options, height) => {
        const { bytesOf, findSnapshot, verifySnapshot } = await import('../operate/snapshots.ts');
        const { readChain } = await import('../runtime/chain-files.ts');
        const paths = await homeOf(home);
        const stored = findSnapshot(paths.snapshots, height ? u64FromText(height) : null);
        const { genesis } = readChain(paths.genesis);
        const found = await verifySnapshot(genesis, bytesOf(stored), paths.data);
        printRestored(output, 'fanal.snapshot-verified/1', found, []);
      }),
    );
  snapshot
    .command('restore')
    .description('put a snapshot in place of the ledger of a stopped node')
    .argument('[height]', 'which one; the newest by default')
    .action(
      action(async ({ home, output }, _options, height) => {
        const { bytesOf, findSnapshot, restoreSnapshot } = await import('../operate/snapshots.ts');
        const paths = await homeOf(home);
        const stored = findSnapshot(paths.snapshots, height ? u64FromText(height) : null);
        const found = await restoreSnapshot(paths, bytesOf(stored));
        printRestored(output, 'fanal.snapshot-restored/1', found, []);
      }),
    );
}

function registerBackup(program: Command, action: Action): void {
  const backup = program.command('backup').description('keys, settings and data, to bring back');
  backup
    .command('create')
    .description('write a backup; the node may run')
    .option('--to <folder>', 'where backups go (default backups in the home)')
    .option('--verify', 'restore it at once into a temporary folder')
    .action(
      action<{ to?: string; verify?: boolean }>(async ({ home, output }, flags) => {
        const { createBackup, markVerified, verifyBackup } = await import('../operate/backup.ts');
        const paths = await homeOf(home);
        const { folder, note } = await createBackup(paths, flags.to ?? paths.backups);
        if (flags.verify) {
          await verifyBackup(folder);
          markVerified(paths);
        }
        output.object('fanal.backup-created/1', { folder, verified: flags.verify ?? false, note }, [
          ['folder', folder],
          ['height', note.height],
          ['state root', note.stateRoot],
          ['verified', flags.verify ?? false],
        ]);
        output.progress('The keystore’s password is not in it: keep that elsewhere.');
      }),
    );
  backup
    .command('verify')
    .description('restore a backup into a temporary folder, and compare state roots')
    .argument('[folder]', 'of the backup; the newest of this home by default')
    .action(
      action(async ({ home, output }, _options, folder) => {
        const { markVerified, verifyBackup } = await import('../operate/backup.ts');
        const paths = await homeOf(home);
        const chosen = await backupFolder(folder, paths.backups);
        const found = await verifyBackup(chosen);
        markVerified(paths);
        printRestored(output, 'fanal.backup-verified/1', found, [['folder', chosen]]);
      }),
    );
  program
    .command('restore')
    .description('bring a backup back into the folder of a stopped node')
    .argument('<folder>', 'of the backup')
    .action(
      action(async ({ home, output }, _options, folder) => {
        const { restoreBackup } = await import('../operate/backup.ts');
        const restored = await restoreBackup(folder as string, await homeOf(home));
        const { vertex, checkpoint } = restored.signState ?? {};
        output.object('fanal.restored/1', restored, [
          ['files', restored.files.join(', ') || 'all were there'],
          [
            'ledger',
            restored.snapshot === null ? 'was there' : `height ${restored.snapshot.height}`,
          ],
          ['signed at least', vertex ? `round ${vertex.round} of epoch ${vertex.epoch}` : null],
          ['cosigned at least', checkpoint ? `size ${checkpoint.size}` : null],
        ]);
        if (restored.signState !== null) {
          output.progress(
            'Make sure that no other machine runs with these keys. The node will sign once a quorum has told it what it signed last.',
          );
        }
      }),
    );
}

async function homeOf(root: string) {
  const { homePaths } = await import('../runtime/home.ts');
  return homePaths(root);
}

async function backupFolder(folder: string | undefined, target: string): Promise<string> {
  if (folder !== undefined) return folder;
  const { listBackups } = await import('../operate/backup.ts');
  const newest = listBackups(target)[0];
  if (newest !== undefined) return newest;
  const { NotFoundError } = await import('./exit.ts');
  throw new NotFoundError(`no backup in ${target}`, 'Make one with `fanal backup create`.');
}

function printRestored(
  output: Output,
  schema: string,
  found: RestoredSnapshot,
  more: readonly (readonly [string, Cell])[],
): void {
  output.object(schema, found, [
    ...more,
    ['height', found.height],
    ['state root', toHex(found.stateRoot)],
    ['addresses', found.addresses],
    ['coins', found.coins],
  ]);
}
