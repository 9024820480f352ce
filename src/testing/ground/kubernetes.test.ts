import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { VARIABLES } from '../../config/variables.js';
import { STAGES } from '../../core/stages.js';
import { type Resource, renderFolder } from '../kubernetes/render.js';
import { schemaProblems } from '../kubernetes/schema.js';

const BASE = join(import.meta.dirname, '../../../k8s/base');
const resources = renderFolder(BASE);
const ofKind = (kind: string): Resource[] => resources.filter((resource) => resource.kind === kind);
const component = (resource: Resource): string => resource.metadata.labels?.['app.kubernetes.io/component'] ?? '';

const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
  securityContext: z.looseObject({}),
  resources: z.looseObject({ requests: z.looseObject({}), limits: z.looseObject({ memory: z.string() }) }),
});
const Pod = z.looseObject({
  initContainers: z.array(Container).default([]),
  containers: z.array(Container).nonempty(),
  securityContext: z.looseObject({}),
  terminationGracePeriodSeconds: z.number().default(30),
});
const Workload = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: Pod }) }) });
const podOf = (resource: Resource) => Workload.parse(resource).spec.template.spec;
const workloads = [...ofKind('Deployment'), ...ofKind('Job')];

describe('the manifests of k8s/base', () => {
  it('are what the Kubernetes API takes, field for field', () => {
    expect(schemaProblems(resources)).toEqual([]);
  });

  it('a wrong field name, a missing field and a wrong word are each found', () => {
    const [deployment] = ofKind('Deployment');
    const broken = (change: (text: string) => string): Resource =>
      JSON.parse(change(JSON.stringify(deployment))) as Resource;
    const problems = schemaProblems([
      broken((text) => text.replace('"readinessProbe"', '"readynessProbe"')),
      broken((text) => text.replace('"selector"', '"selectors"')),
      broken((text) => text.replace('"ScheduleAnyway"', '"Whenever"')),
      { ...(deployment as Resource), kind: 'Deploymnt' },
    ]);
    for (const word of ['Deploymnt', 'readynessProbe', 'selectors', 'Whenever']) {
      expect(problems.filter((problem) => problem.includes(word))).toHaveLength(1);
    }
    expect(problems).toHaveLength(4);
  });

  it('are rendered here as kustomize renders them, where it is installed', () => {
    const text = kustomize();
    if (text === undefined) return expect(resources.length).toBeGreaterThan(0);
    const theirs = parseAllDocuments(text).map((document) => document.toJS() as Resource);
    const key = ({ kind, metadata: { name } }: Resource) => `${kind} ${name}`;
    const sorted = (list: readonly Resource[]) => [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
    return expect(sorted(resources)).toEqual(sorted(theirs));
  });

  it('run one Deployment for each worker and one for the API, each with a disruption budget', () => {
    const wanted = ['api', ...STAGES].sort();
    expect(ofKind('Deployment').map(component).sort()).toEqual(wanted);
    expect(ofKind('PodDisruptionBudget').map(component).sort()).toEqual(wanted);
    for (const stage of STAGES) {
      const worker = ofKind('Deployment').find((one) => component(one) === stage) as Resource;
      expect(podOf(worker).containers[0]?.env).toContainEqual({ name: 'WORKER_TYPE', value: stage });
    }
  });

  it('ask for the restricted Pod Security level', () => {
    for (const workload of workloads) {
      const { securityContext, initContainers, containers } = podOf(workload);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of [...initContainers, ...containers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('set only variables that the product knows, and hold no secret', () => {
    const config = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(ofKind('ConfigMap')[0]);
    const given = workloads.flatMap((workload) => {
      const { initContainers, containers } = podOf(workload);
      return [...initContainers, ...containers].flatMap(({ env }) => env);
    });
    const known = new Map<string, { secret: boolean }>(Object.entries(VARIABLES));
    for (const name of [...Object.keys(config.data), ...given.map((one) => one.name)])
      expect([...known.keys()]).toContain(name);
    const inClear = [
      ...Object.keys(config.data),
      ...given.filter((one) => one.value !== undefined).map((one) => one.name),
    ];
    expect(inClear.filter((name) => known.get(name)?.secret)).toEqual([]);
    expect(ofKind('Secret')).toEqual([]);
  });

  it('leave a pod more time to stop than the process takes', () => {
    const config = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(ofKind('ConfigMap')[0]);
    const needed = Number(config.data.SHUTDOWN_TIMEOUT_MS) / 1_000 + 5;
    for (const deployment of ofKind('Deployment')) {
      expect(podOf(deployment).terminationGracePeriodSeconds).toBeGreaterThan(needed);
    }
  });
});

function kustomize(): string | undefined {
  try {
    return execFileSync('kustomize', ['build', BASE], { encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
