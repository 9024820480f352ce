import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { VARIABLE_NAMES } from '../../config/variables.js';
import { loadConfig } from '../../config.js';
import { STAGES } from '../../core/stages.js';

const TEXT = readFileSync(join(import.meta.dirname, '../../../docker-compose.yml'), 'utf8');
const Service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  ports: z.array(z.string()).default([]),
  restart: z.string().optional(),
  healthcheck: z.looseObject({}).optional(),
  stop_grace_period: z.string().optional(),
  container_name: z.string().optional(),
});
const { services, volumes } = z
  .looseObject({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.unknown()) })
  .parse(parse(TEXT, { merge: true }));

/** The environment with the defaults of `${NAME:-default}`. */
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [
      key,
      String(value).replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
    ]),
  );

describe('docker-compose.yml', () => {
  it('runs one service for each worker, under settings that the worker takes', () => {
    for (const stage of STAGES) {
      expect(services[stage]?.command).toEqual(['node', 'dist/workers']);
      const config = loadConfig('worker', environmentOf(stage), false);
      expect(config.worker.type).toBe(stage);
      expect(config.shutdownTimeoutMs / 1_000 + 5).toBeLessThan(
        Number.parseInt(services[stage]?.stop_grace_period ?? '', 10),
      );
    }
    expect(loadConfig('api', environmentOf('api'), false).http.port).toBe(7070);
  });

  it('lets every worker be scaled: no name and no port of the host is taken by it', () => {
    for (const stage of STAGES) {
      expect(services[stage]?.ports).toEqual([]);
      expect(services[stage]).not.toHaveProperty('container_name');
    }
  });

  it('restarts what fails and tells whether it is well', () => {
    const lasting = Object.entries(services).filter(([name]) => name !== 'migrate');
    for (const [name, { restart, healthcheck }] of lasting) {
      expect({ name, restart, isChecked: healthcheck !== undefined }).toEqual({
        name,
        restart: 'unless-stopped',
        isChecked: true,
      });
    }
  });

  it('migrates as the owner and works as the role that row-level security binds', () => {
    const { database } = loadConfig('cli', environmentOf('migrate'), false);
    expect(new URL(database.migrateUrl ?? '').username).toBe('millrace');
    expect(new URL(database.url ?? '').username).toBe('millrace_runtime');
    expect(new URL(database.url ?? '').password).toBe(database.runtimePassword);
    for (const name of ['api', ...STAGES]) expect(environmentOf(name)).not.toHaveProperty('MIGRATE_DATABASE_URL');
  });

  it('honours .env: each variable that it reads has a default, and is one of the product or of a container', () => {
    const read = [...TEXT.matchAll(/\$\{(\w+)(:-[^}]*)?\}/g)].map(([, name, fallback]) => ({ name, fallback }));
    expect(read.filter(({ fallback }) => fallback === undefined)).toEqual([]);
    const others = read
      .map(({ name = '' }) => name)
      .filter((name) => !(VARIABLE_NAMES as readonly string[]).includes(name));
    expect([...new Set(others)].sort()).toEqual(['IMAGE', 'POSTGRES_PASSWORD']);
  });

  it('uses nothing that Compose 1.29 refuses', () => {
    expect(TEXT).not.toMatch(/^name:|^version:|start_interval|required:|develop:/m);
    expect(Object.keys(volumes)).toEqual(['postgres', 'kafka', 'files']);
  });
});
