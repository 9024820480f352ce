/** Who settles dead letters and ends cases by hand: tries this and that, sometimes twice at once, until all is calm. */
import { isClosed } from '../../core/case.js';
import { COMMANDS } from '../../core/events.js';
import type { LetterKey } from '../../runtime/dead-letters.js';
import type { Node } from './nodes.js';
import { REFUSED } from './stores.js';
import { TENANT, type World } from './world.js';

type Ask = (work: (api: Node) => Promise<unknown> | undefined) => Promise<unknown>;

const DILIGENCE = 0.5; // the part of all seeds in which somebody looks at letters at all
const ENDS = 0.25;
const WAYS = ['replay', 'discard', 'discard and cancel', 'edit and replay'] as const;

/** Works for as long as things go wrong; `ask` has one of the API's processes do it. */
export async function settleLetters(world: World, ask: Ask, isCalm: () => boolean): Promise<void> {
  const { scheduler, outside, random, database, faults } = world;
  if (!random.chance(DILIGENCE)) return;
  while (!isCalm()) {
    await scheduler.sleep(outside, random.between(300, 2_000));
    const open = [...database.tables.letters.rows.values()].filter(({ status }) => status === 'open');
    if (random.chance(ENDS)) void endOne(world, ask);
    if (open.length === 0 || isCalm()) continue;
    const letter = random.pick(open);
    const first = settle(world, ask, letter, letter.value);
    if (!faults.strikes('settled-twice')) continue;
    faults.note(`two people settle a dead letter ${letter.code} at once`);
    void settle(world, ask, letter, letter.value);
    await first;
  }
}

async function settle(world: World, ask: Ask, key: LetterKey, value: string): Promise<void> {
  const { tenantId, deadLetterId } = key;
  const way = world.random.pick(WAYS);
  const by = 'ann';
  const done = ask(async ({ deadLetters }) => {
    if (way === 'edit and replay') await deadLetters?.edit({ tenantId, deadLetterId }, { data: mended(value) }, by);
    if (way.startsWith('discard')) {
      const cancel = way === 'discard and cancel';
      return deadLetters?.discard({ tenantId, deadLetterId }, { by, reason: 'noise', cancel });
    }
    return deadLetters?.replay({ tenantId, deadLetterId }, { by, force: world.random.chance(0.3) });
  });
  const outcome = await done.then(
    () => 'done',
    (error: Error) => error.message,
  );
  world.tell(`${by} wants to ${way} a dead letter: ${outcome}`);
}

/** The report without what made it a dead letter. */
function mended(value: string): unknown {
  try {
    const data = JSON.parse(Buffer.from(value, 'base64').toString()) as { readonly item?: { readonly title?: string } };
    if (data.item === undefined) return data;
    const title = data.item.title === REFUSED ? 'mended' : data.item.title;
    return { ...data, item: { type: 'REPAIR', ...data.item, title } };
  } catch {
    return {};
  }
}

async function endOne({ random, database }: World, ask: Ask): Promise<void> {
  const open = [...database.tables.cases.rows.values()].filter(({ state }) => !isClosed(state.status));
  if (open.length === 0) return;
  const { caseId } = random.pick(open).state;
  const command = random.pick(COMMANDS);
  await ask(({ commands }) => commands?.end({ tenantId: TENANT, caseId, command, by: 'ann', reason: 'a drill' })).catch(
    () => undefined,
  );
}
