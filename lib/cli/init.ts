/** `relay init` */

import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import configText from "../../relay.config.ts" with { type: "text" };
import typesText from "../../relay.d.ts" with { type: "text" };
import { RelayError } from "../errors.ts";
import { print, verb } from "./shared.ts";

export function initVerb(): Command {
  return verb("init", "write a config to edit, its types, and a .env for its secrets")
    .argument("[dir]", "folder to write to; it is made if it is not there", ".")
    .addHelpText("after", "\nA file that is there already is left as it is.")
    .action(init);
}

const dotenv = () =>
  `# Secrets of relay.config.ts. Only you can read this file; keep it out of version control.

# The secret that ConnectVets gave you. Until then, this one serves for \`relay send\`.
WEBHOOK_SECRET=${randomBytes(24).toString("hex")}

# Your Slack incoming webhook.
SLACK_WEBHOOK_URL=https://hooks.slack.com/services/REPLACE/WITH/YOURS

# Your mail server.
SMTP_URL=smtp://user:password@smtp.example.com:587
`;

function init(dir: string): void {
  for (const { path, isNew } of writeConfig(dir)) print(`${isNew ? "wrote" : "kept "}  ${path}`);
  const at = dir === "." ? "" : ` --config ${join(dir, "relay.config.ts")}`;
  print(
    "",
    "Next:",
    "  1. Put your secrets into .env, and your targets and routes into relay.config.ts.",
    `  2. relay check${at}`,
    `  3. relay serve${at}`,
    `  4. relay send${at} note.failed    (from another terminal)`,
  );
}

/**
 * Writes the files of a new config into a folder, which is made if it is not there.
 * @returns Each file, and whether it is new: one that was there is left as it is.
 * @throws {RelayError} if they cannot be written.
 */
export function writeConfig(dir: string): { path: string; isNew: boolean }[] {
  const files = [
    { name: "relay.config.ts", text: configText, mode: 0o644 },
    { name: "relay.d.ts", text: typesText, mode: 0o644 },
    { name: ".env", text: dotenv(), mode: 0o600 },
  ];
  try {
    mkdirSync(dir, { recursive: true });
    return files.map(({ name, text, mode }) => {
      const path = join(dir, name);
      return { path, isNew: writeNew(path, text, mode) };
    });
  } catch (error) {
    throw new RelayError(`Cannot write to ${dir}: ${(error as NodeJS.ErrnoException).code ?? "it failed"}`);
  }
}

/** Writes a file if there is none; says whether it did. */
function writeNew(path: string, text: string, mode: number): boolean {
  try {
    writeFileSync(path, text, { flag: "wx", mode });
    chmodSync(path, mode); // whatever the umask says
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
