/** The module `relay`, which a `relay.config.ts` imports. */

import type { TargetDefinition } from "../targets/target.ts";
import type { Given, RelayConfig } from "./types.ts";

/** The config of relay. Your editor checks the names of targets, and knows the payload of each route's events. */
export function defineConfig<
  const Targets extends Record<string, TargetDefinition>,
  const On extends readonly Given[],
>(config: RelayConfig<Targets, On>): RelayConfig<Targets, On> {
  return config;
}

export { firstOf } from "./first_of.ts";
export { connectvetsApi } from "../connectvets/api.ts";
export type { Note, NoteSection } from "../connectvets/note.ts";
export { credential, env, file } from "../secret.ts";
export * from "../sources/mod.ts";
export * from "../targets/mod.ts";
export * from "../targets/providers/mod.ts";
export * from "../targets/whatsapp/mod.ts";
export type { EmailProvider } from "../targets/providers/provider.ts";
export type { WhatsappGateway } from "../targets/whatsapp/gateway.ts";
export type { AnyEvent, EventOf, Pattern, UnknownEvent } from "../event.ts";
export type { KnownEvents, NoteError } from "../known_events.ts";
export type { Alert, RelayConfig, Route } from "./types.ts";
export type { Chain, ChainOptions } from "./first_of.ts";
