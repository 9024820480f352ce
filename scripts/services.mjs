/**
 * `node scripts/services.mjs up`: a real Postgres with a fresh database and a real Kafka until Ctrl-C, by the same
 * ways as the tests. Standard output carries only the lines to paste into another terminal.
 */
import { register } from 'tsx/esm/api';

if (process.argv[2] !== 'up') {
  console.error('usage: node scripts/services.mjs up');
  process.exit(64);
}
register();
const { createDatabase, startPostgres } = await import('../src/testing/services/postgres.ts');
const { startKafka } = await import('../src/testing/services/kafka.ts');

const started = await Promise.allSettled([startPostgres(), startKafka()]);
const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
const stop = async () => {
  await Promise.all(running.map((service) => service.stop()));
  process.exit();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);

for (const result of started) {
  if (result.status === 'fulfilled') continue;
  console.error(result.reason.message);
  process.exitCode = 1;
}
if (running.length < started.length) await stop();
const [postgres, kafka] = running;
const database = await createDatabase(postgres.address);
console.error(`${postgres.origin}; ${kafka.origin}; Ctrl-C ends both and deletes their data`);
console.log(`export DATABASE_URL='${database.url}'\nexport KAFKA_BOOTSTRAP_SERVERS='${kafka.address}'`);
setInterval(() => undefined, 1 << 30); // the servers do not keep this process alive
