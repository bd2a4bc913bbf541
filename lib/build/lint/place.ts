/** Where a file lies in lib/, which decides what it may use. */

import { dirname, join } from "node:path/posix";

/** The part of a path from the program's folder on, such as `outbound/request.ts`; `undefined` for other files. */
export function placeOf(file: string): string | undefined {
  return /.*[\\/]lib[\\/](.*)$/.exec(file)?.[1]?.replaceAll("\\", "/");
}

/** Whether a place is this file, or lies in this folder. */
export function isIn(place: string, fileOrFolder: string): boolean {
  return place === fileOrFolder || place.startsWith(`${fileOrFolder}/`);
}

/** The place that an import names, seen from the file at `place`; `undefined` for a package and for what leaves lib/. */
export function placeOfImport(place: string, specifier: string): string | undefined {
  if (!/^\.\.?\//.test(specifier)) return undefined;
  const path = join(dirname(place), specifier);
  return path.startsWith("../") ? undefined : path;
}

/** Nodes that name another module. */
type Importing =
  | Deno.lint.ImportDeclaration
  | Deno.lint.ImportExpression
  | Deno.lint.ExportNamedDeclaration
  | Deno.lint.ExportAllDeclaration
  | Deno.lint.TSImportType;

/** Calls `visit` with each import of a file, of types too, whose module is named by a literal. */
export function eachImport(visit: (specifier: string, node: Importing) => void): Deno.lint.LintVisitor {
  const see = (node: Importing) => {
    const source = node.type === "TSImportType" ? node.argument : node.source;
    const literal = source?.type === "TSLiteralType" ? source.literal : source;
    if (literal?.type === "Literal" && typeof literal.value === "string") visit(literal.value, node);
  };
  return {
    ImportDeclaration: see,
    ImportExpression: see,
    ExportNamedDeclaration: see,
    ExportAllDeclaration: see,
    TSImportType: see,
  };
}
