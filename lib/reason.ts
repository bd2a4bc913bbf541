/** The closed set of reasons why an attempt fails, which log, metrics, CLI and pages share. */

/** Why an attempt did not deliver. */
export const reasons = [
  "connection_refused",
  "connection_reset",
  "dns_failed",
  "tls_failed",
  "network_failed",
  "proxy_failed",
  "timed_out",
  "rate_limited",
  "redirected",
  "refused",
  "server_failed",
  "unexpected_answer",
  "token_refused",
  "recipient_unreachable",
  "window_closed",
  "template_wrong",
  "number_blocked",
  "script_failed",
  "script_not_run",
  "message_invalid",
  "note_missing",
  "note_refused",
  "note_unavailable",
  "crashed",
  "internal",
] as const;

export type Reason = typeof reasons[number];

/** Whether it is one of the reasons that this version knows. */
export function isReason(reason: unknown): reason is Reason {
  return reasons.includes(reason as Reason);
}
