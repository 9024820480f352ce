/**
 * The simulation as plain JavaScript, for the children that run the seeds. What is translated while it loads gives
 * every function its name anew each time that one is made, and that costs a tenth of a run.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const OUT = '.test-results/simulation/';

/** Compiles what has changed; answers the script to run. Types are not its business. */
export function compiled(): string {
  const compiler = pathOf('node_modules/@typescript/native/bin/tsc');
  const options = ['--noCheck', '--sourceMap', 'false', '--outDir', pathOf(OUT)];
  const project = ['-p', pathOf('tsconfig.json'), '--tsBuildInfoFile', pathOf(`${OUT}.tsbuildinfo`)];
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...project, ...options], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the simulation does not compile: ${stdout}${stderr}`);
  writeFileSync(pathOf(`${OUT}package.json`), '{ "type": "module" }\n');
  return pathOf(`${OUT}testing/simulation/main.js`);
}
