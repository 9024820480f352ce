/** For commands that work for long and may stand beside production. */
import os from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** What serves others goes first, and of the memory no more is taken than twice what is held: by itself V8 lets it grow to four times. */
export function stepBack(): void {
  os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  setFlagsFromString('--heap-growing-percent=100');
}
