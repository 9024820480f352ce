import { describe, expect, it } from 'vitest';
import { runWaiting } from './after-turn.js';
import { createTelemetry } from './catalogue.js';
import { createLogger, pinoSubscriber } from './pino.js';

/** A log that keeps its text. */
function openLog(redact?: (text: string) => string) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json' }, { write: (line) => lines.push(line) }, redact);
  const text = () => {
    runWaiting();
    return lines.join('');
  };
  return { logger, telemetry: createTelemetry([pinoSubscriber(logger)]), text };
}

describe('secrets', () => {
  it.each([
    [{ password: 's3cret' }],
    [{ headers: { authorization: 's3cret', 'x-api-key': 's3cret', cookie: 's3cret' } }],
    [{ request: { headers: { 'set-cookie': 's3cret' } } }],
    [{ connection: { auth: { token: 's3cret' } } }],
    [{ url: 'postgres://millrace:s3cret@db/millrace' }],
    [{ error: new Error('connect postgres://millrace:s3cret@db/millrace failed') }],
    [{ note: 'Authorization: Bearer s3cret-s3cret' }],
  ])('%j is written without the secret', (fields) => {
    const { logger, text } = openLog();
    logger.info(fields, 'said');
    expect(text()).toContain('"message":"said"');
    expect(text()).not.toContain('s3cret');
  });

  it.each([
    [{ token: 's3cret' }],
    [{ request: { headers: { 'set-cookie': 's3cret' } } }],
    [{ answers: [{ password: 's3cret' }] }],
    [{ reason: 'postgres://millrace:s3cret@db/millrace does not answer' }],
  ])('that telemetry brings along, as in %j, are not written', (more) => {
    const { telemetry, text } = openLog();
    telemetry.emit('worker.crashed', { worker: 'TriageWorker', error: 'gone', ...more });
    expect(text()).toContain('"event":"worker.crashed"');
    expect(text()).not.toContain('s3cret');
  });

  it('in the words of a line are taken out too, and what the caller knows', () => {
    const { logger, text } = openLog((line) => line.replaceAll('tulip', '[redacted]'));
    logger.warn('cannot reach https://u:s3cret@host/ with tulip');
    expect(text()).toContain('cannot reach https://u:***@host/ with [redacted]');
  });
});
