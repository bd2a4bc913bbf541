/** Secrets that a config names and the relay reads when the config is loaded. Nothing prints one. */

import { Buffer } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import { messageOf, RelayError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { credentialPath, readUnit } from "./credentials.ts";

/** A value that is read when the config is loaded, and that nothing prints. Made by `env`, `file` and `credential`. */
export interface Secret {
  /** Always throws: relay could not mask a secret that is part of another text. */
  toString(): never;
}

/** A {@link Secret}, which the relay alone can read. */
export class ReadableSecret implements Secret {
  readonly #name: string;
  readonly #read: (folder: string) => string | undefined;

  /**
   * @param name How the config spells it, such as `env("TOKEN")`.
   * @param read Gives the value, or `undefined` where there is none; `folder` is the config's.
   * @param fileIn Gives the path of the file that it is read from, if there is one.
   * @param variable The environment variable that it is read from, if there is one.
   */
  constructor(
    name: string,
    read: (folder: string) => string | undefined,
    readonly fileIn: (folder: string) => string | undefined = () => undefined,
    readonly variable?: string,
  ) {
    this.#name = name;
    this.#read = read;
  }

  /**
   * The value itself.
   * @throws {RelayError} if it is missing or empty.
   */
  read(folder: string): string {
    const value = this.#read(folder);
    if (value === undefined) {
      const near = this.variable && nearest(this.variable, Object.keys(process.env));
      throw new RelayError(
        ({ config }) => config.secrets.notSet(this.#name),
        this.variable ? ({ config: { secrets } }) => near ? secrets.setOther(near) : secrets.setIt : undefined,
      );
    }
    if (value.trim() === "") throw new RelayError(({ config }) => config.secrets.empty(this.#name));
    return value;
  }

  toString(): never {
    throw new RelayError(
      ({ config }) => config.secrets.inText(this.#name),
      ({ config }) => config.secrets.inTextHint(this.#name),
    );
  }

  toJSON(): string {
    return `[${this.#name}]`;
  }

  [inspect.custom](): string {
    return `[${this.#name}]`;
  }
}

/** Text, or a secret that is read when the config is loaded. */
export type SecretText = string | Secret;

/**
 * The value of an environment variable, or of a line in `.env` beside the config. The environment wins.
 * A missing or empty value is a mistake in the config, unless there is a default.
 */
export function env(name: string, options: { default?: string } = {}): Secret {
  const read = () => process.env[name] || (options.default ?? process.env[name]);
  return new ReadableSecret(`env("${name}")`, read, undefined, name);
}

/** The content of a file, without the line end. A relative path is relative to the config's folder. */
export function file(path: string): Secret {
  return secretFile(`file("${path}")`, (folder) => resolve(folder, path));
}

/**
 * A systemd credential, by its name in `LoadCredential=`. For a config in `/etc/NAME`, commands that root runs read the
 * credential of `NAME.service`.
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Credentials
 */
export function credential(name: string): Secret {
  return secretFile(`credential("${name}")`, (folder) =>
    credentialPath(name, {
      folder,
      credentialsDirectory: process.env.CREDENTIALS_DIRECTORY,
      exists: existsSync,
      unit: readUnit,
    }));
}

function secretFile(name: string, fileIn: (folder: string) => string | undefined): Secret {
  return new ReadableSecret(name, (folder) => {
    const path = fileIn(folder);
    return path && readText(path);
  }, fileIn);
}

function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)).replace(/\r?\n$/, "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RelayError(({ config: { secrets } }) => {
      if (code === "ENOENT") return secrets.noFile(path);
      return error instanceof TypeError ? secrets.notUtf8(path) : secrets.unreadable(path, code ?? messageOf(error));
    });
  }
}

/** Replaces known secrets in a text, whatever produced it. */
export interface Redact {
  (text: string): string;
  /** Whether a text may hold one; quicker than replacing. */
  finds(text: string): boolean;
}

/** Shorter values are left alone: masking them would make every text unreadable. */
const MIN_SECRET = 4;

/** A line that ends with this many characters of a secret was cut within it. */
const MIN_CUT = 8;

/** What is shown in a secret's place. */
export const MASK = "[secret]";

/** Names of options, headers and variables whose values are secrets, or hold some. */
export const SECRET_NAME = /secret|store|url|sign|token|key|headers|env|pass|auth|login|cookie|senha|cred/i;

/** Makes a function that masks these values, in every form in which a text may hold them, also where one was cut. */
export function redactor(secrets: Iterable<string>): Redact {
  const all = [...secrets].filter((secret) => secret.length >= MIN_SECRET).flatMap(formsOf);
  if (all.length === 0) return Object.assign((text: string) => text, { finds: () => false });
  const forms = [...new Set(all)].sort((a, b) => b.length - a.length); // the longest first, for one may hold another
  const pattern = new RegExp(forms.map(escapeRegExp).join("|"), "g");
  const starts = [...new Set(forms.map((form) => form.slice(0, MIN_CUT)))];
  const cuttable = forms.filter((form) => !/:\/\/|%3A%2F%2F/.test(form)); // the start of a URL, its host, is no secret
  const finds = (text: string) => starts.some((start) => text.includes(start));
  const redact = (text: string) =>
    finds(text) ? text.replace(pattern, MASK).split("\n").map((line) => maskCut(line, cuttable)).join("\n") : text;
  return Object.assign(redact, { finds });
}

/** How a secret may be written: as it is, in a URL, in JSON (once or twice), in Base64. */
function formsOf(secret: string): string[] {
  const text = secret.toWellFormed();
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    encodeURIComponent(text),
    encodeURI(text),
    new URLSearchParams({ x: text }).toString().slice(2),
    new URL(`http://x/?${encodeURI(text).replaceAll("#", "%23")}`).search.slice(1),
    json,
    JSON.stringify(json).slice(1, -1),
    Buffer.from(text).toString("base64"),
  ];
}

function maskCut(line: string, forms: readonly string[]): string {
  for (const form of forms) {
    const from = line.lastIndexOf(form.slice(0, MIN_CUT));
    if (from >= 0 && form.length > MIN_CUT && form.startsWith(line.slice(from))) return line.slice(0, from) + MASK;
  }
  return line;
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
