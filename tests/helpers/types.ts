/** What an editor says of a config, with nothing but `relay.d.ts` beside it. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { makeFolder } from "./folder.ts";

/** Path of the types that a config sees. */
export const declarations = fileURLToPath(new URL("../../relay.d.ts", import.meta.url));

/** A complaint, and the line that it is about. */
export interface Found {
  line: string;
  message: string;
}

/** Type-checks files, strictly and with nothing but `relay.d.ts` beside them; what is wrong with each, by name. */
export function checkTypes(files: Record<string, string>): Record<string, Found[]> {
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
