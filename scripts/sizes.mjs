/**
 * Fails for a file above 300 lines and a function above 60, with no list of exceptions; and for migrations whose numbers
 * have a gap or stand twice, which is how two branches meet.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './prepare.mjs';

const MAX_FILE = 300;
const MAX_FUNCTION = 60;
const FOLDERS = ['src', 'test', 'scripts', 'bench', 'drizzle'];

const problems = [...FOLDERS.flatMap(codeFiles).flatMap(check), ...numbering()];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function numbering() {
  const files = readdirSync(join(ROOT, 'migrations')).sort();
  const wrong = files.findIndex((file, i) => Number(file.slice(0, 4)) !== i + 1);
  const hint = 'take the next free number; those that are on main keep theirs';
  return wrong === -1 ? [] : [`migrations/${files[wrong]} breaks the numbering: ${hint}`];
}

function codeFiles(folder) {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true })
      .filter((name) => /\.(ts|mjs|js|cjs)$/.test(name))
      .map((name) => join(folder, name));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function check(file) {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const found = lines > MAX_FILE ? [`${file}: ${lines} lines, at most ${MAX_FILE}`] : [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const line = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const length = (node) => line(node.getEnd()) - line(node.getStart(source)) + 1;
  // Visits a node and answers how many of its lines are tests, which count for themselves.
  const visit = (node) => {
    let inTests = 0;
    ts.forEachChild(node, (child) => {
      inTests += visit(child);
    });
    if (ts.isFunctionLike(node) && node.body && length(node) - inTests > MAX_FUNCTION) {
      const first = line(node.getStart(source));
      found.push(`${file}:${first}: a function of ${length(node) - inTests} lines, at most ${MAX_FUNCTION}`);
    }
    return isTest(node) ? length(node) : inTests;
  };
  visit(source);
  return found;
}

// it('…', () => …), describe.each(cases)('…', () => …), service.describe(…), beforeEach(…): parts of a test file, each
// of which is counted for itself and not again in the function around it.
function isTest(node) {
  if (!ts.isCallExpression(node)) return false;
  const callee = ts.isCallExpression(node.expression) ? node.expression.expression : node.expression;
  return /(^|\.)(it|test|describe)(\.\w+)*$|^(before|after)(Each|All)$/.test(callee.getText());
}
