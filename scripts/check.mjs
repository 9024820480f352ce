/** `npm run check`: everything that must hold, one line a step. `npm run check -- lint types` runs only these. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, ROOT } from './prepare.mjs';

const modules = (path) => join(ROOT, 'node_modules', path);
const STEPS = [
  {
    name: 'lint',
    what: 'format and lint',
    args: [modules('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '--error-on-warnings', '.'],
  },
  { name: 'types', what: 'types', args: [modules('@typescript/native/bin/tsc'), '-p', 'tsconfig.check.json'] },
  {
    name: 'imports',
    what: 'direction of imports',
    args: [
      modules('dependency-cruiser/bin/dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      'src',
      'test',
    ],
  },
  { name: 'unused', what: 'unused exports, files and packages', args: [modules('knip/bin/knip.js'), '--no-progress'] },
  { name: 'sizes', what: 'size of files and functions', args: [join(ROOT, 'scripts/sizes.mjs')] },
  { name: 'tests', what: 'tests and their coverage', args: [join(ROOT, 'scripts/test.mjs'), '--coverage'], live: true },
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are: ${STEPS.map((step) => step.name).join(', ')}`);
  process.exit(64);
}
prepare({ toRun: false });
const failed = STEPS.filter(({ name }) => asked.length === 0 || asked.includes(name)).filter((step) => !passes(step));
if (failed.length > 0) console.error(`\ncheck failed: ${failed.map((step) => step.what).join('; ')}`);
else console.log('\ncheck passed');
process.exitCode = failed.length > 0 ? 1 : 0;

function passes({ name, what, args, live }) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: live ? 'inherit' : 'pipe',
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0 && !live) process.stdout.write(`${stdout}${stderr}`);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${what}, ${seconds} s`);
  return status === 0;
}
