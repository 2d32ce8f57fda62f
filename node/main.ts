#!/usr/bin/env node
/**
 * Entry of the command line.
 *
 * What V8 compiled is kept between runs, for this thread and those it starts: that halves the time
 * until a node is up.
 */
import { enableCompileCache } from 'node:module';
import { becomeLean } from './cli/lean.ts';

// Before a node takes this process's place, which then finds this very module compiled.
const { directory } = enableCompileCache();
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

becomeLean(process.argv.slice(2));

// Whoever reads has read enough, as in `fanal rules print | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const { runProgram } = await import('./cli/program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
