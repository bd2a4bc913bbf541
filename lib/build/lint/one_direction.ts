/** The lint rule that imports point one way, of types too. */

import { eachImport, isIn, placeOf, placeOfImport } from "./place.ts";

/**
 * What lies in lib/, from the top down: a file may import what stands on a line below its own, and what lies in the same
 * folder. Of what stands beside it on its line it sees nothing. A file that is named by itself does not count to its folder.
 */
export const layers: readonly (readonly string[])[] = [
  ["build"],
  ["cli"],
  // The composition root starts the admin listener, which knows nothing of it.
  ["app.ts", "demo", "monitoring", "service"],
  ["admin", "init", "listeners.ts", "store_place.ts"],
  ["operator", "duties"],
  ["pipeline", "lanes", "connectvets"],
  // The config's types and schema come from the registries of sources and targets, so it stands above them.
  ["config", "metrics.ts"],
  ["pipeline/route.ts"],
  ["sources", "targets", "store"],
  ["connectvets/api.ts", "connectvets/samples.ts", "exposure.ts", "tls"],
  ["outbound", "warnings.ts"],
  ["http", "messages"],
  ["handover", "rights"],
  // Single files and the words of every language, which may import one another.
  // deno-fmt-ignore
  [
    "alarm.ts", "alert.ts", "boot.ts", "callback.ts", "clock.ts", "connectvets/note.ts", "credentials.ts", "errors.ts", "event.ts", "hmac.ts", "id.ts",
    "json.ts", "known_events.ts", "libc.ts", "listener_url.ts", "locale", "log.ts", "near_miss.ts", "nearest.ts", "once.ts", "options.ts", "outcome.ts", "own_lane.ts", "part.ts", "pattern.ts",
    "prometheus.ts", "reason.ts", "receipt.ts", "recipient.ts", "refusal.ts", "runtime.ts", "secret.ts", "system_event.ts", "units.ts", "version.ts",
    "window.ts", "zone.ts",
  ],
];

/** Imports that point upward all the same, and why. */
export const upward: readonly { from: string; to: string; reason: string }[] = [];

const where = "lib/build/lint/one_direction.ts";

/** Where a place stands: its line in {@link layers}, and which of its names it is. */
function standing(place: string): { line: number; name: string } | undefined {
  const all = layers.flatMap((names, line) => names.map((name) => ({ line, name })));
  return all.find(({ name }) => name === place) ?? all.find(({ name }) => isIn(place, name));
}

/** Imports point one way. */
export const oneDirection: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    if (place === undefined) return {};
    const own = standing(place);
    const unused = new Set(upward.filter(({ from }) => from === place).map(({ to }) => to));
    const ground = layers.length - 1;
    return {
      ...eachImport((specifier, node) => {
        const to = placeOfImport(place, specifier);
        const other = to === undefined ? undefined : standing(to);
        if (!own || !other || own.name === other.name || own.line < other.line) return;
        if (own.line === ground && other.line === ground) return;
        if (unused.delete(to!) || upward.some((one) => one.from === place && one.to === to)) return;
        context.report({
          node,
          message: `lib/${place} imports lib/${to}, which ${
            other.line < own.line ? "stands above it" : "stands beside it"
          }`,
          hint: `A file imports what stands below it in \`layers\` of ${where}`,
        });
      }),
      "Program:exit"(node) {
        if (!own) {
          const hint = `Name its folder, or the file, in \`layers\` of ${where}`;
          context.report({ node, message: `lib/${place} stands in no layer`, hint });
        }
        for (const to of unused) {
          const hint = `Strike this line out of \`upward\` in ${where}`;
          context.report({ node, message: `lib/${place} does not import lib/${to} any more`, hint });
        }
      },
    };
  },
};
