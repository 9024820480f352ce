/** Kafka on this machine without containers: the broker's own jars, fetched by Maven once, on the local Java. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.js';
import { freePort, type ServerProcess, startServer } from './process.js';
import { type Probe, type Service, untilReady } from './service.js';

const VERSION = '4.3.0';
const run = promisify(execFile);

/** A fresh broker with the given settings beside those that one node on one machine needs. */
export async function startLocalKafka(settings: Readonly<Record<string, string>>, probe: Probe): Promise<Service> {
  needJava();
  const jars = await fetchJars();
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
  const [port, controller] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const properties = join(dir, 'server.properties');
  writeFileSync(properties, lines({ ...nodeSettings(dir, port, controller), ...settings }));
  writeFileSync(join(dir, 'log4j2.xml'), logging(join(dir, 'broker.log')));
  const java = (heap: string) => [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData', // else it wakes up twenty times a second to write statistics that nobody reads
    `-Dlog4j2.configurationFile=file:${join(dir, 'log4j2.xml')}`,
    '-cp',
    `${jars}/*`,
  ];
  const logFile = join(dir, 'broker.out');
  let server: ServerProcess;
  const start = async () => {
    const started = await startServer(['java', ...java('512m'), 'kafka.Kafka', properties], { dir, logFile });
    server = started;
    const gaveUp = () => (started.exited ? `it ended at its start; the end of its log: ${lastError(dir)}` : undefined);
    await started.endUnless(untilReady(() => probe(address), 180_000, gaveUp));
  };
  const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  try {
    const id = randomBytes(16).toString('base64url');
    await run('java', [
      ...java('256m'),
      '-XX:TieredStopAtLevel=1',
      'kafka.tools.StorageTool',
      'format',
      `--cluster-id=${id}`, // one word: an id may begin with a dash
      `--config=${properties}`,
    ]);
    await start();
  } catch (error) {
    remove();
    throw error;
  }
  return {
    address,
    origin: `Kafka ${VERSION} on the local Java`,
    stop: async () => {
      await server.end('SIGKILL'); // its data is deleted anyway
      remove();
    },
    kill: (signal = 'SIGKILL') => server.end(signal),
    restart: async () => {
      await server.end('SIGTERM', 30_000);
      await start();
    },
  };
}

function nodeSettings(dir: string, port: number, controller: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(dir, 'data'),
  };
}

function needJava(): void {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (status !== 0) throw new Error('no java in PATH (17 or later is needed)');
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < 17) throw new Error(`Java 17 or later is needed, java is ${major}`);
}

/** The folder with the broker's jars, filled by Maven if this machine does not have them yet. */
async function fetchJars(): Promise<string> {
  const cache = join(cacheFolder(), `kafka-${VERSION}`);
  if (existsSync(cache)) return cache;
  mkdirSync(dirname(cache), { recursive: true });
  const work = mkdtempSync(`${cache}.`);
  try {
    writeFileSync(join(work, 'pom.xml'), pom());
    const lib = join(work, 'lib');
    const maven = (...args: string[]) =>
      run('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), `-DoutputDirectory=${lib}`, ...args]);
    await maven('dependency:copy-dependencies');
    // The binding that carries slf4j to log4j must be of log4j's own version.
    const core = readdirSync(lib)
      .map((name) => /^log4j-core-(.+)\.jar$/.exec(name)?.[1])
      .find(Boolean);
    const binding = readdirSync(lib).some((name) => name.startsWith('slf4j-api-1.')) ? 'slf4j' : 'slf4j2';
    await maven('dependency:copy', `-Dartifact=org.apache.logging.log4j:log4j-${binding}-impl:${core}`);
    if (!existsSync(cache)) renameSync(lib, cache); // unless another start was faster
    return cache;
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw new Error(`no mvn in PATH to fetch Kafka's jars into ${cache}`);
    const line = stdout?.split('\n').find((text) => text.includes('ERROR'));
    throw line ? new Error(`Maven could not fetch Kafka's jars: ${line.slice(0, 200)}`) : error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function pom(): string {
  const dependency = (artifact: string) =>
    `<dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId><version>${VERSION}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-jars</artifactId><version>1</version>
<dependencies>${dependency('kafka_2.13')}${dependency('kafka-tools')}</dependencies></project>`;
}

function logging(file: string): string {
  return `<Configuration><Appenders><File name="to" fileName="${file}"><PatternLayout pattern="[%d] %p %m (%c)%n"/></File></Appenders>
<Loggers><Root level="INFO"><AppenderRef ref="to"/></Root></Loggers></Configuration>`;
}

const lines = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

function lastError(dir: string): string {
  const text = ['broker.log', 'broker.out']
    .map((name) => join(dir, name))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  return (
    text
      .split('\n')
      .filter((line) => /ERROR|FATAL|Exception/.test(line))
      .at(-1) ?? 'nothing'
  );
}
