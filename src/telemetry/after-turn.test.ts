import { expect, it } from 'vitest';
import { afterTurn } from './after-turn.js';
import { createTelemetry } from './catalogue.js';
import { createLogger, pinoSubscriber } from './pino.js';

const TOLD = { worker: 'TriageWorker', ms: 12, left: 0 } as const;
const FAILED = { by: 'TriageWorker', events: 1, error: 'gone' } as const;

function openLog() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json' }, { write: (line) => lines.push(line) });
  return { telemetry: createTelemetry([pinoSubscriber(logger)]), lines };
}

it('a line waits until the turn has sent what it had to send', async () => {
  const { telemetry, lines } = openLog();
  telemetry.emit('worker.stopped', TOLD);
  await Promise.resolve();
  expect(lines).toHaveLength(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines).toHaveLength(1);
});

it('a line that warns does not wait, and comes after those before it', () => {
  const { telemetry, lines } = openLog();
  telemetry.emit('worker.stopped', TOLD);
  telemetry.emit('outbox.failed', FAILED);
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['worker.stopped', 'outbox.failed']);
});

it('what still waits when the process exits is done first', () => {
  const done: string[] = [];
  afterTurn(() => done.push('written'));
  for (const listener of process.listeners('exit')) if (listener.name === 'runWaiting') listener(0);
  expect(done).toEqual(['written']);
});
