/** Where events go in words: targets, those of a chain one after the other. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOf } from "../../lib/locale/format.ts";
import { locales } from "../../lib/locale/mod.ts";
import { destinationItems, destinationLine, destinationsOf } from "../../lib/operator/chains.ts";
import type { ChainRule } from "../../lib/pipeline/route.ts";
import type { DeliveryView } from "../../lib/store/views.ts";

const { pages } = locales.en;
const format = formatOf("en", "UTC", 0);
const chain = (...targets: string[]): ChainRule => ({ targets, withinMs: 600_000, until: "delivered" });

test("destinationItems() says a chain in one item, where its first target stands", () => {
  const where = { targets: ["x", "a", "b", "c", "y"], chains: [chain("a", "b", "c")] };
  const said = "a, then b, then c (each after 10 min, until delivered)";
  assert.deepEqual(destinationItems(where, pages, format), ["x", said, "y"]);
  assert.deepEqual(destinationItems({ targets: ["x", "y"] }, pages, format), ["x", "y"]);
});

test("destinationLine() parts chains from other targets by more than commas", () => {
  const where = {
    targets: ["x", "a", "b"],
    chains: [{ ...chain("a", "b"), withinMs: 90_000, until: "read" as const }],
  };
  assert.equal(destinationLine(where, pages, format), "x; a, then b (each after 1.5 min, until read)");
  assert.equal(destinationLine({ targets: ["x", "y"], chains: [] }, pages, format), "x, y");
  assert.equal(
    destinationLine(where, locales["pt-BR"].pages, formatOf("pt-BR", "UTC", 0)),
    "x; a, depois b (cada um após 1,5 min, até a leitura)",
  );
});

test("destinationsOf() finds the chains of deliveries, with targets in place of their recipients", () => {
  const step = (step: number, id = 2) => (
    { id, step, steps: 2, withinMs: 600_000, until: "delivered" as const, isWaiting: step > 1 }
  );
  const deliveries = [
    { target: "x", chain: null },
    { target: "whats/+5531999998888", chain: step(1) },
    { target: "whats/+5531999997777", chain: step(1) },
    { target: "tg", chain: step(2) },
  ] as DeliveryView[];
  assert.deepEqual(destinationsOf(deliveries), { targets: ["x", "whats", "tg"], chains: [chain("whats", "tg")] });
});
