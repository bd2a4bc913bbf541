/** The documentation as tests read it: pages, their blocks of code, and their twins in Portuguese. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of code. */
export interface Block {
  language: string;
  code: string;
  /** Line of the page on which it begins. */
  line: number;
}

export interface Page {
  /** From the root of the project on, such as `docs/targets.md`. */
  path: string;
  text: string;
  blocks: Block[];
}

/** A page by its path. */
export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), "utf8");
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ index, 1: language, 2: code }) => ({
    language: language!,
    code: code!,
    line: text.slice(0, index).split("\n").length,
  }));
  return { path, text, blocks };
}

/** Path of a page's twin in Portuguese. */
export function twinOf(path: string): string {
  return path.replace(/\.md$/, ".pt-BR.md");
}

/** The pages in English: the README, and the manual. */
export const pages: readonly Page[] = [
  "README.md",
  ...readdirSync(join(root, "docs")).filter((name) => /^[^.]+\.md$/.test(name)).map((name) => `docs/${name}`),
].map(readPage);

/** The lines of a page's blocks in this language, without comments. */
export function commandsOf({ blocks }: Page, language = "sh"): string[] {
  return blocks.filter((block) => block.language === language).flatMap(({ code }) =>
    code.trim().split("\n").map((line) => line.replace(/\s+# .*$/, ""))
  );
}

/** What a page says outside of its blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** What stands between backticks in a page's prose, each once, in alphabetical order. */
export function namesIn(page: Page): string[] {
  const found = [...proseOf(page).matchAll(/(`+) ?(.+?) ?\1/gs)].map(([, , code]) => code!.replaceAll(/\s+/g, " "));
  return [...new Set(found)].sort();
}

/** The names that a page's headings have in a link. */
export function anchorsOf(page: Page): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-")
  );
}

/** A page's links to files of the project, pictures among them: the file's path from the root on, and the heading. */
export function linksOf(page: Page): { path: string; anchor?: string }[] {
  return [...proseOf(page).matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!).filter((link) => !/^\w+:/.test(link))
    .map((link) => {
      const [file, anchor] = link.split("#");
      return { path: file ? join(dirname(page.path), file) : page.path, anchor };
    });
}

/** Whether the project has a file of this path. */
export function isThere(path: string): boolean {
  return existsSync(join(root, path));
}
