/**
 * The panels of the monitor around the leaderboard: each a function from a sample to lines.
 */
import { QUORUM, standingStake } from './alarms.ts';
import type { Health, MonitorAlert, MonitorEvent, MonitorSample } from './sample.ts';
import {
  ageText,
  bar,
  bytesText,
  cut,
  duration,
  graph,
  grouped,
  type Line,
  percent,
  type Span,
  span,
  spread,
  type Tone,
} from './text.ts';

/** Samples of commit latency that the graph remembers. */
export const HISTORY_SAMPLES = 120;
/** Columns beside the graph, for its scale. */
const SCALE_COLUMNS = 9;

const HEALTH: Readonly<Record<Health, readonly [string, Tone]>> = {
  healthy: ['● healthy', 'good'],
  degraded: ['▲ degraded', 'warn'],
  unhealthy: ['■ unhealthy', 'bad'],
  unreachable: ['✕ unreachable', 'bad'],
};

/** What the title says while the network is in trouble, however well the node itself is. */
const CRITICAL: readonly [string, Tone] = ['■ critical', 'bad'];

export function titleLine(sample: MonitorSample, isPaused: boolean, columns: number): Line {
  const isCritical = sample.alerts.some(({ severity }) => severity === 'critical');
  const [word, tone] =
    isCritical && sample.health !== 'unreachable' ? CRITICAL : HEALTH[sample.health];
  const name = [
    span(' fanal', 'bold'),
    span(`  ${cut(sample.network, columns >= 110 ? 40 : 12)}  ${sample.version}  `),
  ];
  const paused = isPaused ? [span('  PAUSED', 'warn')] : [];
  const where = `epoch ${sample.epoch}  height ${grouped(sample.height)}  ${ageText(sample.headAgeSeconds)} ago `;
  return spread([...name, span(word, tone), ...paused], [span(where)], columns);
}

export function consensusPanel(
  sample: MonitorSample,
  latencies: readonly number[],
  width: number,
  graphRows: number,
): Line[] {
  const commit = sample.commitMillis;
  const columns = Math.min(HISTORY_SAMPLES / 2, width - SCALE_COLUMNS - 1);
  const shown = latencies.slice(-2 * columns);
  const drawn = graph(shown, columns, graphRows);
  const most = shown.length === 0 ? '' : duration(Math.max(...shown));
  const where =
    sample.commitIndex === null
      ? '   no operations port'
      : `  commit ${grouped(sample.commitIndex)}  round ${grouped(sample.round ?? 0)}`;
  return [
    [span(' CONSENSUS', 'bold'), span(where)],
    [
      span(' p50 '),
      span(duration(commit?.p50 ?? null), latencyTone(commit?.p50 ?? null)),
      span(`   p95 ${duration(commit?.p95 ?? null)}   p99 ${duration(commit?.p99 ?? null)}`),
    ],
    ...drawn.map((text, row): Line => {
      const scale = row === 0 ? most : row === drawn.length - 1 ? `last ${shown.length}` : '';
      return [span(' '), span(text, 'accent'), span(` ${scale}`, 'dim')];
    }),
    [
      span(
        sample.leaders === null
          ? ' leader slots –'
          : ` leader slots ${percent(sample.leaders.direct)} direct, ${grouped(sample.leaders.skipped)} skipped`,
      ),
    ],
  ];
}

export function checkpointPanel(sample: MonitorSample, width: number, graphRows: number): Line[] {
  const share = standingStake(sample);
  const tone: Tone =
    share === null ? 'dim' : share <= QUORUM ? 'bad' : share < 0.75 ? 'warn' : 'good';
  const margin = share === null ? null : share - QUORUM;
  const word = share === sample.cosignedStake ? 'cosigned' : 'still up';
  const quorum: Line =
    margin !== null && margin <= 0
      ? [span(' need > 66.7 %   '), span('NO QUORUM', 'bad')]
      : [span(' need > 66.7 %   quorum, margin '), span(percent(margin), tone)];
  return [
    [
      span(' CHECKPOINT', 'bold'),
      span(`  ${grouped(sample.certifiedHeight)}  ${ageText(sample.checkpointAgeSeconds)} ago`),
    ],
    [
      span(` ${word} `),
      span(bar(share ?? 0, Math.min(40, width - word.length - 12)), tone),
      span(` ${percent(share)}`, tone),
    ],
    quorum,
    [
      span(' missing '),
      span(nameSome(sample.missing, width - 10), sample.missing.length > 0 ? 'warn' : 'dim'),
    ],
    ...Array.from({ length: graphRows - 1 }, () => [span('')]),
  ];
}

export function throughputPanel({ throughput }: MonitorSample): Line[] {
  const text =
    throughput === null
      ? ' –'
      : ` ${throughput.transactionsPerSecond.toFixed(0)} tx/s   ${bytesText(throughput.bytesPerSecond)}/s   block ${bytesText(throughput.blockBytes)}`;
  return [heading('THROUGHPUT'), [span(text)]];
}

export function mempoolPanel({ mempool }: MonitorSample, width: number): Line[] {
  const { transactions, bytes, limitBytes } = mempool;
  if (limitBytes === 0) return [heading('MEMPOOL'), [span(' –')]];
  const share = bytes / limitBytes;
  return [
    heading('MEMPOOL'),
    [
      span(` ${grouped(transactions)} tx   ${bytesText(bytes, true)}   `),
      span(bar(share, 8, '▓'), share > 0.8 ? 'warn' : 'plain'),
      span(` ${percent(share, 0)}${width >= 60 ? ` of ${bytesText(limitBytes, true)}` : ''}`),
    ],
  ];
}

export function nodeLine(sample: MonitorSample): Line {
  const { heap, clockSkewMillis: skew, diskFree, loopP99Millis } = sample;
  if (heap === null) return [span(' NODE', 'bold'), span('   no operations port', 'dim')];
  const share = heap.limitBytes === 0 ? 0 : heap.bytes / heap.limitBytes;
  const clock = skew === null ? '–' : `${skew >= 0 ? '+' : '−'}${duration(Math.abs(skew))}`;
  return [
    span(' NODE', 'bold'),
    span(`   loop p99 ${duration(loopP99Millis)}`),
    span(`   heap ${bytesText(heap.bytes, true)}`, share > 0.85 ? 'warn' : 'plain'),
    span(
      `   disk ${percent(diskFree, 0)} free`,
      diskFree !== null && diskFree < 0.15 ? 'warn' : 'plain',
    ),
    span(`   clock ${clock}`, skew !== null && Math.abs(skew) > 500 ? 'warn' : 'plain'),
  ];
}

export function peersLine({ peers, validators }: MonitorSample): Line {
  const title = span(' PEERS', 'bold');
  if (peers === null) return [title, span('  a gateway answers: it has none', 'dim')];
  const count = peers.inbound + peers.outbound;
  const times = validators.flatMap(({ latencyMillis }) => latencyMillis ?? []);
  const rtt =
    times.length === 0
      ? ''
      : `   rtt ${duration(Math.min(...times))} to ${duration(Math.max(...times))}`;
  const versions = Map.groupBy(
    validators.flatMap(({ version }) => version ?? []),
    (version) => version,
  );
  const named = [...versions].map(([version, all]) => `${version} ×${all.length}`).slice(0, 3);
  return [
    title,
    span(
      `  ${grouped(count)}: ${grouped(peers.inbound)} in, ${grouped(peers.outbound)} out`,
      count === 0 ? 'bad' : 'plain',
    ),
    span(rtt),
    span(named.length === 0 ? '' : `   version ${named.join(', ')}`),
  ];
}

const LEVELS: Readonly<Record<MonitorEvent['level'], readonly [string, Tone]>> = {
  info: ['INFO', 'dim'],
  warn: ['WARN', 'warn'],
  crit: ['CRIT', 'bad'],
};

const alertSpans = ({ name, severity, text }: MonitorAlert): Span[] => {
  const [word, tone] = LEVELS[severity === 'critical' ? 'crit' : 'warn'];
  return [span(word, tone), span(` ${name}: ${text}`)];
};

/** What holds now, in exactly `rows` lines. */
export function alertsPanel({ alerts, health, reason }: MonitorSample, rows: number): Line[] {
  const title = span(' ALERTS', 'bold');
  const because = reason !== null && health !== 'unreachable' ? [span(`   ${reason}`, 'warn')] : [];
  const [first, ...rest] = alerts;
  if (first === undefined) {
    return pad([[title, span('  none', 'dim'), ...because]], rows);
  }
  if (rows === 1) {
    const more = rest.length === 0 ? [] : [span(`  +${rest.length} more`, 'warn')];
    return [[title, span('  '), ...alertSpans(first), ...more]];
  }
  const lines: Line[] = [[title, span(`  ${alerts.length}`, 'warn'), ...because]];
  for (const alert of alerts.slice(0, rows - 1)) lines.push([span('  '), ...alertSpans(alert)]);
  const hidden = alerts.length - (rows - 1);
  if (hidden > 0) lines[rows - 1] = [span(`  +${hidden + 1} more`, 'warn')];
  return pad(lines, rows);
}

export function eventsPanel(events: readonly MonitorEvent[], rows: number): Line[] {
  const lines: Line[] = [heading('EVENTS')];
  for (const event of events.slice(0, rows - 1)) {
    const [word, tone] = LEVELS[event.level];
    const time = new Date(event.atMillis).toISOString().slice(11, 19);
    lines.push([span(` ${time} `), span(word, tone), span(` ${event.text}`)]);
  }
  if (events.length === 0) lines.push([span(' none since the monitor began', 'dim')]);
  return pad(lines, rows);
}

export function helpPanel(rows: number): Line[] {
  const lines: Line[] = [
    heading('HELP'),
    [span(' cosigned   certified checkpoints that the validator cosigned within 10 s')],
    [span(' accuracy   its cosignatures that match the certified root; under 100 % is grave')],
    [span(' rounds     rounds in which its vertex was committed, this epoch')],
    [span(' rewards    coins accrued this epoch, paid in its last block')],
    [span(' rtt        round trip from this node; version is what it runs')],
    [span(' ! signed another root    x silent    ~ misses over 1 checkpoint in 20')],
    [span(' ALERTS have a page each in docs/runbooks, by their names')],
  ];
  return pad(lines.slice(0, rows), rows);
}

export const keysLine = (): Line => [
  span(' s sort  / filter  ↑↓ scroll  p pause  r JSON  ? help  q quit', 'dim'),
];

const heading = (text: string): Line => [span(` ${text}`, 'bold')];

function pad(lines: Line[], rows: number): Line[] {
  return [...lines, ...Array.from({ length: rows - lines.length }, () => [span('')])];
}

const latencyTone = (millis: number | null): Tone =>
  millis === null ? 'dim' : millis > 2000 ? 'bad' : millis > 1000 ? 'warn' : 'good';

/** Names as many as fit, then says how many more there are. */
function nameSome(names: readonly string[], room: number): string {
  if (names.length === 0) return 'none';
  let text = '';
  for (const [index, name] of names.entries()) {
    const next = index === 0 ? name : `${text}, ${name}`;
    const rest = names.length - index - 1;
    const tail = rest === 0 ? '' : `, ${rest} more`;
    if (next.length + tail.length > room) {
      return index === 0 ? `${names.length}` : `${text}, ${names.length - index} more`;
    }
    text = next;
  }
  return text;
}
