/**
 * Which part may import which. Imports go one way:
 *   core <- packs <- stages <- runtime <- entry points (workers, api, console, cli, embedded)
 *                           <- trial   <-
 * Ports (`port.ts`, the errors it may give in `errors.ts`, the telemetry catalogue) are what the inner parts may know;
 * what implements them is not.
 */
const ENTRY = '^src/(workers|api|console|cli|embedded)/';
const TEST = '\\.test\\.ts$|^src/testing/|^bench/';
const PORT = '^src/(log|store|blocks|brains)/(port|errors)\\.ts$|^src/telemetry/catalogue\\.ts$';
const ADAPTER = '^src/(log|store|telemetry|blocks|brains)/';
const CONFIG = '^src/config(\\.ts$|/)';
const PURE = '^src/(core|packs|trial)/|^src/stages/[^/]+/decide\\.ts$';

const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

export default {
  forbidden: [
    rule(
      'no-circle',
      'Files that import each other, types included, cannot be understood apart.',
      {},
      { circular: true },
    ),
    rule('resolvable', 'An import that cannot be resolved is not checked by any rule.', {}, { couldNotResolve: true }),
    rule('core-alone', 'core imports nothing of src but itself.', at('^src/core/'), outside('^src/core/')),
    rule('core-packages', 'core needs no package but zod.', at('^src/core/'), {
      dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg'],
      pathNot: '(^|/)node_modules/zod/',
    }),
    rule('packs-on-core', 'packs imports core.', at('^src/packs/'), outside('^src/(core|packs)/')),
    rule(
      'stages-on-packs',
      'stages import core, packs and ports.',
      at('^src/stages/'),
      outside(`^src/(core|packs|stages)/|${PORT}`),
    ),
    rule(
      'stage-alone',
      'No stage imports another: they talk by events.',
      { path: '^src/stages/([^/]+)/', pathNot: TEST },
      { path: '^src/stages/[^/]+/', pathNot: '^src/stages/$1/' },
    ),
    rule(
      'runtime-on-ports',
      'runtime knows ports, never what implements them.',
      at('^src/runtime/'),
      outside(`^src/(core|packs|stages|runtime)/|${PORT}`),
    ),
    rule(
      'trial-on-stages',
      "trial carries cases through the stages' own decisions; it knows no port, so it can have no effect.",
      at('^src/trial/'),
      outside('^src/(core|packs|stages|trial)/'),
    ),
    rule('ports-on-core', 'A port knows core only.', at(PORT), outside(`^src/core/|${PORT}`)),
    rule(
      'adapters-from-entry',
      'Only entry points and tests choose what implements a port.',
      { path: '^src/([^/]+)/', pathNot: `${ENTRY}|${TEST}` },
      { path: ADAPTER, pathNot: `^src/$1/|${PORT}` },
    ),
    rule(
      'logs-apart',
      'The two logs share a port and a contract suite, no code of their own.',
      { path: '^src/log/(kafka|embedded)/', pathNot: TEST },
      { path: '^src/log/(kafka|embedded)/', pathNot: '^src/log/$1/' },
    ),
    rule(
      'adapters-inward',
      'What implements a port knows neither the shell nor the entry points.',
      { path: ADAPTER, pathNot: TEST },
      { path: `^src/runtime/|^src/stages/[^/]+/|${ENTRY}` },
    ),
    rule(
      'config-at-entry',
      'Settings are parsed once by an entry point and passed down.',
      { path: '^src/', pathNot: `${CONFIG}|${ENTRY}|${TEST}` },
      { path: CONFIG },
    ),
    rule('pure-is-pure', 'A pure decision reads no file, network, process or clock.', at(PURE), {
      dependencyTypes: ['core'],
      pathNot: '^(node:)?(crypto|buffer|util)$',
    }),
    rule(
      'drizzle-once',
      'Drizzle comes by store/drizzle.ts, which loads it in a tenth of the time and memory.',
      { path: '^src/', pathNot: '^src/store/drizzle\\.ts$' },
      { path: '(^|/)node_modules/drizzle-orm/' },
    ),
    rule('drizzle-is-a-tool', 'drizzle/ belongs to drizzle-kit.', { path: '^src/' }, { path: '^drizzle/' }),
    rule(
      'chaos-from-outside',
      'Chaos runs talk to the product as its users do; of src they only start servers.',
      { path: '^test/chaos/' },
      { path: '^src/', pathNot: '^src/testing/services/' },
    ),
    rule(
      'judge-apart',
      'Who judges shares nothing with what is judged.',
      { path: '^test/chaos/(checker|evidence|layout|invariants/)' },
      { path: '^src/' },
    ),
    rule('tests-stay-out', 'Shipped code imports no test.', { path: '^src/', pathNot: TEST }, { path: TEST }),
    rule(
      'no-dev-packages',
      'Shipped code needs only what is installed with it.',
      { path: '^src/', pathNot: TEST },
      {
        dependencyTypes: ['npm-dev'],
      },
    ),
    rule(
      'packages-listed',
      'A package that package.json does not list may be gone tomorrow.',
      {},
      {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown'],
      },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};

/** From a part, its tests left out. */
function at(path) {
  return { path, pathNot: TEST };
}

/** To anything in src but `allowed`. */
function outside(allowed) {
  return { path: '^src/', pathNot: allowed };
}
