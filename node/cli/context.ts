/**
 * What every command knows: the global options, where to print, and how it may be interrupted.
 */
import type { Command } from 'commander';
import { type ConfigInput, homeFolder, type LoadedConfig, loadConfig } from '../config.ts';
import { UsageError } from './exit.ts';
import { Output } from './output.ts';

export interface GlobalOptions {
  readonly home?: string;
  readonly config?: string;
  readonly network?: string;
  readonly url?: string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly yes?: boolean;
  readonly timeout?: number;
}

export interface CommandContext {
  readonly options: GlobalOptions;
  readonly output: Output;
  /** The folder of this node or wallet. */
  readonly home: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Reads settings, with flags by `section.key`. */
  loadConfig(flags?: ConfigInput['flags']): LoadedConfig;
  /** Asks yes or no; without a terminal only `--yes` says yes. */
  confirm(question: string): Promise<boolean>;
}

const DEFAULT_TIMEOUT_SECONDS = 30;

/** The global options of `command` and all above it, as a context. */
export function contextOf(command: Command, signal: AbortSignal): CommandContext {
  const options = command.optsWithGlobals<GlobalOptions>();
  const output = new Output({
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  });
  const home = homeFolder(options.home);
  return {
    options,
    output,
    home,
    signal,
    loadConfig: (flags) => loadConfig({ home, file: options.config, ...(flags && { flags }) }),
    async confirm(question) {
      if (options.yes) return true;
      if (!process.stdin.isTTY || !process.stderr.isTTY) {
        throw new UsageError(`this asks: ${question}`, 'Add --yes to answer without a terminal.');
      }
      const { confirm, isCancel } = await import('@clack/prompts');
      const answer = await confirm({ message: question, output: process.stderr });
      return !isCancel(answer) && answer;
    },
  };
}

/** Seconds that a command may wait for the network, as milliseconds. */
export function timeoutMillis({ options }: CommandContext): number {
  return (options.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1_000;
}
