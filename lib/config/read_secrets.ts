/** Reads the secrets that a config names, wherever they stand in it. */

import { type ConfigIssue, RelayError, sayError } from "../errors.ts";
import type { PrivateFile } from "../exposure.ts";
import { isObject } from "../json.ts";
import type { Language } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { isPart } from "../part.ts";
import { ReadableSecret } from "../secret.ts";
import { formatPath } from "./path.ts";
import type { ConfigText } from "./placeholders.ts";

/** Deepest nesting of a config. */
const MAX_DEPTH = 30;

/** The secrets of a config, what is wrong with those that cannot be read, and the files that they were read from. */
export interface SecretsRead {
  secrets: string[];
  issues: ConfigIssue[];
  files: PrivateFile[];
  /** Every text of the config. */
  texts: ConfigText[];
}

/**
 * A copy of the config with every {@link ReadableSecret} in it read; one that cannot be read stays as it is.
 * @param read Is added to.
 * @param around The objects that hold this value, the innermost last.
 */
export function readSecrets(
  value: unknown,
  folder: string,
  path: readonly PropertyKey[],
  read: SecretsRead,
  around: readonly unknown[] = [],
): unknown {
  const { secrets, issues, files, texts } = read;
  if (value instanceof ReadableSecret) {
    try {
      const text = value.read(folder);
      secrets.push(text);
      texts.push({ path, text, variable: value.variable });
      const file = value.fileIn(folder);
      if (file !== undefined) files.push({ path: formatPath(path), file, kind: "named" });
      return text;
    } catch (error) {
      const hint: Phrase | undefined = error instanceof RelayError && error.hint
        ? (words) => error.sayHint(words)!
        : undefined;
      issues.push({ path: formatPath(path), message: sayError(error), hint });
      return value;
    }
  }
  if (typeof value === "string") texts.push({ path, text: value });
  if (!Array.isArray(value) && !isObject(value)) return value;
  const isCircle = around.includes(value);
  if (isCircle || path.length > MAX_DEPTH) {
    const message = isCircle
      ? ({ config }: Language) => config.refersToItself
      : ({ config }: Language) => config.tooDeep;
    issues.push({ path: formatPath(path.slice(0, isCircle ? undefined : 3)), message });
    return undefined;
  }
  const inner = (one: unknown, key: PropertyKey) => readSecrets(one, folder, [...path, key], read, [...around, value]);
  if (Array.isArray(value)) return value.map(inner);
  // The options of a part lie where its author wrote them: one level up.
  if (isPart(value)) return { ...value, options: readSecrets(value.options, folder, path, read, [...around, value]) };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(one, key)]));
}
