/** What is read from the reports of runners, and what comes of tests that are skipped. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readReport } from "./report.ts";
import { refused, toldOf } from "./skips.ts";

/** As Deno writes it: the file as the class, and a step by its test's name and its own. */
const ofDeno = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.007">
    <testsuite name="./tests/a_test.ts" tests="4" disabled="2" errors="0" failures="1">
        <testcase name="a &gt; b &amp; &quot;c&quot;" classname="./tests/a_test.ts" time="0.250" line="2" col="71">
            <skipped/>
        </testcase>
        <testcase name="nested" classname="./tests/a_test.ts" time="0.002" line="7" col="1">
        </testcase>
        <testcase name="fails" classname="./tests/a_test.ts" time="0.001" line="9" col="1">
            <failure message="Uncaught Error: x">Error: x &lt;skipped/&gt;</failure>
        </testcase>
        <testcase name="nested &gt; in" classname="./tests/a_test.ts" time="0.000" line="7" col="39">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

/** As Bun writes it. */
const ofBun = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="0" failures="1" skipped="2" time="0.050906178">
  <testsuite name="tests/a_test.ts" file="tests/a_test.ts" tests="4" failures="1" skipped="2" hostname="vm">
    <testcase name="it&apos;s&#10;x" classname="" time="0" file="tests/a_test.ts" line="3" assertions="0">
      <skipped />
    </testcase>
    <testcase name="todo" classname="" time="0" file="tests/a_test.ts" line="5" assertions="0">
      <skipped message="TODO" />
    </testcase>
    <testcase name="passes" classname="" time="0.5" file="tests/a_test.ts" line="7" assertions="0" />
    <testcase name="fails" classname="" time="0.002388" file="tests/a_test.ts" line="9" assertions="0">
      <failure type="Error" message="x">Error: x&#10;      at tests/a_test.ts:9:33&#10;</failure>
    </testcase>
  </testsuite>
</testsuites>`;

test("readReport() reads each test's name, file, end and time, as both runners write them", () => {
  const file = "tests/a_test.ts";
  assert.deepEqual(readReport(ofDeno), [
    { name: 'a > b & "c"', file, state: "skipped", seconds: 0.25 },
    { name: "nested", file, state: "passed", seconds: 0.002 },
    { name: "fails", file, state: "failed", seconds: 0.001 },
    { name: "nested > in", file, state: "skipped", seconds: 0 },
  ]);
  assert.deepEqual(readReport(ofBun), [
    { name: "it's\nx", file, state: "skipped", seconds: 0 },
    { name: "todo", file, state: "skipped", seconds: 0 },
    { name: "passes", file, state: "passed", seconds: 0.5 },
    { name: "fails", file, state: "failed", seconds: 0.002388 },
  ]);
  assert.deepEqual(readReport(""), []);
});

test("refused() leaves the skips that are allowed, and toldOf() tells all with their reasons", () => {
  const skips = [
    { name: "a", suite: "e2e", reason: "needs root" },
    { name: "b", suite: "browser", reason: "needs chromium" },
  ];
  assert.deepEqual(refused(skips, { a: "there is none" }).map(({ name }) => name), ["b"]);
  assert.deepEqual(refused(skips, {}).length, 2);
  assert.equal(toldOf(skips), "skipped: a (e2e): needs root\nskipped: b (browser): needs chromium\n");
});
