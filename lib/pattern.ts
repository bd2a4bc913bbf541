/** Patterns of names. Pure functions. */

/** Whether an event's name fits a pattern: `*` matches within one dot-separated part, `**` any number of parts. */
export function matches(pattern: string, name: string): boolean {
  if (!pattern.includes("*")) return pattern === name;
  return glob(pattern.split("."), name.split("."), "**", (part, text) => glob([...part], [...text], "*", Object.is));
}

/** Matches a list against a pattern in which `star` stands for any number of items. Takes at most n × m steps. */
function glob(
  pattern: readonly string[],
  items: readonly string[],
  star: string,
  fits: (pattern: string, item: string) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let lastStar = -1;
  let resumeAt = 0;
  while (item < items.length) {
    if (pattern[at] === star) {
      lastStar = at++;
      resumeAt = item;
    } else if (at < pattern.length && fits(pattern[at]!, items[item]!)) {
      at++;
      item++;
    } else if (lastStar >= 0) {
      at = lastStar + 1;
      item = ++resumeAt;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((one) => one === star);
}
