/** The shapes of questions and answers about trying packs and about why something was decided. */
import { z } from 'zod';
import { STAGES } from '../core/stages.js';
import { CaseParams, TenantParams } from './schemas.js';

const json = z.unknown();
const Files = z.record(z.string(), z.string());
const When = z.string().max(100).describe('RFC 3339, a day, or how long ago: `30d`.');

export { CaseParams, TenantParams };
export const ExplainQuery = z.strictObject({
  rule: z.string().max(500).optional().describe('Why this rule, policy or playbook had a part in it, or had none.'),
});

const Tried = z.object({
  kind: z.enum(['intake rule', 'triage rule', 'policy', 'playbook']),
  name: z.string(),
  place: z.string().describe('`triage.yaml:12:5`.'),
  matched: z.boolean(),
  decided: z.boolean().describe('It set something, its effect won, it was chosen.'),
  falsePart: z
    .object({ expression: z.string(), values: z.record(z.string(), json), error: z.string().optional() })
    .optional()
    .describe('The first part of the condition that was false, with the values that it saw.'),
  set: z.record(z.string(), json).optional(),
  effect: z.string().optional(),
  note: z.string().optional().describe('Why it was passed over though it matched.'),
  budget: json.optional(),
  window: json.optional(),
});

export const Explained = z
  .object({
    id: z.string(),
    status: z.string(),
    title: z.string().nullable(),
    summary: z.string().describe('In one sentence.'),
    parts: z.array(
      z.object({
        stage: z.enum([...STAGES, 'people']),
        seq: z.int(),
        time: z.string(),
        what: z.string(),
        why: z.string().nullable(),
        packVersion: z.int().nullable(),
        tried: z.array(Tried).describe('In the order in which they were tried.'),
      }),
    ),
    rule: z.object({ name: z.string(), answer: z.string(), found: Tried.nullable() }).optional(),
  })
  .meta({ id: 'Explanation' });
export type Explained = z.infer<typeof Explained>;

export const SimulateBody = z.strictObject({
  files: Files.optional().describe('A pack; without it the active version.'),
  source: z.string().max(200).default('generic'),
  input: json.describe('The body of a request to that source.'),
  headers: z.record(z.string(), z.string()).optional(),
  given: z
    .record(z.string(), json)
    .optional()
    .describe('What tools and people answer: `steps.look`, `policy`, `seen.count`.'),
  now: When.optional(),
});
export const Simulated = z.object({ tenant: z.string(), problems: z.array(json), cases: z.array(json) });

export const BacktestBody = z.strictObject({
  files: Files.describe('The candidate: the text of each file by its path.'),
  since: When.default('30d'),
  until: When.optional(),
  limit: z.int().min(0).max(1_000).default(200).describe('So many changed exceptions are listed; the rest is counted.'),
  gate: z.string().max(2_000).optional().describe('`changed < 2% && suppressed_critical == 0`'),
});

const Words = z.record(z.string(), z.int());
const Counts = z.object({
  ...{ result: Words, category: Words, severity: Words, playbook: Words },
  ...{ escalation: Words, approvals: Words, calls: Words, suppressed: Words },
});
const Move = z.object({ before: z.string(), after: z.string(), cases: z.int() });
const Cause = z.object({
  stage: z.enum(['source', 'triage', 'policy', 'playbook']),
  rule: z.string(),
  place: z.string().nullable(),
  why: z.string(),
});
const Change = z.object({
  id: z.string(),
  at: z.string(),
  title: z.string().nullable(),
  type: z.string().nullable(),
  differences: z.array(z.object({ field: z.string(), before: z.string(), after: z.string() })),
  cause: Cause,
  marks: z.array(z.string()).describe('What people did to it: escalated, rejected, ended by hand, worked again.'),
  really: z.string(),
});
const three = <S extends z.ZodType>(shape: S) => z.object({ really: shape, active: shape, candidate: shape });
const Gate = z.object({ expression: z.string(), passed: z.boolean(), reason: z.string().nullable() });

export const Backtested = z
  .object({
    ...{ tenant: z.string(), since: z.string(), until: z.string(), complete: z.boolean(), replayedUntil: z.string() },
    candidate: z.object({ name: z.string(), hash: z.string() }),
    active: z.object({ name: z.string(), version: z.int() }),
    cases: z.int(),
    reports: z.int(),
    carried: z.int().describe('From before and still open then: replayed, not counted.'),
    changed: z.int().describe('Decided otherwise by the candidate than by the active version.'),
    changedMarked: z.int().describe('Of them, those that people corrected or that were escalated.'),
    changedFromReal: z.int(),
    activeFromReal: z.int(),
    unknown: z.int().describe('The candidate reads what was not kept.'),
    mergedReports: three(z.int()),
    counts: three(Counts),
    matrices: z.object({
      ...{ result: z.array(Move), category: z.array(Move), severity: z.array(Move), playbook: z.array(Move) },
    }),
    causes: z.array(Cause.extend({ cases: z.int(), marked: z.int(), moves: z.array(Move), example: z.string() })),
    changes: z.array(Change),
    notListed: z.int(),
    notes: z.array(z.string()),
    gate: Gate.optional(),
  })
  .meta({ id: 'Backtest' });
export type Backtested = z.infer<typeof Backtested>;
