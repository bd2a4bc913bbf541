/** Secrets that a config names and the relay reads when the config is loaded. Nothing prints one. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import { RelayError } from "./errors.ts";

/** A value that is read when the config is loaded, and that nothing prints. Made by `env`, `file` and `credential`. */
export interface Secret {
  /** Always throws: a secret inside another text would go unseen by what masks secrets in logs. */
  toString(): never;
}

/** A {@link Secret}, which the relay alone can read. */
export class ReadableSecret implements Secret {
  readonly #name: string;
  readonly #read: (folder: string) => string | undefined;

  /**
   * @param name How the config spells it, such as `env("TOKEN")`.
   * @param read Gives the value, or `undefined` where there is none; `folder` is the config's.
   */
  constructor(name: string, read: (folder: string) => string | undefined) {
    this.#name = name;
    this.#read = read;
  }

  /**
   * The value itself.
   * @throws {RelayError} if it is missing or empty.
   */
  read(folder: string): string {
    const value = this.#read(folder);
    if (value === undefined) throw new RelayError(`${this.#name} is not set`);
    if (value.trim() === "") throw new RelayError(`${this.#name} is empty`);
    return value;
  }

  toString(): never {
    throw new RelayError(
      `Cannot put ${this.#name} into a text`,
      `let one variable hold the whole value, and use ${this.#name} alone`,
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
 * The value of an environment variable, or of a line in `.env` beside the config; the environment wins.
 * Missing or empty is a config error unless there is a default.
 */
export function env(name: string, options: { default?: string } = {}): Secret {
  return new ReadableSecret(`env("${name}")`, () => process.env[name] || (options.default ?? process.env[name]));
}

/** The content of a file, without one trailing newline. A relative path is relative to the config's folder. */
export function file(path: string): Secret {
  return new ReadableSecret(`file("${path}")`, (folder) => readIfThere(resolve(folder, path)));
}

/**
 * A credential that systemd hands to the service, by the name in `LoadCredential=`.
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Credentials
 */
export function credential(name: string): Secret {
  return new ReadableSecret(`credential("${name}")`, () => {
    const folder = process.env.CREDENTIALS_DIRECTORY;
    return folder ? readIfThere(join(folder, name)) : undefined;
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RelayError(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Replaces known secrets in a text, whatever produced it. */
export type Redact = (text: string) => string;

/**
 * Makes a function that masks these values, also where they stand URL-encoded or escaped in JSON.
 * Values under four characters are left alone: masking them would make every text unreadable.
 */
export function redactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    forms.add(secret).add(encodeURIComponent(secret.toWellFormed())).add(JSON.stringify(secret).slice(1, -1));
  }
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escapeRegExp).join("|"), "g");
  return (text) => text.replace(pattern, "[secret]");
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
