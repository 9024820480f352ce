import { z } from 'zod';
import { stageOfTopic } from '../../core/stages.js';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { readShape } from '../shape.js';
import type { CompiledSource } from '../types.js';
import type { PackFile } from '../yaml.js';

export const TopicShape = z.strictObject({
  kind: z.literal('kafka'),
  topic: z.string(),
  as: z.string().optional(),
  from: z.enum(['earliest', 'latest']).optional(),
  value: z.enum(['json', 'any']).optional(),
  split: z.string().optional(),
  map: z.record(z.string(), z.unknown()).optional(),
  fingerprint: z.unknown().optional(),
  resolve: z.unknown().optional(),
});
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
const OWN_WORDS = ['split', 'map', 'fingerprint', 'resolve'] as const;

/** Millrace's own topics carry every tenant's events: a pack may not read them. */
const isReserved = (topic: string): boolean =>
  stageOfTopic(topic) !== undefined || /^(?:dlq\.exceptions|exceptions\.|caf\.exec\.|__)/.test(topic);

/**
 * A source that reads a topic. With `as` it reads like another source of the pack, under that one's name, so that both
 * merge what is the same; else like one of kind `json`, by its own words.
 */
export function compileTopicSource(
  { report }: CompileContext,
  file: PackFile,
  path: Path,
  others: ReadonlyMap<string, CompiledSource>,
  own: () => CompiledSource,
): CompiledSource | undefined {
  const shape = readShape(file, path, TopicShape, report);
  if (shape === undefined) return undefined;
  checkName(shape.topic);
  const { from = 'latest', value = 'json' } = shape;
  const topic = { name: shape.topic, from, value, place: file.place([...path, 'topic']) } as const;
  if (shape.as === undefined) return { ...own(), topic };
  for (const word of OWN_WORDS) {
    if (shape[word] === undefined) continue;
    const message = `\`${word}\` cannot stand beside \`as\`: the source \`${shape.as}\` says it.`;
    report.add(file.keyPlace([...path, word]), 'FIELD_UNKNOWN', message, 'Take one of the two out.');
  }
  const reader = others.get(shape.as);
  if (reader !== undefined) return { ...reader, topic };
  if (file.at(['sources', shape.as]) !== undefined && !isTopic(shape.as)) return undefined; // its own problems are told
  const message = isTopic(shape.as)
    ? `\`as: ${shape.as}\` names a topic, not a source that says how to read.`
    : `There is no source \`${shape.as}\`.`;
  report.add(file.place([...path, 'as']), 'SOURCE_UNKNOWN', message, suggestion(shape.as, others.keys()));
  return undefined;

  function isTopic(name: string): boolean {
    return file.at(['sources', name, 'kind']) === 'kafka';
  }

  function checkName(name: string): void {
    const place = file.place([...path, 'topic']);
    if (!NAME.test(name)) {
      const hint = 'Letters, digits, `.`, `_` and `-`, at most 249; a pattern is not supported.';
      report.add(place, 'TOPIC_INVALID', `\`${name}\` cannot be the name of a topic.`, hint);
    } else if (isReserved(name)) {
      const message = `\`${name}\` is one of Millrace's own topics.`;
      report.add(place, 'TOPIC_RESERVED', message, 'Read a topic that your systems write.');
    }
  }
}
