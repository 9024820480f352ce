/** What `npm start` prints: the address, what is running, and three commands to try. */
import pc from 'picocolors';
import { STAGES } from '../core/stages.js';
import { DEMO_TENANT } from './samples.js';

export interface BannerFacts {
  readonly url: string;
  readonly home: string;
  readonly version: string;
  readonly startedMs: number;
  readonly refilled: number; // events of the last run that go on
  readonly samples: number; // exceptions of the demo that were sent through
}

export function banner({ url, home, version, startedMs, refilled, samples }: BannerFacts): string {
  const lines = [
    '',
    `  ${pc.bold('Millrace')} ${version} is running at ${pc.cyan(url)}  ${pc.dim(`(ready in ${(startedMs / 1000).toFixed(1)} s)`)}`,
    '',
    `  workers   ${STAGES.join(' → ')}`,
    `  data      ${home}`,
    `  API docs  ${url}/docs`,
  ];
  if (refilled > 0) lines.push(`  resumed   ${refilled} events that were under way`);
  if (samples > 0)
    lines.push(`  demo      tenant ${DEMO_TENANT}: ${samples} exceptions of packs/demo are on their way`);
  lines.push(
    '',
    '  Try:',
    `    curl -X POST ${url}/exceptions/${DEMO_TENANT} -H 'content-type: application/json' -d @packs/demo/samples/failed-trade.json`,
    `    curl ${url}/exceptions/${DEMO_TENANT}`,
    `    npx millrace pipeline`,
    '',
    `  ${pc.dim('Ctrl-C stops; nothing is lost, the next start goes on.')}`,
    '',
  );
  return lines.join('\n');
}
