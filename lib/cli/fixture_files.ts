/** Fixtures on disk. */

import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConfigIssue, FixtureError, messageOf, RelayError, sayError } from "../errors.ts";
import { jsonMistake } from "../json.ts";
import { type Fixture, readFixtures } from "../operator/fixture.ts";
import { readInput } from "./shared.ts";

/** A fixture, and what to call it. */
export interface NamedFixture {
  file: string;
  name: string;
  fixture: Fixture;
}

/**
 * Reads fixtures; of a directory, those in every `*.json` in it.
 * @throws {FixtureError} with every mistake in all of them.
 */
export function readFixtureFiles(paths: readonly string[]): NamedFixture[] {
  const issues: ConfigIssue[] = [];
  const found = paths.flatMap((path) => {
    const files = filesOf(path);
    if (files.length === 0) issues.push({ path, message: ({ fixtures }) => fixtures.mistakes.noFiles });
    return files.flatMap((file) => readFile(file, issues));
  });
  if (issues.length > 0) throw new FixtureError(issues);
  return found;
}

function filesOf(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  return readdirSync(path).filter((name) => name.endsWith(".json")).sort().map((name) => join(path, name));
}

function readFile(file: string, issues: ConfigIssue[]): NamedFixture[] {
  let text: string;
  try {
    text = new TextDecoder().decode(readInput(file));
  } catch (error) {
    issues.push({ path: "", message: sayError(error) });
    return [];
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const at = jsonMistake(text);
    issues.push({
      path: at ? `${file}:${at.line}:${at.column}` : file,
      message: ({ fixtures }) => fixtures.mistakes.notJson(messageOf(error)),
    });
    return [];
  }
  const read = readFixtures(value);
  if (read.fixtures.length + read.issues.length === 0) {
    issues.push({ path: file, message: ({ fixtures }) => fixtures.mistakes.none });
  }
  issues.push(...read.issues.map((one) => ({ ...one, path: `${file} ${one.path}`.trimEnd() })));
  return read.fixtures.map((fixture, at) => {
    const place = Array.isArray(value) ? `${file}[${at}]` : file;
    return { file, name: fixture.name ? `${place} ${fixture.name}` : place, fixture };
  });
}

/**
 * Writes a fixture to a file that is not there yet.
 * @throws {RelayError} if it is, or cannot be written.
 */
export function writeFixture(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isThere = code === "EEXIST";
    throw new RelayError(
      ({ fixtures }) => fixtures.cannotWrite(file, isThere ? fixtures.fileExists : messageOf(error)),
      isThere ? ({ fixtures }) => fixtures.otherOut : undefined,
    );
  }
}
