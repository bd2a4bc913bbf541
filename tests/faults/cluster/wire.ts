/** As much of PostgreSQL's protocol as a proxy needs to tell which answer belongs to which request. */

import { Buffer } from "node:buffer";

/** First messages of a connection that ask for encryption; the server answers each with a single byte. */
const ENCRYPTION = [80877103, 80877104];

/** What ends a request; the server answers it up to one ReadyForQuery. */
const REQUEST_ENDS = ["Q", "S", "F"];

/** A request that the client has sent whole. */
export interface Request {
  /** From 1 on each connection; the start of the session is 0. */
  number: number;
  /** The SQL of the statements that it runs. */
  sql: string[];
}

/** Some bytes of the server. */
export interface Piece {
  bytes: Buffer;
  /** The request that they answer. */
  request: number;
  /** They are the last of that answer. */
  isLast: boolean;
}

interface Message {
  /** Empty for a message of the start, which has none. */
  type: string;
  bytes: Buffer;
}

/** Cuts a stream into messages. */
class Framer {
  #rest: Buffer = Buffer.alloc(0);
  readonly #typeLength: () => number;

  /** @param typeLength How many bytes the type of the next message takes: 1, or 0 at the start. */
  constructor(typeLength: () => number) {
    this.#typeLength = typeLength;
  }

  add(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
  }

  /** Takes this number of bytes as they are, if they have come. */
  take(length: number): Buffer | undefined {
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  /** The next message, if it has come whole. */
  next(): Message | undefined {
    const typeLength = this.#typeLength();
    if (this.#rest.length < typeLength + 4) return undefined;
    const type = this.#rest.toString("latin1", 0, typeLength);
    const bytes = this.take(typeLength + this.#rest.readUInt32BE(typeLength));
    return bytes && { type, bytes };
  }
}

/** One connection, as both sides speak on it. Nothing on it may be encrypted. */
export class Conversation {
  #isStarted = false;
  #bytesToEncryption = 0;
  #requests = 0;
  #answered = 0;
  #sql: string[] = [];
  readonly #statements = new Map<string, string>();
  readonly #client = new Framer(() => this.#isStarted ? 1 : 0);
  readonly #server = new Framer(() => 1);

  /** Takes what the client has sent; gives the whole messages of it, and the requests that they end. */
  sent(chunk: Buffer): { bytes: Buffer; requests: Request[] } {
    this.#client.add(chunk);
    const bytes: Buffer[] = [];
    const requests: Request[] = [];
    for (let message = this.#client.next(); message; message = this.#client.next()) {
      bytes.push(message.bytes);
      if (!this.#isStarted) this.#begin(message.bytes.readUInt32BE(4));
      else if (this.#read(message)) {
        requests.push({ number: ++this.#requests, sql: this.#sql });
        this.#sql = [];
      }
    }
    return { bytes: Buffer.concat(bytes), requests };
  }

  /** Takes what the server has sent; gives the whole messages of it. */
  answered(chunk: Buffer): Piece[] {
    this.#server.add(chunk);
    const pieces: Piece[] = [];
    while (this.#bytesToEncryption > 0) {
      const bytes = this.#server.take(1);
      if (!bytes) return pieces;
      if (bytes[0] === 0x53) throw new Error("This connection is encrypted: its answers cannot be told apart");
      this.#bytesToEncryption--;
      pieces.push({ bytes, request: 0, isLast: false });
    }
    for (let message = this.#server.next(); message; message = this.#server.next()) {
      const isLast = message.type === "Z";
      pieces.push({ bytes: message.bytes, request: this.#answered, isLast });
      if (isLast) this.#answered++;
    }
    return pieces;
  }

  #begin(code: number): void {
    if (ENCRYPTION.includes(code)) this.#bytesToEncryption++;
    else this.#isStarted = true;
  }

  /** Reads a message of the client; says whether it ends a request. */
  #read({ type, bytes }: Message): boolean {
    const texts = () => bytes.toString("utf8", 5).split("\0");
    if (type === "Q") this.#sql.push(texts()[0]!);
    if (type === "P") {
      const [name = "", sql = ""] = texts();
      this.#statements.set(name, sql);
    }
    if (type === "B") this.#sql.push(this.#statements.get(texts()[1]!) ?? "");
    return REQUEST_ENDS.includes(type);
  }
}
