/** The part of a tool's result that the case keeps for later steps. The whole of it is in the journal. */
const MOST_CHARS = 16 * 1024; // a case's row is read by every event of the case

/** The result itself, or the beginning of its JSON with a note that says so. */
export function keepSmall(result: unknown): unknown {
  const text = JSON.stringify(result);
  if (text.length <= MOST_CHARS) return result;
  const note = `the result has ${text.length} characters; the run keeps the first ${MOST_CHARS} as text`;
  return { cut: true, note, text: text.slice(0, MOST_CHARS).toWellFormed() };
}
