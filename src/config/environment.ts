/** Finds the product's variables among those of the process: other spellings, secrets in files, and slips of the pen. */
import { readFileSync } from 'node:fs';
import { didYouMean, type Problem, quoted } from '../core/errors.js';
import { problem } from './parse.js';
import { VARIABLE_NAMES, VARIABLES, type VariableName } from './variables.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** The text of a variable and the name under which it was given. */
export interface Given {
  readonly text: string;
  readonly name: string;
}

export interface Environment {
  readonly given: ReadonlyMap<VariableName, Given>;
  readonly problems: readonly Problem[];
}

const OURS = 'MILLRACE_';
const FILE = '_FILE';

const known: ReadonlySet<string> = new Set(VARIABLE_NAMES);
const isKnown = (name: string): name is VariableName => known.has(name);

/** Reads `env`. Empty variables count as absent; `KAFKA__SSL` is `KAFKA_SSL`; a secret may be given as NAME_FILE. */
export function readEnvironment(env: Env): Environment {
  const given = new Map<VariableName, Given>();
  const problems: Problem[] = [];
  const take = (variable: VariableName, name: string, text: string): void => {
    const earlier = given.get(variable);
    if (earlier !== undefined && earlier.text !== text) {
      problems.push(problem('CONFIG_CONFLICT', name, `and ${earlier.name} are both set.`, 'Keep one of them.'));
    }
    given.set(variable, { name, text });
  };
  for (const [name, value] of Object.entries(env)) {
    const text = value?.trim() ?? '';
    if (text === '') continue;
    const variable = name.replaceAll('__', '_');
    const inFile = variable.endsWith(FILE) ? variable.slice(0, -FILE.length) : '';
    if (isKnown(variable)) take(variable, name, text);
    else if (isKnown(inFile) && VARIABLES[inFile].secret) {
      const content = fileContent(name, text, problems);
      if (content !== '') take(inFile, name, content);
    } else if (variable.startsWith(OURS) && !isServiceLink(name, env)) problems.push(unknown(name, variable));
  }
  return { given, problems };
}

function fileContent(name: string, path: string, problems: Problem[]): string {
  const hint = 'It must name a file that holds the value alone.';
  try {
    const content = readFileSync(path, 'utf8').trim();
    if (content === '') problems.push(problem('CONFIG_FILE', name, `names ${quoted(path)}, which is empty.`, hint));
    return content;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    problems.push(problem('CONFIG_FILE', name, `names ${quoted(path)}, which cannot be read (${code}).`, hint));
    return '';
  }
}

function unknown(name: string, variable: string): Problem {
  const meant = didYouMean(variable, known) ?? didYouMean(variable.slice(OURS.length), known);
  const hint = meant === undefined ? '.env.example names all variables.' : `Did you mean ${meant}?`;
  return problem('CONFIG_UNKNOWN', name, 'is unknown.', hint);
}

/** Kubernetes tells each pod of every service: for one named millrace-api, MILLRACE_API_SERVICE_HOST and others. */
function isServiceLink(name: string, env: Env): boolean {
  const service = /^(.+?)_(?:SERVICE|PORT)(?:_|$)/.exec(name)?.[1];
  return service !== undefined && `${service}_SERVICE_HOST` in env;
}
