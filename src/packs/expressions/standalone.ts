/** A condition outside a pack, over names of its own: no tables. */
import type { Condition } from '../types.js';
import { type Checked, createScopeCompiler } from './compile.js';
import { createLibrary } from './library.js';
import { paramShape } from './scope.js';

export const compileCondition = (text: string, names: Iterable<string>): Checked<Condition> =>
  createScopeCompiler(createLibrary(new Map()), paramShape(names)).condition(text);
