/** What pages load: style, script and icon, under names that change with their content. */

import { createHash } from "node:crypto";
import client from "./client.js" with { type: "text" };
import events from "./events.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import style from "./style.css" with { type: "text" };

/** A file that a page loads. */
export interface Asset {
  path: string;
  type: string;
  text: string;
}

/** Comments at the beginnings of lines, and what indents these: pages load without them. */
const unread = /^\s*(\/\*[^]*?\*\/|\/\/.*$)|^[ \t]+/gm;

/** Every asset, by what it is for. */
export const assets = {
  style: asset("style.css", "text/css", style as unknown as string),
  client: asset("client.js", "text/javascript", client as unknown as string),
  events: asset("events.js", "text/javascript", events as unknown as string),
  icon: asset("icon.svg", "image/svg+xml", icon as unknown as string),
};

/** The asset at a path. */
export function assetAt(path: string): Asset | undefined {
  return Object.values(assets).find((one) => one.path === path);
}

function asset(name: string, type: string, source: string): Asset {
  const text = source.replaceAll(unread, "").replaceAll(/\n+/g, "\n");
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 12);
  return { path: `/assets/${hash}-${name}`, type: `${type}; charset=utf-8`, text };
}
