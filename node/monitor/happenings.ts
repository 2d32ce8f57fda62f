/**
 * What an operator would want to be told between two samples.
 */
import type { MonitorEvent, MonitorSample } from './sample.ts';

/** Alerts whose beginning is told in other words already. */
const TOLD_OTHERWISE = ['NodeDown', 'ValidatorMissing', 'ValidatorInaccurate'];

/** Events of now, newest first. */
export function happenings(before: MonitorSample, now: MonitorSample): MonitorEvent[] {
  const events: MonitorEvent[] = [];
  const say = (level: MonitorEvent['level'], text: string) =>
    events.push({ atMillis: now.takenAtMillis, level, text });
  const isFirst = before.takenAtMillis === 0;
  if (before.health !== now.health && !(isFirst && now.health === 'healthy')) {
    const level = now.health === 'healthy' ? 'info' : now.health === 'degraded' ? 'warn' : 'crit';
    say(level, `node is ${now.health}${now.reason === null ? '' : `: ${now.reason}`}`);
  }
  if (!isFirst && before.epoch !== now.epoch) say('info', `epoch ${now.epoch} began`);
  tellValidators(before, now, say);
  tellAlerts(before, now, say);
  return events.reverse();
}

type Say = (level: MonitorEvent['level'], text: string) => void;

function tellValidators(before: MonitorSample, now: MonitorSample, say: Say): void {
  if (before.validators.length === 0) return;
  const previous = new Map(before.validators.map((row) => [row.name, row]));
  for (const row of now.validators) {
    const was = previous.get(row.name);
    previous.delete(row.name);
    if (was === undefined) {
      say('info', `${row.name} joined the set`);
      continue;
    }
    if (!was.isSilent && row.isSilent) say('warn', `${row.name} has gone silent`);
    if (was.isSilent && !row.isSilent) say('info', `${row.name} is back`);
    if ((was.accuracy ?? 1) === 1 && (row.accuracy ?? 1) < 1) {
      say('crit', `${row.name} cosigned another root`);
    }
    if ((was.cosigned ?? 1) >= 0.95 && (row.cosigned ?? 1) < 0.95) {
      say('warn', `${row.name} misses more than one checkpoint in twenty`);
    }
  }
  for (const name of previous.keys()) say('info', `${name} left the set`);
}

function tellAlerts(before: MonitorSample, now: MonitorSample, say: Say): void {
  const held = new Set(before.alerts.map(({ name }) => name));
  for (const { name, severity, text } of now.alerts) {
    if (held.delete(name) || TOLD_OTHERWISE.includes(name)) continue;
    say(severity === 'critical' ? 'crit' : 'warn', `${name}: ${text}`);
  }
  for (const name of held) {
    if (!TOLD_OTHERWISE.includes(name)) say('info', `${name} is over`);
  }
}
