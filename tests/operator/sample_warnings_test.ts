/** What fails in a config with sample events. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../lib/config/schema.ts";
import * as relay from "../../lib/config/mod.ts";
import { sampleWarnings } from "../../lib/operator/sample_warnings.ts";
import { toldIn } from "../../lib/warnings.ts";

const { connectvets, defineConfig, hmac, http } = relay;

/** A function that fails for every sample, for none of them says who it belongs to. */
const fails = (): never => {
  throw new Error("no owner");
};

const withSource = (source: unknown, target: object = {}, route: object = {}) =>
  readConfig(
    defineConfig({
      sources: { clinic: source } as never,
      targets: { crm: http({ url: "http://127.0.0.1:1", ...target }) },
      routes: [{ on: "note.**", to: "crm", ...route }],
    }),
    "/",
  ).config!;
const clinic = (more: object = {}) => connectvets({ path: "/w", secret: "0123456789abcdef", ...more });
const warned = (config: ReturnType<typeof withSource>) => toldIn("en", sampleWarnings(config, 0));

test("sampleWarnings() names each function that fails, once, with the first sample that shows it", () => {
  const rows: [config: ReturnType<typeof withSource>, path: string][] = [
    [withSource(clinic(), {}, { when: fails }), "routes[0].when"],
    [withSource(clinic(), { order: fails }), "targets.crm.order"],
    [withSource(clinic({ dedupe: fails })), "sources.clinic.dedupe"],
    [withSource(clinic(), { body: fails }), "targets.crm"],
  ];
  for (const [config, expected] of rows) {
    const [{ path, message } = { path: "", message: "" }, ...others] = warned(config);
    assert.deepEqual([path, others], [expected, []]);
    assert.match(message, /^fails with a sample note\.processing: .*no owner/);
  }
});

test("sampleWarnings() says nothing of functions that work, nor of a sender that it has no samples of", () => {
  assert.deepEqual(warned(withSource(clinic(), { order: () => "rex" }, { when: () => true })), []);
  const other = hmac({ path: "/w", secret: "0123456789abcdef", header: "X-Signature" });
  assert.deepEqual(warned(withSource(other, { order: fails })), []);
});
