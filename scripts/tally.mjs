/** Prints `N passed, N failed` of the last test run; a file that could not even be read counts as one failure. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

let passed = 0;
let failed = 0;
try {
  const { testResults } = JSON.parse(readFileSync(join(ROOT, '.test-results', 'vitest.json'), 'utf8'));
  for (const { status, assertionResults } of testResults) {
    const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
    passed += count('passed');
    failed += count('failed') || (status === 'failed' ? 1 : 0);
  }
} catch (error) {
  process.stderr.write(`the tests left no results: ${error.message}\n`);
  failed = 1;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
