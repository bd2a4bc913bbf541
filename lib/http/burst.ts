/**
 * Writes to many sockets in one go, at the end of a turn: who is at the other end is then woken once for all of them, and
 * not once for each, which costs more than the writing.
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";

let sockets: Socket[] = [];
let contents: (Buffer | string)[] = [];

/** Writes once everything that is to be done now is done. Nothing else may be written to the socket before that. */
export function writeSoon(socket: Socket, content: Buffer | string): void {
  if (sockets.length === 0) queueMicrotask(writeAll);
  sockets.push(socket);
  contents.push(content);
}

function writeAll(): void {
  const [waiting, written] = [sockets, contents];
  sockets = [];
  contents = [];
  waiting.forEach((socket, index) => {
    if (!socket.destroyed) socket.write(written[index]!);
  });
}
