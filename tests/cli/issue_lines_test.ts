/** How a terminal shows mistakes: the line, the mark under it, and what of a long line. */

import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { issueLines } from "../../lib/cli/issue_lines.ts";
import { widthOf } from "../../lib/cli/terminal.ts";
import { locales } from "../../lib/locale/mod.ts";

/** The lines of a mistake whose mark in a line stands under the text between « and ». */
function linesOf(marked: string, width?: number, locale: "en" | "pt-BR" = "en"): string[] {
  const [before, mark, after] = marked.split(/[«»]/) as [string, string, string];
  const excerpt = { text: before + mark + after, from: before.length, to: before.length + mark.length };
  const place = { file: join(process.cwd(), "relay.config.ts"), line: 12, column: before.length + 1, excerpt };
  const issue = { path: "a.b", message: () => "is wrong", hint: () => "mend it", place };
  return issueLines([issue], locales[locale], width).map(stripVTControlCharacters);
}

test("issueLines() shows a mistake, its hint, its place, its line without the indent, and a mark", () => {
  const rest = [
    "    relay.config.ts:12:8",
    "    12 │ drain: «5»,".replaceAll(/[«»]/g, ""),
    "       │        ^",
  ];
  assert.deepEqual(linesOf("drain: «5»,"), ["", "  a.b: is wrong", "    hint: mend it", ...rest]);
  assert.equal(linesOf("drain: «5»,", undefined, "pt-BR")[2], "    dica: mend it");
  assert.equal(linesOf("      drain: «5»,")[4], rest[1]);
});

test("issueLines() puts the mark under what is wide, or takes no room", () => {
  for (const line of ['name: "漢字", «x»: 1', 'name: "e\u0301", «x»: 1', 'a: «"漢字"»', "«»"]) {
    const [shown, mark] = linesOf(line).slice(-2);
    const [before, marked] = line.split(/[«»]/) as [string, string];
    assert.equal(widthOf(mark!.replace(/\^+$/, "")), widthOf(`    12 │ ${before}`), line);
    assert.equal(/\^+$/.exec(mark!)![0].length, Math.max(1, widthOf(marked)));
    assert.ok(shown!.startsWith("    12 │ "));
  }
});

test("issueLines() cuts a long line around the mark, and breaks a long message, to the terminal's width", () => {
  const long = "x, ".repeat(60);
  for (const width of [40, 80, 120]) {
    for (const line of [`«here», ${long}`, `${long}«here», ${long}`, `${long}«here»`, `a: «${long}»`]) {
      const lines = linesOf(line, width);
      for (const one of lines) assert.ok(widthOf(one) <= width, `${widthOf(one)} of ${width}: ${one}`);
      const [shown, mark] = lines.slice(-2) as [string, string];
      const at = mark.indexOf("^");
      if (!line.startsWith("a:")) assert.equal(shown.slice(at, at + 4), "here", lines.join("\n"));
    }
  }
  const issue = { path: "a", message: () => "word ".repeat(40).trim() };
  assert.ok(issueLines([issue], locales.en, 60).every((one) => one.length <= 60));
});
