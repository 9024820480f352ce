import { execFileSync } from 'node:child_process';

/** What this module's text writes, run in a Node process of its own that reads TypeScript, too. */
export const outputOf = (program: string, ...flags: string[]): string =>
  execFileSync(process.execPath, [...flags, '--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
