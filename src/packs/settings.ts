import { z } from 'zod';
import { parseDuration } from '../core/duration.js';
import { SEVERITIES, Severity } from '../core/records.js';
import type { Path } from './expressions/template.js';
import { type Report, suggestion } from './problems.js';
import { readShape } from './shape.js';
import type { CompiledPack, PackLimits, Person } from './types.js';
import type { PackFile } from './yaml.js';

/** What pack.yaml says. */
export type Settings = Pick<
  CompiledPack,
  'name' | 'description' | 'severities' | 'people' | 'groups' | 'limits' | 'retention'
>;

/** Words that common tools use; a pack's own `severities` come first. Numbers mean nothing until the pack says so. */
const COMMON_WORDS: Readonly<Record<Severity, readonly string[]>> = {
  critical: ['crit', 'fatal', 'emergency', 'emerg', 'disaster', 'page', 'p1', 'sev1'],
  high: ['error', 'err', 'major', 'alert', 'p2', 'sev2'],
  medium: ['warning', 'warn', 'moderate', 'average', 'p3', 'sev3'],
  low: ['minor', 'notice', 'p4', 'sev4'],
  info: ['informational', 'information', 'debug', 'none', 'ok', 'p5', 'sev5'],
};

const DEFAULT_LIMITS: PackLimits = {
  ...{ itemsPerRequest: 1_000, stepsPerRun: 1_000 },
  ...{ exceptionsPerMinute: null, openCases: null },
};
const MOST = 1_000_000;

export const DEFAULT_SETTINGS: Settings = {
  name: '',
  description: '',
  severities: severityWords({}),
  people: new Map(),
  groups: new Map(),
  limits: DEFAULT_LIMITS,
  retention: { closedMs: null },
};

const NAME = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'use small letters, digits and `-`, starting with a letter');

export const PackYaml = z.strictObject({
  name: NAME,
  description: z.string().max(2_000).optional(),
  severities: z.record(z.string(), Severity).optional(),
  people: z
    .record(z.string(), z.strictObject({ name: z.string().optional(), email: z.email('not an address').optional() }))
    .optional(),
  groups: z.record(z.string(), z.array(z.string()).max(1_000)).optional(),
  limits: z
    .strictObject({
      itemsPerRequest: z.number().int().min(1).max(1_000).optional(),
      stepsPerRun: z.number().int().min(1).max(10_000).optional(),
      exceptionsPerMinute: z.number().int().min(1).max(MOST).optional(),
      openCases: z.number().int().min(1).max(MOST).optional(),
    })
    .optional(),
  retention: z.strictObject({ closed: z.string().optional() }).optional(),
});

/** Reads pack.yaml; what is wrong in it is reported and the defaults are used for it. */
export function compileSettings(file: PackFile, report: Report): Settings {
  const written = readShape(file, [], PackYaml, report);
  if (written === undefined) return DEFAULT_SETTINGS;
  const people = new Map(
    Object.entries(written.people ?? {}).map(([id, person]): [string, Person] => [
      id,
      { name: person.name ?? id, email: person.email ?? null },
    ]),
  );
  const groups = new Map(Object.entries(written.groups ?? {}));
  checkMembers(file, groups, people, report);
  return {
    name: written.name,
    description: written.description ?? '',
    severities: severityWords(written.severities ?? {}),
    people,
    groups,
    limits: withDefaults(written.limits ?? {}),
    retention: { closedMs: written.retention?.closed === undefined ? null : closedMs(file, report) },
  };
}

const withDefaults = (limits: { readonly [K in keyof PackLimits]?: PackLimits[K] | undefined }): PackLimits => ({
  itemsPerRequest: limits.itemsPerRequest ?? DEFAULT_LIMITS.itemsPerRequest,
  stepsPerRun: limits.stepsPerRun ?? DEFAULT_LIMITS.stepsPerRun,
  exceptionsPerMinute: limits.exceptionsPerMinute ?? DEFAULT_LIMITS.exceptionsPerMinute,
  openCases: limits.openCases ?? DEFAULT_LIMITS.openCases,
});

const closedMs = (file: PackFile, report: Report): number | null =>
  durationAt(file, ['retention', 'closed'], report) ?? null;

function severityWords(own: Readonly<Record<string, Severity>>): ReadonlyMap<string, Severity> {
  const words = new Map<string, Severity>();
  for (const severity of SEVERITIES) {
    for (const word of COMMON_WORDS[severity]) words.set(word, severity);
    words.set(severity, severity);
  }
  for (const [word, severity] of Object.entries(own)) words.set(word.toLowerCase(), severity);
  return words;
}

/** With a list of people, a group may only name those; without one, any name goes. */
function checkMembers(
  file: PackFile,
  groups: ReadonlyMap<string, readonly string[]>,
  people: ReadonlyMap<string, Person>,
  report: Report,
): void {
  if (people.size === 0) return;
  for (const [group, members] of groups) {
    for (const [index, member] of members.entries()) {
      if (people.has(member)) continue;
      const message = `There is no \`${member}\` among \`people\`.`;
      report.add(file.place(['groups', group, index]), 'PERSON_UNKNOWN', message, suggestion(member, people.keys()));
    }
  }
}

/** The duration at `path` in milliseconds; undefined where there is none, or where it is wrong (then it is reported). */
export function durationAt(file: PackFile, path: Path, report: Report): number | undefined {
  const text = file.at(path);
  if (text === undefined) return undefined;
  const ms = typeof text === 'string' ? parseDuration(text) : undefined;
  if (ms === undefined) {
    const hint = 'Write one number and one unit: 100ms, 30s, 2m, 4h, 1d.';
    report.add(file.place(path), 'DURATION_INVALID', `\`${String(text)}\` is not a duration.`, hint);
  }
  return ms;
}
