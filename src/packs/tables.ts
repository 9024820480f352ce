import type { Report } from './problems.js';
import type { Table } from './types.js';

const MAX_ROWS = 10_000;
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype', '']);

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads a look-up table: CSV with a header, the first column is the key. Reports TABLE_EMPTY, TABLE_COLUMN, TABLE_ROW,
 * TABLE_DUPLICATE_KEY, TABLE_SYNTAX, TOO_MANY; undefined when the table cannot be used.
 */
export function readTable(file: string, name: string, text: string, report: Report): Table | undefined {
  const { rows, unclosed } = parseCsv(text);
  const at = (line: number) => ({ file, line, column: 1 });
  if (unclosed !== undefined) {
    report.add(at(unclosed), 'TABLE_SYNTAX', 'A quoted cell begins here and never ends.', 'Close it with `"`.');
    return undefined;
  }
  const [header, ...body] = rows;
  if (header === undefined) {
    report.add(at(1), 'TABLE_EMPTY', 'The table has no header.', 'Name the columns in the first line.');
    return undefined;
  }
  if (body.length > MAX_ROWS) {
    report.add(at(1), 'TOO_MANY', `The table has ${body.length} rows, at most ${MAX_ROWS} are allowed.`);
    return undefined;
  }
  const columns = header.cells.map((cell) => cell.trim());
  for (const [index, column] of columns.entries()) {
    if (!FORBIDDEN.has(column) && columns.indexOf(column) === index) continue;
    report.add(at(header.line), 'TABLE_COLUMN', `\`${column}\` cannot be the name of column ${index + 1}.`);
  }
  const kept = new Map<string, Readonly<Record<string, string>>>();
  for (const row of body)
    addRow(row, columns, kept, (code, message, hint) => report.add(at(row.line), code, message, hint));
  return { name, columns, rows: kept, emptyRow: toRecord(columns, []) };
}

function addRow(
  row: Row,
  columns: readonly string[],
  kept: Map<string, Readonly<Record<string, string>>>,
  refuse: (code: string, message: string, hint: string) => void,
): void {
  const key = row.cells[0] as string;
  if (row.cells.length !== columns.length) {
    const hint = `It needs one for each of: ${columns.join(', ')}. An empty cell is two commas; text with a comma stands in quotes.`;
    refuse('TABLE_ROW', `Cells of the row: ${row.cells.length}, columns: ${columns.length}.`, hint);
  } else if (kept.has(key)) {
    refuse('TABLE_DUPLICATE_KEY', `The key \`${key}\` stands twice.`, 'The first column must name one row only.');
  } else {
    kept.set(key, toRecord(columns, row.cells));
  }
}

const toRecord = (columns: readonly string[], cells: readonly string[]): Readonly<Record<string, string>> =>
  Object.freeze(Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])));

/** RFC 4180: cells in double quotes may hold commas, line ends and doubled quotes. Empty lines are skipped. */
function parseCsv(text: string): { rows: readonly Row[]; unclosed?: number } {
  const rows: Row[] = [];
  let cells: string[] = [];
  let cell = '';
  let line = 1;
  let start = 1;
  let quotedFrom: number | undefined;
  const endRow = (): void => {
    cells.push(cell);
    if (cells.length > 1 || cell !== '') rows.push({ line: start, cells });
    [cells, cell] = [[], ''];
  };
  const clean = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  for (let at = 0; at < clean.length; at++) {
    const char = clean.charAt(at);
    if (char === '\n') line++;
    if (quotedFrom !== undefined) {
      if (char !== '"') cell += char;
      else if (clean.charAt(at + 1) === '"') cell += clean.charAt(++at);
      else quotedFrom = undefined;
    } else if (char === '"' && cell === '') quotedFrom = line;
    else if (char === ',') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') {
      endRow();
      start = line;
    } else cell += char;
  }
  if (quotedFrom !== undefined) return { rows, unclosed: quotedFrom };
  endRow();
  return { rows };
}
