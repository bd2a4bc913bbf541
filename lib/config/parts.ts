/** Builds the sources and targets of a config, each by its kind. */

import type { ConfigIssue } from "../errors.ts";
import { isObject } from "../json.ts";
import { type Kind, partOf } from "../part.ts";
import type { TargetContext } from "../targets/target.ts";
import { issuesOf } from "./issues.ts";
import { formatPath } from "./path.ts";

interface BuildingKind<Built> extends Kind {
  build(name: string, options: unknown, context: TargetContext): Built;
}

/**
 * Builds the sources or targets of a config, each by its kind.
 * @param makers The functions that make such parts, by name.
 */
export function buildParts<Built>(
  what: "source" | "target",
  makers: object,
  definitions: unknown,
  context: TargetContext,
  secrets: readonly string[],
): { built: Built[]; issues: ConfigIssue[] } {
  const built: Built[] = [];
  const issues: ConfigIssue[] = [];
  const entries = Object.entries(isObject(definitions) ? definitions : {});
  if (isObject(definitions) && entries.length === 0) {
    issues.push({
      path: `${what}s`,
      message: ({ config }) => config.expected(config.expectations.oneOf[what]),
    });
  }
  const names = Object.keys(makers).map((one) => `${one}()`);
  for (const [name, definition] of entries) {
    const base = [`${what}s`, name];
    const part = partOf<BuildingKind<Built>>(what, definition);
    if (!part) {
      issues.push({
        path: formatPath(base),
        message: ({ config, forms }) => config.expected(config.expectations.part[what](forms.or(names))),
      });
      continue;
    }
    const { kind, options } = part;
    const parsed = kind.schema.safeParse(options ?? {});
    if (parsed.success) built.push(kind.build(name, parsed.data, context));
    else issues.push(...issuesOf(parsed.error, options, base, secrets));
  }
  return { built, issues };
}
