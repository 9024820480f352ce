/**
 * Renders a kustomize folder as `kustomize build` does, as far as k8s/ needs it: resources, strategic-merge patches with
 * a target kind, labels, image tags. A field that it does not know is refused, so that it never renders something else.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

type Json = null | boolean | number | string | readonly Json[] | Fields;
interface Fields {
  readonly [name: string]: Json;
}
const Resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() }),
});
export type Resource = z.infer<typeof Resource>;

const Kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  resources: z.array(z.string().endsWith('.yaml')),
  patches: z.array(z.strictObject({ path: z.string(), target: z.strictObject({ kind: z.string() }) })).default([]),
  labels: z
    .array(
      z.strictObject({
        pairs: z.record(z.string(), z.string()),
        includeSelectors: z.boolean().default(false),
        includeTemplates: z.boolean().default(false),
      }),
    )
    .default([]),
  images: z.array(z.strictObject({ name: z.string(), newTag: z.string() })).default([]),
});
type Labels = z.infer<typeof Kustomization>['labels'][number];

/** The resources of the kustomization in `folder`. Throws for a file or a field that it does not understand. */
export function renderFolder(folder: string): Resource[] {
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  const { resources, patches, labels, images } = Kustomization.parse(parse(text('kustomization.yaml')));
  return resources
    .flatMap((file) => parseAllDocuments(text(file)).map((document): unknown => document.toJS()))
    .map((document) => Resource.parse(document) as Fields)
    .map((resource) =>
      patches
        .filter(({ target }) => target.kind === resource.kind)
        .reduce<Fields>((to, { path }) => mergeFields(to, withoutIdentity(parse(text(path)) as Fields)), resource),
    )
    .map((resource) => labels.reduce(withLabels, resource))
    .map((resource) => images.reduce((to, { name, newTag }) => tagged(to, name, newTag), resource))
    .map((resource) => Resource.parse(resource));
}

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
const fieldsOf = (value: Json | undefined): Fields => (isFields(value) ? value : {});

const withoutIdentity = ({ apiVersion: _, kind: __, metadata: ___, ...rest }: Fields): Fields => rest;

function mergeFields(to: Fields, patch: Fields): Fields {
  const merged = Object.entries(patch).map(([name, value]): [string, Json] => [name, merge(to[name], value)]);
  return { ...to, ...Object.fromEntries(merged) };
}

function merge(to: Json | undefined, patch: Json): Json {
  if (isFields(to) && isFields(patch)) return mergeFields(to, patch);
  if (isList(to) && isList(patch) && patch.every((item) => isFields(item) && 'name' in item)) return byName(to, patch);
  return patch;
}

/** Lists of named things (containers, variables, ports) merge by name; new ones come first, as in kustomize. */
function byName(to: readonly Json[], patch: readonly Json[]): Json[] {
  const isSame = (a: Json, b: Json) => fieldsOf(a).name === fieldsOf(b).name;
  const added = patch.filter((item) => !to.some((old) => isSame(old, item)));
  const kept = to.map((old) => {
    const change = patch.find((item) => isSame(old, item));
    return change === undefined ? old : merge(old, change);
  });
  return [...added, ...kept];
}

/** Changes what is at `path`, if something is there. */
function at(value: Fields, path: readonly string[], change: (found: Fields) => Fields): Fields {
  const [name, ...rest] = path;
  if (name === undefined) return change(value);
  const found = value[name];
  if (isList(found)) return { ...value, [name]: found.map((item) => at(fieldsOf(item), rest, change)) };
  return isFields(found) ? { ...value, [name]: at(found, rest, change) } : value;
}

function withLabels(resource: Fields, { pairs, includeSelectors, includeTemplates }: Labels): Fields {
  const add = (found: Fields): Fields => ({ ...found, ...pairs });
  const addTo = (to: Fields, path: string): Fields => at(to, path.split('.'), add);
  const own = { ...resource, metadata: mergeFields({ labels: {} }, fieldsOf(resource.metadata)) };
  const labelled = addTo(own, 'metadata.labels');
  const template = 'spec.template.metadata.labels';
  if (!includeSelectors) return includeTemplates ? addTo(labelled, template) : labelled;
  const selector = resource.kind === 'Service' ? 'spec.selector' : 'spec.selector.matchLabels';
  const spread = 'spec.template.spec.topologySpreadConstraints.labelSelector.matchLabels';
  return [selector, template, spread].reduce(addTo, labelled);
}

function tagged(resource: Fields, image: string, tag: string): Fields {
  const change = (container: Fields) =>
    container.image === image ? { ...container, image: `${image}:${tag}` } : container;
  return ['initContainers', 'containers'].reduce(
    (to, list) => at(to, ['spec', 'template', 'spec', list], change),
    resource,
  );
}
