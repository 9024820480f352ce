import type { Reporter, TestModule } from 'vitest/node';
import { NOT_RUN } from './service.js';

/** Names what could not run on this machine, and why, as the last thing of the run. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const list = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].flatMap((test) => {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        if (!note?.startsWith(NOT_RUN)) return [];
        const suite = test.parent.type === 'suite' ? ` > ${test.parent.fullName}` : '';
        return [`  ${module.relativeModuleId}${suite}: ${note.slice(NOT_RUN.length)}`];
      }),
    );
    if (list.length > 0) console.log(`\nNot run (${list.length}):\n${list.join('\n')}\n`);
  }
}
