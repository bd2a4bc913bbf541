/** What an editor says of a config: `relay.d.ts` is all that it has. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { generateTypes } from "../../lib/build/types.ts";
import { makeFolder } from "../helpers/folder.ts";
import { DESIGN, EVERYTHING, mistakes, NOTES, PAYLOADS } from "./typed_configs.ts";

const declarations = fileURLToPath(new URL("../../relay.d.ts", import.meta.url));
const exampleConfig = fileURLToPath(new URL("../../relay.config.ts", import.meta.url));

test("relay.d.ts is what generateTypes() makes of the source", { timeout: 60_000 }, () => {
  assert.equal(readFileSync(declarations, "utf8"), generateTypes());
});

const good = { DESIGN, EVERYTHING, PAYLOADS, NOTES, example: readFileSync(exampleConfig, "utf8") };

interface Found {
  line: string;
  message: string;
}

/** Type-checks files, strictly and with nothing but `relay.d.ts` beside them; what is wrong with each, by name. */
function check(files: Record<string, string>): Record<string, Found[]> {
  const folder = makeFolder();
  try {
    mkdirSync(join(folder.path, "config"));
    copyFileSync(declarations, join(folder.path, "config", "relay.d.ts"));
    const names = Object.keys(files);
    const paths = names.map((name, index) => {
      const path = join(folder.path, "config", `${index}.ts`);
      writeFileSync(path, files[name]!);
      return path;
    });
    const program = ts.createProgram(paths, {
      strict: true,
      noEmit: true,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ESNext,
      types: [],
    });
    assert.deepEqual(program.getGlobalDiagnostics().map(({ messageText }) => messageText), []);
    return Object.fromEntries(names.map((name, index) => {
      const source = program.getSourceFile(paths[index]!)!;
      const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [
        name,
        diagnostics.map(({ start, messageText }) => ({
          line: source.text.split("\n")[source.getLineAndCharacterOfPosition(start!).line]!,
          message: ts.flattenDiagnosticMessageText(messageText, "\n"),
        })),
      ];
    }));
  } finally {
    folder.remove();
  }
}

const found = check({ ...good, ...Object.fromEntries(mistakes.map(([what, config]) => [what, config])) });

for (const name of Object.keys(good)) {
  test(`defineConfig() takes the config ${name} without a complaint`, () => assert.deepEqual(found[name], []));
}

for (const [what, , line, message] of mistakes) {
  test(`defineConfig() complains of ${what}, there and nowhere else`, () => {
    assert.ok(found[what]!.length > 0, "no complaint");
    for (const one of found[what]!) {
      assert.match(one.line, line, one.message);
      assert.match(one.message, message);
    }
  });
}
