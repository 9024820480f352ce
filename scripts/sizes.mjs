/** Fails for a file above 300 lines and a function above 60; there is no list of exceptions. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './prepare.mjs';

const MAX_FILE = 300;
const MAX_FUNCTION = 60;
const FOLDERS = ['src', 'scripts', 'bench', 'drizzle'];

const problems = FOLDERS.flatMap(codeFiles).flatMap(check);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

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
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body && !isSuite(node)) {
      const first = line(node.getStart(source));
      const length = line(node.getEnd()) - first + 1;
      if (length > MAX_FUNCTION) found.push(`${file}:${first}: a function of ${length} lines, at most ${MAX_FUNCTION}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

// The callback of describe() is a chapter of a test file, not a function; what is inside it is counted.
function isSuite(node) {
  if (!ts.isCallExpression(node.parent) || !node.parent.arguments.includes(node)) return false;
  let callee = node.parent.expression;
  if (ts.isCallExpression(callee)) callee = callee.expression; // describe.each(cases)('…', () => …)
  return /(^|\.)describe(\.\w+)*$/.test(callee.getText());
}
