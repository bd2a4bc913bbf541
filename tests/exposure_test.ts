/** Which files a warning tells of, and what it advises. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { exposed, type PrivateFile } from "../lib/exposure.ts";
import { toldIn } from "../lib/warnings.ts";
import { makeFolder } from "./helpers/folder.ts";

const skip = process.platform === "win32" && "there are no modes";

/** A test with a folder into which everybody can look. */
function testIn(name: string, work: (folder: string) => void): void {
  test(name, { skip }, () => {
    const folder = makeFolder();
    try {
      chmodSync(folder.path, 0o755);
      work(folder.path);
    } finally {
      folder.remove();
    }
  });
}

/** Writes a file of this mode and gives its path. */
function write(folder: string, name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, "secret");
  chmodSync(path, mode);
  return path;
}

/** What is said of one file. */
function warningsOf(file: string, kind: PrivateFile["kind"] = "own", locale: "en" | "pt-BR" = "en"): string[] {
  return toldIn(locale, exposed([{ path: "place", file, kind }])).map(({ message }) => message);
}

testIn("exposed() tells of a file that everybody can read, its mode and the remedy", (folder) => {
  const file = write(folder, ".env", 0o644);
  assert.deepEqual(warningsOf(file), [
    `every user of this machine can read ${file} (mode 0644); run \`chmod 600 ${file}\``,
  ]);
  assert.deepEqual(warningsOf(file, "own", "pt-BR"), [
    `todos os usuários desta máquina podem ler ${file} (modo 0644); execute \`chmod 600 ${file}\``,
  ]);
  assert.match(
    warningsOf(file, "named")[0]!,
    /`chmod 600 .*`; if the service cannot read it after that, use credential\("NAME"\)$/,
  );
  assert.match(
    warningsOf(file, "config with secret")[0]!,
    /\(mode 0644\), which contains a secret; move the secret to \.env/,
  );
  assert.deepEqual(warningsOf(file, "config"), []);
});

testIn("exposed() tells of a file that everybody can change, whatever it holds", (folder) => {
  const file = write(folder, "relay.config.ts", 0o602);
  for (const kind of ["own", "named", "config", "config with secret"] as const) {
    assert.match(warningsOf(file, kind)[0]!, /every user of this machine can change .* \(mode 0602\); run `chmod/);
  }
  const odd = write(folder, "it's a key", 0o666);
  assert.match(warningsOf(odd)[0]!, /`chmod 600 '.*\/it'\\''s a key'`$/);
});

testIn(
  "exposed() says nothing of what is shared with a group, is not there, or lies where others cannot look",
  (folder) => {
    for (const mode of [0o600, 0o400, 0o640, 0o660, 0o711]) {
      assert.deepEqual(warningsOf(write(folder, `of mode ${mode}`, mode)), [], mode.toString(8));
    }
    assert.deepEqual(warningsOf(join(folder, "none")), []);
    assert.deepEqual(warningsOf("/run/secrets/token"), []);
    mkdirSync(join(folder, "closed/inner"), { recursive: true });
    const inside = write(join(folder, "closed/inner"), "store.db", 0o644);
    assert.equal(warningsOf(inside).length, 1);
    chmodSync(join(folder, "closed"), 0o750);
    assert.deepEqual(warningsOf(inside), []);
  },
);

testIn("exposed() looks at what a link leads to", (folder) => {
  const [open, closed] = [write(folder, "open", 0o644), write(folder, "closed", 0o600)];
  symlinkSync(open, join(folder, "to open"));
  symlinkSync(closed, join(folder, "to closed"));
  assert.equal(warningsOf(join(folder, "to open")).length, 1);
  assert.deepEqual(warningsOf(join(folder, "to closed")), []);
});
