/** Which topics of others packs may read: names, with `*` for any part and `{tenant}` for the pack's own tenant. */
const TENANT = '{tenant}';
const PATTERN = /^(?:[A-Za-z0-9._*-]|\{tenant\}){1,249}$/;

export const isTopicPattern = (text: string): boolean => PATTERN.test(text);

/** Whether one of the patterns is the topic's; null: all topics are. */
export function mayRead(patterns: readonly string[] | null, tenantId: string, topic: string): boolean {
  return patterns === null || patterns.some((pattern) => fits(pattern.replaceAll(TENANT, tenantId).split('*'), topic));
}

/** The parts stand in the name in order, the first at its beginning and the last at its end. */
function fits(parts: readonly string[], topic: string): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return topic === first;
  if (!topic.startsWith(first) || !topic.endsWith(last) || topic.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = topic.indexOf(part, at);
    if (found < 0 || found + part.length > topic.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
