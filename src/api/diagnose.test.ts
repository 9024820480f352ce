import { describe, expect, it } from 'vitest';
import { diagnose, duration, type PipelineFacts, type StageFacts, stateOf } from './diagnose.js';

const stage = (facts: Partial<StageFacts> = {}): StageFacts => ({
  stage: 'intake',
  status: 'OPEN',
  cases: 0,
  oldestMs: null,
  waiting: 0,
  alive: 1,
  seenMs: 2_000,
  movedMs: 1_000,
  ...facts,
});

const pipeline = (facts: Partial<PipelineFacts> = {}, ...stages: readonly StageFacts[]): PipelineFacts => ({
  mode: 'cluster',
  stages,
  logError: null,
  outbox: { count: 0, oldestMs: null },
  blocked: 0,
  stranded: [],
  deadLetters: [],
  ...facts,
});

const LATE = { oldestMs: 180_000, cases: 6, waiting: 6 };
const TOOL = { stage: 'tool', status: null } as const;

describe('what is said of the pipeline', () => {
  it.each<[string, PipelineFacts, string[]]>([
    ['all is well', pipeline({}, stage(), stage({ cases: 3, waiting: 3, oldestMs: 200 })), []],
    [
      'exceptions wait and there is no worker any more',
      pipeline({}, stage({ cases: 6, waiting: 6, oldestMs: 40_000, alive: 0, seenMs: 40_000 })),
      [
        '6 exceptions wait in OPEN: no intake worker seen for 40 s; start one with WORKER_TYPE=intake node dist/workers',
      ],
    ],
    [
      'one exception waits and there never was a worker',
      pipeline({}, stage({ cases: 1, waiting: 1, alive: 0, seenMs: null })),
      [
        '1 exception waits in OPEN: no intake worker was ever seen; start one with WORKER_TYPE=intake node dist/workers',
      ],
    ],
    [
      'nothing waits and there is no worker',
      pipeline({}, stage({ alive: 0, seenMs: 300_000 })),
      ['no intake worker seen for 5 min; start one with WORKER_TYPE=intake node dist/workers'],
    ],
    [
      'events wait for a stage that no status waits for',
      pipeline({}, stage({ ...TOOL, waiting: 2, alive: 0, seenMs: null })),
      ['2 events wait for tool: no tool worker was ever seen; start one with WORKER_TYPE=tool node dist/workers'],
    ],
    [
      'a worker is gone from the one process of the embedded mode',
      pipeline({ mode: 'embedded' }, stage({ ...TOOL, waiting: 1, alive: 0, seenMs: 20_000 })),
      ['1 event waits for tool: no tool worker seen for 20 s; stop and run `npm start` again'],
    ],
    [
      'a worker is alive and does not move',
      pipeline({}, stage({ ...LATE, movedMs: 180_000 })),
      [
        '6 exceptions wait in OPEN, the oldest for 3 min, and the intake worker does not move: see its log, and /readyz?verbose on its HEALTH_PORT',
      ],
    ],
    [
      'a worker is alive and has never moved',
      pipeline({}, stage({ ...TOOL, waiting: 1, oldestMs: 90_000, movedMs: null })),
      [
        '1 event waits for tool, the oldest for 90 s, and the tool worker does not move: see its log, and /readyz?verbose on its HEALTH_PORT',
      ],
    ],
    [
      'only the position says that it stands still',
      pipeline({}, stage({ ...TOOL, waiting: 1, movedMs: 90_000 })),
      [
        '1 event waits for tool, the oldest for 90 s, and the tool worker does not move: see its log, and /readyz?verbose on its HEALTH_PORT',
      ],
    ],
    [
      'one worker cannot keep up',
      pipeline({}, stage(LATE)),
      [
        '6 exceptions wait in OPEN, the oldest for 3 min: 1 intake worker does not keep up; start more, at most one for each partition, or raise CONCURRENCY',
      ],
    ],
    [
      'several workers cannot keep up',
      pipeline({}, stage({ ...LATE, alive: 3 })),
      [
        '6 exceptions wait in OPEN, the oldest for 3 min: 3 intake workers do not keep up; start more, at most one for each partition, or raise CONCURRENCY',
      ],
    ],
    [
      'exceptions wait for events that the log does not have any more',
      pipeline({}, stage({ ...LATE, waiting: 0 })),
      [
        '6 exceptions wait in OPEN, the oldest for 3 min, though nothing is left on exceptions: send them again with `millrace reingest`',
      ],
    ],
    [
      'exceptions wait for events that are not published yet',
      pipeline({ outbox: { count: 6, oldestMs: 3_000 } }, stage({ ...LATE, waiting: 0 })),
      [],
    ],
    [
      'Kafka is down: one sentence, not one for everything that follows from it',
      pipeline(
        { logError: 'ECONNREFUSED', outbox: { count: 6, oldestMs: 180_000 } },
        stage({ ...LATE, waiting: null, movedMs: 180_000 }),
      ),
      [
        'Kafka does not answer (ECONNREFUSED): exceptions are accepted and kept, and go on when it is back; check the brokers and KAFKA_BOOTSTRAP_SERVERS',
      ],
    ],
    [
      'the log of the embedded mode is closed',
      pipeline({ mode: 'embedded', logError: 'closed' }),
      [
        'The log does not answer (closed): exceptions are accepted and kept, and go on when it is back; stop and run `npm start` again',
      ],
    ],
    [
      'the log answers and does not take events',
      pipeline({ outbox: { count: 1, oldestMs: 130_000 } }),
      [
        '1 event is not published, the oldest for 2 min, though the log answers: see the log of the workers for why it refuses them',
      ],
    ],
    [
      'several events are not taken',
      pipeline({ outbox: { count: 40, oldestMs: 10_000 } }),
      [
        '40 events are not published, the oldest for 10 s, though the log answers: see the log of the workers for why it refuses them',
      ],
    ],
    ['events are about to be published', pipeline({ outbox: { count: 1, oldestMs: 2_000 } }), []],
    [
      'dead letters lie open and hold an exception',
      pipeline({
        blocked: 1,
        deadLetters: [
          { stage: 'triage', code: 'EVENT_NOT_JSON', count: 3, oldestMs: 300_000 },
          { stage: 'tool', code: 'SEQ_CONFLICT', count: 1, oldestMs: null },
        ],
      }),
      [
        '3 dead letters of triage with EVENT_NOT_JSON lie open, the oldest for 5 min: see what and why with "millrace dead-letters list"; copies are on dlq.exceptions.triage',
        '1 dead letter of tool with SEQ_CONFLICT lies open: see what and why with "millrace dead-letters list"; copies are on dlq.exceptions.tool',
        '1 exception is held by dead letters: nothing of theirs is lost, their later events wait',
      ],
    ],
    [
      'several exceptions are held',
      pipeline({ blocked: 2 }),
      ['2 exceptions are held by dead letters: nothing of theirs is lost, their later events wait'],
    ],
    [
      'nothing is left that would move an exception',
      pipeline({ stranded: [{ tenantId: 'acme', caseId: 'c-1', status: 'RUNNING' }] }),
      [
        "1 exception has nothing left that would move it, for example 'millrace show acme c-1' (RUNNING): this is a fault of Millrace, report it with that timeline",
      ],
    ],
  ])('%s', (_, facts, said) => {
    expect(diagnose(facts)).toEqual(said);
  });
});

describe('the state of a stage', () => {
  it.each<[string, Partial<StageFacts>]>([
    ['missing', { alive: 0 }],
    ['idle', {}],
    ['idle', { waiting: null }],
    ['working', { waiting: 3, oldestMs: 500 }],
    ['working', { ...LATE }],
    ['stuck', { ...LATE, movedMs: 100_000 }],
    ['working', { ...TOOL, waiting: 1, movedMs: null }],
  ])('is %s with %j', (state, facts) => {
    expect(stateOf(stage(facts))).toBe(state);
  });
});

describe('a duration', () => {
  it.each([
    [-5, '0 s'],
    [40_000, '40 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
  ])('of %d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
