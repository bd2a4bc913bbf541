/** Ids of events and deliveries, as a user gives them and as lists show them. */

import { ExitCode, RelayError } from "../errors.ts";
import { formatId, type IdBytes, parseId } from "../id.ts";
import type { Phrase } from "../locale/phrase.ts";
import { visible } from "../log.ts";
import { commonDigits, parsePrefix } from "../store/id_prefix.ts";
import type { Store } from "../store/mod.ts";
import type { FoundId } from "../store/operator.ts";
import { formatAt } from "./language.ts";
import { msOf } from "./times.ts";

/** Most ids that an error names where a prefix is that of several. */
const CANDIDATES = 9;

/** Characters of an id, dashes included. */
const ID_LENGTH = 36;

/**
 * The ids that these texts are, each once: whole ones, of what is stored or not, and beginnings of 8 characters or more that
 * only one event or delivery has.
 * @throws {RelayError} if one of them is none, or the beginning of no id or of several.
 */
export async function idsOf(store: Store, texts: readonly string[]): Promise<IdBytes[]> {
  const asked = texts.map((text) => ({ text, id: parseId(text), prefix: prefixOf(text) }));
  const prefixes = asked.filter(({ id }) => !id).map(({ prefix }) => prefix);
  const found = prefixes.length === 0 ? [] : await store.find(prefixes, CANDIDATES + 1);
  const ids = asked.map(({ text, id }) => id ?? theOneOf(found.shift()!, text, store.time.now()));
  return [...new Map(ids.map((id) => [formatId(id), id])).values()];
}

function prefixOf(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix !== undefined && text.length <= ID_LENGTH) return prefix;
  const shown = visible(text);
  const hint: Phrase = (words) => words.operate.ids.list;
  if (!/^[0-9a-f-]+$/i.test(text)) throw new RelayError((words) => words.operate.ids.notAnId(shown), hint);
  const isShort = text.length < ID_LENGTH;
  throw new RelayError(
    ({ operate: { ids } }) => isShort ? ids.tooShort(shown) : ids.tooLong(shown),
    hint,
    ExitCode.usage,
  );
}

function theOneOf(found: readonly FoundId[], text: string, now: number): IdBytes {
  const [one, ...others] = found;
  if (one && others.length === 0) return parseId(one.id)!;
  if (!one) {
    throw new RelayError((words) => words.operate.ids.unknown(visible(text)), (words) => words.operate.ids.list);
  }
  const lines = found.slice(0, CANDIDATES).map(({ id, type, receivedAt, target }) =>
    [id, visible(type), ...(target === undefined ? [] : [target]), formatAt(now).short(msOf(receivedAt))].join("  ")
  );
  throw new RelayError(
    (words) => words.operate.ids.ambiguous(visible(text)),
    ({ operate: { ids } }) => [ids.choose, ...lines, ...(found.length > CANDIDATES ? [ids.more] : [])].join("\n    "),
  );
}

/**
 * How many digits of these ids of events tell each from every other event in the store, so that {@link idsOf} reads them.
 * @param least At least so many.
 */
export async function digitsFor(store: Store, ids: readonly string[], least: number): Promise<number> {
  let digits = least;
  for (;;) {
    const length = digits;
    const distinct = [...new Set(ids.map((id) => id.replaceAll("-", "").slice(0, length)))];
    const found = await store.find(distinct, 2);
    const needed = found.map(([one, other]) => one && other ? commonDigits(one.id, other.id) + 1 : length);
    digits = needed.reduce((most, one) => Math.max(most, one), length);
    if (digits === length) return digits;
  }
}
