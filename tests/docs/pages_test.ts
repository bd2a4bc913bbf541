/** Every page of the documentation: it has a twin in Portuguese that says the same, and its links lead somewhere. */

// Runs on Deno alone: it reads the pages.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { executableName, platforms } from "../../lib/build/platforms.ts";
import { debName } from "../../lib/build/deb.ts";
import {
  anchorsOf,
  type Block,
  commandsOf,
  isThere,
  linksOf,
  namesIn,
  type Page,
  pages,
  proseOf,
  readPage,
  twinOf,
} from "../helpers/docs.ts";

const readme = pages[0]!;
const manifest = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));

const headingsOf = (page: Page) => [...proseOf(page).matchAll(/^(#+) /gm)].map(([, level]) => level);
const rowsOf = (page: Page) =>
  page.text.split("\n").filter((line) => line.startsWith("|")).map((line) => line.split(" | ").length);
const figuresOf = (page: Page) => (proseOf(page).match(/\b\d+\b/g) ?? []).sort();

/** What a block says to a program: without comments, values of variables, and names that are for people. */
function codeOf({ language, code }: Block): [string, string[]] {
  const lines = code.split("\n").map((line) =>
    language === "env" ? line.split("=")[0]! : line.replace(/(^|\s)(#|\/\/) .*$/, "").replace(/"name": ".*"/, "")
  );
  return [language, lines];
}

for (const page of pages) {
  const twinPath = twinOf(page.path);
  const twin = readPage(twinPath);

  test(`${twinPath} has the headings, tables, blocks, names and figures of ${page.path}`, () => {
    assert.deepEqual(headingsOf(twin), headingsOf(page));
    assert.deepEqual(rowsOf(twin), rowsOf(page));
    assert.deepEqual(twin.blocks.map(codeOf), page.blocks.map(codeOf));
    assert.deepEqual(namesIn(twin), namesIn(page));
    assert.deepEqual(figuresOf(twin), figuresOf(page));
  });

  test(`${twinPath} links to where ${page.path} links to, in its own language`, () => {
    const inPortuguese = (path: string) => path === twinPath ? page.path : isThere(twinOf(path)) ? twinOf(path) : path;
    const pathsOf = (one: Page) => linksOf(one).map(({ path }) => path).filter((path) => path.endsWith(".md")).sort();
    assert.deepEqual(pathsOf(twin), pathsOf(page).map(inPortuguese).sort());
  });

  for (const one of [page, twin]) {
    test(`${one.path} has no link that leads nowhere`, () => {
      for (const { path, anchor } of linksOf(one)) {
        assert.ok(isThere(path), path);
        if (anchor !== undefined) assert.ok(anchorsOf(readPage(path)).includes(anchor), `${path}#${anchor}`);
      }
    });

    test(`${one.path} names tasks that exist`, () => {
      for (const [, name] of one.text.matchAll(/deno(?:@[\d.]+)? task ([a-z-]+)/g)) {
        assert.ok(name! in manifest.tasks, name);
      }
    });
  }
}

test("the README is short, and has the two commands for the source near its top", () => {
  for (const page of [readme, readPage(twinOf(readme.path))]) {
    assert.ok(page.text.split("\n").length <= 250, page.path);
    const top = readPage(page.path).blocks.filter(({ line }) => line < 120);
    const commands = commandsOf({ ...page, blocks: top });
    for (const task of ["demo", "test"]) assert.ok(commands.includes(`npx -y deno@2.9.6 task ${task}`), task);
  }
});

test("the README links to every page of the manual", () => {
  const linked = linksOf(readme).map(({ path }) => path);
  for (const { path } of pages.slice(1)) assert.ok(linked.includes(path), path);
});

test("the README has every file of a release that a user downloads", () => {
  for (const platform of platforms) {
    const names = [executableName("VERSION", platform)];
    if (platform.debian) names.push(debName("VERSION", platform.debian));
    for (const name of names) assert.ok(namesIn(readme).includes(name), name);
  }
});
