/** What source files import. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** The modules that a file names in its imports, those of types too, or only those that are there when it runs. */
export function importsOf(file: URL, only: "all" | "values" = "all"): string[] {
  const text = readFileSync(file, "utf8");
  if (only === "all") return ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, jsx: ts.JsxEmit.Preserve };
  const compilerOptions = { ...options, verbatimModuleSyntax: true };
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: fileURLToPath(file) });
  return ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName);
}

/** What can be reached from `start` by steps of `next`; `start` itself only by a circle. */
export function reachable<Node>(start: Node, next: (node: Node) => readonly Node[]): Set<Node> {
  const seen = new Set<Node>();
  const queue = [start];
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const other of next(node)) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}
