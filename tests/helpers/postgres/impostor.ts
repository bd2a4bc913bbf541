/** What speaks PostgreSQL's protocol, and says that it is something else. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Database, databaseAt } from "./database.ts";

export interface Impostor extends Pick<Database, "url"> {
  close(): Promise<void>;
}

/**
 * Stands before a real server, in whose answers it puts other text in the place of some.
 * @param lies What the server says, and what is heard: not longer, since messages begin with their length; blanks follow.
 */
export async function startImpostor(postgres: Database, lies: Readonly<Record<string, string>>): Promise<Impostor> {
  const texts = Object.entries(lies).map(([text, lie]) => {
    const length = Buffer.byteLength(text);
    if (Buffer.byteLength(lie) > length) throw new Error(`"${lie}" is longer than "${text}"`);
    return [Buffer.from(text), Buffer.from(lie.padEnd(length))] as const;
  });
  return await listen((client) => {
    const server = connect(postgres.port, "127.0.0.1");
    client.pipe(server);
    server.on("data", (chunk: Buffer) => client.write(lied(chunk, texts)));
    server.on("close", () => client.destroy()).on("error", () => {});
    client.on("close", () => server.destroy());
  }, postgres);
}

/** Lets everybody in, and answers to whatever it is asked that it knows no such function. */
export async function startStranger(): Promise<Impostor> {
  const message = (type: string, body: string) => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, Buffer.from(body, "latin1")]);
  };
  const ready = message("Z", "I");
  const refusal = message("E", "SERROR\0VERROR\0C42883\0Munknown function\0\0");
  return await listen((client) => {
    let isIn = false;
    client.on("data", (chunk: Buffer) => {
      if (!isIn) {
        isIn = true;
        return void client.write(Buffer.concat([message("R", "\0\0\0\0"), ready]));
      }
      // A query, or the end of a group of messages, is answered; what begins or ends a transaction succeeds.
      const type = String.fromCharCode(chunk[0]!);
      const isTransaction = /^Q....(BEGIN|COMMIT|ROLLBACK)/s.test(chunk.toString("latin1"));
      if (type === "X") client.end();
      else client.write(Buffer.concat([isTransaction ? message("C", "BEGIN\0") : refusal, ready]));
    });
  }, { version: 18, password: undefined });
}

async function listen(
  serve: (client: Socket) => void,
  { version, password }: Pick<Database, "version" | "password">,
): Promise<Impostor> {
  const clients = new Set<Socket>();
  const listener = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client)).on("error", () => {});
    serve(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  return {
    url: databaseAt({ port, version, password }).url,
    async close() {
      for (const client of clients) client.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

function lied(chunk: Buffer, texts: readonly (readonly [Buffer, Buffer])[]): Buffer {
  const copy = Buffer.from(chunk);
  for (const [text, lie] of texts) {
    for (let at = copy.indexOf(text); at !== -1; at = copy.indexOf(text, at + text.length)) lie.copy(copy, at);
  }
  return copy;
}
