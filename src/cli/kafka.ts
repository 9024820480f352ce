/** The broker of commands that look after topics. */
import type { Config } from '../config.js';
import { createKafkaLog } from '../log/kafka/index.js';
import type { Log } from '../log/port.js';

/** A log on the brokers of the settings; connects when it is first used. */
export function openKafka({ kafka }: Config<'cli'>): Log {
  const { brokers, ssl, sasl, sessionTimeoutMs, heartbeatIntervalMs } = kafka;
  return createKafkaLog({
    brokers,
    clientId: 'millrace-cli',
    ssl,
    ...(sasl && { sasl }),
    sessionTimeoutMs,
    heartbeatIntervalMs,
    onClientLog: () => undefined, // what goes wrong is thrown too
  });
}
