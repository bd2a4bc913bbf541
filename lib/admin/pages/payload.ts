/** How a body is shown to a person. */

/** A body as text. */
export interface ShownBody {
  text: string;
  /** Bytes received. */
  bytes: number;
  isJson: boolean;
  isCut: boolean;
}

/** Most characters of a body that a page shows. */
const MAX_TEXT = 100_000;

/** A body indented if it is JSON, else as it is. Never throws. */
export function shownBody(body: Uint8Array): ShownBody {
  const raw = new TextDecoder().decode(body);
  const indented = indent(raw);
  const text = indented ?? raw;
  return {
    text: text.slice(0, MAX_TEXT).toWellFormed(),
    bytes: body.byteLength,
    isJson: indented !== undefined,
    isCut: text.length > MAX_TEXT,
  };
}

/** Of `JSON`, what keeps numbers as they were written; TypeScript does not know it yet. */
const json = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

function indent(text: string): string | undefined {
  try {
    const value = json.parse(text, (_, value, { source }) => typeof value === "number" ? json.rawJSON(source) : value);
    return JSON.stringify(value, null, 2);
  } catch {
    return undefined;
  }
}
