/**
 * Two worlds that live through the same, under packs that differ in some parts: what one of them has decided the other
 * takes over, as long as a case has had the same events, its state is the same and the part of the pack that decides is.
 * A decision is pure, so it would come out the same.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CaseEvent, Emitter } from '../core/events.js';
import type { Emission, Outcome } from '../core/outcome.js';
import { STAGES, type StageName } from '../core/stages.js';
import type { Decided, TrialCase } from './case.js';

const STAGE_FILES: Readonly<Record<StageName, RegExp>> = {
  intake: /^sources\.yaml$/,
  triage: /^triage\.yaml$/,
  policy: /^policies\.yaml$/,
  playbook: /^(?:playbooks\/|tools\.yaml$)/,
  tool: /^(?:playbooks\/|tools\.yaml$)/,
  feedback: /^$/,
};
const UNUSED = /^(?:samples\/|tests\/|README)/; // by any decision

/** The stages that decide the same under both packs: nothing that they read differs. What no stage owns all may read. */
export function sharedStages(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): Set<StageName> {
  const names = new Set([...one.keys(), ...other.keys()]);
  const changed = [...names].filter((name) => !UNUSED.test(name) && one.get(name) !== other.get(name));
  const isOwned = (name: string) => STAGES.some((stage) => STAGE_FILES[stage].test(name));
  if (one.size === 0 || other.size === 0 || !changed.every(isOwned)) return new Set();
  return new Set(STAGES.filter((stage) => !changed.some((name) => STAGE_FILES[stage].test(name))));
}

const MOST_AHEAD = 200; // steps; who has not followed by then does not

/** Keeps an event for the case that follows. */
export function leave(of: TrialCase, event: CaseEvent): void {
  if (of.lead !== null && of.lead.set(event.seq, { event, decided: null }).size > MOST_AHEAD) of.lead = null;
}

/** From here on the case goes its own way. */
export function part(of: TrialCase): void {
  if (of.twin !== null) of.twin.lead = null;
  of.twin = null;
}

/** The event that the other case had, where this one is to have the same. */
export function eventOfTwin(of: TrialCase, emission: Emission, emitter: Emitter, time: string): CaseEvent | undefined {
  if (of.twin === null) return undefined;
  const event = of.twin.lead?.get(of.seq)?.event;
  if (event !== undefined && isSameEvent(event, emission, emitter, time)) return event;
  part(of);
  return undefined;
}

/** What was decided about the other case; null where this one has not had the same. */
export function decidedOfTwin(of: TrialCase, { seq }: CaseEvent): Decided | null {
  if (of.twin === null) return null;
  const decided = of.twin.lead?.get(seq)?.decided ?? null;
  if (decided?.before === of.state) return decided;
  part(of);
  return null;
}

/** Whether this is what happened in the other world, explanations aside. */
const isSameEvent = (event: CaseEvent, { type, data }: Emission, emitter: Emitter, time: string): boolean =>
  event.type === type && event.emitter === emitter && event.time === time && alike(event.data, data);

/** Whether both come to the same, explanations aside. */
export function isSameOutcome(one: Outcome, other: Outcome): boolean {
  if (one.kind !== 'advance' || other.kind !== 'advance') return isDeepStrictEqual(one, other);
  const { set, emit = [], ...rest } = one;
  const { set: otherSet, emit: otherEmit = [], ...otherRest } = other;
  return (
    alike(set ?? {}, otherSet ?? {}) &&
    emit.length === otherEmit.length &&
    emit.every((emission, i) => emission.type === otherEmit[i]?.type && alike(emission.data, otherEmit[i].data)) &&
    isDeepStrictEqual(rest, otherRest)
  );
}

const RECORDS: ReadonlySet<string> = new Set(['triage', 'policy']);

/** Equal but for what was tried and did not matter: `explain` of an event's data, and of the records in it. */
function alike(one: object, other: object): boolean {
  return one === other || isEqualBut(one, other, (a, b, key) => (RECORDS.has(key) ? isRecordAlike(a, b) : same(a, b)));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isRecordAlike = (one: unknown, other: unknown): boolean =>
  one === other || (isObject(one) && isObject(other) ? isEqualBut(one, other, same) : false);

const same = (one: unknown, other: unknown): boolean =>
  one === other || (isObject(one) && isObject(other) && isDeepStrictEqual(one, other));

function isEqualBut(one: object, other: object, equal: (a: unknown, b: unknown, key: string) => boolean): boolean {
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) => key === 'explain' || (Object.hasOwn(other, key) && equal(of(one, key), of(other, key), key)),
  );
}

const of = (value: object, key: string): unknown => (value as Readonly<Record<string, unknown>>)[key];
