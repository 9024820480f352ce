/** Imported by a worker, first, so that it counts from its start: what V8 compiles gives way to the pipeline. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** V8's threads of a process, by Node's default: one that waits for delayed work, and `--v8-pool-size` that do it. */
const THREADS = 5;
const NICE = 10; // a tenth of what the pipeline's threads get, not less: a collection may have to wait for one of these

// At some events a second V8 compiles for minutes after each start, on the cores that the pipeline needs; its threads take
// what the pipeline leaves.
for (const thread of threadsOfV8()) giveWay(thread);

/** Ids; only Linux has priorities by thread. There the process has the first id, and V8's threads are started next. */
function threadsOfV8(): readonly number[] {
  if (process.platform !== 'linux') return [];
  try {
    const others = readdirSync('/proc/self/task')
      .map(Number)
      .filter((id) => id > process.pid);
    return others.sort((a, b) => a - b).slice(0, THREADS);
  } catch {
    return [];
  }
}

function giveWay(thread: number): void {
  try {
    setPriority(thread, NICE);
  } catch {
    // Not allowed here: then it goes on beside the pipeline as V8 means it to.
  }
}
