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

function indent(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}
