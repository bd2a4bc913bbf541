/** What a runner tells of its tests: JUnit's XML, which Deno and Bun both write, with every test by name. */

/** One test of a report. */
export interface TestCase {
  name: string;
  /** Path of the file that it stands in, from the project's folder on. */
  file: string;
  state: "passed" | "failed" | "skipped";
  /** How long it took, in seconds. */
  seconds: number;
}

const testCase = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The tests of a report. A test that is still to be written (`todo`) is told as skipped. */
export function readReport(xml: string): TestCase[] {
  return [...xml.matchAll(testCase)].map(([, attributes, content = ""]) => {
    const attribute = (name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(attributes!)?.[1] ?? "";
    const state = /<(failure|error)\b/.test(content) ? "failed" : /<skipped\b/.test(content) ? "skipped" : "passed";
    // Deno writes the file as the class, and Bun leaves that empty.
    const file = textOf(attribute("file") || attribute("classname")).replace(/^\.\//, "");
    return { name: textOf(attribute("name")), file, state, seconds: Number(attribute("time")) };
  });
}

function textOf(value: string): string {
  return value.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (entity, decimal, hex, name) => {
    if (name) return entities[name] ?? entity;
    return String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16));
  });
}
