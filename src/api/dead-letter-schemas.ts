/** The shapes of questions and answers about dead letters. */
import { z } from 'zod';
import { isTenantId } from '../core/ids.js';
import { LETTER_STATUSES } from '../core/letters.js';
import { STAGES } from '../core/stages.js';
import { ExceptionDetail, TenantParams, Timeline } from './schemas.js';

const time = z.iso.datetime();
const json = z.unknown();
const by = z.string().min(1).max(200).optional().describe('Who does it. In a cluster it is the name of the key.');

const Status = z
  .enum(LETTER_STATUSES)
  .describe('`parked`: it failed after as many replays as it may have; only `force` replays it.');

export const LetterParams = TenantParams.extend({ id: z.string().describe('The id of the dead letter.') });

const which = {
  stage: z.enum(STAGES).optional(),
  code: z.string().max(100).optional(),
  type: z.string().max(100).optional().describe('The type of the event.'),
  exception: z.uuid().optional().describe('The id of an exception.'),
};

const cursor = z.string().max(500).optional().describe('`next` of the page before.');
const statuses = z
  .string()
  .regex(/^(?:open|parked|replayed|discarded)(?:,(?:open|parked|replayed|discarded))*$/, 'not a status')
  .default('open,parked')
  .describe(`${LETTER_STATUSES.join(', ')}; several separated by commas.`);

export const LetterQuery = z.strictObject({
  ...which,
  status: statuses,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor,
});
export type LetterQuery = z.infer<typeof LetterQuery>;

export const Letter = z.object({
  id: z.uuid(),
  status: Status,
  stage: z.string(),
  code: z.string(),
  message: z.string(),
  path: z.string().nullable(),
  type: z.string().nullable().describe('The type of the event, where the record tells it.'),
  exception: z.uuid().nullable(),
  seq: z.int().nullable(),
  holds: z.boolean().describe('It holds its exception, which goes on when this is replayed or discarded.'),
  attempts: z.int().describe('How often it failed.'),
  firstAt: time,
  lastAt: time.describe('When it failed last.'),
  edited: z.boolean(),
  settledBy: z.string().nullable(),
  settledAt: time.nullable(),
  reason: z.string().nullable(),
  links: z.record(z.string(), z.string()),
});
export type Letter = z.infer<typeof Letter>;

const Cause = z.object({
  stage: z.string(),
  code: z.string(),
  type: z.string().nullable(),
  message: z.string().describe('Without quoted text, ids and numbers, which differ from letter to letter.'),
  count: z.int(),
  exceptions: z.int(),
  parked: z.int(),
  firstAt: time.nullable(),
  lastAt: time.nullable(),
  example: z.uuid(),
});
export type Cause = z.infer<typeof Cause>;

export const LetterPage = z.object({
  causes: z.array(Cause).describe('All that match, grouped; those with most first. Empty on later pages.'),
  items: z.array(Letter).describe('The newest first.'),
  next: z.string().nullable().describe('A cursor.'),
});

const Input = z.object({
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  encoding: z.enum(['json', 'text', 'base64']),
  data: json,
});
export type Input = z.infer<typeof Input>;

export const LetterDetail = Letter.extend({
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  input: Input.describe('As it came.'),
  editedInput: Input.nullable().describe('Sent instead when it is replayed.'),
  history: z
    .array(z.object({ at: time, what: z.string(), by: z.string().nullable(), note: z.string().nullable() }))
    .describe('What happened to it, the oldest first.'),
  case: ExceptionDetail.nullable(),
  timeline: Timeline.shape.events,
}).meta({ id: 'DeadLetter' });
export type LetterDetail = z.infer<typeof LetterDetail>;

const filter = {
  ...which,
  failedBefore: z.iso.datetime({ offset: true }).optional().describe('Only those that have not failed since.'),
  force: z.boolean().default(false).describe('Parked ones too.'),
};

export const PreviewFilter = z.strictObject(filter);
export type PreviewFilter = z.infer<typeof PreviewFilter>;
export const Preview = z.object({
  at: time.describe('When it was counted: as `failedBefore` of the replay it leaves out what fails meanwhile.'),
  letters: z.int(),
  causes: z.int(),
  exceptions: z.int(),
  callsTools: z.int().describe('How many would call tools again.'),
  sameIdempotencyKey: z.int().describe('How many of those with the same idempotency key.'),
  edited: z.int(),
  parked: z.int(),
  summary: z.string(),
});

export const ReplayFilter = z.strictObject({
  ...filter,
  limit: z.number().int().min(1).max(1_000).default(100).describe('At most so many, the oldest first.'),
  perSecond: z.number().min(0.1).max(1_000).default(20),
  by,
});
export const ReplayedMany = z.object({
  matched: z.int(),
  replayed: z.int(),
  skipped: z.int().describe('Settled by somebody else meanwhile.'),
  events: z.int().describe('Events of exceptions that are on their way again.'),
});

export const ReplayOne = z.strictObject({ force: z.boolean().default(false), by }).default({ force: false });
export const DiscardOne = z.strictObject({
  reason: z.string().min(1).max(2_000),
  cancel: z.boolean().default(false).describe('The exception that it holds is canceled with it.'),
  by,
});
export const EditOne = z.strictObject({
  data: json.describe("The event's data, or the record's value. All of it."),
  key: z.string().max(200).optional().describe('Only of a record that holds no exception.'),
  headers: z
    .record(z.string().max(200), z.string().max(4_096).nullable())
    .optional()
    .describe('Only of a record that holds no exception: those that change; null takes one away.'),
  by,
});
export const LetterSettled = z.object({
  id: z.uuid(),
  outcome: z
    .enum(['resumed', 'sent', 'closed'])
    .describe('`resumed`: its exception goes on; `sent`: its record is on its topic again; `closed`: put away.'),
  exception: z.uuid().nullable(),
  events: z.int(),
});

const tenant = z.string().refine(isTenantId, 'no tenant');

export const StageReplayBody = z.strictObject({
  stage: z.enum(STAGES),
  tenant: tenant.optional().describe('Only its exceptions. In a cluster it is the tenant of the key.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only exceptions created at or after.'),
  limit: z.number().int().min(1).max(1_000).default(200).describe('Exceptions in one request.'),
  after: z.strictObject({ tenant, exception: z.uuid() }).nullable().default(null),
});
export const StageReplayAnswer = z.object({
  exceptions: z.int(),
  events: z.int(),
  next: z.object({ tenant: z.string(), exception: z.uuid() }).nullable().describe('`after` of the next request.'),
});
