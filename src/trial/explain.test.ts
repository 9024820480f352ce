import { describe, expect, it } from 'vitest';
import { packFiles, packOf } from '../testing/packs.js';
import { Walk } from '../testing/walk.js';
import { explainCase, type Given, recordedTest, type ToldEvent, toldInFull, walk, whyNot } from './index.js';

const FILES = {
  'triage.yaml': `
triage:
  - { name: big, when: exception.type == 'FAIL' && exception.fields.amount > 1000, set: { category: settlement, severity: critical } }
  - { name: small, when: exception.type == 'FAIL', set: { category: settlement } }
  - { name: never reached, when: seen.count == 1, set: { category: odd } }`,
  'policies.yaml': `
default: { effect: deny, reason: no policy allows it }
policies:
  - { name: allowed, when: triage.category == 'settlement', effect: allow }
  - { name: asked, when: triage.severity == 'critical', effect: require_approval, approval: { from: [group:desk] } }`,
  'tools.yaml': `
connections: { desk: { kind: http, base: https://desk.example } }
tools: { look: { use: http.request, connection: desk, with: { method: GET, path: /trades }, effect: read } }`,
  'playbooks/repair.yaml':
    'playbook: repair\nwhen: triage.category == "settlement"\nsteps: [{ id: look, use: look }]\n',
  'playbooks/other.yaml': 'playbook: other\nwhen: triage.severity == "info"\nsteps: [{ id: see, use: look }]\n',
};
const pack = packOf(FILES);
const eventsOf = (amount: number, given: Given = {}): readonly ToldEvent[] =>
  walk(pack, { body: { type: 'FAIL', entity: 'T-1', fields: { amount } } }, given).cases[0]?.events ?? [];

describe('an explanation', () => {
  it('tells for each stage what was tried, and the value that made a condition false', () => {
    const { summary, parts } = explainCase(eventsOf(250));
    expect(summary).toBe('The playbook repair runs, as allowed lets it.');
    expect(parts.map(({ stage, what }) => `${stage}: ${what}`)).toEqual([
      'intake: reported by generic',
      'triage: settlement, medium, 1 sure',
      'policy: allow',
      'playbook: repair',
      'tool: look: look (read)',
    ]);
    expect(parts[1]?.tried).toMatchObject([
      { name: 'big', decided: false, falsePart: { values: { 'exception.fields.amount': 250 } } },
      { name: 'small', decided: true },
    ]);
    expect(parts[3]?.tried.map(({ name, matched }) => [name, matched])).toEqual([
      ['other', false],
      ['repair', true],
    ]);
  });

  it('of what was decided in brief tells each rule again, with the version that decided; without it, the names', async () => {
    const files = {
      'triage.yaml': `triage: [${['A', 'B'].map((type) => `{ name: ${type}, when: "exception.type == '${type}'", set: {} }`)},
        { name: fail, when: "exception.type == 'FAIL'", set: { category: c } }]`,
      'policies.yaml': `default: { effect: deny }
policies: [{ name: other, when: "triage.category == 'd'", effect: allow }, { name: noise, when: "triage.category == 'c'", effect: suppress }]`,
    };
    const { journal } = Walk.of(files).report({ item: { type: 'FAIL' } });
    const events = journal.map((event, n): ToldEvent => ({ ...event, seq: n + 1, time: '2026-11-20T09:00:00.000Z' }));
    const tried = (told: readonly ToldEvent[]) => explainCase(told).parts.map((part) => part.tried);
    const full = tried(await toldInFull(events, async () => packOf(files)));
    expect(full[1]?.map(({ name, falsePart }) => [name, falsePart?.expression])).toEqual([
      ['A', "exception.type == 'A'"],
      ['B', "exception.type == 'B'"],
      ['fail', undefined],
    ]);
    expect(full[2]?.map(({ name, falsePart }) => [name, falsePart?.values])).toEqual([
      ['other', { 'triage.category': 'c' }],
      ['noise', undefined],
    ]);
    const known = tried(await toldInFull(events, async () => null));
    expect(known[1]?.map(({ name }) => name)).toEqual(['fail', 'A', 'B']);
    expect(known[2]?.map(({ name }) => name)).toEqual(['noise', 'other']);
    const each = eventsOf(250);
    expect(await toldInFull(each, async () => null)).toEqual(each);
  });

  it('tells which policy let only some playbooks run, and which was passed over for it', () => {
    const policies = 'default: { effect: deny }\npolicies: [{ name: careful, effect: allow, allowPlaybooks: [other] }]';
    const body = { type: 'FAIL', entity: 'T-1', fields: { amount: 1 } };
    const events = walk(packOf({ ...FILES, 'policies.yaml': policies }), { body }).cases[0]?.events ?? [];
    const { summary, parts } = explainCase(events);
    expect(parts[2]).toMatchObject({ what: 'allow', why: 'careful; `careful` allows only other' });
    expect(parts.at(-1)?.tried).toMatchObject([
      { name: 'other', matched: false },
      { name: 'repair', matched: true, note: '`careful` allows only other' },
    ]);
    expect(summary).toContain('NO_PLAYBOOK');
  });

  it('tells who was asked, what they said, and how it ended', () => {
    const given = { policy: { decision: 'rejected', by: ['bob'], comment: 'not today' } };
    const { summary, parts } = explainCase(eventsOf(5_000, given));
    expect(parts.map(({ what }) => what)).toContain('asked 1 of ann, bob: Run repair: FAIL');
    expect(parts.at(-1)).toMatchObject({ what: 'escalated: APPROVAL_REJECTED' });
    expect(summary).toContain('not today');
  });
});

describe('why not this one', () => {
  const ask = (name: string, amount = 250) => {
    const events = eventsOf(amount);
    return whyNot(name, pack, 'trial', events, explainCase(events));
  };
  it.each([
    ['big', 'It did not match.'],
    ['small', 'It matched.'],
    ['repair', 'It matched, and it decided.'],
    ['other', 'It did not match.'],
    ['never reached', 'It would have matched, but it was not tried: a rule before it ended triage.'],
    ['smal', 'The pack has nothing of that name. Did you mean `small`?'],
  ])('%s: %s', (name, answer) => {
    expect(ask(name).answer).toBe(answer);
  });

  it('a stricter policy is named', () => {
    expect(ask('allowed', 5_000).answer).toBe('It matched, and was passed over: `asked` is stricter.');
  });
});

it('a case of the past becomes a test that holds, with the answers that were really given', () => {
  const given = { policy: { decision: 'approved', by: ['ann'] }, 'steps.look': { status: 'OPEN' } };
  const recorded = recordedTest(pack, packFiles(FILES), eventsOf(5_000, given));
  expect(recorded).toMatchObject({
    name: 'fail-t-1',
    source: 'generic',
    input: { type: 'FAIL', entity: 'T-1' },
    given: { 'steps.look': { status: 'OPEN' }, policy: { decision: 'approved', by: ['ann'] } },
    expect: {
      triage: { category: 'settlement', severity: 'critical' },
      policy: { effect: 'require_approval' },
      playbook: 'repair',
      steps: ['look'],
    },
  });
});
