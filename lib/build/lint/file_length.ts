/** The lint rule that a file is short enough to be read at one sitting. */

import { placeOf } from "./place.ts";

/** Most lines of a file. */
const MAX_LINES = 300;

/** What only lists words in one language may be as long as there are words. */
const catalogue = /^locale\/\w+\.ts$/;

/** Files that are longer, and why. */
export const longer: Readonly<Record<string, string>> = {
  "http/connection.ts": "one connection's states, which hold only together",
  "http/parser.ts": "one grammar, that of HTTP/1.1",
};

/** A file has no more lines than can be read at one sitting. */
export const fileLength: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    if (place === undefined || catalogue.test(place)) return {};
    return {
      "Program:exit"(node) {
        const lines = context.sourceCode.text.replace(/\n$/, "").split("\n").length;
        const isListed = Object.hasOwn(longer, place);
        const where = "`longer` in lib/build/lint/file_length.ts";
        if (lines > MAX_LINES && !isListed) {
          const hint = `Split it by its jobs, or give the reason in ${where}`;
          context.report({ node, message: `lib/${place} has ${lines} lines, more than ${MAX_LINES}`, hint });
        } else if (lines <= MAX_LINES && isListed) {
          const hint = `Strike it out of ${where}`;
          context.report({ node, message: `lib/${place} has no more than ${MAX_LINES} lines`, hint });
        }
      },
    };
  },
};
