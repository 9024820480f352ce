#!/usr/bin/env node
/** `millrace`: look after a Millrace, and talk to it, from a terminal. */
import { runCli } from './run.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
process.stdout.on('error', () => process.exit(0)); // the reader of a pipe has gone

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  progress: (line) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${line}`),
  colors: process.stdout.isTTY === true,
  input: () => process.stdin,
  signal: stop.signal,
});
