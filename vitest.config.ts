import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'drizzle/**/*.test.ts'],
    globalSetup: ['src/testing/services/global-setup.ts'],
    pool: 'forks',
    testTimeout: 900_000, // three times what `until` waits, so that it can say what did not come
    hookTimeout: 900_000,
    teardownTimeout: 60_000,
    reporters: [
      'default',
      ['json', { outputFile: `.test-results/node-${process.versions.node}.json` }], // a run with another Node keeps this one
      './src/testing/services/reporter.ts',
    ],
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts', 'src/packs/**/*.ts', 'src/stages/*/decide.ts'],
      reporter: [['text', { skipFull: true }], 'html'],
      thresholds: {
        'src/core/**/*.ts': { branches: 100 },
        'src/packs/**/*.ts': { branches: 100 },
        'src/stages/*/decide.ts': { branches: 100 },
      },
    },
  },
});
