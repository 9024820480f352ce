/** Documentation that is made from the code, or held to it. `npx vitest run src/testing/ground/docs.test.ts -u` writes it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { VARIABLE_NAMES, VARIABLES } from '../../config/variables.js';
import { CASE_STATUSES, type CaseStatus, canMove } from '../../core/case.js';
import { EVENTS, type EventType } from '../../core/events.js';
import { deadLetterTopic, STAGES, TOPIC_OF } from '../../core/stages.js';
import { millrace } from '../cli.js';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`),
];

const MADE = '<!-- from here on made from the code: npx vitest run src/testing/ground/docs.test.ts -u -->';
/** What a page says above the part that is made. */
const head = (page: string): string => `${read(page).split('<!-- from here')[0]?.trimEnd()}\n\n${MADE}\n`;

const SAYS: Readonly<Record<EventType, string>> = {
  ExceptionIngested: 'A report arrived: what came, from where, and under which fingerprint.',
  ExceptionMerged: 'A later report of the same exception was counted.',
  ExceptionHeld:
    'It does not go to triage yet: it is held, gathers what belongs to it, or waits for the end of a window.',
  AccumulationElapsed: 'The time is over for which it was held, gathered or waited.',
  ExceptionCorrelated: 'It belongs together with others: it is about to be a member of an incident.',
  IncidentOpened: 'The parent of an incident waits for its members.',
  IncidentJoined: 'It is a member of this incident.',
  IncidentEnded: 'The incident that it waited for is over, or too few came for one.',
  ExceptionNormalized: 'The exception in the one shape that every stage understands.',
  ExceptionTriaged: 'What it means: category, severity, confidence, and each rule that was tried.',
  PolicyEvaluated: 'What may be done about it: the effect that won, and what every policy said.',
  CaseSuppressed: 'Policy says that it is not worth anybody’s time, or it was over before its hold was. The end.',
  PlaybookStarted: 'A playbook was chosen; why the others were passed over.',
  ToolRequested: 'A step asks for a tool call, with everything that the call needs.',
  ToolCanceled: 'A call that nobody waits for any more, because the case has ended.',
  ToolFinished: 'How a call ended: its result, or its error.',
  ApprovalRequested: 'The run waits for people: who may decide, until when.',
  ApprovalReminded: 'Nobody has decided so far: those who may are told again, and how often they were.',
  WaitResolved: 'People have decided.',
  TimerFired: 'A time has come: for a reminder of an approval, or the end of its time.',
  CaseCommanded:
    'Somebody outside the run ends the case, or takes it on: its source says that it is over, or a person does.',
  PlaybookFinished: 'The run came to its end: the outcome, in the playbook’s words.',
  CaseEscalated: 'A person is needed; a code and words say why.',
  FeedbackCaptured: 'What became of it, how long it took, and which rules, policies and playbook had a part.',
  ScheduleSkipped: 'Its schedule came while it was open, and made no other exception.',
  CaseUnblocked: 'The dead letter that held the case was replayed or discarded.',
};

function fieldsOf(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodObject)) return '';
  return Object.entries<z.ZodType>(schema.shape)
    .map(([name, field]) => (field.safeParse(undefined).success ? `${name}?` : name))
    .join(', ');
}

describe('documentation', () => {
  it('docs/events.md is the catalogue of events', async () => {
    const rows = Object.entries(EVENTS).map(([type, { version, to, data }]) => {
      const topic = to === null ? '– (journal only)' : `\`${TOPIC_OF[to]}\``;
      return `| \`${type}\` | ${version} | ${topic} | ${SAYS[type as EventType]} | ${fieldsOf(data)} |`;
    });
    const topics = STAGES.map(
      (stage) => `| \`${TOPIC_OF[stage]}\` | ${stage} | \`${deadLetterTopic(TOPIC_OF[stage])}\` |`,
    );
    const page = `${head('docs/events.md')}
| topic | its worker | dead letters |
| --- | --- | --- |
${topics.join('\n')}

| event | version | topic | what it says | data |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
    await expect(page).toMatchFileSnapshot(join(ROOT, 'docs/events.md'));
  });

  it('docs/configuration.md names every variable with its default', async () => {
    const rows = VARIABLE_NAMES.map((name) => {
      const { fallback, about, secret } = VARIABLES[name];
      return `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${about.replaceAll('|', '\\|')}${secret ? ' *Secret.*' : ''} |`;
    });
    const page = `${head('docs/configuration.md')}
| variable | default | what it is |
| --- | --- | --- |
${rows.join('\n')}
`;
    await expect(page).toMatchFileSnapshot(join(ROOT, 'docs/configuration.md'));
  });

  it('the table of states in docs/architecture.md is the one of the code', () => {
    const text = read('docs/architecture.md');
    const arrows = (from: CaseStatus) => CASE_STATUSES.filter((to) => to !== from && canMove(from, to));
    for (const status of CASE_STATUSES) {
      const row = new RegExp(`^\\| \`${status}\` \\|[^|]+\\| (.*) \\|$`, 'm').exec(text);
      expect(row?.[1]?.match(/`[A-Z]+`/g) ?? []).toEqual(arrows(status).map((to) => `\`${to}\``));
    }
  });

  it.each(PAGES)('%s leads nowhere that does not exist', (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      join(dirname(page), link),
    );
    const files = [...text.matchAll(/`((?:src|docs|packs|k8s|migrations|scripts)\/[\w./-]+)`/g)].map(
      ([, file = '']) => file,
    );
    const scripts = Object.keys(
      z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json'))).scripts,
    );
    expect([...links, ...files].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(run.filter((script) => !scripts.includes(script))).toEqual([]);
  });

  it('every `millrace` command that is written down exists', async () => {
    const { out } = await millrace(['--help']);
    const known = [...out.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name);
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/(?:`|npx |main\.js |^)millrace ([a-z][a-z-]+)/gm)]);
    expect(named.length).toBeGreaterThan(20);
    expect(named.map(([, name]) => name).filter((name) => !known.includes(name))).toEqual([]);
  });
});
