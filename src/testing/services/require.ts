import { describe, expect, inject, test } from 'vitest';
import { NOT_RUN } from './service.js';

export type ServiceName = 'postgres' | 'kafka';

/** What the run found of a service: its address, or why there is none. */
export type Found = { readonly address: string } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    services: Partial<Record<ServiceName, Found>>;
  }
}

export interface RequiredService {
  /** Postgres: a superuser's URL, see `createDatabase`. Kafka: `host:port`. Empty when the service is missing. */
  readonly address: string;
  readonly available: boolean;
  /** A suite that needs the service. Where it is missing, the suite is listed at the end of the run, and fails in CI. */
  describe(name: string, suite: () => void): void;
}

/**
 * The service that the run started for all files. Call it at the top of the test file itself, with the name written
 * out: the run starts what the files to be run ask for.
 */
export function requireService(name: ServiceName): RequiredService {
  const found = inject('services')[name];
  if (!found) throw new Error(`${name} was not started: call requireService('${name}') in the test file itself`);
  if ('address' in found) return { address: found.address, available: true, describe };
  return { address: '', available: false, describe: (suite) => cannotRun(suite, found.missing) };
}

/** A suite that cannot run on this machine: listed by name with the reason at the end of the run, a failure in CI. */
export function cannotRun(suite: string, reason: string): void {
  describe(suite, () => {
    test('can run here', ({ skip }) => {
      if (process.env.CI) expect.fail(`with CI set, everything must run: ${reason}`);
      skip(`${NOT_RUN}${reason}`);
    });
  });
}
