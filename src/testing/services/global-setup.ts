/** Starts the services that the test files of this run ask for, once, and stops them at the end. */
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { startKafka } from './kafka.js';
import { startPostgres } from './postgres.js';
import type { Found, ServiceName } from './require.js';
import { type Service, ServiceUnavailable } from './service.js';

const START: Readonly<Record<ServiceName, () => Promise<Service>>> = { postgres: startPostgres, kafka: startKafka };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const names = await asked(project);
  const running: Service[] = [];
  const stop = async () => void (await Promise.all(running.map((service) => service.stop())));
  const find = async (name: ServiceName): Promise<[ServiceName, Found]> => {
    try {
      const started = performance.now();
      const service = await START[name]();
      running.push(service);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${name}: ${service.origin} at ${withoutSecrets(service.address)}, ready in ${seconds} s`);
      return [name, { address: service.address }];
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      console.log(`${name}: ${error.message}`);
      return [name, { missing: error.message }];
    }
  };
  try {
    project.provide('services', Object.fromEntries(await Promise.all(names.map(find))));
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

async function asked(project: TestProject): Promise<ServiceName[]> {
  const vitest: object = project.vitest; // the files asked for on the command line are a field without a type
  const filters = 'filenamePattern' in vitest && Array.isArray(vitest.filenamePattern) ? vitest.filenamePattern : [];
  const { testFiles } = await project.globTestFiles(filters.map(String));
  const texts = testFiles.map((file) => readFileSync(file, 'utf8'));
  return (Object.keys(START) as ServiceName[]).filter((name) =>
    texts.some((text) => text.includes(`requireService('${name}')`)),
  );
}

function withoutSecrets(address: string): string {
  return address.replace(/:[^:@/]+@/, ':…@');
}
