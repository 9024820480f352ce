/** Real input that nobody here wrote: GitHub's own example webhooks, through the generic JSON source. */
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { memoryStore } from '../testing/pglite.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';

interface Examples {
  readonly name: string;
  readonly examples: readonly unknown[];
}
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly Examples[];
const KINDS = ['issues', 'check_run', 'workflow_run', 'deployment_status'] as const;

const FILES = new Map([
  ['pack.yaml', 'name: github\nseverities: { failure: high, timed_out: high, error: high, success: info }\n'],
  [
    'sources.yaml',
    `sources:
  issues:
    kind: json
    map: { type: "issue \${{ item.action }}", title: "\${{ item.issue.title }}", entity: "\${{ item.repository.full_name }}#\${{ item.issue.number }}", occurredAt: "\${{ item.issue.updated_at }}" }
  check_run:
    kind: json
    map: { type: "check \${{ item.check_run.status }}", severity: "\${{ item.check_run.conclusion }}", title: "\${{ item.check_run.name }}", entity: "\${{ item.check_run.html_url }}" }
  workflow_run:
    kind: json
    map: { type: "workflow \${{ item.action }}", severity: "\${{ item.workflow_run.conclusion }}", title: "\${{ item.workflow_run.name }}", entity: "\${{ item.workflow_run.html_url }}" }
  deployment_status:
    kind: json
    map: { type: "deployment \${{ item.deployment_status.state }}", severity: "\${{ item.deployment_status.state }}", title: "\${{ item.deployment.task }}", entity: "\${{ item.deployment_status.url }}" }
`,
  ],
  [
    'triage.yaml',
    `triage:
  - { name: a person wrote it, when: "exception.source == 'issues'", set: { category: issue, confidence: 0.9 } }
  - { name: a machine failed, when: "exception.severity == 'high'", set: { category: failure, confidence: 0.9 } }
  - { name: news, set: { category: news, confidence: 0.9 } }
`,
  ],
  ['policies.yaml', 'default: { effect: deny, reason: people look at these }\n'],
]);

describe("GitHub's example webhooks through the generic JSON source", () => {
  let pipeline: Pipeline;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const memory = await memoryStore();
    const log = createEmbeddedLog();
    pipeline = await openPipeline({
      memory,
      log,
      partitions: 1,
      epoch: 1,
      files: FILES,
      allowPrivate: [],
      filesRoot: tmpdir(),
    });
    await pipeline.startWorkers();
    close = async () => {
      await pipeline.stopWorkers();
      await log.close();
      await memory.close();
    };
  });
  afterAll(() => close());

  it.each(KINDS)('every %s example ends classified, none is lost', async (kind) => {
    const bodies = examples.find(({ name }) => name === kind)?.examples ?? [];
    expect(bodies.length).toBeGreaterThan(3);
    const answers = await Promise.all(bodies.map((body) => pipeline.report(body, kind)));
    const ids = answers.map(({ items }) => items[0]?.id as string);
    for (const id of new Set(ids)) {
      const found = await pipeline.settled(id, 'ESCALATED');
      expect(found?.triage?.category).toMatch(/issue|failure|news/);
      expect(found?.exception?.source).toBe(kind);
      await pipeline.counted(id, ids.filter((other) => other === id).length);
    }
    expect((await pipeline.memory.queries.listDeadLetters(pipeline.tenantId, { limit: 10 })).items).toEqual([]);
  });
});
