/** What was probably meant by a value of a config that is almost right, written as a config would have it. */

/** Units of time and size as people write them, in English and Portuguese, and the relay's own. */
const timeUnits: Readonly<Record<string, string>> = {
  ...names("ms", "msec msecs millisecond milliseconds milissegundo milissegundos"),
  ...names("s", "sec secs second seconds segundo segundos seg"),
  ...names("m", "min mins minute minutes minuto minutos"),
  ...names("h", "hr hrs hour hours hora horas"),
  ...names("d", "day days dia dias"),
};
const sizeUnits: Readonly<Record<string, string>> = {
  ...names("b", "byte bytes"),
  ...names("kb", "k kib kilobyte kilobytes"),
  ...names("mb", "m mib megabyte megabytes"),
  ...names("gb", "g gib gigabyte gigabytes"),
};

function names(unit: string, others: string): Record<string, string> {
  return Object.fromEntries([unit, ...others.split(" ")].map((name) => [name, unit]));
}

/** `"15 s"` and `"15"` are `"15s"`, `"1 hour"` is `"1h"`, `"2 weeks"` is `"14d"`. */
export function meantDuration(value: unknown): string | undefined {
  const text = durationOf(value);
  return text && JSON.stringify(text);
}

function durationOf(value: unknown): string | undefined {
  const [number, unit = "s"] = measureOf(value);
  if (number === undefined) return undefined;
  if (/^(w|weeks?|semanas?)$/.test(unit)) return `${Number(number) * 7}d`;
  const known = timeUnits[unit];
  return known && number + known;
}

/** `"1024k"` is `"1024kb"`, `"1 MiB"` is `"1mb"`. */
export function meantSize(value: unknown): string | undefined {
  const [number, unit = ""] = measureOf(value);
  const known = sizeUnits[unit];
  return number === undefined || !known ? undefined : JSON.stringify(number + known);
}

/** A number, and the unit that follows it in lower case, if one does. */
function measureOf(value: unknown): [number?: string, unit?: string] {
  if (typeof value !== "string" || value.length > 40) return [];
  const [, number, unit] = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\.?\s*$/i.exec(value) ?? [];
  return [number?.replace(",", "."), unit?.toLowerCase() || undefined];
}

/** `"200/s"`, `"200 per second"` and `200` are `{ per: "1s", limit: 200 }`; an example of a rate if it cannot be told. */
export function meantRate(value: unknown): string {
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.slice(0, 40) : "";
  const [, limit = "10", span = "s"] = /^\s*(\d+)\s*(?:(?:\/|per|por|a cada)\s*([\d.,]*\s*[a-z]*))?\s*$/i.exec(text) ??
    [];
  const per = durationOf(/^\d/.test(span) ? span : `1${span}`) ?? "1s";
  return `{ per: "${per}", limit: ${Number(limit) || 10} }`;
}

/** A list of texts. */
export function listOf(texts: readonly string[]): string {
  return `[${texts.map((one) => JSON.stringify(one)).join(", ")}]`;
}

/** A text of digits is a number, `"true"` is `true`, a text in place of a list is a list of it, a list of one text is that text. */
export function meantKind(value: unknown, kind: string): string | undefined {
  if (typeof value === "string") {
    if (/^(number|int)$/.test(kind) && /^\d{1,15}$/.test(value.trim())) return value.trim();
    if (kind === "boolean" && /^(true|false)$/i.test(value.trim())) return value.trim().toLowerCase();
    if (kind === "array" && value !== "") return listOf([value]);
  }
  if (kind !== "string") return undefined;
  const [only, ...others] = Array.isArray(value) ? value : [];
  return typeof only === "string" && others.length === 0 ? JSON.stringify(only) : undefined;
}
