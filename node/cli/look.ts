/**
 * `fanal status`, `peers`, `validators`, `mempool`: how a node and its network are doing. These are
 * reported by the node that is asked, not proved.
 */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import type { Action } from './program.ts';

export function registerLook(program: Command, action: Action): void {
  program
    .command('status')
    .description('how a node is doing')
    .action(
      action(async (context) => {
        const status = await askNode(context, '/status');
        const sync = status.sync as { mode: string; height: string; target: string } | null;
        const mempool = status.mempool as { transactions: number; bytes: number };
        const peers = status.peers as { inbound: number; outbound: number };
        const isHealthy = status.status === 'healthy';
        context.output.object('fanal.status/1', status, [
          ['status', context.output.style(isHealthy ? 'good' : 'warn', String(status.status))],
          ...(status.reason === null ? [] : ([['because', String(status.reason)]] as const)),
          ['network', String(status.origin)],
          ['height', String(status.height)],
          ['certified', String(status.certifiedHeight)],
          ['checkpoint age', `${Number(status.checkpointAgeMillis) / 1_000} s`],
          ['validator', status.validator === null ? 'no' : String(status.validator)],
          ['sync', sync === null ? 'caught up' : `${sync.mode} ${sync.height} of ${sync.target}`],
          ['peers', `${peers.inbound} in, ${peers.outbound} out`],
          ['mempool', `${mempool.transactions} transactions, ${mempool.bytes} bytes`],
          ['version', String(status.version)],
        ]);
        return status.ready === true ? EXIT.ok : EXIT.checksNotMet;
      }),
    );

  program
    .command('peers')
    .description('who this machine’s node is connected to')
    .action(
      action(async (context) => {
        const { askAdmin } = await import('../runtime/admin.ts');
        const { timeoutMillis } = await import('./context.ts');
        const { peers } = (await askAdmin(context.home, 'peers', timeoutMillis(context))) as {
          peers: PeerRow[];
        };
        context.output.table('fanal.peers/1', 'peers', peers, [
          { title: 'PEER', cell: ({ peer, name }) => name ?? peer },
          { title: 'ROLE', cell: ({ member }) => (member ? 'validator' : 'follower') },
          { title: 'UP', cell: ({ up, member }) => (member ? up : null) },
          { title: 'DIRECTION', cell: ({ direction }) => direction },
          {
            title: 'RTT',
            cell: ({ roundTripMillis }) =>
              roundTripMillis === null ? null : `${roundTripMillis.toFixed(1)} ms`,
            align: 'right',
          },
          {
            title: 'CLOCK',
            cell: ({ clockAheadMillis }) =>
              clockAheadMillis === null ? null : `${clockAheadMillis} ms`,
            align: 'right',
          },
          { title: 'SOFTWARE', cell: ({ software }) => software },
          { title: 'ADDRESS', cell: ({ address }) => address },
        ]);
      }),
    );

  program
    .command('validators')
    .description('the current set, and how each of them does')
    .option('--sort <order>', 'rank, or missed: the worst first', 'rank')
    .action(
      action<{ sort: string }>(async (context, { sort }) => {
        if (sort !== 'rank' && sort !== 'missed') {
          throw new UsageError('expected --sort rank or --sort missed');
        }
        const board = (await askNode(context, '/v1/validators')) as unknown as Board;
        const { formatCoins } = await import('fanal/wallet/index.ts');
        const rows = [...board.items];
        if (sort === 'missed') {
          rows.sort((a, b) => (a.cosignedShare ?? 1) - (b.cosignedShare ?? 1) || b.rank - a.rank);
        }
        context.output.table(
          'fanal.validators/1',
          'validators',
          rows,
          [
            { title: 'RANK', cell: ({ rank }) => rank, align: 'right' },
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'STATE', cell: stateOf },
            { title: 'STAKE', cell: ({ stake }) => formatCoins(BigInt(stake)), align: 'right' },
            { title: 'COSIGNED', cell: (row) => percent(row.cosignedShare), align: 'right' },
            { title: 'ACCURACY', cell: ({ accuracy }) => percent(accuracy), align: 'right' },
            {
              title: 'READY FOR',
              cell: ({ readyFor }) => (readyFor === 0 ? null : readyFor),
              align: 'right',
            },
            { title: 'ROUNDS', cell: ({ rounds }) => rounds, align: 'right' },
            {
              title: 'REWARDS',
              cell: ({ rewards }) => formatCoins(BigInt(rewards)),
              align: 'right',
            },
          ],
          { epoch: board.epoch },
        );
      }),
    );

  program
    .command('mempool')
    .description('what waits for a block at a node')
    .action(
      action(async (context) => {
        const mempool = await askNode(context, '/v1/mempool');
        context.output.object(
          'fanal.mempool/1',
          mempool,
          Object.entries(mempool).map(([name, value]) => [name, String(value)] as const),
        );
      }),
    );
}

interface PeerRow {
  readonly peer: string;
  readonly name: string | null;
  readonly member: boolean;
  readonly up: boolean;
  readonly direction: string;
  readonly roundTripMillis: number | null;
  readonly clockAheadMillis: number | null;
  readonly software: string | null;
  readonly address: string;
}

interface Board {
  readonly epoch: number;
  readonly items: readonly BoardRow[];
}

interface BoardRow {
  readonly rank: number;
  readonly name: string;
  readonly active: boolean;
  readonly retired: boolean;
  readonly jailedUntil: number;
  readonly readyFor: number;
  readonly stake: string;
  readonly cosignedShare: number | null;
  readonly accuracy: number | null;
  readonly rounds: string;
  readonly rewards: string;
}

function stateOf({ active, retired, jailedUntil }: BoardRow): string {
  if (active) return 'active';
  return retired ? 'retired' : jailedUntil > 0 ? `jailed to ${jailedUntil}` : 'waiting';
}

function percent(share: number | null): string | null {
  return share === null ? null : `${(100 * share).toFixed(2)} %`;
}

/** Asks the node that a command is about: at `--url`, of the named network, or of this folder. */
async function askNode(context: CommandContext, path: string): Promise<Record<string, unknown>> {
  const { NetworkError } = await import('fanal/wallet/index.ts');
  const { timeoutMillis } = await import('./context.ts');
  const url = await urlOf(context);
  try {
    const response = await fetch(`${url}${path}`, {
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMillis(context))]),
      redirect: 'error',
    });
    // An unhealthy node answers 503, and says why.
    if (!response.ok && response.status !== 503) {
      throw new NetworkError(`${url}${path} answered ${response.status}`);
    }
    return (await response.json()) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof NetworkError) throw error;
    throw new NetworkError(`${url} cannot be reached`, error);
  }
}

async function urlOf(context: CommandContext): Promise<string> {
  const { chooseNetwork } = await import('./networks.ts');
  const url = context.options.url?.[0] ?? (await chooseNetwork(context)).urls[0];
  if (url === undefined) throw new UsageError('no url is known', 'Give one with --url.');
  return url.replace(/\/+$/, '');
}
