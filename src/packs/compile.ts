import { createHash } from 'node:crypto';
import { lookBackOf } from '../core/history.js';
import type { CompileContext } from './context.js';
import { createLibrary } from './expressions/library.js';
import { checkFiles, isPart, isRead } from './files.js';
import { compilePlaybook } from './playbooks/compile.js';
import { budgetedOf } from './policies/budget.js';
import { compilePolicies } from './policies/compile.js';
import { createReport, type Report } from './problems.js';
import { RuleIndex } from './rules.js';
import { compileSchedules } from './schedules/compile.js';
import { findSecrets } from './secrets.js';
import { compileSettings, DEFAULT_SETTINGS } from './settings.js';
import { compileSources } from './sources/compile.js';
import { atOnce, type Steps } from './steps.js';
import { readTable } from './tables.js';
import { compileTests } from './tests.js';
import { compileTools } from './tools/compile.js';
import { compileTriage } from './triage/compile.js';
import type { CompiledPack, CompiledPlaybook, PackProblem, Table, TriageRule } from './types.js';
import { compileAccumulates, compileHolds } from './waiting/compile.js';
import { compileCorrelates } from './waiting/correlate.js';
import { type PackFile, readYamlInSteps } from './yaml.js';

/** What compiling a pack comes to: there is a pack only when there is no problem. */
export interface Compiled {
  readonly pack?: CompiledPack;
  readonly problems: PackProblem[];
}

/**
 * Compiles the text files of a pack, by their path inside it (`triage.yaml`, `playbooks/repair.yaml`). Every problem that
 * can be found is told, each with its place.
 */
export const compilePack = (files: ReadonlyMap<string, string>): Compiled => atOnce(compileInSteps(files));

/** As `compilePack`, bit by bit: a large pack takes seconds, and who serves others does something else in between. */
export function* compileInSteps(files: ReadonlyMap<string, string>): Steps<Compiled> {
  const report = createReport();
  if (!checkFiles(files, report)) return { problems: report.sorted() };
  const yaml = yield* readAll(files, report);
  const settings = yaml.has('pack.yaml')
    ? compileSettings(yaml.get('pack.yaml') as PackFile, report)
    : DEFAULT_SETTINGS;
  const tables = yield* readTables(files, report);
  const context: CompileContext = { report, library: createLibrary(tables), settings, names: new Set() };
  const sources = compileSources(context, yaml.get('sources.yaml'));
  const waiting = compileWaiting(context, yaml.get('sources.yaml'));
  const triage = yield* compileTriage(context, yaml.get('triage.yaml'));
  const extra = wordsOf(triage);
  const names = playbooksIn(yaml);
  const { policies, policyDefault } = yield* compilePolicies(context, yaml.get('policies.yaml'), extra, names);
  const { connections, tools } = compileTools(context, yaml.get('tools.yaml'));
  const playbooks = yield* compilePlaybooks(context, yaml, extra, tools);
  const samples = namesIn(files, 'samples/');
  const tests = compileTests(context, filesIn(yaml, 'tests/'), samples, sources);
  const problems = report.sorted();
  if (problems.length > 0) return { problems };
  const pack: CompiledPack = {
    ...settings,
    hash: hashOfPack(files),
    sources,
    ...waiting,
    ...seenBy(context.names),
    triage,
    triageIndex: new RuleIndex(triage),
    policies,
    policyIndex: new RuleIndex(policies),
    budgeted: budgetedOf(policies),
    policyDefault,
    playbooks,
    connections,
    tools,
    tables,
    samples,
    tests,
  };
  return { pack, problems };
}

/** Whether expressions that read these names read a fingerprint's history, and how far back that matters. */
function seenBy(names: ReadonlySet<string>): Pick<CompiledPack, 'readsSeen' | 'seenBackMs'> {
  const read = [...names].filter((name) => name === 'seen' || name.startsWith('seen.'));
  return { readsSeen: read.length > 0, seenBackMs: Math.max(0, ...read.map(lookBackOf)) };
}

/** What sources.yaml says beside the sources. */
const compileWaiting = (context: CompileContext, file: PackFile | undefined) => ({
  schedules: compileSchedules(context, file),
  holds: compileHolds(context, file),
  accumulates: compileAccumulates(context, file),
  correlates: compileCorrelates(context, file),
});

function* readAll(files: ReadonlyMap<string, string>, report: Report): Steps<ReadonlyMap<string, PackFile>> {
  const read = new Map<string, PackFile>();
  for (const [name, text] of files) {
    if (!isRead(name)) continue;
    findSecrets(name, text, report);
    const file = yield* readYamlInSteps(name, text, report);
    if (file !== undefined) read.set(name, file);
    yield;
  }
  return read;
}

function* readTables(files: ReadonlyMap<string, string>, report: Report): Steps<ReadonlyMap<string, Table>> {
  const tables = new Map<string, Table>();
  for (const [file, text] of files) {
    const name = /^tables\/([^/]+)\.csv$/.exec(file)?.[1];
    if (name === undefined) continue;
    findSecrets(file, text, report);
    const table = readTable(file, name, text, report);
    if (table !== undefined) tables.set(name, table);
    yield;
  }
  return tables;
}

const OWN_WORDS = new Set(['category', 'severity', 'confidence', 'labels', 'priority']);

/** The further words that triage rules set: policies and playbooks may read them as `triage.<word>`. */
const wordsOf = (rules: readonly TriageRule[]): ReadonlySet<string> =>
  new Set(rules.flatMap((rule) => [...rule.set.keys()]).filter((word) => !OWN_WORDS.has(word)));

/** Names of playbooks, those included that have problems of their own. */
const playbooksIn = (yaml: ReadonlyMap<string, PackFile>): ReadonlySet<string> =>
  new Set(filesIn(yaml, 'playbooks/').map((file) => String(file.at(['playbook']))));

function* compilePlaybooks(
  context: CompileContext,
  yaml: ReadonlyMap<string, PackFile>,
  extra: ReadonlySet<string>,
  tools: CompiledPack['tools'],
): Steps<CompiledPlaybook[]> {
  const playbooks = new Map<string, CompiledPlaybook>();
  for (const [name, file] of yaml) {
    if (!name.startsWith('playbooks/')) continue;
    const playbook = compilePlaybook(context, file, extra, tools);
    yield;
    if (playbook === undefined) continue;
    const other = playbooks.get(playbook.name);
    if (other === undefined) playbooks.set(playbook.name, playbook);
    else {
      const message = `The playbook \`${playbook.name}\` is already in ${other.place}.`;
      context.report.add(file.place(['playbook']), 'PLAYBOOK_DUPLICATE', message, 'Give each its own name.');
    }
  }
  return [...playbooks.values()].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

/** The same content has the same hash, whatever the line ends and the order in which the files were read. */
export function hashOfPack(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const name of [...files.keys()].sort()) {
    if (!isPart(name)) continue;
    hash.update(JSON.stringify([name, (files.get(name) as string).replace(/\r\n?/g, '\n')]));
  }
  return hash.digest('hex');
}

const filesIn = (yaml: ReadonlyMap<string, PackFile>, folder: string): readonly PackFile[] =>
  [...yaml.keys()]
    .filter((name) => name.startsWith(folder))
    .sort()
    .map((name) => yaml.get(name) as PackFile);

const namesIn = (files: ReadonlyMap<string, string>, folder: string): readonly string[] =>
  [...files.keys()].filter((name) => name.startsWith(folder)).sort();
