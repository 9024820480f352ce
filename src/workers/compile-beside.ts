/** Imported by a worker, first: what V8 compiles gives way to the pipeline. */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** V8's threads of a process, by Node's default: one that waits for delayed work, and `--v8-pool-size` that do it. */
const THREADS = 5;
const NICER = 10; // a tenth of what the pipeline's threads get, not less: a collection may have to wait for one of these
const NICEST = 19;

// At some events a second V8 compiles for minutes after each start, on the cores that the pipeline needs; its threads take
// what the pipeline leaves. Only Linux has priorities by thread.
if (process.platform === 'linux') {
  try {
    const nice = Math.min(NICEST, getPriority() + NICER);
    for (const thread of threadsOfV8()) setPriority(thread, nice);
  } catch {
    // Not allowed here: then it goes on beside the pipeline as V8 means it to.
  }
}

/** Ids: the process has the first, and V8's threads are started next. */
function threadsOfV8(): readonly number[] {
  const ids = readdirSync('/proc/self/task').map(Number);
  const others = ids.filter((id) => id > process.pid).sort((a, b) => a - b);
  return others.slice(0, THREADS);
}
