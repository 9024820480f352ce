import { randomUUID } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { expect, it } from 'vitest';
import { newGroup, numbered, numbers, range, until, watch } from '../../testing/log-contract/consumers.js';
import { startOwnBroker } from '../../testing/log-contract/own-broker.js';
import { freePort } from '../../testing/services/process.js';
import { requireService } from '../../testing/services/require.js';
import { createKafkaLog, type KafkaLogOptions } from './index.js';

const broker = requireService('kafka');

const openLog = (address: string, options: Partial<KafkaLogOptions> = {}) =>
  createKafkaLog({
    brokers: [address],
    clientId: 'outage',
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 500,
    ...options,
  });

/** A second door to the broker, for clients that come before it is open. */
async function openDoor(port: number, address: string): Promise<Server> {
  const target = new URL(`tcp://${address}`);
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].map((one) => one.destroy()));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return server;
}

it('rejects a publish and a ping when no broker answers, and stops a consumer that waits', async () => {
  const log = openLog(`127.0.0.1:${await freePort()}`);
  const start = performance.now();
  const [publish, ping] = await Promise.allSettled([log.publish(numbered('any', 1)), log.ping()]);
  expect(performance.now() - start).toBeLessThan(30_000); // 10 s are promised
  expect(publish).toMatchObject({ reason: { code: 'LOG_UNAVAILABLE' } });
  expect(ping).toMatchObject({ reason: { code: 'LOG_UNAVAILABLE' } });
  const { consumer, crashes } = await watch(log, 'any');
  const stopping = performance.now();
  await consumer.stop();
  expect(performance.now() - stopping).toBeLessThan(20_000);
  expect(crashes).toEqual([]);
  await log.close();
});

broker.describe('a log whose broker is late or goes away', () => {
  it('consumes as soon as the broker answers', async () => {
    const topic = `late-${randomUUID()}`;
    const there = openLog(broker.address);
    await there.createTopics([{ topic, partitions: 1 }]);
    await there.publish(numbered(topic, 3));
    const port = await freePort();
    const lines: string[] = [];
    const log = openLog(`127.0.0.1:${port}`, { onClientLog: ({ message }) => lines.push(message) });
    const { seen, crashes } = await watch(log, topic);
    await until('it has tried in vain', () => lines.some((line) => line.startsWith('Kafka does not answer')));
    const door = await openDoor(port, broker.address);
    await until('it consumes', () => seen.length === 3);
    expect(crashes).toEqual([]);
    await Promise.all([log.close(), there.close()]);
    door.close();
  });

  it('goes on after the broker was killed and started again', async (context) => {
    const own = await startOwnBroker(context);
    const log = openLog(own.address, { publishTimeoutMs: 4_000 });
    try {
      const [topic, group] = [`outage-${randomUUID()}`, newGroup()];
      await log.createTopics([{ topic, partitions: 2 }]);
      const { seen, crashes } = await watch(log, topic, { group, concurrency: 2 });
      await log.publish(numbered(topic, 10));
      await until('the first ten are seen', () => seen.length >= 10);

      await own.kill();
      await expect(log.publish(numbered(topic, 10, 10))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      await expect(log.ping()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });

      await own.restart();
      await log.ping();
      await log.publish(numbered(topic, 10, 10));
      await until('the others are seen', () => new Set(numbers(seen)).size === 20);
      expect([...new Set(numbers(seen))]).toEqual(range(20));
      expect(crashes).toEqual([]);
    } finally {
      await log.close();
      await own.stop();
    }
  });
});
