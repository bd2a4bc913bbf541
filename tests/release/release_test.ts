/** What a release consists of: it runs, it is complete, it says what is in it, and it comes out the same again. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import manifest from "../../deno.json" with { type: "json" };
import { makeRelease, needsDpkg, platforms } from "../helpers/release.ts";
import { runRelay } from "../helpers/relay.ts";
import { verbsOfHelp } from "../helpers/verbs.ts";

const { version } = manifest;
const lock = JSON.parse(readFileSync(new URL("../../deno.lock", import.meta.url), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "relay-release-"));
const printed = needsDpkg.skip ? "" : makeRelease(folder);
process.on("exit", () => rmSync(folder, { recursive: true }));

const run = (program: string, args: string[], input = "") => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", input, cwd: folder });
  return { status, stdout, stderr };
};
const has = (program: string) => !spawnSync(program, ["--version"]).error;
const needs = (program: string) => ({ skip: needsDpkg.skip || (has(program) ? false : `needs ${program}, of Debian`) });

/** A file of the package for this kind of machine. */
function packaged(path: string): Uint8Array {
  const deb = join(folder, `relay_${version}_amd64.deb`);
  const { status, stdout } = spawnSync("sh", ["-c", `dpkg-deb --fsys-tarfile "${deb}" | tar -xO "./${path}"`], {
    maxBuffer: 1 << 28,
  });
  assert.equal(status, 0, path);
  return stdout;
}

test("release makes an executable and a package for each platform, and tells their checksums", needsDpkg, () => {
  const names = [
    ...platforms.map((name) => `relay-${version}-${name}`),
    `relay-${version}.cdx.json`,
    `relay-${version}.licenses.txt`,
    ...["amd64", "arm64"].map((name) => `relay_${version}_${name}.deb`),
  ].sort();
  assert.deepEqual(readdirSync(folder).sort(), ["SHA256SUMS", ...names].sort());
  const sums = readFileSync(join(folder, "SHA256SUMS"), "utf8");
  assert.equal(printed.slice(-sums.length), sums);
  const { status, stdout } = run("sha256sum", ["--check", "SHA256SUMS"]);
  assert.deepEqual([status, stdout], [0, names.map((name) => `${name}: OK\n`).join("")]);
});

test("release refuses a platform that there is none for", () => {
  assert.throws(
    () => makeRelease(folder, ["amiga"]),
    /Cannot make a release for amiga: there are linux-x64, .*windows-x64/,
  );
});

test("release makes the same bytes again, whatever clock, umask and place", needsDpkg, () => {
  const again = mkdtempSync(join(tmpdir(), "relay-elsewhere-"));
  const umask = process.umask(0o077);
  try {
    makeRelease(again, ["linux-arm64"], { TZ: "Asia/Kolkata", LANG: "C" });
    for (
      const name of [`relay-${version}-linux-arm64`, `relay_${version}_arm64.deb`, `relay-${version}.licenses.txt`]
    ) {
      assert.ok(readFileSync(join(again, name)).equals(readFileSync(join(folder, name))), name);
    }
  } finally {
    process.umask(umask);
    rmSync(again, { recursive: true });
  }
});

test("relay prints its version on the machine that it is for", needsDpkg, () => {
  const { stdout } = run(join(folder, `relay-${version}-linux-x64`), ["version"]);
  assert.match(stdout, RegExp(`^relay ${version} \\(bun [\\d.]+, linux-x64\\)\n$`));
});

test("relay for arm64 prints its version under emulation", needs("qemu-aarch64-static"), () => {
  const args = ["-L", "/usr/aarch64-linux-gnu", join(folder, `relay-${version}-linux-arm64`), "version"];
  const { stdout, stderr } = run("qemu-aarch64-static", args);
  assert.match(stdout, RegExp(`^relay ${version} \\(bun [\\d.]+, linux-arm64\\)\n$`), stderr);
});

test(
  "the bill of materials is sound, and names what is in the executable as the lock file does",
  needsDpkg,
  async () => {
    const text = readFileSync(join(folder, `relay-${version}.cdx.json`), "utf8");
    assert.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text), null);
    const { components } = JSON.parse(text);
    const names = components.map(({ group, name, version }: Record<string, string>) =>
      `${group ? `${group}/` : ""}${name}@${version}`
    );
    const locked = Object.keys(lock.npm).map((key) => key.split("_")[0]);
    for (const name of names) assert.ok(locked.includes(name), name);
    for (const name of ["hono", "commander", "zod", "nodemailer", "prom-client"] as const) {
      assert.ok(names.includes(manifest.imports[name].replace("npm:", "")), name);
    }
    for (const name of ["@oven/bun-linux-x64", "@oven/bun-linux-aarch64"]) {
      assert.ok(names.includes(`${name}@${manifest.imports.bun.replace("npm:bun@", "")}`), name);
    }
    assert.ok(
      !names.some((name: string) => /^(?:axe-core|typescript|playwright-core)@/.test(name)),
      "nothing of tests",
    );
    const licenses = readFileSync(join(folder, `relay-${version}.licenses.txt`), "utf8");
    for (const { group, name, version, licenses: [license] } of components) {
      assert.ok(license, name);
      if (group !== "@oven") assert.ok(licenses.includes(`${group ? `${group}/` : ""}${name} ${version}: `), name);
    }
  },
);

test("relay(1) is sound, and names every verb and option", needs("groff"), async () => {
  const source = gunzipSync(packaged("usr/share/man/man1/relay.1.gz")).toString();
  const { stdout, stderr } = run("groff", ["-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u"], source);
  assert.equal(stderr, "");
  for (const [verb, options] of await verbsOfHelp()) {
    const section = stdout.match(RegExp(`^ {3}${verb}\\b.*?(?=^ {3}\\w|^\\w)`, "ms"))?.[0];
    assert.ok(section, verb);
    const own = options.filter((one) => one !== "--help" && one !== "--locale");
    for (const option of own) assert.ok(section.includes(option), `${verb} ${option}`);
  }
  assert.doesNotMatch(stdout, /^ {3}copy\b/m);
});

test("the package has the completions that relay completions prints", needsDpkg, async () => {
  const paths = {
    bash: "usr/share/bash-completion/completions/relay",
    zsh: "usr/share/zsh/vendor-completions/_relay",
    fish: "usr/share/fish/vendor_completions.d/relay.fish",
  };
  for (const [shell, path] of Object.entries(paths)) {
    const { stdout } = await runRelay(["completions", shell]);
    assert.equal(new TextDecoder().decode(packaged(path)), stdout, shell);
  }
});
