/** Runs a process of a cluster: start-up, readiness, signals, and an exit code that tells what happened. */
import { ConfigError, EXIT_CONFIG } from '../config.js';
import type { Problem } from '../core/errors.js';
import { startSmall } from './start-small.js';

/** Prints problems, one a line, to standard error. */
export function printProblems(problems: readonly Problem[]): void {
  for (const { code, path, message, hint } of problems) {
    process.stderr.write(`${path ? `${path}: ` : ''}${message} [${code}]${hint ? ` ${hint}` : ''}\n`);
  }
}

const stopping = new AbortController();

/**
 * Runs `main`; a wrong configuration prints every problem and exits 78, anything else unexpected exits 1. Once a stop was asked
 * for, what `main` still waited for is given up, and who stops ends the process.
 */
export async function runProcess(main: () => Promise<void>): Promise<void> {
  startSmall();
  try {
    await main();
  } catch (error) {
    if (stopping.signal.aborted) return;
    if (error instanceof ConfigError) {
      printProblems(error.problems);
      process.exit(EXIT_CONFIG);
    }
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  }
}

/** Aborts at the first SIGINT or SIGTERM; the second one ends the process at once. */
export function onStopSignal(stop: (signal: string) => void): AbortSignal {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort();
      stop(signal);
    });
  }
  return stopping.signal;
}
