/** JSON: what a value is that was read from it, and where a text stops being it. */

/** Whether this is an object with names of its own, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const space = /[ \t\r\n]*/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const other = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Line and column, from 1, at which a text stops being JSON, which not every runtime's own error says; `undefined` if it
 * is JSON. @see RFC 8259
 */
export function jsonMistake(text: string): { line: number; column: number } | undefined {
  let at = 0;
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  };
  const value = (): boolean => {
    take(space);
    const isTaken = take(/\{/y) ? list(member, /\}/y) : take(/\[/y) ? list(value, /\]/y) : take(string) || take(other);
    return isTaken && take(space);
  };
  const member = () => take(space) && take(string) && take(space) && take(/:/y) && value();
  const list = (item: () => boolean, end: RegExp): boolean => {
    if (take(space) && take(end)) return true;
    do if (!item()) return false; while (take(/,/y));
    return take(end);
  };
  if (value() && at === text.length) return undefined;
  const lines = text.slice(0, at).split("\n");
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}
