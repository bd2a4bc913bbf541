/** Writes `relay.d.ts`: the types of the module `relay` in one file, from the source. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { generateDtsBundle } from "dts-bundle-generator";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The text of `relay.d.ts` as the source has it now. */
export function generateTypes(): string {
  const folder = mkdtempSync(join(tmpdir(), "relay-types-"));
  const preferredConfigPath = join(folder, "tsconfig.json");
  const compilerOptions = {
    module: "esnext",
    moduleResolution: "bundler",
    jsx: "preserve",
    target: "esnext",
    strict: true,
    noImplicitAny: false, // of modules without types, which none of a config's types comes from
    allowImportingTsExtensions: true,
    noEmit: true,
    noCheck: true, // `deno task check` does that
    typeRoots: [join(root, "node_modules", "@types")],
    types: ["node"],
  };
  try {
    writeFileSync(preferredConfigPath, JSON.stringify({ compilerOptions, include: [] }));
    const output = { noBanner: true, exportReferencedTypes: false };
    const [bundle = ""] = generateDtsBundle(
      [{
        filePath: join(root, "lib/config/mod.ts"),
        output,
        libraries: { allowedTypesLibraries: [], inlinedLibraries: [] },
      }],
      { preferredConfigPath },
    );
    return wrap(bundle);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes it the declaration of a module of that name, so that an editor needs no other file. */
function wrap(bundle: string): string {
  const body = bundle.replace(/^export \{\};\s*$/m, "").replaceAll("declare ", "").replaceAll("\t", "  ").trim();
  const indented = body.split("\n").map((line) => (line === "" ? "" : `  ${line}`)).join("\n");
  return `// Types of the module "relay", for editors. Made from relay's source; do not edit.\n\ndeclare module "relay" {\n${indented}\n}\n`;
}

if (import.meta.main) {
  writeFileSync(join(root, "relay.d.ts"), generateTypes());
  process.stdout.write("wrote relay.d.ts\n");
}
