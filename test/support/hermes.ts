/**
 * Runs TypeScript in Hermes, the engine of React Native: bundled, lowered as Metro would, and
 * handed to the engine's own binary.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { transformAsync } from '@babel/core';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER_BY_PLATFORM: Readonly<Record<string, string>> = {
  'linux-x64': 'linux64-bin/hermes',
  'darwin-x64': 'osx-bin/hermes',
  'darwin-arm64': 'osx-bin/hermes',
  'win32-x64': 'win64-bin/hermes.exe',
};

/** Where the engine is on this machine; null where npm has none for it. */
export function findHermes(): string | null {
  const binary = FOLDER_BY_PLATFORM[`${process.platform}-${process.arch}`];
  if (binary === undefined) return null;
  const path = join(ROOT, 'node_modules/hermes-engine-cli', binary);
  return existsSync(path) ? path : null;
}

/** What a phone's build makes of an entry file: one script, without modules, classes or async. */
export async function bundleForHermes(entry: string): Promise<string> {
  const bundled = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    platform: 'neutral',
    mainFields: ['module', 'main'],
  });
  const code = bundled.outputFiles[0]?.text ?? '';
  const lowered = await transformAsync(code, {
    babelrc: false,
    configFile: false,
    compact: false,
    // Hermes knows `**` and BigInt; the lowered form would be Math.pow, which does not.
    presets: [['@babel/preset-env', { exclude: ['transform-exponentiation-operator'] }]],
    sourceType: 'script',
  });
  return lowered?.code ?? '';
}

/**
 * Runs scripts one after the other in one engine.
 *
 * @returns the lines they printed
 */
export async function runInHermes(
  hermes: string,
  scripts: readonly string[],
  timeoutMillis = 120_000,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fanal-hermes-'));
  try {
    const file = join(folder, 'script.js');
    writeFileSync(file, scripts.join('\n;\n'));
    const { stdout } = await promisify(execFile)(hermes, ['-Xmicrotask-queue', file], {
      timeout: timeoutMillis,
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
