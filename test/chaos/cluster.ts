/** A cluster of its own: Postgres, Kafka, API and workers as real processes, each of which may be ended at any time. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { freePort } from '../../src/testing/services/process.js';
import { STAGES, type Stage } from './layout.js';
import { APPROVERS, SECRET_NAME } from './pack.js';
import { Reaper } from './reaper.js';
import { type Links, type Servers, startServers } from './servers.js';
import { type Exit, Supervised } from './supervised.js';
import { sleep } from './waiting.js';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const run = promisify(execFile);

export interface ClusterOptions {
  readonly folder: string; // logs, secrets, files
  readonly tenants: readonly string[];
  readonly perStage: number; // processes of each worker
  readonly apis: number;
  readonly partitions: number;
  readonly egress: string; // host:port that tools may call
  readonly secret: string; // what the pack's secret is
  readonly linked: boolean; // with a network in between that can be made a bad one
}

export type Sql = postgres.Sql;

/** An API key of a tenant, by the name of who holds it. */
export type Keys = ReadonlyMap<string, string>; // `tenant/name` → key

export class Cluster {
  readonly workers = new Map<Stage, Supervised[]>();
  readonly apis: Supervised[] = [];
  readonly apiUrls: string[] = [];
  readonly kafka: Kafka;
  readonly sql: Sql;
  private readonly reaper = new Reaper();

  private constructor(
    readonly options: ClusterOptions,
    private readonly servers: Servers,
  ) {
    this.kafka = new Kafka({
      clientId: 'chaos',
      brokers: [servers.kafkaAddress],
      logLevel: logLevel.NOTHING,
      requestTimeout: 120_000,
      retry: { retries: 20, maxRetryTime: 5_000 },
    });
    this.sql = connect(servers.postgres.address); // past the link: who judges sees everything
  }

  /** Starts both servers, prepares them through the product's own commands, then starts every process. */
  static async start(options: ClusterOptions, packs: ReadonlyMap<string, string>): Promise<Cluster> {
    const cluster = new Cluster(options, await startServers(options.linked));
    try {
      await cluster.prepare(packs);
      await cluster.startProcesses();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get links(): Links | undefined {
    return this.servers.links;
  }

  /** The process of this name. */
  processOf(name: string): Supervised {
    const found = this.processes.find((one) => one.name === name);
    if (!found) throw new Error(`there is no process ${name}`);
    return found;
  }

  get processes(): Supervised[] {
    return [...this.workers.values(), this.apis].flat();
  }

  get exits(): Exit[] {
    return this.processes.flatMap(({ exits }) => exits).sort((a, b) => a.at - b.at);
  }

  async ready(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.ready()));
  }

  /** Postgres goes down and comes back: `fast` cuts sessions off and writes everything, `immediate` is a crash. */
  async restartPostgres(how: 'fast' | 'immediate', downMs: number): Promise<void> {
    await this.servers.postgres.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await sleep(downMs);
    await this.servers.postgres.restart();
  }

  async restartKafka(how: 'clean' | 'hard', downMs: number): Promise<void> {
    await this.servers.kafka.kill(how === 'clean' ? 'SIGTERM' : 'SIGKILL');
    await sleep(downMs);
    await this.servers.kafka.restart();
  }

  /** Starts one more worker of a stage, for as long as the caller keeps it. */
  async join(stage: Stage, name: string): Promise<Supervised> {
    const one = new Supervised(await this.workerSpec(stage, name), this.reaper);
    one.start();
    return one;
  }

  /** Makes keys for who writes and who approves. The form is documented; the product only keeps the hash. */
  async makeKeys(): Promise<Keys> {
    const keys = new Map<string, string>();
    for (const tenant of this.options.tenants) {
      for (const name of ['writer', ...APPROVERS]) {
        const [keyId, secret] = [randomBytes(9).toString('base64url'), randomBytes(32).toString('base64url')];
        const scopes = name === 'writer' ? ['exceptions:write', 'exceptions:read'] : ['approvals:decide'];
        const hash = createHash('sha256').update(secret).digest('hex');
        await this.sql`insert into api_keys (tenant_id, key_id, name, secret_hash, scopes)
          values (${tenant}, ${keyId}, ${name}, ${hash}, ${scopes})`;
        keys.set(`${tenant}/${name}`, `mr.${tenant}.${keyId}.${secret}`);
      }
    }
    return keys;
  }

  /** Ends every process and both servers; answers the names of those that did not end by themselves. */
  async stop(): Promise<string[]> {
    const ended = await Promise.all(this.processes.map(async (one) => ((await one.stop()) ? [] : [one.name])));
    this.reaper.close();
    await this.sql.end({ timeout: 2 }).catch(() => undefined);
    await this.servers.stop();
    return ended.flat();
  }

  private async prepare(packs: ReadonlyMap<string, string>): Promise<void> {
    await Promise.all([this.millrace('migrate'), this.millrace('topics', 'create')]);
    const pack = join(this.options.folder, 'pack');
    for (const [path, text] of packs) await writeDeep(join(pack, path), text);
    const tenants = this.options.tenants.map(async (tenant) => {
      await this.millrace('tenants', 'create', tenant);
      await this.millrace('packs', 'push', tenant, pack, '--activate');
      await writeDeep(join(this.options.folder, 'secrets', tenant, SECRET_NAME), this.options.secret);
    });
    await Promise.all(tenants);
  }

  private async millrace(...args: string[]): Promise<void> {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...this.env() };
    await run(process.execPath, [join(DIST, 'cli/main.js'), ...args], { cwd: this.options.folder, env });
  }

  private async startProcesses(): Promise<void> {
    for (let i = 1; i <= this.options.apis; i++) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const env = { ...this.env(), PORT: String(port), HOST: '127.0.0.1' };
      this.apis.push(this.supervise(`api-${i}`, 'api/main.js', env, url));
      this.apiUrls.push(url);
    }
    for (const stage of STAGES) {
      const names = Array.from({ length: this.options.perStage }, (_, i) => `${stage}-${i + 1}`);
      const specs = await Promise.all(names.map((name) => this.workerSpec(stage, name)));
      this.workers.set(
        stage,
        specs.map((spec) => new Supervised(spec, this.reaper)),
      );
    }
    for (const one of this.processes) one.start();
    await this.ready();
  }

  private async workerSpec(stage: Stage, name: string) {
    const port = await freePort();
    const env = { ...this.env(), WORKER_TYPE: stage, HEALTH_PORT: String(port), HOST: '127.0.0.1' };
    return this.supervise(name, 'workers/index.js', env, `http://127.0.0.1:${port}`).spec;
  }

  private supervise(name: string, script: string, env: Record<string, string>, url: string): Supervised {
    const { folder } = this.options;
    const logFile = join(folder, 'logs', `${name}.log`);
    const spec = { name, script: join(DIST, script), env, cwd: folder, logFile, readyUrl: `${url}/readyz` };
    return new Supervised(spec, this.reaper);
  }

  private env(): Record<string, string> {
    const { folder, partitions, egress } = this.options;
    const runtime = new URL(this.servers.postgresUrl);
    runtime.username = 'millrace_runtime';
    runtime.password = 'chaos-password';
    return {
      MIGRATE_DATABASE_URL: this.servers.postgres.address,
      MILLRACE_RUNTIME_PASSWORD: runtime.password,
      DATABASE_URL: runtime.href,
      KAFKA_BOOTSTRAP_SERVERS: this.servers.kafkaAddress,
      PARTITIONS: String(partitions),
      CONCURRENCY: '2',
      SESSION_TIMEOUT_MS: '10000',
      LOG_FORMAT: 'json',
      EGRESS_ALLOW: egress,
      SECRETS_DIR: join(folder, 'secrets'),
      FILES_ROOT: join(folder, 'files'),
      MILLRACE_HOME: join(folder, 'home'),
    };
  }
}

/** As the superuser: row-level security does not hide anything from who judges. */
export const connect = (url: string): Sql =>
  postgres(url, { max: 4, onnotice: () => undefined, connect_timeout: 5, idle_timeout: 20 });

async function writeDeep(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
