/** `npm start`: installs and builds if needed, then is the program: signals and the exit code are its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, ROOT } from './prepare.mjs';

prepare();
const main = join(ROOT, 'dist', 'embedded', 'main.js');
if (!existsSync(main)) {
  process.stderr.write(`millrace: ${main} is missing after the build; delete the folder dist and try again\n`);
  process.exit(1);
}
process.argv[1] = main;
await import(pathToFileURL(main).href);
