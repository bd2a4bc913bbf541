/** The relay of the demo: this very program, started as a user would start it. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { RelayError } from "../errors.ts";
import type { Locale } from "../locale/mod.ts";
import { selfCommand } from "../runtime.ts";
import { archiveScript, type DemoTargets } from "./receivers.ts";

/** A relay that serves. */
export interface DemoRelay {
  url: string;
  /** Asks it to stop, and resolves when it has. */
  stop(): Promise<void>;
}

/** The config of the demo, as a user would write it. */
const configIn = (locale: Locale) =>
  `import { connectvets, defineConfig, email, env, http, script, slack } from "relay";

export default defineConfig({
  locale: "${locale}",
  listen: { host: "127.0.0.1", port: 0 },
  admin: false,
  sources: {
    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),
  },
  targets: {
    plantao: slack({ url: env("SLACK_WEBHOOK_URL") }),
    equipe: email({ via: env("SMTP_URL"), from: "relay@clinica.example", to: "equipe@clinica.example" }),
    sistema: http({ url: env("SISTEMA_URL") }),
    arquivo: script({ command: ["./scripts/arquivar.sh"] }),
  },
  routes: [
    { on: "note.failed", to: ["plantao", "equipe"] },
    { on: "note.*", to: "sistema", when: (e) => e.data.external_id !== undefined },
  ],
  fallback: "arquivo",
});
`;

/** Writes the demo's config to a folder and starts a relay on it. @param locale Of the messages. */
export async function startRelay(
  folder: string,
  secret: string,
  targets: DemoTargets,
  locale: Locale,
): Promise<DemoRelay> {
  const variables = {
    WEBHOOK_SECRET: secret,
    SLACK_WEBHOOK_URL: targets.slackUrl,
    SMTP_URL: targets.mailUrl,
    SISTEMA_URL: targets.httpUrl,
  };
  mkdirSync(join(folder, "scripts"));
  writeFileSync(join(folder, "relay.config.ts"), configIn(locale));
  writeFileSync(join(folder, "scripts", "arquivar.sh"), archiveScript, { mode: 0o755 });
  writeFileSync(join(folder, ".env"), Object.entries(variables).map(([name, value]) => `${name}=${value}\n`).join(""), {
    mode: 0o600,
  });

  const [program, ...args] = selfCommand();
  const { PATH, HOME } = process.env; // nothing else of this environment is to change what the demo shows
  const child = spawn(program, [...args, "serve", "--config", join(folder, "relay.config.ts")], {
    cwd: folder,
    env: { ...(PATH && { PATH }), ...(HOME && { HOME }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const port = await portOf(child);
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    stop() {
      process.kill(child.pid!, "SIGTERM");
      return exited;
    },
  };
}

/** The port that the relay says it listens on, in its log. */
async function portOf(child: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port === undefined) continue;
    child.stdout!.resume(); // what follows is read away, so that the relay never waits for a reader
    return port;
  }
  throw new RelayError(({ demo }) => demo.notStarted);
}
