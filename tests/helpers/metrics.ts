/** Metrics, read as Prometheus reads them. */

/** The value of each series, by its name and labels in the order of their names: `name{a="1",b="2"}`. */
export async function fetchMetrics(adminUrl: string): Promise<Record<string, number>> {
  const response = await fetch(`${adminUrl}/metrics`);
  return parseMetrics(await response.text());
}

/** Reads Prometheus' text format, of labels without quotes or braces in them. */
export function parseMetrics(text: string): Record<string, number> {
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [, name, labels, value] = /^(\w+)(?:\{([^}]*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`No line of Prometheus' text format: ${line}`);
    const sorted = labels?.match(/\w+="[^"]*"/g)?.sort().join(",");
    return [sorted ? `${name}{${sorted}}` : name, Number(value)] as const;
  });
  return Object.fromEntries(series);
}
