import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf, stepScopeOf } from '../../testing/packs.js';
import {
  type ApproveStep,
  type CompiledPack,
  choosePlaybook,
  evaluateIf,
  findPlaybook,
  renderFinish,
  renderStepCall,
  renderTitle,
  renderWith,
  type ToolStep,
} from '../index.js';

const TOOLS = `
connections: { api: { kind: http, base: "https://trades.internal" } }
tools:
  trades.get: { use: http.request, connection: api, params: { id: string }, with: { path: "/trades/\${{ id }}" } }
`;
const REPAIR = `
playbook: repair
when: triage.category == 'settlement'
priority: 10
onError: continue
steps:
  - id: look
    use: trades.get
    with: { id: "\${{ exception.entity }}" }
    onError: escalate
  - id: plan
    if: "!has(steps.ok.result) || steps.ok.result.decision == 'rejected'"
    use: fs.put
    with: { path: plan.json, content: { said: "\${{ has(steps.ok.result) ? steps.ok.result.comment : '' }}" } }
    retry: execution
    timeout: 15s
  - id: ok
    approve: { title: "Repair \${{ exception.entity }} of \${{ steps.look.result.desk }}", from: [group:desk] }
    rejected: { goto: plan, max: 3 }
  - id: early
    if: steps.look.result.amount > 5
    finish: { outcome: escalated, note: "too much" }
  - id: last
    approve: { from: [ann], timeout: 1h, onTimeout: approve }
    rejected: { goto: end }
  - id: end
    finish: {}
finish: { note: "done by \${{ steps.ok.result.by }}" }
`;
const files = (playbook: string) => ({ 'tools.yaml': TOOLS, 'playbooks/p.yaml': playbook });
const pack = packOf(files(REPAIR));
const repair = findPlaybook(pack, 'repair')!;
const step = <T>(id: string, from: CompiledPack = pack) => from.playbooks[0]?.steps.find((one) => one.id === id) as T;

describe('a compiled playbook', () => {
  it('has its steps in order, what they do, and what happens when they fail', () => {
    expect(repair.steps.map(({ id, kind, onError, place }) => [id, kind, onError, place])).toEqual([
      ['look', 'tool', 'escalate', 'playbooks/p.yaml:7:5'],
      ['plan', 'tool', 'continue', 'playbooks/p.yaml:11:5'],
      ['ok', 'approve', 'continue', 'playbooks/p.yaml:17:5'],
      ['early', 'finish', 'continue', 'playbooks/p.yaml:20:5'],
      ['last', 'approve', 'continue', 'playbooks/p.yaml:23:5'],
      ['end', 'finish', 'continue', 'playbooks/p.yaml:26:5'],
    ]);
    expect(step<ApproveStep>('ok')).toMatchObject({
      rejected: { goto: 'plan', max: 3 },
      terms: { from: ['group:desk'], timeoutMs: 86_400_000, onTimeout: 'escalate' },
    });
    expect(step<ApproveStep>('last')).toMatchObject({
      rejected: { goto: 'end', max: 100 },
      terms: { timeoutMs: 3_600_000 },
    });
    expect(step<ToolStep>('plan')).toMatchObject({ timeoutMs: 15_000, retry: { firstMs: 30_000, tries: 3 } });
    expect(findPlaybook(pack, 'other')).toBeUndefined();
  });

  it('a playbook that says little escalates errors and resolves at its end', () => {
    const small = packOf(
      files('playbook: p\nsteps: [{ id: a, use: fs.get, with: { path: x } }, { id: b, approve: { from: [ann] } }]'),
    );
    expect(small.playbooks[0]).toMatchObject({
      when: null,
      priority: 0,
      onError: 'escalate',
      finish: { outcome: 'resolved', note: null },
    });
    expect(step<ApproveStep>('b', small)).toMatchObject({ rejected: null, if: null });
    expect(renderTitle(step('b', small), stepScopeOf())).toBe('Step b asks for approval');
  });
});

describe('a step at run time', () => {
  const looked = { look: { result: { desk: 'rates', amount: 5 } } };

  it('runs when its `if` holds or it has none, and is skipped with the reason when not', () => {
    expect(evaluateIf(step('look'), stepScopeOf())).toEqual({ run: true });
    expect(evaluateIf(step('plan'), stepScopeOf())).toEqual({ run: true });
    expect(evaluateIf(step('early'), stepScopeOf(looked))).toEqual({
      run: false,
      falsePart: { expression: 'steps.look.result.amount > 5', values: { 'steps.look.result.amount': 5 } },
    });
  });
  it('whose `if` cannot be evaluated has failed: it is not skipped', () => {
    expect(evaluateIf(step('early'), stepScopeOf())).toMatchObject({
      run: false,
      problem: {
        code: 'EXPR_FAILED',
        path: 'early.if',
        message: expect.stringContaining('no such key: result') as string,
      },
    });
  });
  it('its `with` sees the exception and the results of other steps', () => {
    expect(renderWith(step('look'), stepScopeOf())).toEqual({ value: { id: 'T-1' } });
    const rejected = { ok: { result: { decision: 'rejected', comment: 'no' } } };
    expect(renderWith(step('plan'), stepScopeOf(rejected))).toEqual({
      value: { path: 'plan.json', content: { said: 'no' } },
    });
  });
  it('a `with` that cannot be rendered is a problem with its place', () => {
    const bad = packOf(
      files(
        `playbook: p\nsteps: [{ id: a, use: fs.get, with: { path: "\${{ exception.fields.file }}" } }, { id: b, finish: {} }]`,
      ),
    );
    expect(renderWith(step('a', bad), stepScopeOf())).toMatchObject({
      problem: { code: 'EXPR_FAILED', path: 'a.with.path' },
    });
    expect(renderStepCall(bad, step('a', bad), stepScopeOf())).toMatchObject({ code: 'EXPR_FAILED' });
    const whole = packOf(files(`playbook: p\nsteps: [{ id: a, use: trades.get, with: { id: "\${{ run.nope }}" } }]`));
    expect(renderWith(step('a', whole), stepScopeOf())).toMatchObject({ problem: { path: 'a.with.id' } });
  });
  it('its call carries its own retry and timeout, else the tool’s', () => {
    expect(renderStepCall(pack, step('plan'), stepScopeOf())).toMatchObject({
      timeoutMs: 15_000,
      retry: { firstMs: 30_000 },
    });
    expect(renderStepCall(pack, step('look'), stepScopeOf())).toMatchObject({
      tool: 'trades.get',
      connection: 'api',
      input: { path: '/trades/T-1' },
      timeoutMs: 30_000,
      retry: { firstMs: 100 },
    });
  });
  it('the question of an approval is readable even where a result is missing', () => {
    expect(renderTitle(step('ok'), stepScopeOf(looked))).toBe('Repair T-1 of rates');
    expect(renderTitle(step('ok'), stepScopeOf())).toBe('Repair T-1 of ');
    const odd = packOf(
      files(`playbook: p\nsteps: [{ id: a, approve: { title: "x \${{ exception.entity + 1 }}", from: [ann] } }]`),
    );
    expect(renderTitle(step('a', odd), stepScopeOf())).toBe('Step a asks for approval');
  });
  it('the end has an outcome and a note; a note that cannot be rendered is left out', () => {
    const decided = stepScopeOf({ ok: { result: { by: 'ann' } } });
    expect(renderFinish(repair, repair.finish, decided)).toEqual({ outcome: 'resolved', note: 'done by ann' });
    const early = step<{ finish: typeof repair.finish }>('early');
    expect(renderFinish(repair, early.finish, decided)).toEqual({ outcome: 'escalated', note: 'too much' });
    const odd = packOf(files(`playbook: p\nsteps: [{ id: a, finish: { note: "\${{ exception.entity + 1 }}" } }]`))
      .playbooks[0]!;
    const last = odd.steps[0] as unknown as { finish: typeof repair.finish };
    expect(renderFinish(odd, last.finish, stepScopeOf())).toEqual({ outcome: 'resolved', note: null });
    expect(renderFinish(odd, odd.finish, stepScopeOf())).toEqual({ outcome: 'resolved', note: null });
  });
});

describe('the choice of a playbook', () => {
  const of = (name: string, rest: string) => `playbook: ${name}\n${rest}\nsteps: [{ id: a, finish: {} }]`;
  it('the highest matching priority wins; the others say why they were passed over', () => {
    const many = packOf({
      'playbooks/a.yaml': of('low', 'priority: 1'),
      'playbooks/b.yaml': of('high', "priority: 9\nwhen: policy.effect == 'allow'"),
      'playbooks/c.yaml': of('also', 'priority: 9'),
      'playbooks/d.yaml': of('never', "priority: 99\nwhen: triage.category == 'x'"),
    });
    const { playbook, explain } = choosePlaybook(many, stepScopeOf());
    expect(playbook?.name).toBe('also');
    expect(explain.map(({ name, matched, note }) => [name, matched, note])).toEqual([
      ['never', false, undefined],
      ['also', true, 'chosen with priority 9'],
      ['high', true, 'passed over with priority 9: `also` comes first by name'],
      ['low', true, 'passed over with priority 1: `also` has priority 9'],
    ]);
    expect(explain[0]?.falsePart?.values).toEqual({ 'triage.category': 'settlement' });
  });
  it('no playbook that matches is no playbook', () => {
    expect(choosePlaybook(packOf(), stepScopeOf())).toEqual({ playbook: null, explain: [] });
  });
});

describe('playbooks are checked', () => {
  const steps = (...lines: string[]) => `playbook: p\nsteps:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
  const END = '{ id: end, finish: {} }';
  it.each([
    ['playbook: P!\nsteps: [{ id: a, finish: {} }]', '1:11 VALUE_INVALID'],
    ['playbook: p\nsteps: []', '2:8 VALUE_INVALID'],
    ['playbook: p', '1:1 FIELD_MISSING'],
    ['playbook: p\nsteps: x', '2:8 VALUE_TYPE'],
    ['playbook: p\nwhen: steps.a == 1\nsteps: [{ id: a, finish: {} }]', '2:7 EXPR_UNKNOWN'],
    ['playbook: p\nonError: stop\nsteps: [{ id: a, finish: {} }]', '2:10 VALUE_UNKNOWN'],
    [
      'playbook: p\nfinish: { outcome: solved }\nsteps: [{ id: a, use: fs.get, with: { path: x } }]',
      '2:20 VALUE_UNKNOWN',
    ],
    [steps('{ finish: {} }'), '3:5 FIELD_MISSING'],
    [steps('null'), '3:5 VALUE_TYPE'],
    [steps('{ id: my-step, finish: {} }'), '3:11 VALUE_INVALID'],
    [steps('{ id: a }'), '3:5 STEP_KIND'],
    [steps('{ id: a, use: fs.get, with: { path: x }, finish: {} }'), '3:5 STEP_KIND'],
    [steps('{ id: a, finish: {}, retry: block }'), '3:26 FIELD_UNKNOWN'],
    [steps('{ id: a, approve: { from: [ann] }, timeout: 1h }'), '3:40 FIELD_UNKNOWN'],
    [steps('{ id: a, if: true, finish: {} }', '{ id: a, finish: {} }'), '4:11 STEP_DUPLICATE'],
    [steps(END, '{ id: b, finish: {} }'), '4:5 STEP_UNREACHABLE'],
    [steps('{ id: a, approve: { from: [ann] }, rejected: { goto: b, max: 1 } }'), '3:58 STEP_UNKNOWN'],
    [steps('{ id: a, approve: { from: [ann] }, rejected: { goto: a } }'), '3:50 LOOP_UNBOUNDED'],
    [steps('{ id: a, approve: { from: [ann] }, rejected: { goto: a, max: 10001 } }'), '3:66 VALUE_INVALID'],
    [steps('{ id: a, approve: { from: [] } }'), '3:31 APPROVERS_EMPTY'],
    [steps('{ id: a, approve: { from: [ann], quorum: 3 } }'), '3:46 QUORUM_IMPOSSIBLE'],
    [steps('{ id: a, approve: { from: [ann], timeout: 1y1y } }'), '3:47 DURATION_INVALID'],
    [steps('{ id: a, approve: {} }'), '3:23 FIELD_MISSING'],
    [steps('{ id: a, if: steps.b.result, finish: {} }', END), '3:18 STEP_UNKNOWN'],
    [steps('{ id: a, use: trades.gt, with: { id: x } }'), '3:19 TOOL_UNKNOWN'],
    [steps('{ id: a, use: http.requets }'), '3:19 BLOCK_UNKNOWN'],
    [steps('{ id: a, use: trades.get }'), '3:5 PARAM_MISSING'],
    [steps('{ id: a, use: trades.get, with: { id: 5 } }'), '3:43 PARAM_TYPE'],
    [steps('{ id: a, use: trades.get, with: { id: x, ids: y } }'), '3:46 PARAM_UNKNOWN'],
    [steps('{ id: a, use: trades.get, with: x }'), '3:37 VALUE_TYPE'],
    [steps('{ id: a, use: http.request, with: { path: /x } }'), '3:47 PARAM_INVALID'],
    [steps('{ id: a, use: fs.get, with: { path: x }, retry: blok }'), '3:53 RETRY_UNKNOWN'],
    [steps('{ id: a, use: fs.get, with: { path: x }, timeout: 5 }'), '3:55 DURATION_INVALID'],
    [steps(`{ id: a, use: fs.get, with: { path: "\${{ exception.filds }}" } }`), '3:46 EXPR_UNKNOWN'],
  ])('%# %j → %s', (text, code) => {
    expect(codesOf(files(text))[0]).toBe(`playbooks/p.yaml:${code}`);
  });
  it('a step behind a rejection, and one behind a conditional finish, are reachable', () => {
    const text = steps(
      '{ id: a, approve: { from: [ann] }, rejected: { goto: c } }',
      END,
      '{ id: c, if: true, finish: {} }',
      '{ id: d, finish: {} }',
    );
    expect(codesOf(files(text))).toEqual([]);
  });
  it('two playbooks of one name are told where', () => {
    const text = steps(END);
    const [problem] = problemsOf({ 'playbooks/a.yaml': text, 'playbooks/b.yaml': text });
    expect(problem).toMatchObject({
      code: 'PLAYBOOK_DUPLICATE',
      message: expect.stringContaining('playbooks/a.yaml:1:1') as string,
    });
  });
});
