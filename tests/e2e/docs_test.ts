/** Every command of the documentation that runs on any machine, run as it stands. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { checksums } from "../../lib/build/checksums.ts";
import { executableName, platformNamed } from "../../lib/build/platforms.ts";
import { VERSION } from "../../lib/version.ts";
import { commandsOf, namesIn, type Page, pages } from "../helpers/docs.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { executable, runRelay, SECRET } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { until } from "../helpers/wait.ts";

const readme = pages[0]!;
const pageOf = (name: string) => pages.find(({ path }) => path === `docs/${name}.md`)!;
const blockOf = (page: Page, language: string) => page.blocks.find((block) => block.language === language)!.code;

/** A shell in which somebody types the commands of a page, one after the other. */
class Shell {
  readonly #relays: { end(): Promise<void> }[] = [];
  readonly env: Record<string, string>;

  constructor(public folder: string, env: Record<string, string>) {
    this.env = { PATH: `${dirname(executable)}:${process.env.PATH}`, ...env };
  }

  /** Runs a command to its end; `relay serve` is left running, and what goes on until Ctrl-C is ended by it. */
  async run(command: string, codes = [0]): Promise<void> {
    if (/ --(watch|follow)\b/.test(command)) return await this.#look(command);
    const child = spawn("sh", ["-c", `exec ${command}`], { cwd: this.folder, env: this.env });
    child.stdin.end();
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    if (command === "relay serve") {
      this.#relays.push({
        async end() {
          process.kill(child.pid!, "SIGTERM");
          assert.equal(await ended, 0, output);
        },
      });
      await until("the relay to listen", () => output.includes("listening on"));
      return;
    }
    const code = await ended;
    assert.ok(codes.includes(code!), `${command}: ${code}: ${output}`);
  }

  /** Runs a command on a terminal until it shows something, and then types Ctrl-C. */
  async #look(command: string): Promise<void> {
    const terminal = runOnTerminal(command.split(" ").slice(1), { cwd: this.folder, env: this.env });
    try {
      await terminal.shows(/\w/);
      terminal.type("\x03");
      assert.ok([0, 130].includes((await terminal.exited)!), `${command}: ${terminal.output()}`);
    } finally {
      await terminal.close();
    }
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) await relay.end();
  }
}

/** Puts the listeners of a documented config on free ports. */
async function onFreePorts(config: string): Promise<string> {
  const listeners =
    `listen: { host: "127.0.0.1", port: ${await freePort()} },\n  admin: { port: ${await freePort()} },`;
  return config.replace("defineConfig({", `defineConfig({\n  ${listeners}`);
}

/** A config that delivers to Slack alone. */
const slackConfig = `import { connectvets, defineConfig, env, slack } from "relay";
export default defineConfig({
  sources: { connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }) },
  targets: { plantao: slack({ url: env("SLACK_WEBHOOK_URL") }) },
  routes: [{ on: "note.failed", to: "plantao" }],
});
`;

test("the README's first minutes lead from a download to a message in Slack", async () => {
  const [folder, slack] = [makeFolder(), await startSink()];
  const bin = join(folder.path, "bin");
  const shell = new Shell(folder.path, { RELAY_CONFIG: "relay.config.ts" });
  shell.env.PATH = `${bin}:${process.env.PATH}`;
  try {
    mkdirSync(bin);
    const names = ["linux-x64", "darwin-arm64"].map((name) => executableName(VERSION, platformNamed(name)));
    for (const name of names) symlinkSync(executable, join(folder.path, name));
    // A file that was not downloaded is in it as well.
    const missing = `${"0".repeat(64)}  ${executableName(VERSION, platformNamed("windows-x64"))}\n`;
    writeFileSync(join(folder.path, "SHA256SUMS"), checksums(folder.path, names) + missing);

    const commands = commandsOf(readme);
    const first = commands.slice(0, commands.indexOf("relay check") + 1);
    assert.ok(first.length > 6, first.join("\n"));
    for (const [index, command] of first.entries()) {
      if (!command.startsWith("cd ")) {
        await shell.run(command.replace("sudo ", "").replace("/usr/local/bin", bin));
        continue;
      }
      shell.folder = join(folder.path, command.slice(3)); // each terminal begins in the same folder
      if (index > first.indexOf("relay serve")) continue;
      // What the answers to the questions of `relay init` would have made of it.
      writeFileSync(join(shell.folder, "relay.config.ts"), await onFreePorts(slackConfig));
      writeFileSync(join(shell.folder, ".env"), `WEBHOOK_SECRET=${SECRET}\nSLACK_WEBHOOK_URL=${slack.url}\n`);
    }
    assert.equal(slack.requests.length, 1);
  } finally {
    await shell.close();
    await slack.close();
    folder.remove();
  }
});

const manual = pages.filter((page) => page.path !== "docs/several-relays.md"); // which has a test of its own

for (const page of manual) {
  const all = commandsOf(page);
  const commands = page === readme ? all.slice(all.findLastIndex((one) => one.startsWith("npx ")) + 1) : all;
  if (commands.length === 0) continue;
  const watched = commands.some((command) => / --(watch|follow)\b/.test(command));
  const options = watched ? needsTerminal : {};
  test(`the commands of ${page.path} work beside a relay that has delivered, and failed to`, options, async () => {
    const [folder, sink] = [makeFolder(), await startSink()];
    const shell = new Shell(folder.path, {
      WEBHOOK_SECRET: SECRET,
      SLACK_WEBHOOK_URL: sink.url,
      SMTP_URL: `smtp://127.0.0.1:${await freePort()}`,
    });
    try {
      const config = (await onFreePorts(blockOf(readme, "ts"))).replace("http://127.0.0.1:4000/webhook", sink.url)
        .replace('env("SMTP_URL"),', 'env("SMTP_URL"), retry: "none",');
      writeFileSync(join(folder.path, "relay.config.ts"), config);
      await shell.run("relay serve");
      await shell.run("relay send note.failed");
      const id = await deadId(folder.path, shell.env);
      for (const command of commands) {
        // Nothing may be dead at this moment, or by that reason.
        await shell.run(command.replace(/\bID\b/, id), command.startsWith("relay retry") ? [0, 1] : [0]);
      }
    } finally {
      await shell.close();
      await sink.close();
      folder.remove();
    }
  });
}

/** The id of the event that has a dead letter, which a reader takes from what `relay events` shows. */
function deadId(cwd: string, env: Record<string, string>): Promise<string> {
  return until("a dead letter", () => {
    const args = ["events", "--state", "dead", "--json"];
    return JSON.parse(execFileSync(executable, args, { cwd, env, encoding: "utf8" }))[0]?.id;
  }, 30_000);
}

test("the README's config makes of the fixture in docs/routing.md what the fixture says", async () => {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "relay.config.ts"), blockOf(readme, "ts"));
    writeFileSync(join(folder.path, "failed.json"), blockOf(pageOf("routing"), "json"));
    const env = { WEBHOOK_SECRET: "secret", SLACK_WEBHOOK_URL: "http://127.0.0.1:9", SMTP_URL: "smtp://127.0.0.1:9" };
    const { code, stdout, stderr } = await runRelay(["test", "failed.json"], { cwd: folder.path, env });
    assert.equal(code, 0, stdout + stderr);
  } finally {
    folder.remove();
  }
});

const helps = new Map<string, Promise<string>>();

/** The help of a command, such as `service install`. */
function helpOf(path: string): Promise<string> {
  if (!helps.has(path)) {
    const help = runRelay([...path.split(" "), "--help"]).then(({ code, stdout }) => {
      assert.equal(code, 0, path);
      return stdout;
    });
    helps.set(path, help);
  }
  return helps.get(path)!;
}

for (const page of pages) {
  test(`${page.path} names only commands and options that relay has`, async () => {
    const inBlocks = page.blocks.flatMap(({ code }) => [...code.matchAll(/^(?:\S*\/)?relay ([a-z].*)$/gm)]);
    const inProse = namesIn(page).flatMap((name) => [...name.matchAll(/^(?:\.\/|sudo .*)?relay ([a-z].*)$/g)]);
    for (const [, words] of [...inBlocks, ...inProse]) {
      const [verb = "", second = ""] = words!.split(" ");
      const help = await helpOf(verb === "service" ? `${verb} ${second}` : verb);
      for (const [option] of words!.matchAll(/(?<=\s)--[a-z-]+/g)) {
        assert.match(help, RegExp(`${option}(?![a-z-])`), words);
      }
    }
  });
}
