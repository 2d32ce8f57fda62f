#!/usr/bin/env node
/**
 * The installed command: runs on this Node when it is new enough, else on the one that came along.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const main = new URL('../node/main.js', import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= NEEDED) await import(main.href);
else runElsewhere();

function runElsewhere() {
  let program;
  try {
    const name = `node-${process.platform}-${process.arch}/package.json`;
    program = join(dirname(createRequire(import.meta.url).resolve(name)), 'bin/node');
  } catch {
    console.error(`fanal: needs Node ${NEEDED} or newer, found ${process.versions.node}`);
    process.exitCode = 3;
    return;
  }
  const child = spawn(program, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to both; whoever sends a signal to this one alone means the other.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
