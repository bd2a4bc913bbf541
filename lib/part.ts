/** A part of a config, as the function that names it there gives it: its kind, and the options that its author wrote. */

import * as z from "zod/mini";
import { isObject } from "./json.ts";

const roles = ["source", "target", "provider", "gateway"] as const;

/** What a part is to the config; its definition holds its kind under this name. */
export type Role = typeof roles[number];

/** What every kind has: the schema of its options. */
export interface Kind {
  readonly schema: z.ZodMiniType;
}

/** A part of a config. */
export interface Part<PartKind> {
  kind: PartKind;
  /** As its author wrote them. */
  options: unknown;
}

/** The part that a definition such as `slack({ … })` gives in this role; `undefined` if it is none. */
export function partOf<PartKind extends Kind>(role: Role, definition: unknown): Part<PartKind> | undefined {
  if (!isObject(definition)) return undefined;
  const { [role]: kind, options } = definition;
  const isKind = isObject(kind) && kind.schema instanceof z.ZodMiniType;
  return isKind ? { kind: kind as unknown as PartKind, options } : undefined;
}

/** Whether this is a part of any role. */
export function isPart(value: unknown): value is { options: unknown } {
  return roles.some((role) => partOf(role, value));
}
