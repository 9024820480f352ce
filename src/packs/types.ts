/** What a compiled pack is made of. Everything is ready to run: expressions are parsed, names are resolved. */
import type { Problem } from '../core/errors.js';
import type {
  ApprovalTerms,
  NormalizedException,
  Occurrences,
  PolicyRecord,
  Severity,
  TriageRecord,
} from '../core/records.js';
import type { CallEffect, RetryProfile } from '../core/work.js';
import type { Condition, RuleFinder, Template } from './expressions/types.js';
import type { CompiledPolicy, PolicyBudget, PolicyDefault } from './policies/types.js';
import type { CronTimes } from './schedules/times.js';
import type { PackTest } from './test-types.js';
import type { GroupKey, WaitingRules } from './waiting/types.js';

export type * from './expressions/types.js';
export type * from './policies/types.js';
export type * from './waiting/types.js';

/** A problem of a pack, with its place: `path` is `triage.yaml:12:5`. Lines and columns count from 1. */
export interface PackProblem extends Problem {
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: ReadonlyMap<string, Readonly<Record<string, string>>>; // by the value of the first column
  readonly emptyRow: Readonly<Record<string, string>>;
}

export type SourceKind =
  | 'generic'
  | 'json'
  | 'alertmanager'
  | 'grafana'
  | 'sentry'
  | 'github'
  | 'pagerduty'
  | 'cloudevents';

export interface CompiledSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly split: Template | null;
  readonly map: SourceMap | null;
  readonly fingerprint: Fingerprint | null;
  readonly resolve: Condition | null;
  readonly verify: Verification | null;
  readonly reads: SourceReads;
  readonly topic: SourceTopic | null; // it reads this topic, beside what is sent to its hook
}

export interface SourceTopic {
  readonly name: string;
  readonly from: 'earliest' | 'latest'; // where a source that is new begins
  readonly value: 'json' | 'any'; // `any`: what is no JSON is read as `{ text }` or `{ base64 }`
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
}

export const SIGNATURE_SCHEMES = ['standardWebhooks', 'github', 'sentry', 'pagerduty', 'grafana', 'token'] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** How the sender of a source's requests is known. */
export interface Verification {
  readonly scheme: SignatureScheme;
  readonly secrets: readonly string[]; // references; any of them will do, so that one can be changed
  readonly header: string | null; // of a token, in lower case; null: `Authorization: Bearer`
}

/** What the map reads of the request besides the item: it is kept with the item. `*` is the whole of it. */
export interface SourceReads {
  readonly body: readonly string[];
  readonly headers: readonly string[];
}

export interface SourceMap {
  readonly type: Template | null;
  readonly severity: Template | null;
  readonly title: Template | null;
  readonly entity: Template | null;
  readonly occurredAt: Template | null;
  readonly fields: Template | null;
}

/** What makes two reports the same: parts of the normalized exception, or one expression over the source. */
export type Fingerprint =
  | { readonly kind: 'parts'; readonly parts: readonly string[] } // `type`, `entity`, `fields.ccy`
  | { readonly kind: 'template'; readonly template: Template };

export interface TriageRule {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null; // null: always
  readonly set: ReadonlyMap<string, Template>;
  readonly continues: boolean;
}

export interface CompiledPlaybook {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
  readonly priority: number;
  readonly steps: readonly CompiledStep[];
  readonly finish: Finish;
  readonly onError: OnError; // for steps that do not say it themselves
}

/** What happens when a step fails for good: a person takes over, or the run goes on with the next step. */
export type OnError = 'escalate' | 'continue';
export type CompiledStep = ToolStep | ApproveStep | FinishStep;

interface StepBase {
  readonly id: string;
  readonly place: string;
  readonly if: Condition | null;
  readonly onError: OnError;
  readonly stepIds: readonly string[]; // of the whole playbook: what `steps` may name
}

export interface ToolStep extends StepBase {
  readonly kind: 'tool';
  readonly use: string; // a tool of tools.yaml, or a block
  readonly with: Template;
  readonly retry: RetryProfile | null; // null: the tool's
  readonly timeoutMs: number | null; // null: the tool's
}

export interface ApproveStep extends StepBase {
  readonly kind: 'approve';
  readonly title: Template;
  readonly terms: ApprovalTerms; // `from` as written; see expandApprovers
  /** Where a rejected run goes on, and how often; after `max` times, or when null, the case escalates. */
  readonly rejected: { readonly goto: string; readonly max: number } | null;
}

/** Ends the run before its last step. */
export interface FinishStep extends StepBase {
  readonly kind: 'finish';
  readonly finish: Finish;
}

export interface Finish {
  readonly outcome: FinishOutcome;
  readonly note: Template | null;
}
export const FINISH_OUTCOMES = ['resolved', 'escalated'] as const;
export type FinishOutcome = (typeof FINISH_OUTCOMES)[number];

/** Secrets stay references (`secret://name`) until the call. Same form as the blocks' own `Connection`. */
export interface PackConnection {
  readonly kind: 'http';
  readonly base: string;
  readonly auth?: ConnectionAuth;
  readonly allowHosts?: readonly string[];
  readonly allowPorts?: readonly number[];
}
export type ConnectionAuth =
  | { readonly bearer: string }
  | { readonly basic: { readonly user: string; readonly password: string } }
  | { readonly header: { readonly name: string; readonly value: string } };

export const PARAM_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'list', 'any'] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

export interface ToolParam {
  readonly type: ParamType;
  readonly required: boolean;
  readonly oneOf: readonly unknown[] | null;
  readonly fallback: unknown; // undefined: none
}

export interface CompiledTool {
  readonly name: string;
  readonly place: string;
  readonly block: string;
  readonly connection: string | null;
  readonly params: ReadonlyMap<string, ToolParam>;
  readonly with: Template;
  readonly effect: CallEffect | null; // null: what the block says of the input
  readonly timeoutMs: number;
  readonly retry: RetryProfile;
}

/** A tool call, ready for the ledger. */
export interface ToolCall {
  readonly tool: string;
  readonly block: string;
  readonly connection: string | null; // a name of CompiledPack.connections
  readonly input: unknown; // plain JSON
  readonly effect: CallEffect;
  readonly timeoutMs: number;
  readonly retry: RetryProfile;
}

/** A time at which an exception is reported, and what it says. */
export interface CompiledSchedule {
  readonly name: string;
  readonly place: string;
  readonly cron: string;
  readonly tz: string;
  readonly times: CronTimes;
  readonly overlap: 'skip' | 'allow'; // while the case before is open
  readonly missed: 'once' | 'none'; // what came while nobody was there: made up for once, or not
  readonly item: ReadonlyMap<string, Template>; // type, severity, title, entity, fields
}

export interface CompiledPack extends WaitingRules {
  readonly name: string;
  readonly description: string;
  readonly hash: string; // sha256 of the pack's files, hex
  readonly severities: ReadonlyMap<string, Severity>; // lower-case words and numbers
  readonly people: ReadonlyMap<string, Person>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly limits: PackLimits;
  readonly retention: PackRetention;
  readonly sources: ReadonlyMap<string, CompiledSource>; // `generic` is always among them
  readonly schedules: readonly CompiledSchedule[];
  readonly readsSeen: boolean; // an expression reads `seen`, so each fingerprint's history is counted
  readonly seenBackMs: number; // how long after its last report a fingerprint's history matters to any of them
  readonly triage: readonly TriageRule[];
  readonly triageIndex: RuleFinder;
  readonly policies: readonly CompiledPolicy[];
  readonly policyIndex: RuleFinder;
  readonly budgeted: readonly (CompiledPolicy & { readonly budget: PolicyBudget })[];
  readonly policyDefault: PolicyDefault;
  readonly playbooks: readonly CompiledPlaybook[]; // highest priority first, then by name
  readonly connections: ReadonlyMap<string, PackConnection>;
  readonly tools: ReadonlyMap<string, CompiledTool>;
  readonly tables: ReadonlyMap<string, Table>;
  readonly samples: readonly string[]; // file names
  readonly tests: readonly PackTest[];
}

export interface Person {
  readonly name: string;
  readonly email: string | null;
}

export interface PackLimits {
  readonly itemsPerRequest: number; // exceptions that one request may carry
  readonly stepsPerRun: number; // steps that one run may take, repeats included
  readonly exceptionsPerMinute: number | null; // that may be reported to one API process; null: as many as come
  readonly openCases: number | null; // above so many the API takes no further report; null: no limit
}

export interface PackRetention {
  readonly closedMs: number | null; // how long closed cases are kept; null: for ever
}

/** One exception of a request, as the API keeps it with the case. Plain JSON. */
export interface SourceItem {
  readonly item: unknown;
  readonly body?: unknown; // kept only if the source's map refers to it
  readonly headers?: Readonly<Record<string, string>>; // as above
  readonly fingerprint: string | null; // null: nothing identifies it, so it is merged with nothing (use the case id)
  readonly resolve: boolean; // this report says that it is over
  readonly accumulate?: GroupKey; // the group that it belongs to
}

/** A piece of a request that is no exception, and says of none that it is over: a push, a ping, a run in progress. */
export interface IgnoredItem {
  readonly path: string;
  readonly reason: string;
}

export interface SourceRequest {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>; // names in lower case
  readonly receivedAt: string; // RFC 3339
}

/** This fingerprint's history over all its cases, the present report included. Times are RFC 3339. */
export type Seen = Occurrences;

/** What every decision sees. `now` is epoch milliseconds: the decision's time, never the process's clock. */
export interface TriageScope {
  readonly exception: NormalizedException;
  readonly seen: Seen;
  readonly tenant: string;
  readonly now: number;
  readonly packVersion: number; // recorded with the decision
}
export interface PolicyScope extends TriageScope {
  readonly triage: TriageRecord;
  readonly held?: readonly string[]; // policies that have held this case for as long as they may
}
export interface PlaybookScope extends PolicyScope {
  readonly policy: PolicyRecord;
}
/** What a step sees. A step that has not run is `{}`: `has(steps.look.result)` is false. */
export interface StepScope extends PlaybookScope {
  readonly steps: Readonly<Record<string, { readonly result?: unknown; readonly error?: unknown }>>;
  readonly run: Readonly<Record<string, unknown>>; // id, playbook, startedAt…
}
