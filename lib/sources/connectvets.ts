/** ConnectVets' webhooks: HMAC-SHA256 of the raw body in `X-ConnectVets-Signature`, as their webhook guide says. */

import type * as z from "zod/mini";
import { options } from "../options.ts";
import { hmacBuild } from "./hmac.ts";
import type { HmacScheme } from "../hmac.ts";
import type { SourceDefinition, SourceKind, SourceOptions } from "./source.ts";
import { sourceShape } from "./source.ts";

/** Options of `connectvets()`. */
export interface ConnectvetsOptions extends SourceOptions {}

/** Receives webhooks of ConnectVets. */
export function connectvets(options: ConnectvetsOptions): SourceDefinition {
  return { source: connectvetsSource, options };
}

/** How ConnectVets signs. */
const connectvetsScheme: HmacScheme = {
  header: "X-ConnectVets-Signature",
  prefix: "sha256=",
  algorithm: "sha256",
  encoding: "hex",
};

const schema = options(sourceShape);

export const connectvetsSource: SourceKind<z.output<typeof schema>> = {
  kind: "connectvets",
  schema,
  build: (name, options) => hmacBuild("connectvets", name, connectvetsScheme, options),
};
