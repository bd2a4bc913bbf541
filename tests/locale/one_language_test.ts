/** That no screen is half in one language and half in another. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locale } from "../../lib/locale/mod.ts";
import { executable } from "../helpers/relay.ts";
import { screensIn } from "./screens.ts";

/** Words that join others in one language, and that the other does not have. */
const joining: Record<Locale, string[]> = {
  en: (
    "the is are was were and not with from this that it its by has have of to there they you your cannot which what than " +
    "then if but when where while until after before"
  ).split(" "),
  "pt-BR": (
    "não é são está estão com para por pelo pela uma um dos das que foi já há ou mas seu sua ao aos à nenhum nenhuma quando " +
    "onde até depois antes você"
  ).split(" "),
};

/** What is to be typed as it is, quoted or named stays the same in every language. */
const verbatim = /`[^`]*`|"[^"]*"|'[^']*'|--?[\w-]+|<[^>]*>|\[[^\]]*\]|\{[^}]*\}|\S*[\d_/.]\S*\p{L}\S*/gu;

/** What is put together of such, which may go over several lines. */
const structure = /\[[^\]]{0,200}\]|\{[^}]{0,200}\}/gu;

for (const locale of ["en", "pt-BR"] as const) {
  const other = locale === "en" ? "pt-BR" : "en";
  const foreign = new RegExp(`(?<![\\p{L}-])(${joining[other].join("|")})(?![\\p{L}-])`, "giu");

  test(`no screen in ${locale} has words of ${other}`, async () => {
    const found = (await screensIn(locale, [executable])).flatMap(({ name, text }) => {
      const own = text.replaceAll(/^.*│.*$/gm, ""); // the lines of a config stand behind a bar
      const lines = own.replaceAll(structure, " ").split("\n").filter((line) =>
        line.replaceAll(verbatim, " ").search(foreign) >= 0
      );
      return lines.map((line) => `${name}: ${line.trim()}`);
    });
    assert.deepEqual(found, []);
  });
}
