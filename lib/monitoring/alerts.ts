/** Prometheus' alert rules: what needs attention, and what to do about it with relay's verbs. */

import { names } from "../metrics.ts";

/**
 * One rule. `summary` and `description` are templates of Prometheus.
 * @see https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
 */
export interface Rule {
  alert: string;
  expr: string;
  /** How long `expr` must hold before the alert fires. */
  for: string;
  /** `critical`: no events are accepted. `warning`: they are, but something needs attention soon. */
  severity: "critical" | "warning";
  summary: string;
  description: string;
}

const refused = (results: string) => `increase(${names.eventsReceived}{result=~"${results}"}[15m])`;

const slowest = (name: string) => `histogram_quantile(0.99, sum by (job, instance, le) (rate(${name}_bucket[5m])))`;

/** What the alert rules file holds. */
export const rules: readonly Rule[] = [
  {
    alert: "RelayDown",
    // Whatever the job is called: an instance that was a relay within the last day.
    expr: `up == 0 and on (job, instance) last_over_time(${names.buildInfo}[1d])`,
    for: "2m",
    severity: "critical",
    summary: "Prometheus cannot read the relay on {{ $labels.instance }}",
    description: "It is not running, or cannot read its store. Senders get no answer, or 503, and try again later. " +
      "`systemctl status relay` and `journalctl -u relay` show why; `relay check` shows mistakes in the config.",
  },
  {
    alert: "RelayAbsent",
    expr: `absent_over_time(${names.buildInfo}[1d])`,
    for: "5m",
    severity: "warning",
    summary: "Prometheus has seen no relay for a day",
    description: "Check that Prometheus scrapes `/metrics` of the admin listener (`admin` in the config, port 9300 " +
      "by default), with its token if it has one.",
  },
  {
    alert: "RelayNotStoring",
    expr: `${refused("store_failed")} > 0`,
    for: "0m",
    severity: "critical",
    summary: "relay on {{ $labels.instance }} cannot store events from {{ $labels.source }}",
    description: "Senders get 503 and try again later, until they give up. The log says why (a full disk, a locked " +
      "file, too many requests at once); `/readyz` answers 200 once it is fixed; `relay status` shows what is waiting.",
  },
  {
    alert: "RelaySignaturesWrong",
    expr: `sum by (job, instance, source) (${refused("signature_.+")}) > 5`,
    for: "0m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} requests to {{ $labels.source }} without a valid signature in 15 minutes',
    description: "Somebody forges events, or the sender has a new secret. If genuine events are missing, add the new " +
      "secret to the old one in the config (`secret: [new, old]`). `relay verify --signature S FILE` explains what is " +
      "wrong with a signature. The log names the clients.",
  },
  {
    alert: "RelayAckSlow",
    expr: `${slowest(names.ackDuration)} > 1`,
    for: "10m",
    severity: "warning",
    summary: "relay on {{ $labels.instance }} takes {{ $value | humanizeDuration }} to accept an event",
    description: "Senders may time out and send again. The disk or the processor is too busy: check RelayCommitSlow, " +
      "and what else runs on the machine; `relay status` shows what is waiting.",
  },
  {
    alert: "RelayCommitSlow",
    expr: `${slowest(names.commitDuration)} > 0.25`,
    for: "10m",
    severity: "warning",
    summary: "A commit to the store of relay on {{ $labels.instance }} takes {{ $value | humanizeDuration }}",
    description: "Every answer waits for a commit. Find out what else writes to that disk, or move the store to a " +
      "faster one (`store` in the config); with PostgreSQL, check the database and the network to it. `relay status` " +
      "shows the store's path and size.",
  },
  {
    alert: "RelayDeadLetters",
    expr: `increase(${names.deliveriesDone}{state="dead"}[15m]) > 0`,
    for: "0m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} deliveries to {{ $labels.target }} failed for good',
    description:
      "`relay events --state dead --target {{ $labels.target }}` lists them, and `relay events ID` shows why one " +
      "failed. Fix the target, then run `relay retry --dead --target {{ $labels.target }}`.",
  },
  {
    alert: "RelayCircuitOpen",
    expr: `${names.circuitOpen} == 1`,
    for: "10m",
    severity: "warning",
    summary: "{{ $labels.target }} is held after several failures in a row",
    description:
      "Waiting deliveries lose no attempts, and go out once a probe succeeds. `relay status` shows the last " +
      "reason. Once the target works again, `relay retry --dead --target {{ $labels.target }}` sends its dead letters.",
  },
  {
    alert: "RelayDeliveriesLate",
    expr: `${names.oldestPending} > 3600`,
    for: "5m",
    severity: "warning",
    summary: "An event has waited {{ $value | humanizeDuration }} for {{ $labels.target }}",
    description: "`relay status` shows whether {{ $labels.target }} is failing, held or paused, or no longer in the " +
      "config; `relay events --state pending --target {{ $labels.target }}` lists what is waiting. " +
      "It may also wait for quiet hours to end, or for its digest.",
  },
  {
    alert: "RelayBacklogGrowing",
    expr: `${names.backlog} > 1000 and deriv(${names.backlog}[15m]) > 0`,
    for: "15m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} deliveries are waiting for {{ $labels.target }}, and more keep coming',
    description:
      "{{ $labels.target }} takes fewer events than come in. `relay status` shows whether it is failing. If it is only " +
      "slow, raise its `concurrency` or `rate` in the config, then run `systemctl reload relay`.",
  },
  {
    alert: "RelayTargetUnowned",
    // Only while every relay is read: what one owns that is not read would count as nobody's.
    expr: `sum by (job) (${names.lanesOwned}) < max by (job) (${names.lanes}) ` +
      `and on (job) count by (job) (${names.members}) >= max by (job) (${names.members})`,
    for: "2m",
    severity: "warning",
    summary: "The relays of {{ $labels.job }} own fewer targets than their configs name",
    description:
      "Deliveries to some target wait because no relay owns it. `relay status` shows which one, and the log " +
      "of each relay says why it did not take the target over. In Prometheus, give relays that share no store separate " +
      "jobs.",
  },
  {
    alert: "RelayMemberLost",
    // A restart is shorter than `for`. What one relay sees is compared with what the same one saw before.
    expr: `max by (job) (max_over_time(${names.members}[10m]) - ${names.members}) > 0`,
    for: "2m",
    severity: "warning",
    summary: 'Relays of {{ $labels.job }} that are gone: {{ printf "%.0f" $value }}',
    description:
      "The others have taken over their targets. `relay status` shows which relay is gone, when it was last " +
      "seen and whether it was stopped; `journalctl -u relay` on its machine shows more.",
  },
];

/** The rules as the YAML file that Prometheus reads. */
export function rulesFile(): string {
  return ["groups:", "  - name: relay", "    rules:", ...rules.flatMap(linesOf)].join("\n") + "\n";
}

function linesOf({ alert, expr, for: duration, severity, summary, description }: Rule): string[] {
  return [
    `      - alert: ${alert}`,
    `        expr: ${quoted(expr)}`,
    `        for: ${duration}`,
    `        labels:`,
    `          severity: ${severity}`,
    `        annotations:`,
    `          summary: ${quoted(summary)}`,
    `          description: ${quoted(description)}`,
  ];
}

/** A text as YAML writes it on one line with nothing escaped in it but the quote (YAML 1.2, section 7.3.2). */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
