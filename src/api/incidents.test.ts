/** What the API shows of incidents. */
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { createPgliteStore } from '../store/open.js';
import { type ServedApi, serveApi } from '../testing/api.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';
import { until } from '../testing/until.js';

const FILES = new Map([
  ['pack.yaml', 'name: acme\n'],
  ['sources.yaml', 'correlate: [{ name: parts, when: exception.type == "PART", by: [exception.type], window: 5m }]'],
  ['policies.yaml', 'default: { effect: deny }'],
]);

let pipeline: Pipeline;
let served: ServedApi;
let base: string;
beforeAll(async () => {
  const [memory, log] = [await createPgliteStore(), createEmbeddedLog()];
  const rest = { partitions: 1, epoch: 1, allowPrivate: [], filesRoot: tmpdir() };
  pipeline = await openPipeline({ memory, log, files: FILES, ...rest });
  served = await serveApi({ memory, log });
  base = `/exceptions/${pipeline.tenantId}`;
  await pipeline.startWorkers();
});
afterAll(async () => {
  await pipeline?.stopWorkers();
  await served?.close();
  await pipeline?.log.close();
  await pipeline?.memory.close();
});

const report = async (type: string, entity: string): Promise<string> =>
  (await served.post(base, { type, entity })).json<{ readonly id: string }>().id;

type Shown = Readonly<Record<string, unknown>>;

it('a member shows its incident, and the incident its members', async () => {
  const ids = [await report('PART', 'p-1'), await report('PART', 'p-2')];
  const shown = async (id: string) => (await served.get(`${base}/${id}`)).json<Shown>();
  const member = await until(async () => {
    const one = await shown(ids[1] as string);

    return one.incident ? one : undefined;
  }, 'a member');
  const incident = member.incident as { readonly id: string };
  expect(incident).toMatchObject({
    ...{ title: 'parts: PART', rule: 'parts (sources.yaml:1:13)', by: ['PART'], waits: true, members: 2, over: 0 },
    links: { self: `${base}/${incident.id}` },
  });
  const parent = await shown(incident.id);
  expect(parent).toMatchObject({ type: 'Incident', entity: 'PART', source: 'generic' });
  expect(parent.members).toMatchObject(ids.map((id) => ({ id, status: 'WAITING', title: 'PART' })));
  expect(parent).not.toHaveProperty('incident');
  const told = (await served.get(`${base}/${ids[0]}/explain`)).json<{ parts: { what: string }[] }>();
  expect(told.parts.map(({ what }) => what)).toContain(`part of incident ${incident.id}`);
});
