/** A server that takes messages as ntfy does. @see https://github.com/binwiederhier/ntfy, server/server.go and errors.go */

import { Buffer } from "node:buffer";
import type { Respond } from "../sink.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2";

/** An error as ntfy writes it. */
export const ntfyError = (code: number, error: string): VendorAnswer => {
  const http = Math.floor(code / 100);
  return { status: http, body: { code, http, error, link: "https://ntfy.sh/docs/publish/" } };
};

/** Starts it. A message of more than 4,096 bytes becomes a file, of which a phone shows the name. */
export function startNtfy(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  return startVendor(({ path, headers, body }, { topic, message, title, priority = 3, click }) => {
    if (path !== "/") return ntfyError(40401, "page not found");
    const login = [`Bearer ${TOKEN}`, `Basic ${Buffer.from("phil:mypass").toString("base64")}`, undefined];
    if (!login.includes(headers.authorization)) return ntfyError(40101, "unauthorized");
    if (body.byteLength > 8_192) return ntfyError(41303, "JSON body too large");
    if (typeof topic !== "string" || !/^[-_A-Za-z0-9]{1,64}$/.test(topic)) {
      return ntfyError(40009, "invalid request: topic invalid");
    }
    if (![1, 2, 3, 4, 5].includes(priority as number)) return ntfyError(40007, "invalid priority parameter");
    const isFile = typeof message !== "string" || Buffer.byteLength(message) > 4_096;
    const text = isFile ? "attachment.txt" : message;
    const id = "sPs71M8A2T";
    const answer = { id, time: 1_700_000_000, event: "message", topic, title, message: text, priority, click };
    return { status: 200, body: answer, shown: { text: `${title}\n${text}`, effects: [] } };
  }, answers);
}
