import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EMITTERS, EVENTS, type EventType, isEventType, stageFor } from './events.js';
import { STAGES } from './stages.js';

const TYPES = Object.keys(EVENTS) as EventType[];

describe.each(TYPES)('%s', (type) => {
  it('has a version and goes to a stage or only to the journal', () => {
    expect(EVENTS[type].version).toBeGreaterThanOrEqual(1);
    expect([...STAGES, null]).toContain(stageFor(type));
  });

  it('has data whose shape can be published as JSON Schema', () => {
    const schema = z.toJSONSchema(EVENTS[type].data);
    expect(schema).toMatchObject({ type: 'object', properties: expect.any(Object) });
    expect(schema.required?.length).toBeGreaterThan(0);
  });

  it('is named as a fact, in the past tense', () => {
    expect(type).toMatch(/^[A-Z][A-Za-z]+(ed|nt|Held)$/);
  });
});

it('every stage has at least one event to wait for', () => {
  expect(new Set(TYPES.map(stageFor))).toEqual(new Set([...STAGES, null]));
});

it.each(['ExceptionIngested', 'FeedbackCaptured'])('%s is an event', (name) => {
  expect(isEventType(name)).toBe(true);
});

it.each(['', 'exceptionIngested', 'toString', '__proto__'])('%j is no event', (name) => {
  expect(isEventType(name)).toBe(false);
});

it('every stage can emit events', () => {
  expect(EMITTERS).toEqual(expect.arrayContaining([...STAGES]));
});
