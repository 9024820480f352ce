/** What variables must be together. A variable that is wrong by itself is absent here, and was told already. */
import type { Problem } from '../core/errors.js';
import { STAGES } from '../core/stages.js';
import { problem } from './parse.js';
import type { Values } from './variables.js';

export const PROFILES = ['worker', 'api', 'embedded', 'cli'] as const;
export type Profile = (typeof PROFILES)[number];

type Given = { readonly [N in keyof Values]?: Values[N] | undefined };

/** Every problem between variables for a process of this profile. */
export const checkTogether = (profile: Profile, values: Given): Problem[] => [
  ...required(profile, values),
  ...session(values),
  ...login(values),
  ...pool(profile, values),
  ...loopback(profile, values),
];

function required(profile: Profile, values: Given): Problem[] {
  const problems: Problem[] = [];
  if (values.DATABASE_URL === null && (profile === 'worker' || profile === 'api')) {
    const hint = 'It must be postgres://user:password@host:5432/database; .env is read too.';
    problems.push(problem('CONFIG_REQUIRED', 'DATABASE_URL', 'is not set.', hint));
  }
  if (values.WORKER_TYPE === null && profile === 'worker') {
    const hint = `It must be one of ${STAGES.join(', ')}.`;
    problems.push(problem('CONFIG_REQUIRED', 'WORKER_TYPE', 'is not set.', hint));
  }
  return problems;
}

function session({ SESSION_TIMEOUT_MS: timeout, HEARTBEAT_INTERVAL_MS: heartbeat }: Given): Problem[] {
  if (timeout === undefined || heartbeat === undefined || heartbeat * 3 <= timeout) return [];
  const message = `is ${heartbeat}: too long for a session of ${timeout} ms.`;
  const hint = `At most a third of SESSION_TIMEOUT_MS: ${Math.floor(timeout / 3)}.`;
  return [problem('CONFIG_RANGE', 'HEARTBEAT_INTERVAL_MS', message, hint)];
}

const LOGIN = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;

function login(values: Given): Problem[] {
  const missing = LOGIN.filter((name) => values[name] === null);
  if (missing.length === LOGIN.length) return [];
  const hint = `Set ${LOGIN.join(', ')}, or none of them.`;
  return missing.map((name) => problem('CONFIG_REQUIRED', name, 'is not set, but the log-in needs it.', hint));
}

const SPARE = 2; // connections for the sweeper and the timers, beside one for each partition

function pool(profile: Profile, { DATABASE_POOL_SIZE: size, CONCURRENCY: concurrency }: Given): Problem[] {
  if (profile !== 'worker' || !size || concurrency === undefined || size >= concurrency + SPARE) return [];
  const message = `is ${size}: too few for CONCURRENCY ${concurrency}.`;
  return [problem('CONFIG_CONFLICT', 'DATABASE_POOL_SIZE', message, `It must be at least ${concurrency + SPARE}.`)];
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

function loopback(profile: Profile, { HOST: host }: Given): Problem[] {
  if (profile !== 'embedded' || !host || LOOPBACK.test(host)) return [];
  const hint = 'Use 127.0.0.1, or run the API and workers on Kafka and Postgres.';
  return [problem('CONFIG_CONFLICT', 'HOST', `is ${host}: the embedded mode asks nobody for a key.`, hint)];
}
