/** Holds resources to the Kubernetes API: the types that `kubernetes-models` generates from its OpenAPI schemas. */
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IService } from 'kubernetes-models/v1/Service';
import ts from 'typescript';
import type { Resource } from './render.js';

/** What a resource of each kind may hold; a kind that is not here is refused. */
export interface Kinds {
  'apps/v1 Deployment': IDeployment;
  'batch/v1 Job': IJob;
  'policy/v1 PodDisruptionBudget': IPodDisruptionBudget;
  'v1 ConfigMap': IConfigMap;
  'v1 Service': IService;
}

const KINDS: Readonly<Record<keyof Kinds, true>> = {
  'apps/v1 Deployment': true,
  'batch/v1 Job': true,
  'policy/v1 PodDisruptionBudget': true,
  'v1 ConfigMap': true,
  'v1 Service': true,
};
const HERE = import.meta.dirname;
const CHECKED = join(HERE, 'rendered.ts'); // exists only in the compiler's eyes

/** What is wrong with these resources, a line each: unknown fields, missing ones, values of a wrong type or word. */
export function schemaProblems(resources: readonly Resource[]): string[] {
  const unknown = resources.filter(({ apiVersion, kind }) => !Object.hasOwn(KINDS, `${apiVersion} ${kind}`));
  const known = resources.filter((resource) => !unknown.includes(resource));
  return [...unknown.map((one) => `${nameOf(one)}: ${one.apiVersion} has no such kind here.`), ...compile(known)];
}

const nameOf = ({ kind, metadata }: Resource): string => `${kind} ${metadata.name}`;

function compile(resources: readonly Resource[]): string[] {
  const names = resources.map(nameOf);
  const text = [
    "import type { Kinds } from './schema.js';",
    ...resources.map(
      (resource, i) =>
        `export const r${i}: Kinds['${resource.apiVersion} ${resource.kind}'] = ${JSON.stringify(resource)};`,
    ),
  ].join('\n');
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === CHECKED || fileExists(path);
  host.getSourceFile = (path, language) =>
    path === CHECKED ? ts.createSourceFile(path, text, language) : getSourceFile(path, language);
  const program = ts.createProgram([CHECKED], options, host);
  const file = program.getSourceFile(CHECKED);
  if (!file) throw new Error('The compiler did not take the rendered resources.');
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return found.map(({ start = 0, messageText }) => {
    const { line } = file.getLineAndCharacterOfPosition(start);
    return `${names[line - 1]}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
