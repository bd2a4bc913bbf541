/** The configs of a cluster's relays. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configOf } from "../../helpers/relay.ts";
import { tryAgain } from "../options.ts";
import { RELAY_HEADER } from "./sink.ts";
import { type ClusterTarget, LATER, later, targets } from "./targets.ts";

/** Which config: the usual one, or one that has another target besides. */
export type Version = "usual" | "later";

export interface ConfigParts {
  name: string;
  port: number;
  adminPort: number;
  /** Of the store. */
  store: string;
  /** Of the sink, up to a target's name. */
  sink: string;
  /** Of the notes API. */
  api: string;
}

const noted = "body: (e) => ({ data: e.data, note: e.note?.name })";
const stamped = "body: (e) => ({ data: e.data, begunAt: Date.now() })";

/** The config of a relay. */
export function clusterConfig({ name, port, adminPort, store, sink, api }: ConfigParts, version: Version): string {
  const all: [string, ClusterTarget][] = Object.entries(targets);
  if (version === "later") all.push([LATER, later]);
  const enrich = `enrich: connectvetsApi({ key: env("KEY"), url: "${api}" })`;
  return configOf({
    port,
    admin: `{ port: ${adminPort} }`,
    targets: all.map(([target, { options = "" }]) =>
      `${target}: http({ url: "${sink}${target}", headers: { "${RELAY_HEADER}": "${name}" }, ${tryAgain}, ${options} })`
    ).join(",\n"),
    routes: all.map(([target, { every, hasNotes, isStamped }]) => {
      const when = `when: (e) => Number(e.data.note_id) % ${every} === 0`;
      const body = hasNotes ? `${noted}, ${enrich}` : isStamped ? stamped : "";
      return `{ on: "note.completed", to: "${target}", ${when}, ${body} }`;
    }).join(",\n"),
    more: `store: "${store}"`,
  });
}

/** Writes the config into a folder of its own. */
export function writeConfig(folder: string, parts: ConfigParts): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "relay.config.ts"), clusterConfig(parts, "usual"));
}
