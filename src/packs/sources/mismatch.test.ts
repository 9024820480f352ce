/** What is told when a request is not what its source takes, or when the map makes nothing of it. */
import { describe, expect, it } from 'vitest';
import { packOf } from '../../testing/packs.js';
import { normalizeItem, sampleOf, splitSource } from '../index.js';
import type { CompiledSource, SourceItem } from '../types.js';

const AT = '2026-06-01T10:00:00.000Z';
const pack = packOf({
  'sources.yaml': `
sources:
  am: { kind: alertmanager }
  hub: { kind: github }
  ce: { kind: cloudevents }
  breaks: { kind: json, split: "\${{ body.breaks }}", map: { type: "\${{ item.kind }}", title: "\${{ item.amount * 2.0 }}" } }
  always: { kind: json, map: { type: "\${{ item.kind }}", title: "\${{ int('x') }}" } }
`,
});
const split = (source: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  splitSource(pack, source, { body, headers, receivedAt: AT });
const normalized = (source: string, body: unknown) => {
  const [item] = split(source, body).items;
  return normalizeItem(pack, source, { ...(item as SourceItem), fingerprint: 'f' }, AT);
};

const ALERTS = { version: '4', alerts: [{ status: 'firing', labels: { alertname: 'A' } }] };
const GRAFANA = { version: '1', orgId: 1, alerts: [{ status: 'firing', labels: { alertname: 'A' } }] };

describe('a body for another source', () => {
  it.each<readonly [string, unknown, Readonly<Record<string, string>>, string, string]>([
    [
      'hub',
      ALERTS,
      {},
      'SOURCE_MISMATCH',
      'the webhook of Alertmanager, version 4: send it to POST /hooks/{tenant}/am.',
    ],
    ['am', GRAFANA, {}, 'SOURCE_MISMATCH', 'add a source of `kind: grafana` to sources.yaml.'],
    ['am', { zen: 'x' }, { 'x-github-event': 'ping' }, 'SOURCE_MISMATCH', 'POST /hooks/{tenant}/hub'],
    ['am', { action: 'x', repository: {}, sender: {} }, {}, 'SOURCE_MISMATCH', 'POST /hooks/{tenant}/hub'],
    ['am', {}, { 'ce-specversion': '1.0' }, 'SOURCE_MISMATCH', 'CloudEvents 1.0: send it to POST /hooks/{tenant}/ce.'],
    [
      'ce',
      { type: 'A', entity: 'x' },
      {},
      'SOURCE_MISMATCH',
      "Millrace's own form: send it to POST /exceptions/{tenant}.",
    ],
    ['ce', { type: 'A', other: 'x' }, {}, 'SOURCE_MISMATCH', 'Send other JSON to a source of kind `json`'],
    ['ce', [], {}, '', ''],
    ['ce', 5, {}, 'SOURCE_MISMATCH', 'Send other JSON to a source of kind `json`'],
    ['hub', { issue_comment: {}, sender: 1 }, {}, '', ''],
    ['hub', [1], {}, 'SOURCE_MISMATCH', 'Send other JSON'],
    ['hub', [1], { 'x-github-event': 'push' }, 'SOURCE_MISMATCH', 'Send other JSON'],
    ['breaks', ALERTS, {}, 'SPLIT_FAILED', 'POST /hooks/{tenant}/am'],
    ['breaks', { other: [] }, {}, 'SPLIT_FAILED', 'Check that the body has the form'],
    ['generic', ALERTS, {}, 'FIELD_UNKNOWN', ''],
  ])('%s given %j', (source, body, headers, code, hint) => {
    const { problems } = split(source, body, headers);
    expect(problems[0]?.code ?? '').toBe(code);
    expect(problems[0]?.hint ?? '').toContain(hint);
  });
  it('the whole of a body that is none of the generic form looks like another kind too', () => {
    expect(split('am', { type: 5 }).problems[0]?.hint).toContain('Send other JSON');
  });
});

describe('a map or split that makes nothing of the input', () => {
  it('a type that is missing is told with its expression', () => {
    expect(normalized('breaks', { breaks: [{ kidn: 'x', amount: 1 }] })).toMatchObject({
      code: 'FIELD_MISSING',
      path: 'type',
      message: `\`map.type\` gives nothing: \${{ item.kind }}`,
      hint: 'Check `map.type` in sources.yaml against the item.',
    });
  });
  it('a sender that names nothing is told so, where no map is', () => {
    const [item] = split('am', { version: '4', alerts: [{ labels: { alertname: '' } }] }).items;
    const found = normalizeItem(pack, 'am', { ...(item as SourceItem), fingerprint: 'f' }, AT);
    expect(found).toMatchObject({ code: 'FIELD_MISSING', message: 'The exception has no type.' });
  });
  it('an expression that cannot be evaluated is told with the value that it saw', () => {
    const found = normalized('breaks', { breaks: [{ kind: 'x', amount: '1,000' }] });
    expect(found).toMatchObject({ code: 'EXPR_FAILED', path: 'map.title' });
    expect((found as { message: string }).message).toMatch(
      /^\$\{\{ item\.amount \* 2\.0 \}\} could not be evaluated: .*, with item\.amount = "1,000"$/,
    );
  });
  it('one that reads nothing is told without a value', () => {
    expect((normalized('always', { kind: 'x' }) as { message: string }).message).not.toContain(', with');
  });
  it('a split that gives no list says what it gives', () => {
    expect(split('breaks', { breaks: 'many' }).problems[0]?.message).toContain(
      `\`\${{ body.breaks }}\` gives text, not a list`,
    );
  });
  it('a split that gives an empty list is no error, and told', () => {
    expect(split('breaks', { breaks: [] })).toEqual({
      items: [],
      problems: [],
      ignored: [{ path: '(the document)', reason: `\`split\` gives an empty list for \`\${{ body.breaks }}\`` }],
    });
  });
});

describe('a request to try a source with', () => {
  it.each<readonly [string, unknown]>([
    [
      "{ kind: json, map: { type: '$[ item.a.kind ]', title: '$[ item.a.id ] $[ item.a ]', severity: '$[ item.prio ]' } }",
      { a: { kind: 'kind-1', id: 'id-1' }, prio: 'high' },
    ],
    ["{ kind: json, map: { type: '$[ item.a ] $[ item.a.b ]' } }", { a: { b: 'b-1' } }],
    [
      "{ kind: json, split: '$[ body.list ]', map: { type: '$[ item.t ]', occurredAt: '$[ body.at ]' } }",
      { list: [{ t: 't-1' }], at: '2026-01-05T09:30:00Z' },
    ],
    ["{ kind: json, split: '$[ body.list ]' }", { list: [expect.objectContaining({ type: 'SETTLEMENT_FAIL' })] }],
    ["{ kind: json, split: '$[ [1] ]' }", {}],
    ['{ kind: json }', expect.objectContaining({ type: 'SETTLEMENT_FAIL' })],
    ['{ kind: grafana }', expect.objectContaining({ orgId: 1 })],
  ])('%s', (written, body) => {
    const text = written.replaceAll('$[ ', '${{ ').replaceAll(" ]'", " }}'").replaceAll(' ] ', ' }} ');
    const { sources } = packOf({ 'sources.yaml': `sources: { s: ${text} }` });
    expect(sampleOf(sources.get('s') as CompiledSource).body).toEqual(body);
  });
});
