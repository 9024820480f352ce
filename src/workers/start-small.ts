/** A process has a minute after its start the memory that it stays at, not a peak before it. */
import { setFlagsFromString } from 'node:v8';

const STARTING_MS = 20_000;

/**
 * Until `ms` have passed, what is old in a heap grows to 1.7 times what a collection of all of it left. By itself V8 compares how
 * fast it collects with how fast the program allocates, and lets it grow to four times; where many processes start on few cores
 * it finds itself slow, and what it allows then is filled for minutes. Later it is V8's own choice: under full load less costs.
 */
export function startSmall(ms = STARTING_MS): void {
  setFlagsFromString('--heap-growing-percent=70');
  setTimeout(() => setFlagsFromString('--heap-growing-percent=0'), ms).unref();
}
