/**
 * The command line: `fanal`. One file a group of commands; what a command needs is loaded when it
 * runs, so that `fanal --help` is quick.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type CommandContext, contextOf } from './context.ts';
import { registerData } from './data.ts';
import { registerDev } from './dev.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { registerFsck } from './fsck.ts';
import { registerGenesis } from './genesis.ts';
import { registerHost } from './host.ts';
import { registerInit } from './init.ts';
import { registerJoin } from './join.ts';
import { registerKeys } from './keys.ts';
import { registerLight } from './light.ts';
import { registerLook } from './look.ts';
import { registerMember } from './member.ts';
import { registerOperate } from './operate.ts';
import { Output } from './output.ts';
import { registerPay } from './pay.ts';
import { registerRepair } from './repair.ts';
import { registerRun } from './run.ts';
import { registerSettings } from './settings.ts';
import { registerTestnet } from './testnet.ts';
import { registerTrust } from './trust.ts';
import { registerVerify } from './verify.ts';
import { VERSION } from './version.ts';
import { registerWallet } from './wallet.ts';

/**
 * Wraps what a command does: it gets the context, its options and its arguments, and its errors
 * become exit codes.
 */
export type Action = <Options = Record<string, never>>(
  run: (
    context: CommandContext,
    options: Options,
    ...args: string[]
  ) => Promise<number | void> | number | void,
) => (...given: unknown[]) => Promise<void>;

/**
 * Runs one command and says how it ended.
 *
 * @param args without the program's own name
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  let code: number = EXIT.ok;
  const action: Action =
    (run) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const context = contextOf(command, interrupt.signal);
      try {
        code = (await run(context, command.opts() as never, ...command.processedArgs)) ?? EXIT.ok;
      } catch (error) {
        if (interrupt.signal.aborted) code = EXIT.interrupted;
        else {
          context.output.error(error);
          code = exitCodeOf(error);
        }
      }
    };
  // The first Ctrl-C asks the command to end; the second does not ask.
  const onSignal = (name: NodeJS.Signals) => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort(name);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await makeProgram(action).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      new Output({ json: false, quiet: false, verbose: true }).error(error);
      return EXIT.failed;
    }
    // Commander has already said what is wrong, and ends with 0 after --help and --version.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
  return code;
}

function makeProgram(action: Action): Command {
  const program = new Command('fanal')
    .description('A ledger whose wallets trust no server.')
    .version(VERSION, '-V, --version')
    .option('--home <folder>', 'folder of this node or wallet (default $FANAL_HOME or ~/.fanal)')
    .option('--config <file>', 'settings (default fanal.toml in the home)')
    .option('--network <name>', 'network to talk to, as pinned with `fanal trust pin`')
    .addOption(
      new Option('--url <url>', 'node or gateway to ask; give it twice to compare')
        .argParser((value: string, before: string[] = []) => [...before, value])
        .env('FANAL_URL'),
    )
    .option('--json', 'print one JSON object, streams as a line each')
    .option('--quiet', 'no progress')
    .option('--verbose', 'more progress, and stack traces')
    .option('--yes', 'answer yes to questions')
    .option('--timeout <seconds>', 'how long to wait for the network', positiveNumber)
    .helpCommand(true)
    .showSuggestionAfterError()
    .exitOverride();
  program.configureOutput({ writeErr: (text) => process.stderr.write(text) });
  registerDev(program, action);
  registerGenesis(program, action);
  registerInit(program, action);
  registerKeys(program, action);
  registerData(program, action);
  registerFsck(program, action);
  registerRepair(program, action);
  registerHost(program, action);
  registerJoin(program, action);
  registerMember(program, action);
  registerOperate(program, action);
  registerRun(program, action);
  registerLook(program, action);
  registerTestnet(program, action);
  registerWallet(program, action);
  registerPay(program, action);
  registerVerify(program, action);
  registerTrust(program, action);
  registerLight(program, action);
  registerSettings(program, action);
  return program;
}

/** Reads an option that must be a number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('expected a number above 0');
  }
  return value;
}
