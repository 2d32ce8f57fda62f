/**
 * The process's own memory and time, in Prometheus' text format.
 */

/** What the usual dashboards ask of a process. */
export function countProcess(chainId: string): string {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const labels = `{chain_id="${chainId}"}`;
  const rows: [name: string, type: string, help: string, value: number][] = [
    ['process_resident_memory_bytes', 'gauge', 'Resident memory', rss],
    ['nodejs_heap_size_used_bytes', 'gauge', 'Heap in use', heapUsed],
    ['nodejs_heap_size_total_bytes', 'gauge', 'Heap taken from the system', heapTotal],
    ['process_cpu_seconds_total', 'counter', 'Processor time used', (user + system) / 1e6],
    [
      'process_start_time_seconds',
      'gauge',
      'When the process began',
      Math.round(Date.now() / 1000 - process.uptime()),
    ],
  ];
  return rows
    .map(
      ([name, type, help, value]) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${labels} ${value}\n`,
    )
    .join('');
}
