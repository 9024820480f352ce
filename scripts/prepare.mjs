/** What `npm start` and `npm test` do first: the right Node, the packages, the build; each only if needed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];
const MODULES = join(ROOT, 'node_modules');
const INSTALLED = join(MODULES, '.installed-from');
const BUILT = join(ROOT, 'dist', '.built-from');

/** Ends the process with one line if something is missing that only the user can give. */
export function prepare({ toRun = true } = {}) {
  checkNode();
  install();
  if (toRun) build();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  stop(
    `Millrace needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version}. Get one from https://nodejs.org`,
  );
}

function install() {
  const lock = join(ROOT, 'package-lock.json');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (readIfThere(INSTALLED) === wanted) return;
  const byHand = join(ROOT, 'node_modules', '.package-lock.json'); // npm writes it at the end of every install
  if (!existsSync(byHand) || statSync(byHand).mtimeMs < statSync(lock).mtimeMs) {
    // npm empties the folder that the link leads to, under the feet of whoever works there.
    if (isLink(MODULES)) return say('node_modules is a link to the packages of another checkout: install them there');
    say('installing packages (npm ci)');
    const npm = process.env.npm_execpath;
    const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    run(
      program,
      [...first, 'ci', '--include=dev', '--no-fund', '--no-audit', '--loglevel=error'],
      'npm ci failed, see above',
    );
  }
  writeFileSync(INSTALLED, wanted);
}

function build() {
  const sources = listSources();
  const wanted = sources.map(({ path, size, mtimeMs }) => `${path} ${size} ${mtimeMs}`).join('\n');
  const built = readIfThere(BUILT);
  if (built === wanted) return;
  say('building (tsc)');
  const paths = new Set(sources.map(({ path }) => path));
  const left = (built ?? '').split('\n').some((line) => !paths.has(line.split(' ', 1)[0]));
  if (left) rmSync(dirname(BUILT), { recursive: true, force: true }); // tsc leaves the output of deleted files
  const tsc = join(ROOT, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], 'the build failed, see above');
  // npx does so at its first call only, and not again when `dist` is made anew.
  chmodSync(join(ROOT, 'dist', 'cli', 'main.js'), 0o755);
  mkdirSync(dirname(BUILT), { recursive: true });
  writeFileSync(BUILT, wanted);
}

function listSources() {
  const tests = /\.test\.ts$|^src\/testing\//;
  const code = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(ROOT.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !tests.test(path));
  return [...code.sort(), 'tsconfig.json', 'tsconfig.build.json', 'package.json'].map((path) => {
    const { size, mtimeMs } = statSync(join(ROOT, path));
    return { path, size, mtimeMs };
  });
}

function run(program, args, problem) {
  const shell = process.platform === 'win32' && program === 'npm'; // there npm is a .cmd file
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell });
  if (status !== 0) stop(problem);
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function say(text) {
  process.stderr.write(`millrace: ${text}\n`);
}

function stop(problem) {
  say(problem);
  process.exit(1);
}
