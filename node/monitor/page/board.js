/**
 * The monitor's board as a page: asks its server for the newest sample each second and writes it
 * down. Everything is text; nothing that a server sends becomes markup.
 */

const ASK_MILLIS = 1_000;
/** Beyond it, nothing is certified: two thirds of the stake. */
const QUORUM = 2 / 3;
const at = (id) => document.getElementById(id);

const grouped = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const percent = (share, digits = 1) =>
  share === null ? '–' : `${(share * 100).toFixed(digits)} %`;
const millis = (value) =>
  value === null
    ? '–'
    : value < 1000
      ? `${Math.round(value)} ms`
      : `${(value / 1000).toFixed(1)} s`;
const age = (seconds) => {
  if (seconds === null) return '–';
  if (seconds < 100) return `${seconds.toFixed(1)} s ago`;
  return seconds < 6000
    ? `${Math.round(seconds / 60)} min ago`
    : `${Math.round(seconds / 3600)} h ago`;
};
const size = (bytes) => {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const step = Math.min(3, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${step === 0 ? Math.round(bytes) : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`;
};

function write(id, text, tone = '') {
  const element = at(id);
  if (element.textContent !== text) element.textContent = text;
  element.setAttribute('class', tone);
}

/** An element with text in it. */
function made(tag, text, tone = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  if (tone !== '') element.className = tone;
  return element;
}

const HEALTH = {
  healthy: ['● healthy', 'good'],
  degraded: ['▲ degraded', 'warn'],
  unhealthy: ['■ unhealthy', 'bad'],
  unreachable: ['✕ the node does not answer', 'bad'],
};

function writeTitle(sample) {
  const isCritical = sample.alerts.some(({ severity }) => severity === 'critical');
  const [word, tone] =
    isCritical && sample.health !== 'unreachable' ? ['■ critical', 'bad'] : HEALTH[sample.health];
  write('network', `${sample.network} ${sample.version}`);
  write('health', sample.reason === null ? word : `${word}: ${sample.reason}`, tone);
  write(
    'where',
    `epoch ${sample.epoch}, height ${grouped(sample.height)}, ${age(sample.headAgeSeconds)}`,
  );
  document.title = `${word} · ${sample.network} · Fanal`;
  document.body.classList.toggle('stale', sample.health === 'unreachable');
}

function writeConsensus({ commitIndex, round, commitMillis, leaders }, latencies) {
  write(
    'commits',
    commitIndex === null
      ? 'no operations port is asked'
      : `commit ${grouped(commitIndex)}, round ${grouped(round)}`,
    commitIndex === null ? 'soft' : '',
  );
  const most = Math.max(1, ...latencies);
  const step = 240 / Math.max(1, latencies.length - 1);
  const points = latencies.map(
    (value, i) => `${(i * step).toFixed(1)} ${(60 - (value / most) * 56).toFixed(1)}`,
  );
  const line = points.length < 2 ? '' : `M${points.join('L')}`;
  at('latency-line').setAttribute('d', line);
  at('latency-area').setAttribute('d', line === '' ? '' : `${line}L240 60L0 60Z`);
  write(
    'latency-text',
    commitMillis === null
      ? 'commit latency: –'
      : `commit latency p50 ${millis(commitMillis.p50)}, p95 ${millis(commitMillis.p95)}, p99 ${millis(commitMillis.p99)}; the last ${latencies.length} seconds, at most ${millis(most)}`,
  );
  write(
    'leaders',
    leaders === null
      ? ''
      : `leader slots ${percent(leaders.direct)} direct, ${grouped(leaders.skipped)} skipped`,
  );
}

function writeCheckpoint({
  certifiedHeight,
  checkpointAgeSeconds,
  cosignedStake,
  liveStake,
  missing,
}) {
  write('certified', `certified ${grouped(certifiedHeight)}, ${age(checkpointAgeSeconds)}`);
  const known = [cosignedStake, liveStake].filter((share) => share !== null);
  const stake = known.length === 0 ? null : Math.min(...known);
  const tone = stake === null ? 'soft' : stake <= QUORUM ? 'bad' : stake < 0.75 ? 'warn' : 'good';
  const bar = at('stake');
  bar.setAttribute('width', String(300 * (stake ?? 0)));
  bar.setAttribute('class', tone);
  const word = stake === cosignedStake ? 'cosigned' : 'of the stake is up';
  const verdict =
    stake === null
      ? ''
      : stake <= QUORUM
        ? 'NO QUORUM'
        : `quorum with a margin of ${percent(stake - QUORUM)}`;
  write('margin', `${percent(stake)} ${word}; ${verdict}, need more than 66.7 %`, tone);
  write(
    'missing',
    missing.length === 0 ? 'nobody is missing' : `missing: ${missing.join(', ')}`,
    missing.length === 0 ? 'soft' : 'warn',
  );
}

function writeFlow({ throughput, mempool }) {
  write(
    'throughput',
    throughput === null
      ? 'throughput: –'
      : `${throughput.transactionsPerSecond.toFixed(0)} tx/s, ${size(throughput.bytesPerSecond)}/s, block ${size(throughput.blockBytes)}`,
  );
  const { transactions, bytes, limitBytes } = mempool;
  write(
    'mempool',
    limitBytes === 0
      ? 'mempool: –'
      : `mempool ${grouped(transactions)} tx, ${size(bytes)}, ${percent(bytes / limitBytes, 0)} of ${size(limitBytes)}`,
  );
}

function writeNode({ peers, heap, loopP99Millis, diskFree, clockSkewMillis, validators }) {
  write(
    'node',
    heap === null
      ? 'no operations port is asked'
      : `loop p99 ${millis(loopP99Millis)}, heap ${size(heap.bytes)} of ${size(heap.limitBytes)}, disk ${percent(diskFree, 0)} free, clock ${clockSkewMillis === null ? '–' : `${Math.round(clockSkewMillis)} ms`}`,
    heap === null ? 'soft' : '',
  );
  const times = validators.flatMap(({ latencyMillis }) => latencyMillis ?? []);
  const rtt =
    times.length === 0
      ? ''
      : `, rtt ${millis(Math.min(...times))} to ${millis(Math.max(...times))}`;
  write(
    'peers',
    peers === null
      ? 'a gateway answers: it has no peers'
      : `${grouped(peers.inbound + peers.outbound)} peers: ${peers.inbound} in, ${peers.outbound} out${rtt}`,
  );
}

function writeLists({ alerts, events }) {
  const lines = alerts.map(({ name, severity, text }) =>
    made('li', `${severity} ${name}: ${text}`, severity === 'critical' ? 'bad' : 'warn'),
  );
  replace('alerts', lines.length === 0 ? [made('li', 'none', 'soft')] : lines);
  const happened = events.map(({ atMillis, level, text }) =>
    made(
      'li',
      `${new Date(atMillis).toLocaleTimeString()} ${level} ${text}`,
      { info: 'soft', warn: 'warn', crit: 'bad' }[level],
    ),
  );
  replace('events', happened.length === 0 ? [made('li', 'none yet', 'soft')] : happened);
}

/** Replaces a list's lines when they say something else than before. */
function replace(id, lines) {
  const text = (nodes) => [...nodes].map((node) => node.textContent).join('\n');
  const list = at(id);
  if (text(list.children) !== text(lines)) list.replaceChildren(...lines);
}

const ORDERS = {
  rank: (row) => row.rank,
  missed: (row) => (row.isSilent ? -1 : (row.cosigned ?? 0)),
  stake: (row) => -row.stakeShare,
  name: (row) => row.name,
};
const TITLES = [...document.querySelectorAll('th')].map(({ textContent }) => textContent);

function writeValidators({ validators }) {
  const key = ORDERS[at('sort').value];
  const wanted = at('filter').value.trim();
  const shown = validators
    .filter(({ name }) => name.includes(wanted))
    .sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.rank - b.rank));
  const silent = validators.filter(({ isSilent }) => isSilent).length;
  write('count', `${validators.length} active${silent === 0 ? '' : `, ${silent} silent`}`);
  at('rows').replaceChildren(...shown.map(rowOf));
}

function rowOf(row) {
  const isWrong = row.accuracy !== null && row.accuracy < 1;
  const isLazy = row.cosigned !== null && row.cosigned < 0.95;
  const line = made('tr', '', isWrong || row.isSilent ? 'bad' : isLazy ? 'warn' : '');
  const cells = [
    row.rank,
    `${row.name}${isWrong ? ' ! signed another root' : ''}`,
    percent(row.stakeShare, 2),
    percent(row.cosigned, 2),
    percent(row.accuracy, 2),
    grouped(row.rounds),
    row.rewards.toFixed(2),
    row.isSilent ? 'silent' : row.isAsked ? 'itself' : millis(row.latencyMillis),
    row.version ?? '–',
  ];
  cells.forEach((text, i) => {
    const cell = made('td', String(text));
    cell.dataset.title = TITLES[i];
    line.append(cell);
  });
  return line;
}

let newest = null;

function show({ sample, latencies }) {
  newest = sample;
  writeTitle(sample);
  writeConsensus(sample, latencies);
  writeCheckpoint(sample);
  writeFlow(sample);
  writeNode(sample);
  writeLists(sample);
  writeValidators(sample);
}

async function ask() {
  try {
    const response = await fetch('sample.json', { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    write('health', '✕ the board’s own server does not answer', 'bad');
    document.body.classList.add('stale');
  }
  setTimeout(ask, ASK_MILLIS);
}

const showAgain = () => {
  if (newest !== null) writeValidators(newest);
};
at('sort').addEventListener('change', showAgain);
at('filter').addEventListener('input', showAgain);
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
ask();
