/** The shapes of questions and answers: what the routes check and what the OpenAPI document says. */
import { z } from 'zod';
import { CASE_STATUSES } from '../core/case.js';
import { COMMANDS } from '../core/events.js';
import { ApprovalTerms, SEVERITIES, Severity } from '../core/records.js';
import { STAGES } from '../core/stages.js';
import { parseTime } from '../core/time.js';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const Status = z.enum(CASE_STATUSES);
const json = z.unknown();

export const TenantParams = z.object({ tenantId: z.string().describe('The tenant.') });
export const CaseParams = TenantParams.extend({ id: z.string().describe('The id of the exception.') });
export const WaitParams = CaseParams.extend({ wait: z.string().describe('The id of the approval.') });
export const HookParams = TenantParams.extend({ source: z.string().describe("A source of the tenant's pack.") });

/** One exception as `POST /exceptions/{tenantId}` takes it. The pack checks it; this is its documentation. */
export const GenericException = z.strictObject({
  type: z.string().min(1).max(200).describe('What kind of exception it is. The only field that is required.'),
  title: z.string().max(2_000).nullish(),
  severity: z.union([z.string(), z.number()]).nullish().describe("A word or number that the pack's severities know."),
  entity: z
    .union([z.string().max(500), z.number()])
    .nullish()
    .describe('What is in trouble: a trade, a host.'),
  source: z.string().max(200).nullish().describe('Who reports it.'),
  occurredAt: z.string().nullish().describe('RFC 3339 between 2000 and 2100.'),
  fingerprint: z.string().max(200).nullish().describe('Reports with the same one are one case while it is open.'),
  fields: z.record(z.string(), json).nullish().describe('Whatever else there is; rules and playbooks see it.'),
});

const Links = z.record(z.string(), z.string()).describe('Where to go from here.');
const Outcome = z
  .enum(['created', 'merged', 'resolving', 'ignored'])
  .describe('`resolving`: it says that it is over; `ignored`: it says so of something that is not open here.');

const AcceptedItem = z.object({
  id: z.uuid().nullable(),
  status: Status.nullable(),
  outcome: Outcome,
  note: z.string().optional().describe('Why it is ignored, where that is not plain.'),
  links: Links,
});
const AcceptedOne = AcceptedItem.extend({ replayed: z.boolean() });
const AcceptedMany = z.object({
  items: z.array(AcceptedItem).describe('One for each exception of the request, in its order.'),
  accepted: z.int(),
  created: z.int(),
  merged: z.int(),
  resolving: z.int(),
  ignored: z.int(),
  skipped: z
    .array(z.object({ path: z.string(), reason: z.string() }))
    .readonly()
    .optional()
    .describe('Pieces of the request that are no exceptions: a ping, a run that has not ended.'),
  replayed: z.boolean(),
});
export const Accepted = z
  .union([AcceptedOne, AcceptedMany])
  .describe('Kept: one exception, or `items` for a list. `replayed`: answered from the first request with this key.');
export type AcceptedItem = z.infer<typeof AcceptedItem>;
export type AcceptedOne = z.infer<typeof AcceptedOne>;
export type AcceptedMany = z.infer<typeof AcceptedMany>;

const SourceInfo = z.object({
  name: z.string(),
  kind: z.string(),
  verified: z.string().nullable().describe('How its sender is known; null: by an API key.'),
  topic: z.string().nullable().describe('The topic that it reads; then nothing is sent to it.'),
  url: z.string().nullable().describe('What to paste at the sender.'),
  curl: z.string().nullable().describe('Sends a sample.'),
});
export type SourceInfo = z.infer<typeof SourceInfo>;
export const SourceList = z.object({ tenant: z.string(), sources: z.array(SourceInfo) });

const listOf = (words: readonly string[]) =>
  z
    .string()
    .regex(new RegExp(`^(?:${words.join('|')})(?:,(?:${words.join('|')}))*$`), `not among ${words.join(', ')}`)
    .optional()
    .describe(`${words.join(', ')}; several separated by commas.`);

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);
const inRange = (text: string): boolean => {
  const at = parseTime(text);
  return at !== undefined && at >= EARLIEST && at < LATEST;
};
const timeParam = z.iso.datetime({ offset: true }).refine(inRange, 'not between 2000 and 2100').optional();

export const ListQuery = z.strictObject({
  status: listOf(CASE_STATUSES),
  severity: listOf(SEVERITIES),
  source: z.string().max(200).optional(),
  type: z.string().max(200).optional(),
  category: z.string().max(200).optional(),
  since: timeParam.describe('Created at or after.'),
  until: timeParam.describe('Created before.'),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Part of the title, entity or fingerprint, or the start of the id.'),
  sort: z.enum(['newest']).default('newest'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional().describe('`next` of the page before.'),
});
export type ListQuery = z.infer<typeof ListQuery>;

const Summary = z.object({
  id: z.uuid(),
  kind: z.string(),
  status: Status,
  paused: z.boolean(),
  blocked: z.boolean().describe('A dead letter holds it.'),
  source: z.string(),
  count: z.int().describe('How many reports were merged into it.'),
  type: z.string().nullable(),
  title: z.string().nullable(),
  entity: z.string().nullable(),
  severity: Severity.nullable(),
  category: z.string().nullable(),
  priority: z.int().nullable().describe('1 (first) to 5 (last), 3 where no rule sets it; null before triage.'),
  createdAt: time,
  lastSeenAt: time,
  updatedAt: time,
  closedAt: time.nullable(),
  links: Links,
});
export type Summary = z.infer<typeof Summary>;
export const ExceptionPage = z.object({ items: z.array(Summary), next: z.string().nullable().describe('A cursor.') });

const Incident = z.object({
  id: z.uuid().describe('The parent, an exception itself.'),
  title: z.string(),
  status: Status,
  rule: z.string().describe('Of `correlate` in the pack, with its place.'),
  by: z.array(z.unknown()).describe('What its members have in common.'),
  waits: z.boolean().describe('This one waits for its end.'),
  members: z.int(),
  over: z.int().describe('Members that are closed.'),
  links: Links,
});
export type Incident = z.infer<typeof Incident>;
const Member = z.object({ id: z.uuid(), title: z.string().nullable(), status: Status, joinedAt: time, links: Links });
export type Member = z.infer<typeof Member>;

export const ExceptionDetail = Summary.extend({
  fingerprint: z.string().nullable().describe('While it is open.'),
  exception: json.describe('As intake normalised it.'),
  triage: json,
  policy: json,
  run: json.describe('The playbook run and its steps.'),
  feedback: json,
  incident: Incident.nullable().optional().describe('The incident that it is a member of.'),
  members: z.array(Member).optional().describe('Where it is the parent of an incident: the first 100.'),
}).meta({ id: 'Exception' });
export type ExceptionDetail = z.infer<typeof ExceptionDetail>;

export const TimelineQuery = z.strictObject({
  after: z.coerce.number().int().min(0).max(1_000_000).default(0).describe('Only events with a higher seq.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
});
const TimelineEvent = z.object({
  seq: z.int(),
  id: z.uuid(),
  type: z.string(),
  time,
  emitter: z.string().describe('Who appended it: a stage, api, timers, executor.'),
  cause: z.uuid().nullable().describe('The id of the event that led to it.'),
  causeType: z.string().nullable(),
  published: z.boolean().describe('False while it waits to be sent to the worker that it is for.'),
  data: json,
});
export const Timeline = z.object({ id: z.uuid(), status: Status, events: z.array(TimelineEvent) });
export type TimelineEvent = z.infer<typeof TimelineEvent>;

const ReingestOutcome = z
  .enum(['resent', 'reworked', 'created', 'in_progress'])
  .describe(
    '`resent`: events that no worker has seen are on their way again; `reworked`: it starts over; `created`: it was closed, ' +
      'its report made a new one; `in_progress`: workers have it.',
  );
export const Reingested = z.object({ id: z.uuid(), outcome: ReingestOutcome, links: Links });
export const ReingestFilter = z.strictObject({
  status: z
    .union([Status, z.array(Status).min(1)])
    .describe('Which exceptions: those in this status, or in one of these.'),
  source: z.string().max(200).optional(),
  limit: z.number().int().min(1).max(1_000).default(100),
});
export const ReingestedMany = z.object({
  matched: z.int(),
  resent: z.int(),
  reworked: z.int(),
  created: z.int(),
  inProgress: z.int(),
});

export const End = z.strictObject({
  reason: z.string().min(1).max(2_000).describe('Why; it is kept in the timeline.'),
  by: z.string().min(1).max(200).optional().describe('Who does it. In a cluster it is the name of the key.'),
});
export const Ended = z.object({
  id: z.uuid(),
  status: Status.describe('As it was: the command reaches it through its worker, after what it has in hand.'),
  command: z.enum(COMMANDS),
  by: z.string(),
  links: Links,
});

export const Decision = z.strictObject({
  decision: z.enum(['approved', 'rejected', 'approve', 'reject']),
  by: z.string().min(1).max(200).optional().describe('Who decides. In a cluster it is the name of the key.'),
  comment: z.string().max(2_000).optional(),
});
export const Decided = z.object({
  wait: z.uuid(),
  status: z.enum(['open', 'approved', 'rejected']).describe('`open`: more approvals are needed.'),
  approvals: z.int(),
  quorum: z.int(),
});

const Approval = z.object({
  wait: z.uuid(),
  step: z.string(),
  title: z.string(),
  status: z.string().describe('open, decided, approved, rejected, expired, canceled.'),
  terms: ApprovalTerms.describe('`from`: who may decide.'),
  decisions: z.array(z.object({ by: z.string(), decision: z.string(), comment: z.string().nullable(), at: time })),
  reminders: z
    .object({ count: z.int(), last: time.nullable() })
    .describe('How often people were reminded, and when last.'),
  createdAt: time,
  expiresAt: time,
  links: Links,
});
export const Approvals = z.object({ items: z.array(Approval) });
export type Approval = z.infer<typeof Approval>;

const StageReport = z.object({
  stage: z.enum(STAGES),
  topic: z.string(),
  waiting: z.int().nullable().describe('Events on its topic that it has not handled; null: the log does not say.'),
  oldestAt: time.nullable().describe('Since when the oldest exception waits for it.'),
  workers: z.int().describe('Alive now.'),
  lastSeenAt: time.nullable(),
  state: z.enum(['idle', 'working', 'stuck', 'missing']),
});
export const PipelineReport = z
  .object({
    at: time,
    tenant: z.string().nullable().describe('Whose exceptions are counted; null: all. Events and workers are of all.'),
    stages: z.array(StageReport),
    exceptions: z.record(z.string(), z.int()).describe('Those that are not closed, by status.'),
    blocked: z.int(),
    outbox: z.object({ count: z.int(), oldestAt: time.nullable() }).describe('Events that are not published yet.'),
    deadLetters: z.array(z.object({ stage: z.string(), code: z.string(), count: z.int(), oldestAt: time.nullable() })),
    problems: z.array(z.string()).describe('What is wrong and what to do about it, in words.'),
  })
  .meta({ id: 'Pipeline' });
export type PipelineReport = z.infer<typeof PipelineReport>;
