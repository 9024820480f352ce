/**
 * The language as JSON Schema, for editors: made from the shapes that the compiler checks with, so that it follows them.
 * What an expression may say, and which names there are, only the compiler knows.
 */
import { z } from 'zod';
import { RETRY_CAUSES, RETRY_PROFILES } from '../core/backoff.js';
import { PlaybookShape } from './playbooks/compile.js';
import { FinishShape } from './playbooks/parts.js';
import { RejectedShape, StepShape } from './playbooks/steps.js';
import { ApprovalShape } from './policies/approval.js';
import { BudgetShape } from './policies/budget.js';
import { DefaultShape, PoliciesYaml, PolicyShape } from './policies/compile.js';
import { WindowShape } from './policies/window.js';
import { ScheduleShape } from './schedules/compile.js';
import { PackYaml } from './settings.js';
import { MapShape, SourceShape, SourcesYaml } from './sources/compile.js';
import { NAMED_KINDS } from './sources/kind.js';
import { TopicShape } from './sources/topics.js';
import { ExpectShape, TestShape } from './tests.js';
import { ParamShape, ToolShape, ToolsYaml } from './tools/compile.js';
import { ConnectionShape } from './tools/connections.js';
import { RetryShape } from './tools/retry.js';
import { RuleShape, TriageYaml } from './triage/compile.js';
import { PARAM_TYPES, SIGNATURE_SCHEMES } from './types.js';
import { AccumulateShape, HoldShape } from './waiting/compile.js';
import { CorrelateShape } from './waiting/correlate.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What stands under a word whose shape is checked elsewhere than in the shape around it. */
type Inner = Readonly<Record<string, () => JsonSchema>>;

const CONDITION: JsonSchema = { type: ['string', 'boolean'], description: 'A CEL condition, bare.' };
const DURATION: JsonSchema = { type: 'string', pattern: '^\\d+(ms|s|m|h|d)$', description: '100ms, 30s, 2m, 4h, 1d.' };

const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const mapOf = (additionalProperties: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties });
const anyOf = (...schemas: readonly JsonSchema[]): JsonSchema => ({ anyOf: schemas });
const oneOf = (words: readonly string[]): JsonSchema => ({ enum: words });

const retry = () =>
  anyOf(
    oneOf(Object.keys(RETRY_PROFILES)),
    made(RetryShape, { first: () => DURATION, max: () => DURATION, on: causes }),
  );
const causes = () => listOf(anyOf(oneOf(RETRY_CAUSES), { type: 'number' }));
const approval = () => made(ApprovalShape, { timeout: () => DURATION, remind: () => DURATION });
const finish = () => made(FinishShape, {});
const onError = () => oneOf(['escalate', 'continue']);
const map = () => made(MapShape, { fields: () => ({ type: ['object', 'string'] }) });
const SOURCE: Inner = {
  map,
  fingerprint: () => anyOf({ type: 'string' }, listOf({ type: 'string' })),
  resolve: () => CONDITION,
  verify: () => ({ type: 'object', propertyNames: oneOf(SIGNATURE_SCHEMES), minProperties: 1, maxProperties: 1 }),
};
const WAITING: Inner = {
  when: () => CONDITION,
  for: () => DURATION,
  window: () => DURATION,
  atMost: () => DURATION,
  by: () => listOf({ type: 'string', description: 'A CEL expression, bare.' }),
};
const POLICY: Inner = {
  when: () => CONDITION,
  approval,
  for: () => DURATION,
  window: () => made(WindowShape, { for: () => DURATION }),
  budget: () => made(BudgetShape, { per: () => DURATION }),
};
const STEP: Inner = {
  if: () => CONDITION,
  approve: approval,
  rejected: () => made(RejectedShape, {}),
  ...{ finish, retry, onError, timeout: () => DURATION },
};
const TOOL: Inner = {
  params: () => mapOf(anyOf(oneOf(PARAM_TYPES), made(ParamShape, {}))),
  ...{ retry, timeout: () => DURATION },
};

const FILES = {
  pack: () => made(PackYaml, {}),
  sources: () => {
    const plain = made(SourceShape, { ...SOURCE, kind: () => oneOf(NAMED_KINDS) });
    return made(SourcesYaml, {
      sources: () => mapOf(anyOf(plain, made(TopicShape, SOURCE))),
      schedules: () => listOf(made(ScheduleShape, {})),
      hold: () => listOf(made(HoldShape, WAITING)),
      accumulate: () => listOf(made(AccumulateShape, WAITING)),
      correlate: () => listOf(made(CorrelateShape, WAITING)),
    });
  },
  triage: () => made(TriageYaml, { triage: () => listOf(made(RuleShape, { when: () => CONDITION })) }),
  policies: () =>
    made(PoliciesYaml, {
      default: () => made(DefaultShape, POLICY),
      policies: () => listOf(made(PolicyShape, POLICY)),
    }),
  playbook: () =>
    made(PlaybookShape, {
      ...{ finish, onError, when: () => CONDITION },
      steps: () => listOf(made(StepShape, STEP)),
    }),
  tools: () =>
    made(ToolsYaml, {
      connections: () => mapOf(made(ConnectionShape, { kind: () => oneOf(['http']) })),
      tools: () => mapOf(made(ToolShape, TOOL)),
    }),
  test: () =>
    made(TestShape, {
      now: () => ({ type: 'string', format: 'date-time' }),
      expect: () => anyOf(made(ExpectShape, {}), listOf(made(ExpectShape, {}))),
    }),
} as const;

export type LanguageFile = keyof typeof FILES;
/** `playbook` is for each file of playbooks/, `test` for each of tests/. */
export const LANGUAGE_FILES = Object.keys(FILES) as readonly LanguageFile[];

/** The schema of one kind of file. */
export function languageSchema(file: LanguageFile): JsonSchema {
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  return { $schema, title: `Millrace: ${file}.yaml`, ...FILES[file]() };
}

/** The kind of a pack's file, by its path; undefined for what is no YAML of the language. */
export function languageFileOf(path: string): LanguageFile | undefined {
  if (path.startsWith('playbooks/')) return 'playbook';
  if (path.startsWith('tests/')) return 'test';
  return LANGUAGE_FILES.find((file) => path === `${file}.yaml`);
}

/** The first line of a YAML file, which tells an editor its schema; `folder` is where the schemas are, seen from the pack. */
export const schemaLine = (path: string, file: LanguageFile, folder: string): string =>
  `# yaml-language-server: $schema=${path.includes('/') ? '../' : ''}${folder}/${file}.json`;

/** What hovering shows. */
const ABOUT: Readonly<Record<string, string>> = {
  severities: 'Your words and numbers for critical, high, medium, low, info.',
  groups: 'Who is meant by `group:name`.',
  split: 'One request, many exceptions: an expression that gives a list.',
  fingerprint: 'What makes two reports the same: parts of the exception, or one expression.',
  set: 'What the rule says: category, severity, confidence, labels, and words of your own.',
  continue: 'Go on with the next rule, although this one matches.',
  hold: 'What does not go to triage at once: if it is over before its time is, nobody hears of it.',
  accumulate: 'What becomes one case: reports whose `by` is the same, within a window.',
  correlate: 'What belongs together under one parent: cases whose `by` is the same, within a window of each other.',
  min: 'So many members make it an incident; those that come before wait for them.',
  run: 'Who is worked on while it is open: the parent (its members wait), the members (it waits), or both.',
  atMost: 'When a debounced group ends, however many reports come.',
  effect: 'Of a policy: the strictest that matches wins. Of a tool: whether a call may be made twice.',
  priority: 'The matching playbook with the highest priority runs.',
  use: 'A tool of tools.yaml, or a block.',
  with: 'What the tool is given; expressions anywhere.',
  rejected: 'Where a rejected run goes on, and how often.',
  verify: 'How the source knows its sender: one scheme, with secrets by reference.',
  quorum: 'How many must approve.',
  notRequester: 'Who asked may not approve.',
  connection: 'A connection of this file.',
  given: 'What tools and people answer: steps.<id>, steps.<id>.error, policy.',
  expect: 'Only what stands here is compared.',
};

/** The JSON Schema of a shape, with what `inner` says of its words. */
function made(shape: z.ZodObject, inner: Inner): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as JsonSchema & {
    readonly properties: Readonly<Record<string, JsonSchema>>;
  };
  const properties = Object.entries(schema.properties).map(([word, own]) => {
    const about = ABOUT[word];
    const known = inner[word]?.() ?? own;
    return [word, about === undefined || 'description' in known ? known : { description: about, ...known }] as const;
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}
