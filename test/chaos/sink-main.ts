/** The sink as a process of its own: options come as one message, the port goes back. */
import { type SinkOptions, startSink } from './sink.js';

process.once('message', (options: SinkOptions) => {
  startSink(options).then(
    (port) => process.send?.({ port }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.once('disconnect', () => process.exit(0)); // whoever started it is gone
