/**
 * The Prometheus rule file that `fanal rules print` writes.
 */
import { stringify } from 'yaml';
import { ALERTS, type Alert, type Severity } from './alerts.ts';

/** Where runbooks are read when an operator names no other place. */
export const RUNBOOK_URL = 'https://github.com/fanal/fanal/blob/main/docs/runbooks';

/** The runbook page of an alert: `ConsensusStalled` → `consensus-stalled.md`. */
export function runbookFile(name: string): string {
  return `${name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.md`;
}

/**
 * Prints the alerting rules as a YAML file for Prometheus, one group for each severity.
 *
 * @param runbookUrl where the pages of `docs/runbooks/` can be read
 */
export function printRules(runbookUrl: string = RUNBOOK_URL): string {
  const group = (name: string, severity: Severity) => ({
    name,
    rules: ALERTS.filter((alert) => alert.severity === severity).map((alert) =>
      ruleOf(alert, runbookUrl),
    ),
  });
  return stringify(
    {
      groups: [
        group('fanal-critical', 'critical'),
        group('fanal-warning', 'warning'),
        group('fanal-watchdog', 'none'),
      ],
    },
    { lineWidth: 0 },
  );
}

function ruleOf(alert: Alert, runbookUrl: string) {
  return {
    alert: `Fanal${alert.name}`,
    expr: alert.expr,
    ...(alert.for === '' ? {} : { for: alert.for }),
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.summary,
      description: alert.runbook,
      runbook_url: `${runbookUrl}/${runbookFile(alert.name)}`,
    },
  };
}
