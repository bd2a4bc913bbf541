/** Certificates made by OpenSSL, and clients that speak TLS. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { hasOpenssl } from "./authority.ts";

/** For tests that make certificates: they say so where OpenSSL is missing. */
export const needsOpenssl = { skip: hasOpenssl ? false : "needs openssl" };

interface CertificateOptions {
  days?: number;
  /** What OpenSSL makes for a key. Default: one on the curve P-256. */
  key?: string[];
  /** Name of the certificate that signs it. Default: itself. */
  issuer?: string;
  /** Whom it is for, besides these `names`. */
  name?: string;
  /** Whom it is for, in OpenSSL's words. Default: `localhost` and 127.0.0.1. */
  names?: string;
  /** Whether it may sign others. */
  isAuthority?: boolean;
}

/** Writes `NAME.pem` and `NAME.key` into a folder, for `localhost` and 127.0.0.1, and gives what is in them. */
export function makeCertificate(folder: string, name: string, options: CertificateOptions = {}) {
  const { days = 90, key = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], issuer, isAuthority = false } = options;
  const { names = "DNS:localhost,IP:127.0.0.1" } = options;
  const more = options.name === undefined ? "" : `,DNS:${options.name}`;
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const extensions = `subjectAltName=${names}${more}\nbasicConstraints=CA:${isAuthority}\n`;
  writeFileSync(join(folder, `${name}.ext`), extensions);
  openssl("req", "-newkey", ...key, "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  const by = issuer
    ? ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial"]
    : ["-signkey", `${name}.key`];
  const request = ["x509", "-req", "-in", `${name}.csr`, ...by, "-extfile", `${name}.ext`, "-days", String(days)];
  openssl(...request, "-out", `${name}.pem`);
  return {
    cert: readFileSync(join(folder, `${name}.pem`), "utf8"),
    key: readFileSync(join(folder, `${name}.key`), "utf8"),
  };
}

/** Connects to this machine by TLS; whose certificate it is, the caller may look at. */
export function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** Common name of the certificate that the other side shows. */
export function shownBy(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}

/** Sends a request on a connection and resolves with the whole answer; rejects if the connection ends before it. */
export function ask(socket: TLSSocket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const settle = (error?: Error) => {
      socket.off("data", take).off("close", cut);
      if (error) reject(error);
      else resolve(answer);
    };
    const take = (chunk: Uint8Array) => {
      answer += new TextDecoder().decode(chunk);
      const [, length, body] = /^Content-Length: (\d+)\r\n(?:.*\r\n)*\r\n(.*)$/mis.exec(answer) ?? [];
      if (length !== undefined && body!.length >= Number(length)) settle();
    };
    const cut = () => settle(new Error(`The connection ended after "${answer}"`));
    socket.on("data", take).on("close", cut);
    socket.write(request);
  });
}
