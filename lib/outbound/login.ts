/** The login that a URL can hold. */

import { Buffer } from "node:buffer";

/** The value of `Authorization`, or `Proxy-Authorization`, for the login of a URL; `undefined` if it has none. */
export function loginOf({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined;
  return `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString("base64")}`;
}

/** Undoes percent-encoding, where it can be undone. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
