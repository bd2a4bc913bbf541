/**
 * Where each test file runs; nothing else decides it.
 *
 * A file runs on Deno and on Bun. What drives the executable is the same whatever runs the tests, and runs on Deno alone:
 * that is all of {@link onExecutable}. A line of its own at the head of any other file says that one runtime is enough, and
 * why, such as
 *
 *     // Runs on Deno alone: pure.
 *
 * "pure" is said of tests of pure functions and types, which no runtime can make different: `tests/runner/plan_test.ts`
 * checks that they reach no socket, file, process, timer, clock, crypto, store or `Intl`.
 */

/** Folders whose tests drive the executable. */
const onExecutable = ["browser", "e2e", "release", "systemd"];

const mark = /^\/\/ Runs on (Deno|Bun) alone: (.+)\.$/m;

/** Some test files that one process runs, one after the other. */
export interface Suite {
  name: string;
  runtime: "Deno" | "Bun";
  /** Paths from `tests` on. */
  paths: string[];
}

/** Which runtime a file's line names, and why; `undefined` without such a line. */
export function markOf(text: string): { runtime: "Deno" | "Bun"; reason: string } | undefined {
  const [, runtime, reason] = mark.exec(text) ?? [];
  return runtime ? { runtime: runtime as "Deno" | "Bun", reason: reason! } : undefined;
}

/**
 * The suites that run each test file where it is to run. They may run at the same time.
 * @param read Gives a file's text.
 */
export function suitesOf(paths: readonly string[], read: (path: string) => string): Suite[] {
  const marked = paths.map((path) => {
    const folder = path.split("/")[0]!;
    const runtime = onExecutable.includes(folder) ? "Deno" : markOf(read(path))?.runtime;
    return { path, folder, runtime };
  });
  const suite = (name: string, runtime: Suite["runtime"], of: typeof marked) => ({
    name,
    runtime,
    paths: of.map(({ path }) => path),
  });
  const inFolder = (name: string) => marked.filter(({ folder }) => folder === name);
  const ofSource = marked.filter(({ folder }) => !onExecutable.includes(folder));
  const e2e = inFolder("e2e");
  const onDeno = ofSource.filter(({ runtime }) => runtime !== "Bun");
  // What takes longest begins first.
  return [
    suite("e2e, first half", "Deno", e2e.filter((_, index) => index % 2 === 0)),
    suite("e2e, second half", "Deno", e2e.filter((_, index) => index % 2 === 1)),
    suite("source on Deno", "Deno", onDeno.filter(({ folder }) => folder !== "faults")),
    suite("source on Bun", "Bun", ofSource.filter(({ runtime }) => runtime !== "Deno")),
    suite("systemd", "Deno", inFolder("systemd")),
    suite("faults", "Deno", onDeno.filter(({ folder }) => folder === "faults")),
    suite("browser", "Deno", inFolder("browser")),
    suite("release", "Deno", inFolder("release")),
  ].filter(({ paths }) => paths.length > 0);
}
