/** Sends mails over SMTP. */

import { hostname } from "node:os";
import type { SentMessageInfo } from "nodemailer/lib/smtp-connection/index.js";
import { Told } from "../locale/told.ts";
import { isLoopback } from "../outbound/addresses.ts";
import { decode } from "../outbound/login.ts";
import type { Dead, Outcome } from "../outcome.ts";
import { asciiDomain, asciiName, domainOf, isAscii, type Mail, type Mailer } from "./mail.ts";
import { secretsOfUrl } from "./exchange.ts";
import { type SmtpError, smtpOutcome } from "./outcomes.ts";
import { openSession, type SmtpMessage, type SmtpServer, type SmtpSession } from "./smtp_session.ts";
import type { Policy } from "./target.ts";

/** What a config says of a mail server besides its URL. */
export interface SmtpOptions {
  /** Whether to send nothing without TLS. Default: `true`, but for a server on this machine. */
  requireTls?: boolean;
  /** Certificates in PEM; one of them must vouch for the server's. Default: those that the runtime trusts. */
  ca?: string;
  /** What EHLO says that this machine is called. */
  name: string;
}

/** How long a session waits for the next mail, in milliseconds. */
const IDLE_MS = 20_000;

/** Makes a mailer of a mail server's URL. */
export function smtpMailer(url: string, policy: Policy, options: SmtpOptions): Mailer {
  const server = serverOf(url, policy, options);
  const place = `${new URL(url).protocol}//${new URL(url).host}`;
  /** Sessions that wait for the next mail, and what ends each. */
  const idle = new Map<SmtpSession, ReturnType<typeof setTimeout>>();
  let isClosed = false;

  function keep(session: SmtpSession): void {
    if (isClosed) return session.quit();
    const end = () => {
      idle.delete(session);
      session.quit();
    };
    idle.set(session, setTimeout(end, IDLE_MS).unref());
  }

  /** The session that was kept last, if one has not ended since. */
  function takeKept(): SmtpSession | undefined {
    for (const [session, timer] of [...idle].reverse()) {
      clearTimeout(timer);
      idle.delete(session);
      if (!session.isClosed) return session;
    }
    return undefined;
  }

  async function sendOn(session: SmtpSession, message: SmtpMessage, signal: AbortSignal): Promise<Outcome> {
    const { from, to, bytes } = message;
    const foreign = [from, ...to].filter((address) => !isAscii(asciiDomain(address)));
    if (foreign.length > 0 && !session.takesUtf8) {
      keep(session);
      return notTaken(foreign, place);
    }
    try {
      const info = await session.send({ from: asciiDomain(from), to: to.map(asciiDomain), bytes }, signal);
      keep(session);
      return accepted(info);
    } catch (error) {
      session.quit();
      throw error;
    }
  }

  return {
    place,
    secrets: server.login?.pass ? secretsOfUrl(url) : [],
    async send(mail, signal) {
      const message = await write(mail);
      try {
        const kept = takeKept();
        if (kept) {
          try {
            return await sendOn(kept, message, signal);
          } catch (error) {
            const { responseCode } = error as SmtpError;
            const hasEnded = responseCode === undefined || responseCode === 421;
            if (!hasEnded || kept.hasBegun || signal.aborted) throw error;
          }
        }
        return await sendOn(await openSession(server, signal), message, signal);
      } catch (error) {
        return smtpOutcome(error as SmtpError, place);
      }
    },
    close() {
      isClosed = true;
      for (let kept = takeKept(); kept; kept = takeKept()) kept.quit();
    },
  };
}

/**
 * What EHLO says where the config does not: the machine's full name if it has one, else the domain of the sender. Many
 * servers refuse a name without a dot.
 */
export function ehloName(from: string, machine: string = hostname()): string {
  return machine.includes(".") ? machine : domainOf(from);
}

function serverOf(url: string, { timeoutMs }: Policy, { requireTls, ca, name }: SmtpOptions): SmtpServer {
  const { protocol, hostname, port, username, password } = new URL(url);
  const host = asciiName(decode(hostname)).replace(/^\[(.*)\]$/, "$1");
  const isLocal = isLoopback(host);
  const secure = protocol === "smtps:";
  return {
    host,
    port: Number(port) || (secure ? 465 : 587),
    login: username ? { user: decode(username), pass: decode(password) } : undefined,
    options: {
      name,
      secure,
      requireTLS: requireTls ?? !isLocal,
      // A certificate proves nothing that matters on the way to this very machine, unless the config asks for it.
      tls: { rejectUnauthorized: ca !== undefined || !isLocal, ca },
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: Math.max(timeoutMs, 2 * IDLE_MS),
    },
  };
}

async function write({ id: _, messageId, ...mail }: Mail): Promise<SmtpMessage> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer/index.js");
  const node = new MailComposer({
    ...mail,
    to: [...mail.to],
    messageId: `<${messageId}>`,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const { from, to } = node.getEnvelope();
  return { from: from || "", to, bytes: await node.build() };
}

function accepted({ response = "", rejected = [] }: SentMessageInfo): Outcome {
  const refused = rejected.join(", ");
  return {
    kind: "delivered",
    status: Number.parseInt(response) || undefined,
    answer: refused ? `${response} (refused: ${refused})` : response,
  };
}

function notTaken(addresses: string[], place: string): Dead {
  const quoted = [...new Set(addresses)].map((address) => `"${address}"`);
  return { kind: "dead", reason: "refused", detail: Told.of((words) => words.outcomes.email.noUtf8(quoted, place)) };
}
