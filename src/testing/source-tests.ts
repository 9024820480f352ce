/** Topics as sources, on either log: each record has its effect once, what cannot be read becomes a dead letter. */
import { expect, it } from 'vitest';
import type { Pipeline } from './pipeline.js';
import { until } from './until.js';

const source = (topic: string): string => `sources:
  alerts: { kind: alertmanager }
  trades: { kind: json, map: { type: "\${{ item.failType }}", entity: "\${{ item.id }}" }, resolve: "item.status == 'SETTLED'" }
  breaks: { kind: kafka, topic: "${topic}", as: trades, from: earliest }
`;

export function sourceTests(pipelineOf: () => Pipeline): void {
  const send = (topic: string, values: readonly unknown[]) =>
    pipelineOf().log.publish(
      values.map((value, i) => ({
        ...{ topic, key: `k${i % 7}`, headers: {} },
        value: value === null || typeof value === 'string' ? value : JSON.stringify(value),
      })),
    );
  const casesOf = async (prefix: string) => {
    const { memory, tenantId } = pipelineOf();
    const { items } = await memory.queries.listCases(tenantId, { limit: 1_000 });
    return items.filter(({ entity }) => entity?.startsWith(prefix));
  };

  it('a topic that a new version of the pack names is read, and one that it names no more is not', async () => {
    const { log, tenantId, memory, told, usePack, deadLetters } = pipelineOf();
    const topic = `breaks-${tenantId}`;
    await log.createTopics([{ topic, partitions: 2 }]);
    await send(topic, [{ failType: 'NOISE', id: 'early-1' }]); // before anybody reads: `from: earliest`
    await usePack({ 'sources.yaml': source(topic) });
    await send(topic, [null, { failType: 'NOISE', id: 'early-2' }, '{"failType":', { id: 'early-3' }]);
    await until(async () => ((await casesOf('early')).length === 2 ? true : undefined), 'two cases');
    for (const { caseId } of await casesOf('early')) await pipelineOf().settled(caseId, 'SUPPRESSED');

    const letters = await until(async () => {
      const { items } = await memory.queries.listDeadLetters(tenantId, { limit: 100 });
      const own = items.filter((letter) => letter.topic === topic && letter.publishedAt !== null);
      return own.length === 2 ? own : undefined;
    }, 'two dead letters, published');
    expect(letters.map(({ code, stage }) => `${stage} ${code}`).sort()).toEqual([
      'intake FIELD_MISSING',
      'intake JSON_INVALID',
    ]);
    const key = { tenantId, deadLetterId: letters.find(({ code }) => code === 'FIELD_MISSING')?.deadLetterId ?? '' };
    await deadLetters.replay(key, { by: 'ann', force: false });
    expect(await memory.queries.getDeadLetter(tenantId, key.deadLetterId)).toMatchObject({
      status: 'open',
      attempts: 2,
    });
    await deadLetters.edit(key, { data: { failType: 'NOISE', id: 'early-3' } }, 'ann');
    await deadLetters.replay(key, { by: 'ann', force: false });
    await until(async () => ((await casesOf('early-3')).length === 1 ? true : undefined), 'the case of the letter');

    await usePack({});
    await until(() => told.find(({ name }) => name === 'source.stopped'), 'the reader to stop');
  });

  it('a topic that does not exist is said once, and read when it is there', async () => {
    const { log, tenantId, told, usePack } = pipelineOf();
    const topic = `late-${tenantId}`;
    await usePack({ 'sources.yaml': source(topic) });
    const troubles = () =>
      told.filter(({ name, fields }) => name === 'source.trouble' && JSON.stringify(fields).includes(topic));
    await until(() => troubles()[0], 'trouble');
    await log.createTopics([{ topic, partitions: 1 }]);
    await send(topic, [{ failType: 'NOISE', id: 'tardy-1' }]);
    await until(async () => ((await casesOf('tardy')).length === 1 ? true : undefined), 'the case');
    expect(troubles()).toHaveLength(1);
    await usePack({});
  });
}
