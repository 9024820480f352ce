/** Prints `N passed, N failed` of all test runs that left their results; a file that could not even be read counts as one failure. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const folder = join(ROOT, '.test-results');
let passed = 0;
let failed = 0;
try {
  const runs = readdirSync(folder).filter((name) => /^node-.*\.json$/.test(name));
  if (runs.length === 0) throw new Error(`nothing in ${folder}`);
  for (const run of runs) {
    for (const { status, assertionResults } of JSON.parse(readFileSync(join(folder, run), 'utf8')).testResults) {
      const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
      passed += count('passed');
      failed += count('failed') || (status === 'failed' ? 1 : 0);
    }
  }
} catch (error) {
  process.stderr.write(`the tests left no results: ${error.message}\n`);
  failed = 1;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
