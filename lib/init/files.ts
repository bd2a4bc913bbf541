/** What `relay init` writes: the example's config, or one that answers make, and the secrets beside it. */

import { randomBytes } from "node:crypto";
import exampleText from "../../relay.config.ts" with { type: "text" };
import { quoteValue } from "../config/dotenv.ts";
import { SAMPLE_SECRET } from "../config/placeholders.ts";
import { type Locale, locales } from "../locale/mod.ts";

/** Where notes go, and what that needs to know. Secrets are empty where the user has none yet. */
export type Destination =
  | { kind: "slack"; url: string }
  | { kind: "email"; via: string; from: string; to: readonly string[] }
  | { kind: "http"; url: string }
  | { kind: "script"; command: string };

/** What the user answered. */
export interface Answers {
  failures?: Destination;
  completed?: Destination;
  /** Empty where the user has none yet. */
  secret: string;
}

/** A config, and the variables that its `.env` holds, each under a comment. */
export interface Files {
  config: string;
  dotenv: { name: string; about: string; value: string }[];
}

const names: Record<Destination["kind"], string> = {
  slack: "plantao",
  email: "equipe",
  http: "sistema",
  script: "arquivo",
};

/** The example, in a language. */
export function exampleFiles(locale: Locale): Files {
  const { config, dotenv } = locales[locale].init;
  const english = locales.en.init.config;
  const translated = exampleText.replace(english.about, config.about).replace(english.fallback, config.fallback);
  return {
    config: translated.replace("defineConfig({\n", `defineConfig({\n  locale: "${locale}",\n\n`),
    dotenv: [
      secretLine("", locale),
      { name: "SLACK_WEBHOOK_URL", about: dotenv.slack, value: placeholders.slack },
      { name: "SMTP_URL", about: dotenv.smtp, value: placeholders.smtp },
    ],
  };
}

/** Where everything goes until the user knows better: into the system's log. */
const fallback: Destination = { kind: "script", command: "logger --tag relay" };

/** What the user's answers make. */
export function answeredFiles({ failures, completed, secret }: Answers, locale: Locale): Files {
  const { config, dotenv } = locales[locale].init;
  const chosen = [failures, completed].flatMap((one) => one ?? []);
  const destinations = chosen.length > 0 ? chosen : [fallback];
  const kinds = [...new Set(destinations.map(({ kind }) => kind))];
  const used = kinds.map((kind) => destinations.find((one) => one.kind === kind)!);
  const imports = ["connectvets", "defineConfig", "env", ...kinds].sort();
  const route = (on: string, one?: Destination) =>
    one ? [`    { on: ["note.${on}", "note.transcription.${on}"], to: "${names[one.kind]}" },`] : [];
  return {
    config: [
      '/// <reference path="./relay.d.ts" />',
      `// ${config.about}`,
      `import { ${imports.join(", ")} } from "relay";`,
      "",
      "export default defineConfig({",
      `  locale: "${locale}",`,
      "",
      "  sources: {",
      '    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),',
      "  },",
      "",
      "  targets: {",
      ...used.map((one) => `    ${names[one.kind]}: ${targetText(one)},`),
      "  },",
      "",
      "  routes: [",
      ...route("failed", failures),
      ...route("completed", completed),
      "  ],",
      ...(chosen.length > 0 ? [] : ["", `  // ${config.fallback}`, `  fallback: "${names[fallback.kind]}",`]),
      "});",
      "",
    ].join("\n"),
    dotenv: [
      secretLine(secret, locale),
      ...used.flatMap((one) =>
        one.kind === "slack"
          ? [{ name: "SLACK_WEBHOOK_URL", about: dotenv.slack, value: one.url || placeholders.slack }]
          : one.kind === "email"
          ? [{ name: "SMTP_URL", about: dotenv.smtp, value: one.via || placeholders.smtp }]
          : one.kind === "http"
          ? [{ name: "SISTEMA_URL", about: dotenv.http, value: one.url }]
          : []
      ),
    ],
  };
}

const placeholders = {
  slack: "https://hooks.slack.com/services/REPLACE/WITH/YOURS",
  smtp: "smtp://user:password@smtp.example.com:587",
};

function secretLine(secret: string, locale: Locale): Files["dotenv"][number] {
  const { dotenv } = locales[locale].init;
  const name = "WEBHOOK_SECRET";
  if (secret) return { name, about: dotenv.secret, value: secret };
  return { name, about: dotenv.sampleSecret, value: SAMPLE_SECRET + randomBytes(24).toString("hex") };
}

function targetText(one: Destination): string {
  const text = JSON.stringify;
  if (one.kind === "slack") return 'slack({ url: env("SLACK_WEBHOOK_URL") })';
  if (one.kind === "email") {
    return `email({ via: env("SMTP_URL"), from: ${text(one.from)}, to: [${
      one.to.map((address) => text(address)).join(", ")
    }] })`;
  }
  if (one.kind === "http") return 'http({ url: env("SISTEMA_URL") })';
  return `script({ command: [${one.command.split(/\s+/).map((part) => text(part)).join(", ")}] })`;
}

/** The text of a `.env`. */
export function dotenvText(variables: Files["dotenv"], locale: Locale): string {
  const parts = variables.map(({ name, about, value }) => `# ${about}\n${name}=${quoteValue(value)}\n`);
  return [`# ${locales[locale].init.dotenv.about}\n`, ...parts].join("\n");
}
