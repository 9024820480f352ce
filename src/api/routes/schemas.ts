/** The pack language as JSON Schema, for editors. */
import { z } from 'zod';
import { ProblemError } from '../../core/errors.js';
import { LANGUAGE_FILES, languageSchema } from '../../packs/index.js';
import type { Api } from '../ports.js';
import { PROBLEMS } from './answers.js';

export function schemaRoutes(api: Api): void {
  api.get(
    '/schema/packs/:file',
    {
      config: { access: 'public' },
      schema: {
        summary: 'The JSON Schema of a file of a pack',
        description: `${LANGUAGE_FILES.map((file) => `${file}.json`).join(', ')}: for \`# yaml-language-server: $schema=…\`.`,
        operationId: 'showPackSchema',
        tags: ['Packs'],
        params: z.object({ file: z.string().describe('`triage.json`, `playbook.json` …') }),
        response: { 200: z.record(z.string(), z.unknown()), ...PROBLEMS },
      },
    },
    async ({ params }) => {
      const file = LANGUAGE_FILES.find((one) => params.file === `${one}.json`);
      if (file) return { ...languageSchema(file) };
      const hint = `There are ${LANGUAGE_FILES.map((one) => `${one}.json`).join(', ')}.`;
      throw new ProblemError({ code: 'NOT_FOUND', message: 'There is no such schema.', path: 'file', hint }, 404);
    },
  );
}
