/** The pack that the load is made for: every way through the pipeline, and a sink that stands for the outside. */

/** Kinds of exceptions; the pack says what becomes of each. */
export const KINDS = ['repair', 'blind', 'ask', 'noise', 'stuck', 'alert'] as const;
export type Kind = (typeof KINDS)[number];

/** People who may approve; each tenant has both. */
export const APPROVERS = ['ann', 'bob'] as const;

export const SECRET_NAME = 'sink-token';

/** The files of the pack, by their paths. `sink` is the base URL of the sink. */
export const packFiles = (sink: string): ReadonlyMap<string, string> =>
  new Map([
    ['pack.yaml', 'name: chaos\npeople:\n  ann: { name: Ann }\n  bob: { name: Bob }\ngroups: { desk: [ann, bob] }\n'],
    ['sources.yaml', 'sources:\n  alerts: { kind: alertmanager }\n'],
    ['triage.yaml', TRIAGE],
    ['policies.yaml', POLICIES],
    ['tools.yaml', tools(sink)],
    ['playbooks/repair.yaml', REPAIR],
    ['playbooks/blind.yaml', BLIND],
    ['playbooks/alert.yaml', ALERT],
  ]);

const TRIAGE = `triage:
  - { name: repair, when: "exception.type == 'repair'", set: { category: repair, confidence: 0.9 } }
  - { name: blind, when: "exception.type == 'blind'", set: { category: blind, confidence: 0.9 } }
  - { name: ask, when: "exception.type == 'ask'", set: { category: repair, confidence: 0.9, labels: [ask] } }
  - { name: noise, when: "exception.type == 'noise'", set: { category: noise, confidence: 1 } }
  - { name: alert, when: "exception.source == 'alerts'", set: { category: alert, confidence: 0.9 } }
  - { name: otherwise, set: { category: unknown, confidence: 0.3 } }
`;

const POLICIES = `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: "triage.category == 'noise'", effect: suppress }
  - name: some need a second pair of eyes
    when: "'ask' in triage.labels"
    effect: require_approval
    reason: it is one that asks
    approval: { from: [group:desk], timeout: 4h, onTimeout: escalate }
  - { name: what is known may be repaired, when: "triage.confidence >= 0.8", effect: allow }
`;

const REPAIR = `playbook: repair
when: triage.category == 'repair'
steps:
  - { id: apply, use: sink.honours, with: { tenant: "\${{ tenant }}", entity: "\${{ exception.entity }}" } }
finish: { outcome: resolved, note: repaired }
`;

const BLIND = `playbook: blind
when: triage.category == 'blind'
steps:
  - { id: apply, use: sink.blind, with: { tenant: "\${{ tenant }}", entity: "\${{ exception.entity }}" } }
finish: { outcome: resolved, note: done blindly }
`;

// Nobody decides an alert's approval: its resolve has to take the question back.
const ALERT = `playbook: alert
when: triage.category == 'alert' && exception.fields.asks == 'yes'
steps:
  - { id: ok, approve: { title: "alert \${{ exception.entity }}", from: [group:desk], timeout: 4h, onTimeout: escalate } }
`;

const tools = (sink: string): string => `connections:
  sink: { kind: http, base: "${sink}", auth: { bearer: "secret://${SECRET_NAME}" } }
tools:
  sink.honours:
    use: http.request
    connection: sink
    params: { tenant: string, entity: string }
    with: { method: POST, path: "/honours/\${{ tenant }}/\${{ entity }}", body: { entity: "\${{ entity }}" } }
    effect: idempotent
    timeout: 4s
    retry: { tries: 5, first: 100ms, factor: 2, max: 1s }
  sink.blind:
    use: http.request
    connection: sink
    params: { tenant: string, entity: string }
    with: { method: POST, path: "/blind/\${{ tenant }}/\${{ entity }}", body: { entity: "\${{ entity }}" } }
    effect: at_most_once
    timeout: 4s
`;
