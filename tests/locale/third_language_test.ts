/** That every word lies in one file a language: a third one is that file and its name, and then nothing is left of others. */

// Runs on Deno alone: it makes a copy of the source, with one language more, and compiles it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../helpers/folder.ts";
import { given, type Screen, screensIn } from "./screens.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A language that says all that English says, between brackets. */
const language = `import { en, type Language } from "./en.ts";
const marked = (word: unknown): unknown =>
  typeof word === "string" ? (word === "" ? "" : \`⟦\${word}⟧\`)
  : typeof word === "function" ? (...values: unknown[]) => marked(word(...values))
  : typeof word === "object" && word !== null ? Object.fromEntries(Object.entries(word).map(([name, one]) => [name, marked(one)]))
  : word;
export const es = marked(en) as Language;
`;

/** Adds the language to a copy of the source, as somebody who translates the relay would. */
function addLanguage(copy: string): void {
  for (const name of ["lib", "main.ts", "deno.json", "deno.lock", "relay.d.ts", "relay.config.ts"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "lib/locale/es.ts"), language);
  const file = join(copy, "lib/locale/mod.ts");
  const text = readFileSync(file, "utf8")
    .replace("import { ptBr }", 'import { es } from "./es.ts";\nimport { ptBr }')
    .replace('type Locale = "pt-BR"', 'type Locale = "es" | "pt-BR"')
    .replace('{ "pt-BR": ptBr', '{ es, "pt-BR": ptBr');
  writeFileSync(file, text);
}

/** What has one name in every language: verbs, what is to be typed, JSON, languages, what targets answered and `Intl` says. */
const names = new Set(
  ("relay connectvets hmac http https slack email script whatsapp ntfy post systemd routes targets sources deno bun english português via " +
    "init check serve status events retry replay pause resume send sign verify test diff backup restore migrate service " +
    "metrics demo completions version help print install uninstall source bash zsh fish powershell dir target event file " +
    "config shell null true false data timestamp failed text blocks subject html unrouted topic title message priority within until read xyz nov lun min")
    .split(" "),
);

/** Whole words outside of all brackets that are no name: what has a sign, a digit or a dot in it is to be typed, or an address. */
function leftOver({ text }: Screen): string[] {
  let rest = text;
  for (let before = ""; before !== rest;) rest = (before = rest).replaceAll(/⟦[^⟦⟧]*⟧/g, " ");
  return rest.split(/\s+/).map((word) => word.replaceAll(/^[("'`→│]+|[)"'`,:;.?!]+$/g, ""))
    .filter((word) => /^\p{L}{3,}$/u.test(word) && !names.has(word.toLowerCase()) && !given.has(word));
}

test("a language is one file and its name: every screen is in it then, and holds no word of another", async () => {
  const copy = makeFolder();
  try {
    addLanguage(copy.path);
    const made = spawnSync(process.execPath, ["run", "-A", "lib/build/compile.ts"], {
      cwd: copy.path,
      encoding: "utf8",
    });
    assert.equal(made.status, 0, made.stderr);
    const screens = await screensIn("es", [join(copy.path, "dist/relay")]);
    const found = screens.flatMap((screen) => {
      const words = leftOver(screen);
      return words.length === 0 ? [] : [`${screen.name}: ${words.join(" ")}`];
    });
    assert.deepEqual(found, []);
  } finally {
    copy.remove();
  }
});
