/** A real mail server, Debian's Exim, in a folder of its own: it wants TLS and a password, and knows whom to refuse. */

import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { hasOpenssl, makeAuthority } from "./authority.ts";
import { makeFolder } from "./folder.ts";
import { freePort } from "./port.ts";
import { until } from "./wait.ts";

const PROGRAM = "/usr/sbin/exim4"; // not on the PATH of everybody

/** For tests that need the server: they say so where it is missing. */
export const needsExim = {
  skip: existsSync(PROGRAM) && hasOpenssl
    ? false
    : "needs exim4 and openssl, of the packages exim4-daemon-light, openssl",
};

/** Longest message that it takes, in bytes. */
export const MAX_MAIL = 20_000;

export interface Exim {
  port: number;
  /** `user:password` that it takes, after STARTTLS alone. */
  login: string;
  /** Certificate of the authority that vouches for it, in PEM. */
  ca: string;
  /** All mails that it has delivered, as they lie in the mailbox. */
  mailbox(): string;
  /** What it has logged. */
  log(): string;
  close(): Promise<void>;
}

/**
 * Starts it on loopback. At clinica.example it has a mailbox for everybody but `ninguem`, and `cinza` is greylisted: what
 * comes for it is put off once.
 */
export async function startExim(): Promise<Exim> {
  const folder = makeFolder();
  const [port, path] = [await freePort(), folder.path];
  makeAuthority(path);
  const me = id("-un");
  const user = me === "root" ? "Debian-exim" : me; // as root it would deliver nothing
  writeFileSync(join(path, "exim.conf"), configOf(path, port, user));
  if (user !== me) give(path, user);

  const child = spawn(PROGRAM, ["-C", join(path, "exim.conf"), "-bdf", "-q1h"], { env: {} });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    child.on("close", () => {
      hasEnded = true;
      resolve();
    })
  );
  const read = (name: string) => existsSync(join(path, name)) ? readFileSync(join(path, name), "utf8") : "";
  const close = async () => {
    if (!hasEnded) process.kill(child.pid!, "SIGTERM");
    await ended;
    folder.remove();
  };
  try {
    await until("Exim to listen", () => {
      if (hasEnded) throw new Error(`Exim ended: ${output}${read("paniclog")}`);
      return greets(port);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    login: "relay:s3nha",
    ca: read("ca.pem"),
    mailbox: () => read("mailbox"),
    log: () => output + read("mainlog") + read("rejectlog") + read("paniclog"),
    close,
  };
}

/** Gives the folder and the key to the user that the server becomes; the config must stay root's. */
function give(folder: string, user: string): void {
  const [uid, gid] = [Number(id("-u", user)), Number(id("-g", user))];
  chownSync(folder, uid, gid);
  for (const name of readdirSync(folder)) if (name !== "exim.conf") chownSync(join(folder, name), uid, gid);
}

function id(...args: string[]): string {
  return execFileSync("id", args, { encoding: "utf8" }).trim();
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("data", () => {
      socket.end("QUIT\r\n");
      resolve(true);
    });
  });
}

/** @see https://www.exim.org/exim-html-current/doc/html/spec_html/index.html */
function configOf(folder: string, port: number, user: string): string {
  return `
exim_user = ${user}
exim_group = ${id("-gn", user)}
deliver_drop_privilege
keep_environment =
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/exim.pid
primary_hostname = mail.clinica.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
message_size_limit = ${MAX_MAIL}
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  deny !authenticated = *
       message = sign in first
  deny !domains = clinica.example
       message = relaying is not for you
  deny local_parts = ninguem
       message = no such user here
  defer local_parts = cinza
        !condition = \${if exists{${folder}/seen}}
        message = greylisted, come back later
        log_message = \${run{/usr/bin/touch ${folder}/seen}}first time
  accept

begin routers
all:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  file = ${folder}/mailbox
  user = ${user}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = \${if def:tls_in_cipher}
  server_condition = \${if and{{eq{$auth2}{relay}}{eq{$auth3}{s3nha}}}}
  server_set_id = $auth2
`;
}
