import { createKafkaLog } from '../log/kafka/index.js';
import { grantRuntimeLogin, migrate } from '../store/migrate.js';
import { createPostgresStore, openForMigration } from '../store/open.js';
import { describePipeline } from '../testing/pipeline-contract.js';
import { startKafka } from '../testing/services/kafka.js';
import { createDatabase } from '../testing/services/postgres.js';
import { requireService } from '../testing/services/require.js';

const postgres = requireService('postgres');
const kafka = requireService('kafka');
const both = postgres.available ? kafka : postgres;

// A broker of its own: other files publish pipeline events of their own databases on the one that all share.
describePipeline('Kafka and Postgres', both.describe, async () => {
  const broker = await startKafka({ own: true });
  const database = await createDatabase(postgres.address);
  const owner = openForMigration(database.url);
  await migrate(owner);
  await grantRuntimeLogin(owner, 'millrace_test', 'secret');
  await owner.close();
  const url = new URL(database.url);
  url.username = 'millrace_test';
  url.password = 'secret';
  const memory = createPostgresStore({ url: url.href, poolSize: 30 });
  const log = createKafkaLog({ brokers: [broker.address], clientId: 'pipeline-test', sessionTimeoutMs: 10_000 });
  const close = async () => {
    await log.close();
    await memory.close();
    await database.drop();
    await broker.stop();
  };
  return { memory, log, partitions: 4, epoch: Math.floor(Date.now() / 1000), close };
});
