/** The tenant's pack in two versions; the second becomes active in the middle of some runs. */
import type { CompiledPack } from '../../packs/index.js';
import type { GatherDeps, PackVersion } from '../../stages/contract.js';
import { packOf } from '../packs.js';
import type { Process, Scheduler } from './scheduler.js';

const TOOLS = `
connections: { desk: { kind: http, base: "https://desk.example" } }
tools:
  look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/look/\${{ id }}" } }
  fix: { use: http.request, connection: desk, params: { id: string }, with: { method: PUT, path: "/fix/\${{ id }}" }, retry: block }
  pay:
    use: http.request
    connection: desk
    params: { id: string }
    with: { method: POST, path: "/pay/\${{ id }}" }
    retry: { tries: 3, first: 3s, factor: 2, max: 10s, on: [network, 5xx] }
`;

const SOURCES = `
hold:
  - { name: small ones, when: exception.type == 'SMALL', for: 3s }
accumulate:
  - { name: crashes, when: exception.type == 'CRASH', by: [exception.type], window: 2s, max: 3 }
  - { name: storms, when: exception.type == 'STORM', by: [exception.type], window: 2s, mode: debounce, atMost: 5s }
correlate:
  - { name: floods, when: exception.type == 'FLOOD', by: [exception.type], window: 3s, type: REPAIR }
  - { name: clans, when: exception.type == 'CLAN', by: [exception.type], window: 3s, min: 2, run: both, resolve: first, type: PAY }
  - { name: parts, when: exception.type == 'PART', by: [exception.type], window: 4s, run: members, resolve: last }
  - { name: pairs, when: exception.type == 'PAIR', by: [exception.type], window: 2s, min: 2, type: REPAIR }
`;

/** The rules of waiting before triage, by name. */
export const WAITS: readonly string[] = ['small ones', 'crashes', 'storms'];

const TRIAGE = `
triage:
  - name: noise
    when: exception.type == 'NOISE'
    set: { category: noise, confidence: 1 }
  - name: repairs
    when: exception.type in ['REPAIR', 'SMALL', 'CRASH', 'STORM', 'CLAN', 'PART', 'PAIR']
    set: { category: repair, confidence: 0.9 }
  - name: payments
    when: exception.type == 'PAY'
    set: { category: pay, confidence: 0.9, labels: [big] }
  - name: often
    when: seen.in1h > 1000
    set: { category: often }
  - name: otherwise
    set: { category: unknown, confidence: 0.3 }
`;

const policies = (gate: string): string => `
default: { effect: deny, reason: no policy allows it }
policies:
  - name: noise
    when: triage.category == 'noise'
    effect: suppress
  - name: ${gate} need a second pair of eyes
    when: triage.category == '${gate}'
    effect: require_approval
    approval: { from: [group:desk], quorum: 2, timeout: 6s, remind: 2s, onTimeout: escalate }
  - name: known troubles
    when: triage.category in ['repair', 'pay']
    effect: allow
`;

const playbooks = (first: string): Record<string, string> => ({
  'playbooks/repair.yaml': `
playbook: repair
when: triage.category == 'repair'
steps:
  - { id: first, use: ${first}, with: { id: "\${{ exception.entity }}" } }
  - { id: fix, use: fix, with: { id: "\${{ exception.entity }}" } }
finish: { outcome: resolved, note: repaired }
`,
  'playbooks/pay.yaml': `
playbook: pay
when: triage.category == 'pay'
steps:
  - id: ok
    approve: { title: Pay?, from: [group:desk], timeout: 5s, remind: 1500ms, onTimeout: reject }
  - { id: pay, use: pay, with: { id: "\${{ exception.entity }}" }, onError: continue }
finish: { outcome: resolved, note: paid }
`,
});

const compiled = (gate: string, first: string): CompiledPack =>
  packOf({
    'sources.yaml': SOURCES,
    'tools.yaml': TOOLS,
    'triage.yaml': TRIAGE,
    'policies.yaml': policies(gate),
    ...playbooks(first),
  });

const VERSIONS: readonly PackVersion[] = [
  { version: 1, pack: compiled('pay', 'look') },
  { version: 2, pack: compiled('repair', 'fix') },
];

/** What the API reads of a pack; both versions say the same. */
export const SOURCE_PACK = (VERSIONS[0] as PackVersion).pack;

export interface ActivePack {
  version: number;
}

/** Packs as one process gets them; the active version is remembered for a second, as the cache does. */
export function packsOf(process: Process, active: ActivePack, scheduler: Scheduler): GatherDeps {
  let known = { until: -1, version: 0 };
  const versionOf = (version: number): PackVersion => VERSIONS[version - 1] as PackVersion;
  return {
    async activePack() {
      if (known.until < scheduler.now) {
        await scheduler.step(process);
        known = { until: scheduler.now + 1_000, version: active.version };
      }
      return versionOf(known.version);
    },
    packVersion: (_, version) => versionOf(version),
  };
}
