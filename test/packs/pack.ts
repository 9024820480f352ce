/** A trading desk's pack, and what somebody wants to change of it. */
export type Files = Readonly<Record<string, string>>;

const TRIAGE = `triage:
  - name: who owns it
    when: has(exception.fields.counterparty)
    set: { tier: "\${{ lookup('tiers', exception.fields.counterparty).tier }}" }
    continue: true
  - { name: heartbeat, when: exception.type == 'HEARTBEAT', set: { category: noise, severity: info } }
  - name: big fail
    when: exception.type == 'FAIL' && exception.fields.amount > 1000000
    set: { category: settlement, severity: critical, confidence: 0.95, labels: [big] }
  - { name: fail, when: exception.type == 'FAIL', set: { category: settlement, confidence: 0.9 } }
  - { name: a service is down, when: exception.source == 'alerts', set: { category: service, confidence: 0.9 } }
  - { name: the ledger drifts, when: exception.type == 'com.acme.ledger.drift', set: { category: ledger } }
  - { name: booking, when: exception.type == 'BOOKING', set: { category: booking, confidence: 0.9 } }
  - { name: otherwise, set: { category: unknown, confidence: 0.3 } }
`;

const POLICIES = `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: triage.category == 'noise', effect: suppress }
  - { name: nobody touches who is blocked, when: has(triage.tier) && triage.tier == 'blocked', effect: deny }
  - { name: big ones are asked, when: "'big' in triage.labels", effect: require_approval, approval: { from: [group:desk] } }
  - { name: the ledger is asked, when: triage.category == 'ledger', effect: require_approval, approval: { from: [eve], timeout: 1h } }
  - name: three bookings an hour
    when: triage.category == 'booking'
    effect: allow
    budget: { by: exception.fields.book, limit: 3, per: 1h, over: escalate }
  - { name: what is known is repaired, when: "triage.category in ['settlement', 'service']", effect: allow }
`;

const repair = (note: string): string => `playbook: repair
when: triage.category in ['settlement', 'booking', 'ledger']
steps:
  - { id: look, use: look, with: { id: "\${{ exception.entity }}" } }
  - { id: amend, if: steps.look.result.body.open, use: amend, with: { id: "\${{ exception.entity }}" } }
finish: { outcome: resolved, note: ${note} }
`;

/** The active version. `sink`: what the tools call. */
export const before = (sink: string): Files => ({
  'pack.yaml': 'name: desk\npeople: { ann: {}, bob: {}, eve: {} }\ngroups: { desk: [ann, bob] }\n',
  'sources.yaml': `sources:
  alerts: { kind: alertmanager }
  events: { kind: cloudevents }
  trades:
    kind: json
    split: \${{ body.breaks }}
    map:
      type: \${{ item.kind }}
      entity: \${{ item.id }}
      fields: { amount: "\${{ item.amount }}", ccy: "\${{ item.ccy }}", counterparty: "\${{ item.cpty }}" }
    fingerprint: [type, entity]
    resolve: item.status == 'SETTLED'
`,
  'triage.yaml': TRIAGE,
  'policies.yaml': POLICIES,
  'playbooks/repair.yaml': repair('as the first pack says'),
  'playbooks/restart.yaml': `playbook: restart
when: triage.category == 'service'
steps: [{ id: restart, use: restart, with: { service: "\${{ exception.fields.service }}" } }]
`,
  'tools.yaml': `connections: { desk: { kind: http, base: "${sink}" } }
tools:
  look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/trades/\${{ id }}" }, effect: read }
  amend: { use: http.request, connection: desk, params: { id: string }, with: { method: POST, path: "/trades/\${{ id }}" }, effect: idempotent }
  restart: { use: http.request, connection: desk, params: { service: string }, with: { method: POST, path: "/restart/\${{ service }}" }, effect: idempotent }
`,
  'tables/tiers.csv': 'counterparty,tier\nACME,gold\nGLOBEX,silver\nINITECH,silver\nHOOLI,blocked\n',
});

/** A lower bar, a look-up, noise let through, odd ones repaired, one playbook narrowed, another budget and fingerprint. */
export function candidate(sink: string): Files {
  const files = before(sink);
  const edit = (name: string, ...changes: readonly [from: string, to: string][]): Files => {
    const text = changes.reduce((old, [from, to]) => {
      if (!old.includes(from)) throw new Error(`${name} has no ${from}`);
      return old.replace(from, to);
    }, files[name] as string);
    return { [name]: text };
  };
  const odd = "  - { name: odd ones, when: exception.type == 'ODD', set: { category: settlement, severity: low } }\n";
  return {
    ...files,
    ...edit('sources.yaml', ['fingerprint: [type, entity]', 'fingerprint: [type, entity, fields.ccy]']),
    ...edit(
      'triage.yaml',
      ['amount > 1000000', 'amount > 250000'],
      ["exception.type == 'HEARTBEAT'", "exception.type == 'HEARTBEAT' && exception.title != 'late'"],
      ['  - { name: otherwise', `${odd}  - { name: otherwise`],
    ),
    ...edit('policies.yaml', ['limit: 3', 'limit: 5'], ['from: [eve]', 'from: [eve, bob]']),
    ...edit('playbooks/restart.yaml', ["'service'\n", "'service' && triage.severity == 'critical'\n"]),
    ...edit('tables/tiers.csv', ['INITECH,silver', 'INITECH,blocked']),
    'playbooks/repair.yaml': repair('as the second pack says'),
  };
}
