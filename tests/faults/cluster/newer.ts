/** A newer version of the relay: the project's sources with one more step of the schema, compiled as the project is. */

import { execFile } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { migrations } from "../../../lib/store/postgres/migrations.ts";
import { VERSION } from "../../../lib/version.ts";
import { makeFolder } from "../../helpers/folder.ts";

export interface NewerRelay {
  /** Path of its executable. */
  executable: string;
  version: string;
  /** The version of the schema that it makes. */
  schema: number;
  /** How long it took to make, in milliseconds. */
  madeInMs: number;
  /** Removes it. */
  close(): void;
}

/** Of the project, what an executable is made of. */
const SOURCES = ["lib", "main.ts", "deno.json", "deno.lock", "relay.config.ts", "relay.d.ts"];

/** How long it may take to compile, in milliseconds. */
const COMPILE_MS = 120_000;

/**
 * The step, as source text. It only adds: a column to each table that is always in use, in the reverse of the order in which
 * relays lock them, and a function of a new name, which the newer version calls in place of the older one's.
 */
const STEP = `  {
    add: [
      ...["deliveries", "events", "lanes", "members"].map((table) =>
        \`ALTER TABLE relay.\${table} ADD COLUMN cost INTEGER NOT NULL DEFAULT 1\`
      ),
      record.replace("FUNCTION relay.write(", "FUNCTION relay.write_2("),
    ],
  },
];
`;

/**
 * Makes it in a folder of its own.
 * @throws {Error} if the sources are not as this expects them, or do not compile.
 */
export async function makeNewerRelay(): Promise<NewerRelay> {
  const startedAt = performance.now();
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const { path: folder, remove } = makeFolder();
  process.once("exit", remove); // it is large, and a signal may end this before it is closed
  try {
    for (const name of SOURCES) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const version = `${VERSION}-newer`;
    replace(join(folder, "deno.json"), `"version": "${VERSION}"`, `"version": "${version}"`);
    replace(join(folder, "lib/store/postgres/migrations.ts"), "\n];\n", `\n${STEP}`);
    replace(join(folder, "lib/store/postgres/mod.ts"), `(doing, "write", args)`, `(doing, "write_2", args)`);
    // Not this process's own runtime: Deno would look after the packages, which are not this folder's.
    const bun = join(root, "node_modules/bun/bin/bun.exe");
    await promisify(execFile)(bun, ["lib/build/compile.ts"], { cwd: folder, timeout: COMPILE_MS });
    return {
      executable: join(folder, "dist/relay"),
      version,
      schema: migrations.length + 1,
      madeInMs: Math.round(performance.now() - startedAt),
      close() {
        process.off("exit", remove);
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Replaces what stands once in a file. */
function replace(path: string, text: string, by: string): void {
  const parts = readFileSync(path, "utf8").split(text);
  if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times ${text}`);
  writeFileSync(path, parts.join(by));
}
