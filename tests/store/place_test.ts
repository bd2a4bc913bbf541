/** Where a relative store lies, by what surrounds the config. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf } from "../../lib/store/sqlite/place.ts";

const nowhere = () => false;
const everywhere = () => true;

test("placeOf() leaves an absolute path as it is", () => {
  const surroundings = { folder: "/etc/relay", stateDirectory: "/var/lib/relay", exists: everywhere };
  assert.equal(placeOf("sqlite:/data/relay.db", surroundings), "/data/relay.db");
});

test("placeOf() puts a relative path into $STATE_DIRECTORY, wherever the config is", () => {
  for (const folder of ["/etc/relay", "/home/ana/relay"]) {
    const surroundings = { folder, stateDirectory: "/var/lib/private/relay", exists: everywhere };
    assert.equal(placeOf("sqlite:relay.db", surroundings), "/var/lib/private/relay/relay.db");
  }
});

test("placeOf() finds the store of a service whose config is in /etc, where its folder of state is there", () => {
  const asked: string[] = [];
  const exists = (path: string) => asked.push(path) > 0;
  assert.equal(placeOf("sqlite:relay.db", { folder: "/etc/relay", exists }), "/var/lib/relay/relay.db");
  assert.equal(placeOf("sqlite:a/b.db", { folder: "/etc/clinica", exists }), "/var/lib/clinica/a/b.db");
  assert.deepEqual(asked, ["/var/lib/relay", "/var/lib/clinica"]);
});

test("placeOf() puts a relative path beside any other config", () => {
  assert.equal(placeOf("sqlite:relay.db", { folder: "/etc/relay", exists: nowhere }), "/etc/relay/relay.db");
  for (const folder of ["/home/ana/relay", "/etc", "/etc/relay/next", "/opt/etc/relay"]) {
    const surroundings = { folder, stateDirectory: "", exists: everywhere };
    assert.equal(placeOf("sqlite:relay.db", surroundings), `${folder}/relay.db`);
  }
});
