import { type Report, suggestion } from './problems.js';

/** Of the language itself: what is parsed when the pack is compiled. Samples may be larger. */
const MAX_CHARS = 2_000_000;
const MAX_ALL_CHARS = 10_000_000;
const MAX_FILES = 2_000;
/** Of one YAML file: what is between its values, and so how many there are. 10,000 plain rules have two thirds of it. */
const MAX_MARKS = 150_000;
export const TOP_FILES = ['pack.yaml', 'sources.yaml', 'triage.yaml', 'policies.yaml', 'tools.yaml'];
const LATER_FILES = new Set(['agents.yaml', 'channels.yaml']);
const IN_FOLDER = /^(?:playbooks\/[^/]+\.yaml|tests\/[^/]+\.yaml|tables\/[^/]+\.csv|samples\/.+)$/;
const FILE_NAME = /^(?!.*(?:^|\/)(?:\.{0,2}|__proto__)(?:\/|$))[^\\\p{Cc}]{1,200}$/u;

/** What of a pack is read as YAML. */
export const isRead = (file: string): boolean =>
  TOP_FILES.includes(file) || /^(?:playbooks|tests)\/[^/]+\.yaml$/.test(file);

/** What belongs to a pack; other files, as a README, are kept with it. */
export const isPart = (file: string): boolean => TOP_FILES.includes(file) || IN_FOLDER.test(file);

/** False when the pack is too large to look at. */
export function checkFiles(files: ReadonlyMap<string, string>, report: Report): boolean {
  const place = (file: string) => ({ file, line: 1, column: 1 });
  if (!checkSize(files, report)) return false;
  if (!files.has('pack.yaml')) {
    const hint = 'It must at least say the name: `name: acme`.';
    report.add(place('pack.yaml'), 'PACK_MISSING', 'There is no pack.yaml.', hint);
  }
  for (const [file, text] of files) {
    checkText(file, text, report);
    if (!checkMarks(file, text, report)) return false;
    if (isPart(file) || !/\.(?:ya?ml|csv)$/.test(file)) continue;
    if (LATER_FILES.has(file))
      report.add(place(file), 'WORD_UNSUPPORTED', `\`${file}\` is not supported by this version yet.`);
    else {
      const hint = suggestion(file, [...TOP_FILES, 'playbooks/….yaml', 'tables/….csv', 'tests/….yaml']);
      report.add(place(file), 'FILE_UNKNOWN', `\`${file}\` is not part of a pack.`, hint);
    }
  }
  return true;
}

function checkSize(files: ReadonlyMap<string, string>, report: Report): boolean {
  const charsOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);
  const all = charsOf([...files.values()]);
  const chars = charsOf([...files].filter(([file]) => !file.startsWith('samples/')).map(([, text]) => text));
  if (chars <= MAX_CHARS && all <= MAX_ALL_CHARS && files.size <= MAX_FILES) return true;
  const most = `at most ${MAX_FILES} and ${MAX_CHARS} (with samples ${MAX_ALL_CHARS}) are allowed`;
  const message = `The pack has ${files.size} files and ${chars} characters (with samples ${all}); ${most}.`;
  const hint = 'Move what repeats into tables, and keep large samples outside the pack.';
  report.add({ file: 'pack.yaml', line: 1, column: 1 }, 'PACK_TOO_LARGE', message, hint);
  return false;
}

/** Reading YAML takes time for each value, not for each character: a file of nothing but values would stop everybody. */
function checkMarks(file: string, text: string, report: Report): boolean {
  if (!isRead(file) || text.length <= MAX_MARKS) return true;
  let marks = 0;
  for (const _ of text.matchAll(/[,:\n]/g)) marks++;
  if (marks <= MAX_MARKS) return true;
  const message = `\`${file}\` holds more than ${MAX_MARKS} values.`;
  report.add({ file, line: 1, column: 1 }, 'PACK_TOO_LARGE', message, 'Move what repeats into tables.');
  return false;
}

/** What no database and no file system takes. */
function checkText(file: string, text: string, report: Report): void {
  if (!FILE_NAME.test(file)) {
    const hint = 'Name a file inside the folder, without `..`: samples/trade.json.';
    report.add({ file, line: 1, column: 1 }, 'FILE_NAME', 'This cannot be the name of a file of a pack.', hint);
  }
  const at = text.search(/\0|\p{Surrogate}/u);
  if (at === -1) return;
  const before = text.slice(0, at).split('\n');
  const place = { file, line: before.length, column: (before.at(-1) as string).length + 1 };
  report.add(
    place,
    'TEXT_INVALID',
    'The file is no text: it holds U+0000, or half of a character.',
    'Keep it elsewhere.',
  );
}
