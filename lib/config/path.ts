/** Paths in a config, as its author would write them: `routes[1].to`. */

/** A path as the steps that lead to its value. */
export type Path = readonly PropertyKey[];

/** A path in words of the config: `targets["my crm"].url`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = String(part);
    if (!/^[\w$]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text ? `${text}.${name}` : name;
  }, "");
}

/** The path that {@link formatPath} wrote. */
export function parsePath(text: string): Path {
  return [...text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([\w$]+)/g)]
    .map(([, index, quoted, name]) => index ? Number(index) : quoted ? JSON.parse(quoted) as string : name!);
}
