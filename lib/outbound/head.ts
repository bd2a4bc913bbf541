/** Writes the head of a request. */

import { loginOf } from "./login.ts";

/** What a head is made of. */
export interface HeadParts {
  method: string;
  url: URL;
  /** Added to, and going before, those that every request has. */
  headers: Readonly<Record<string, string>>;
  /** Bytes of the body; `undefined` if there is none. */
  bodyBytes?: number;
}

/** What these headers say is for the connection to decide: a request cannot set them. */
const reserved = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const token = /^[\w!#$%&'*+.^`|~-]+$/;
const value = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The head of a request, each byte a character.
 * @throws {TypeError} if a header's name or value could be read as anything else, such as a further header.
 */
export function writeHead({ method, url, headers, bodyBytes }: HeadParts): string {
  let lines = "";
  let [hasHost, hasAccept, hasEncoding, hasLogin] = [false, false, false, false];
  for (const name in headers) {
    const lowerName = name.toLowerCase();
    if (reserved.has(lowerName)) continue;
    if (lowerName === "host") hasHost = true;
    else if (lowerName === "accept") hasAccept = true;
    else if (lowerName === "accept-encoding") hasEncoding = true;
    else if (lowerName === "authorization") hasLogin = true;
    lines += lineOf(name, headers[name]!);
  }
  let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  if (!hasHost) head += `Host: ${url.host}\r\n`;
  if (!hasAccept) head += "Accept: */*\r\n";
  // Nothing is decompressed.
  if (!hasEncoding) head += "Accept-Encoding: identity\r\n";
  if (bodyBytes !== undefined) head += `Content-Length: ${bodyBytes}\r\n`;
  const login = hasLogin ? undefined : loginOf(url);
  if (login) head += `Authorization: ${login}\r\n`;
  return `${head}${lines}\r\n`;
}

/** The same head for a proxy that passes the request on, with the headers that are for the proxy alone. */
export function headForProxy(head: string, url: URL, headers: Readonly<Record<string, string>>): string {
  const path = head.indexOf(" ") + 1;
  const lines = head.indexOf("\r\n") + 2;
  const own = Object.entries(headers).map(([name, text]) => lineOf(name, text)).join("");
  return `${head.slice(0, path)}http://${url.host}${head.slice(path, lines)}${own}${head.slice(lines)}`;
}

function lineOf(name: string, text: string): string {
  // The value may be secret.
  if (!token.test(name)) throw new TypeError(`Cannot send a header named ${JSON.stringify(name)}`);
  if (!value.test(text)) throw new TypeError(`Cannot send the header ${name}: its value holds what no header can`);
  return `${name}: ${text}\r\n`;
}
