/** What each event of GitHub says. Events that are not here tell of no exception: a push, a star, a ping. */
import type { Problem } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import { at, firstAt, lacks, nothing, pickAt, type Reading } from './reading.js';

interface Event {
  readonly about: string; // the object that the event is about
  readonly word: (item: JsonObject) => unknown; // what decides: a conclusion, a state, the action
  readonly wrong: readonly string[];
  readonly over: readonly string[];
  readonly identity: readonly string[]; // paths in the item, beside the repository; `a|b`: b where there is no a
  readonly title: (item: JsonObject) => unknown;
  readonly severity: (item: JsonObject) => unknown;
  readonly entity?: (item: JsonObject) => unknown; // else the repository
  readonly fields: Readonly<Record<string, string>>;
}

const text = (item: JsonObject, path: string): string => String(at(item, path) ?? '?');
const action = (item: JsonObject): unknown => item.action;

/** A run of a workflow, a job or a check; what is not completed says nothing yet. */
const run = (about: string, title: string, same: readonly string[], branch: string): Event => ({
  about,
  word: (item) => (item.action === 'completed' ? at(item, `${about}.conclusion`) : item.action),
  wrong: ['failure', 'timed_out', 'startup_failure'],
  over: ['success'],
  identity: [...same.map((path) => `${about}.${path}`), `${about}.${branch}|${about}.head_sha`],
  title: (item) =>
    `${text(item, `${about}.${title}`)}: ${text(item, `${about}.conclusion`)} on ${text(item, `${about}.${branch}`)}`,
  severity: () => 'high',
  fields: {
    name: `${about}.${title}`,
    conclusion: `${about}.conclusion`,
    branch: `${about}.${branch}`,
    sha: `${about}.head_sha`,
    attempt: `${about}.run_attempt`,
    url: `${about}.html_url`,
  },
});

/** An alert of GitHub's own scanners. */
const alert = (title: readonly string[], severity: (item: JsonObject) => unknown): Event => ({
  about: 'alert',
  word: action,
  wrong: ['created', 'create', 'reopened', 'reopen', 'auto_reopened', 'reintroduced', 'reopened_by_user'],
  over: ['fixed', 'dismissed', 'auto_dismissed', 'closed_by_user', 'resolved', 'revoked', 'resolve', 'dismiss'],
  identity: ['alert.number|alert.id'],
  title: (item) => firstAt(item, ...title),
  severity,
  fields: {
    number: 'alert.number',
    state: 'alert.state',
    package: 'alert.dependency.package.name',
    rule: 'alert.rule.id',
    advisory: 'alert.security_advisory.ghsa_id',
    url: 'alert.html_url',
  },
});

const EVENTS: Readonly<Record<string, Event>> = {
  workflow_run: run('workflow_run', 'name', ['workflow_id'], 'head_branch'),
  workflow_job: run('workflow_job', 'name', ['workflow_name', 'name'], 'head_branch'),
  check_run: run('check_run', 'name', ['app.id', 'name'], 'check_suite.head_branch'),
  check_suite: run('check_suite', 'app.name', ['app.id'], 'head_branch'),
  status: {
    about: 'commit',
    word: (item) => item.state,
    wrong: ['failure', 'error'],
    over: ['success'],
    identity: ['context', 'branches.0.name|sha'],
    title: (item) => `${text(item, 'context')}: ${firstAt(item, 'description', 'state')}`,
    severity: () => 'high',
    fields: { context: 'context', state: 'state', sha: 'sha', url: 'target_url' },
  },
  deployment_status: {
    about: 'deployment_status',
    word: (item) => at(item, 'deployment_status.state'),
    wrong: ['failure', 'error'],
    over: ['success'],
    identity: ['deployment_status.environment'],
    title: (item) =>
      `Deployment to ${text(item, 'deployment_status.environment')}: ${text(item, 'deployment_status.state')}`,
    severity: () => 'high',
    fields: {
      environment: 'deployment_status.environment',
      state: 'deployment_status.state',
      description: 'deployment_status.description',
      ref: 'deployment.ref',
      sha: 'deployment.sha',
      url: 'deployment_status.target_url',
    },
  },
  issues: {
    about: 'issue',
    word: action,
    wrong: ['opened', 'reopened'],
    over: ['closed', 'deleted', 'transferred'],
    identity: ['issue.number'],
    title: (item) => at(item, 'issue.title'),
    severity: (item) => labelsOf(item),
    entity: (item) => `${text(item, 'repository.full_name')}#${text(item, 'issue.number')}`,
    fields: { number: 'issue.number', author: 'issue.user.login', body: 'issue.body', url: 'issue.html_url' },
  },
  dependabot_alert: alert(['alert.security_advisory.summary'], (item) => [
    at(item, 'alert.security_vulnerability.severity'),
    at(item, 'alert.security_advisory.severity'),
  ]),
  code_scanning_alert: alert(['alert.rule.description', 'alert.rule.name', 'alert.rule.id'], (item) => [
    at(item, 'alert.rule.security_severity_level'),
    at(item, 'alert.rule.severity'),
  ]),
  secret_scanning_alert: alert(['alert.secret_type_display_name', 'alert.secret_type'], () => 'critical'),
  repository_vulnerability_alert: alert(['alert.affected_package_name'], (item) => at(item, 'alert.severity')),
};

/** The names of an issue's labels; the first that the pack knows is the severity. */
function labelsOf(item: JsonObject): readonly unknown[] {
  const labels = at(item, 'issue.labels');
  return Array.isArray(labels) ? labels.map((label) => at(label, 'name')) : [];
}

export function readGithub(item: JsonObject): Reading | Problem {
  const name = String(item.event);
  const event = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
  if (event === undefined) return nothing(`the event \`${name}\` tells of no exception`);
  if (!isObject(item[event.about])) return lacks(`The event \`${name}\``, event.about);
  const word = String(event.word(item));
  const isOver = event.over.includes(word);
  if (!isOver && !event.wrong.includes(word)) return nothing(`\`${name}\` with \`${word}\` is no exception`);
  const labels = name === 'issues' ? { labels: labelsOf(item) } : {};
  return {
    says: isOver ? 'over' : 'wrong',
    why: '',
    identity: [
      name,
      at(item, 'repository.full_name'),
      ...event.identity.map((path) => firstAt(item, ...path.split('|'))),
    ],
    draft: {
      type: name,
      title: event.title(item),
      severity: event.severity(item),
      entity: event.entity === undefined ? at(item, 'repository.full_name') : event.entity(item),
      occurredAt: firstAt(item, `${event.about}.updated_at`, `${event.about}.completed_at`, 'updated_at'),
      fields: {
        ...pickAt(item, { repository: 'repository.full_name', by: 'sender.login', action: 'action', ...event.fields }),
        ...labels,
      },
    },
  };
}
