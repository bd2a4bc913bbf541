/** Sends mails over SMTP. */

import type { SentMessageInfo, Transporter } from "nodemailer";
import { decode } from "../outbound/login.ts";
import type { Outcome } from "../outcome.ts";
import type { Mailer } from "./mail.ts";
import { secretsOfUrl } from "./network.ts";
import { smtpOutcome } from "./outcomes.ts";
import type { Policy } from "./target.ts";

/** How a mail server must prove itself. */
export interface SmtpTls {
  /** Whether to send nothing without TLS. Default: `true`, but for a server on this machine. */
  requireTls?: boolean;
  /** Certificates in PEM; one of them must vouch for the server's. Default: those that the runtime trusts. */
  ca?: string;
}

/** Makes a mailer of a mail server's URL. */
export function smtpMailer(url: string, policy: Policy, { requireTls, ca }: SmtpTls): Mailer {
  const server = new URL(url);
  const password = decode(server.password);
  const place = `${server.protocol}//${server.host}`;
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(server.hostname);
  const options = {
    pool: true,
    maxConnections: policy.concurrency,
    host: server.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(server.port) || (server.protocol === "smtps:" ? 465 : 587),
    secure: server.protocol === "smtps:",
    requireTLS: requireTls ?? !isLocal,
    // A certificate proves nothing that matters on the way to this very machine, unless the config asks for it.
    tls: { rejectUnauthorized: ca !== undefined || !isLocal, ca },
    auth: server.username ? { user: decode(server.username), pass: password } : undefined,
    connectionTimeout: policy.timeoutMs,
    greetingTimeout: policy.timeoutMs,
    socketTimeout: policy.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  let transport: Promise<Transporter> | undefined;
  // Loaded for the first mail: it takes 7 MB of memory, for which a relay that sends none has no use.
  const connect = () => transport ??= import("nodemailer").then(({ createTransport }) => createTransport(options));
  return {
    place,
    secrets: password ? secretsOfUrl(url) : [],
    async send({ id: _, messageId, to, ...mail }, signal) {
      const sending = (await connect()).sendMail({ ...mail, to: [...to], messageId: `<${messageId}>`, signal });
      return await sending.then(accepted, (error) => smtpOutcome(error, place));
    },
    close: () => void transport?.then((opened) => opened.close()),
  };
}

function accepted(info: SentMessageInfo): Outcome {
  const { response = "", rejected = [] } = info;
  const refused = rejected.join(", ");
  return {
    kind: "delivered",
    status: Number.parseInt(response) || undefined,
    answer: refused ? `${response} (refused: ${refused})` : response,
  };
}
