/** The package for Debian: the executable, its service, and what a shell needs to know of it. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { servicePaths, unitText } from "../service/unit.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a package is made of. */
export interface DebOptions {
  version: string;
  /** Debian's name for the platform: `amd64`. */
  architecture: string;
  /** Path of the executable. */
  executable: string;
  /** When the version was made; all that a package says of time. */
  date: Date;
  man: string;
  completions: { bash: string; zsh: string; fish: string };
  /** License texts of what is in the executable. */
  notices: string;
  /** Way of compression, as `dpkg-deb -Z` names it. */
  compression: string;
}

/**
 * Says at once what {@link buildDeb} will need.
 * @throws {Error} if this machine does not have it.
 */
export function checkDebTools(): void {
  if (spawnSync("dpkg-deb", ["--version"]).error === undefined) return;
  throw new Error(
    "Cannot make packages for Debian: `dpkg-deb` is not there; Debian and Ubuntu have it, Homebrew as `dpkg`\n" +
      "  hint: `--only darwin-x64,darwin-arm64,windows-x64` makes executables that there are no packages of",
  );
}

/** Name of the file that holds a package. */
export function debName(version: string, architecture: string): string {
  return `relay_${version}_${architecture}.deb`;
}

/**
 * Builds the package with `dpkg-deb`. The same options give the same bytes.
 * @param folder Where to put it.
 * @throws {Error} if it cannot be built.
 */
export function buildDeb(folder: string, options: DebOptions): void {
  const { version, architecture, date, compression } = options;
  const tree = mkdtempSync(join(tmpdir(), "relay-deb-"));
  try {
    const sizes = writeFiles(tree, options);
    const control = join(tree, "DEBIAN");
    mkdirSync(control);
    writeFileSync(join(control, "control"), controlText(options, Math.ceil(sizes.bytes / 1024)));
    writeFileSync(join(control, "conffiles"), "/etc/relay/relay.config.ts\n");
    writeFileSync(join(control, "md5sums"), sizes.md5sums);
    for (const script of ["postinst", "prerm", "postrm"]) {
      writeFileSync(join(control, script), readFileSync(join(root, "packaging/debian", script)), { mode: 0o755 });
    }
    const made = join(folder, debName(version, architecture));
    // Folders have the umask of now, and files may have any: the same for everyone who builds it.
    run("chmod", ["-R", "u=rwX,go=rX", tree]);
    run("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "--threads-max=2", "--build", tree, made], {
      SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)),
    });
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** Writes what the package installs; gives how much that is, and the checksums that dpkg keeps. */
function writeFiles(tree: string, options: DebOptions): { bytes: number; md5sums: string } {
  const { version, date, executable, man, completions, notices } = options;
  const zip = (text: string) => gzipSync(text, { level: 9 });
  const files: [path: string, content: string | Uint8Array][] = [
    ["etc/relay/relay.config.ts", readFileSync(join(root, "packaging/relay.config.ts"))],
    ["usr/lib/systemd/system/relay.service", unitText({ ...servicePaths, executable: "/usr/bin/relay" })],
    ["usr/share/relay/relay.d.ts", readFileSync(join(root, "relay.d.ts"))],
    ["usr/share/man/man1/relay.1.gz", zip(man)],
    ["usr/share/bash-completion/completions/relay", completions.bash],
    ["usr/share/zsh/vendor-completions/_relay", completions.zsh],
    ["usr/share/fish/vendor_completions.d/relay.fish", completions.fish],
    ["usr/share/doc/relay/changelog.gz", zip(changelog(version, date))],
    ["usr/share/doc/relay/copyright", copyright(readFileSync(join(root, "LICENSE"), "utf8"))],
    ["usr/share/doc/relay/licenses.gz", zip(notices)],
    ["usr/share/lintian/overrides/relay", readFileSync(join(root, "packaging/debian/lintian-overrides"))],
  ];
  for (const [path, content] of files) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content, { mode: 0o644 });
  }
  // Types for the config's editor: they follow the program, so that they are no configuration.
  symlinkSync("/usr/share/relay/relay.d.ts", join(tree, "etc/relay/relay.d.ts"));
  mkdirSync(join(tree, "usr/bin"));
  copyFileSync(executable, join(tree, "usr/bin/relay"));
  run("chmod", ["755", join(tree, "usr/bin/relay")]);

  const paths = [...files.map(([path]) => path), "usr/bin/relay"].sort();
  return {
    bytes: paths.reduce((sum, path) => sum + statSync(join(tree, path)).size, 0),
    md5sums: paths.filter((path) => !path.startsWith("etc/"))
      .map((path) => `${createHash("md5").update(readFileSync(join(tree, path))).digest("hex")}  ${path}\n`).join(""),
  };
}

/** Who answers for the package, by an address that whoever makes it gives as debchange(1) takes it. */
const maintainer = `The relay authors <${process.env.DEBEMAIL || "relay@localhost"}>`;

/** As Debian sorts it: what comes before a release has a tilde. */
function debVersion(version: string): string {
  return version.replace("-", "~");
}

function controlText({ version, architecture }: DebOptions, kibibytes: number): string {
  return `Package: relay
Version: ${debVersion(version)}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.17), init-system-helpers (>= 1.51)
Section: net
Priority: optional
Description: receives webhooks, stores them, delivers them
 Receives ConnectVets webhooks, verifies them, stores them durably, answers at
 once, and delivers each event to WhatsApp, chats, email, another HTTP URL or
 a local script, as a typed config file says.
`;
}

/**
 * Whose it is and what may be done with it.
 * @see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
function copyright(license: string): string {
  const [, holder = "", terms = ""] = /^Copyright (?:\(c\) )?(.*?)\n\n(.*)$/ms.exec(license) ?? [];
  const indented = terms.trimEnd().split("\n").map((line) => ` ${line || "."}`).join("\n");
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: relay
Comment: The executable holds other software as well; licenses.gz tells of it.

Files: *
Copyright: ${holder}
License: Expat
${indented}
`;
}

/** Debian's own form, which tools read; what has changed is told in the project's changelog. */
function changelog(version: string, date: Date): string {
  const day = date.toUTCString().replace("GMT", "+0000");
  return `relay (${
    debVersion(version)
  }) stable; urgency=medium\n\n  * Version ${version}.\n\n -- ${maintainer}  ${day}\n`;
}

function run(program: string, args: string[], env: Record<string, string> = {}): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`Cannot run ${program}: ${error?.message ?? stderr.trim()}`);
}
