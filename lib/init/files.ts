/** What `relay init` writes: the example's config, or one that answers make, and the secrets beside it. */

import { randomBytes } from "node:crypto";
import exampleText from "../../relay.config.ts" with { type: "text" };
import { quoteValue } from "../config/dotenv.ts";
import { SAMPLE_SECRET } from "../config/placeholders.ts";
import { type Locale, locales } from "../locale/mod.ts";
import { channels, type Given, type Kind } from "./channels.ts";

/** Where notes go, and what was answered about it. */
export interface Destination {
  kind: Kind;
  /** By field; secrets are empty where the user has none yet. */
  given: Given;
}

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

/** The example, in a language. */
export function exampleFiles(locale: Locale): Files {
  const { config } = locales[locale].init;
  const english = locales.en.init.config;
  const translated = exampleText.replace(english.about, config.about).replace(english.fallback, config.fallback);
  return {
    config: translated.replace("defineConfig({\n", `defineConfig({\n  locale: "${locale}",\n\n`),
    dotenv: [
      secretLine("", locale),
      ...variablesOf({ kind: "slack", given: {} }, locale),
      ...variablesOf({ kind: "email", given: {} }, locale),
    ],
  };
}

/** Where everything goes until the user knows better: into the system's log. */
const fallback: Destination = { kind: "script", given: { command: "logger --tag relay" } };

/** What the user's answers make. */
export function answeredFiles({ failures, completed, secret }: Answers, locale: Locale): Files {
  const { config } = locales[locale].init;
  const chosen = [failures, completed].flatMap((one) => one ?? []);
  const destinations = chosen.length > 0 ? chosen : [fallback];
  const kinds = [...new Set(destinations.map(({ kind }) => kind))];
  const used = kinds.map((kind) => destinations.find((one) => one.kind === kind)!);
  const imports = [
    ...new Set(["connectvets", "defineConfig", "env", ...kinds.flatMap((kind) => channels[kind].imports)]),
  ];
  const route = (on: string, one?: Destination) =>
    one ? [`    { on: ["note.${on}", "note.transcription.${on}"], to: "${channels[one.kind].target}" },`] : [];
  return {
    config: [
      '/// <reference path="./relay.d.ts" />',
      `// ${config.about}`,
      `import { ${imports.sort().join(", ")} } from "relay";`,
      "",
      "export default defineConfig({",
      `  locale: "${locale}",`,
      "",
      "  sources: {",
      '    connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }),',
      "  },",
      "",
      "  targets: {",
      ...used.map((one) => `    ${channels[one.kind].target}: ${targetText(one)},`),
      "  },",
      "",
      "  routes: [",
      ...route("failed", failures),
      ...route("completed", completed),
      "  ],",
      ...(chosen.length > 0 ? [] : ["", `  // ${config.fallback}`, `  fallback: "${channels[fallback.kind].target}",`]),
      "});",
      "",
    ].join("\n"),
    dotenv: [
      secretLine(secret, locale),
      ...used.flatMap((one) => variablesOf(one, locale)),
    ],
  };
}

function secretLine(secret: string, locale: Locale): Files["dotenv"][number] {
  const { dotenv } = locales[locale].init;
  const name = "WEBHOOK_SECRET";
  if (secret) return { name, about: dotenv.secret, value: secret };
  return { name, about: dotenv.sampleSecret, value: SAMPLE_SECRET + randomBytes(24).toString("hex") };
}

/** What `.env` holds for a destination. */
function variablesOf({ kind, given }: Destination, locale: Locale): Files["dotenv"] {
  const about: Readonly<Record<string, string>> = locales[locale].init.channels[kind].dotenv;
  return channels[kind].fields.flatMap(({ name, variable, empty }) => {
    const value = given[name] || empty?.value?.();
    return variable === undefined || value === undefined ? [] : [{ name: variable, about: about[name]!, value }];
  });
}

/** The code of a destination's target. What was left out, and stands for nothing, is not in it. */
function targetText({ kind, given }: Destination): string {
  const codes = channels[kind].fields.flatMap(({ name, variable, empty, read = String }) => {
    const text = given[name] ?? "";
    if (text === "" && empty?.value === undefined) return [];
    return [[name, variable === undefined ? codeOf(read(text)) : `env("${variable}")`]];
  });
  return channels[kind].code(Object.fromEntries(codes));
}

function codeOf(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(codeOf).join(", ")}]` : JSON.stringify(value);
}

/** The text of a `.env`. */
export function dotenvText(variables: Files["dotenv"], locale: Locale): string {
  const parts = variables.map(({ name, about, value }) => `# ${about}\n${name}=${quoteValue(value)}\n`);
  return [`# ${locales[locale].init.dotenv.about}\n`, ...parts].join("\n");
}
