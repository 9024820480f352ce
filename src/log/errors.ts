/** What a log may refuse, by a stable code. */
export type LogErrorCode =
  | 'LOG_UNAVAILABLE' // no answer in time; whether the records were kept is not known
  | 'LOG_CLOSED' // `close` was called
  | 'LOG_FULL' // the embedded log holds too many records that nobody has consumed
  | 'LOG_REFUSED' // the broker said no: authorisation, a broken request
  | 'TOPIC_UNKNOWN'
  | 'RECORD_TOO_LARGE'
  | 'GROUP_TOPIC' // the group consumes another topic already
  | 'STOP_TIMEOUT'; // the batch in hand did not end in time

/** Every error that a log's methods reject with; `cause` is the client's own error. */
export class LogError extends Error {
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogError';
    this.code = code;
  }
}

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
