/** Prometheus' alert rules: what somebody must be told of, and what to do about it by the relay's own verbs. */

import { names } from "../metrics.ts";

/**
 * One rule. `summary` and `description` are templates of Prometheus.
 * @see https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
 */
export interface Rule {
  alert: string;
  expr: string;
  /** How long `expr` must hold before somebody is told. */
  for: string;
  /** `critical`: events are not being taken. `warning`: they are, and something will need a hand soon. */
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
    description:
      "It is not running, or cannot read its store; then senders get no answer, or 503, and try again later. " +
      "`systemctl status relay` and `journalctl -u relay` tell why; `relay check` tells mistakes in the config.",
  },
  {
    alert: "RelayAbsent",
    expr: `absent_over_time(${names.buildInfo}[1d])`,
    for: "5m",
    severity: "warning",
    summary: "Prometheus has seen no relay for a day",
    description: "See that Prometheus scrapes `/metrics` of the admin listener (`admin` in the config, port 9300 " +
      "by default), with its token if it has one.",
  },
  {
    alert: "RelayNotStoring",
    expr: `${refused("store_failed")} > 0`,
    for: "0m",
    severity: "critical",
    summary: "relay on {{ $labels.instance }} cannot store events of {{ $labels.source }}",
    description: "Senders are answered 503 and try again later, until they give up. The log says why (a full disk, a " +
      "locked file, too much waiting); `/readyz` answers 200 once that is fixed; `relay status` shows what is waiting.",
  },
  {
    alert: "RelaySignaturesWrong",
    expr: `sum by (job, instance, source) (${refused("signature_.+")}) > 5`,
    for: "0m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} requests to {{ $labels.source }} with no good signature in 15 minutes',
    description: "Somebody forges events, or the sender has a new secret. If genuine events are missing, put the new " +
      "secret beside the old one in the config (`secret: [new, old]`); `relay verify --signature S FILE` explains a " +
      "signature. The log names the clients.",
  },
  {
    alert: "RelayAckSlow",
    expr: `${slowest(names.ackDuration)} > 1`,
    for: "10m",
    severity: "warning",
    summary: "relay on {{ $labels.instance }} takes {{ $value | humanizeDuration }} to accept an event",
    description: "Senders may give up waiting and send again. The disk or the processor is too busy: see " +
      "RelayCommitSlow, and what else runs on the machine; `relay status` shows what is waiting.",
  },
  {
    alert: "RelayCommitSlow",
    expr: `${slowest(names.commitDuration)} > 0.25`,
    for: "10m",
    severity: "warning",
    summary: "The store of relay on {{ $labels.instance }} takes {{ $value | humanizeDuration }} for a commit",
    description: "Every answer waits for it. Look for what else writes to that disk, or move the store to a faster " +
      "one (`store` in the config); with PostgreSQL, look at the database and the network to it. `relay status` prints " +
      "the store's path and size.",
  },
  {
    alert: "RelayDeadLetters",
    expr: `increase(${names.deliveriesDone}{state="dead"}[15m]) > 0`,
    for: "0m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} deliveries to {{ $labels.target }} were given up',
    description:
      "`relay events --state dead --target {{ $labels.target }}` lists them, `relay events ID` tells one's " +
      "story. Fix the target, then `relay retry --dead --target {{ $labels.target }}`.",
  },
  {
    alert: "RelayCircuitOpen",
    expr: `${names.circuitOpen} == 1`,
    for: "10m",
    severity: "warning",
    summary: "{{ $labels.target }} is held: its attempts fail in a row",
    description: "What waits loses no attempt, and goes out when a probe succeeds. `relay status` tells the last " +
      "reason. Once it works again, `relay retry --dead --target {{ $labels.target }}` sends what was given up before.",
  },
  {
    alert: "RelayDeliveriesLate",
    expr: `${names.oldestPending} > 3600`,
    for: "5m",
    severity: "warning",
    summary: "An event has waited {{ $value | humanizeDuration }} for {{ $labels.target }}",
    description: "`relay status` tells whether {{ $labels.target }} fails, is held or paused, or is no longer in the " +
      "config; `relay events --state pending --target {{ $labels.target }}` lists what waits.",
  },
  {
    alert: "RelayBacklogGrowing",
    expr: `${names.backlog} > 1000 and deriv(${names.backlog}[15m]) > 0`,
    for: "15m",
    severity: "warning",
    summary: '{{ printf "%.0f" $value }} deliveries wait for {{ $labels.target }}, and their number grows',
    description:
      "{{ $labels.target }} takes fewer than come in. `relay status` tells whether it fails; if it is only " +
      "slow, raise its `concurrency` or `rate` in the config, then `systemctl reload relay`.",
  },
  {
    alert: "RelayTargetUnowned",
    // Only while every relay is read: what one owns that is not read would count as nobody's.
    expr: `sum by (job) (${names.lanesOwned}) < max by (job) (${names.lanes}) ` +
      `and on (job) count by (job) (${names.members}) >= max by (job) (${names.members})`,
    for: "2m",
    severity: "warning",
    summary: "The relays of {{ $labels.job }} own fewer targets than their configs name",
    description: "Deliveries to some target wait, since no relay makes them. `relay status` tells which one, and the " +
      "log of each relay what it could not take over. Give relays that share no store a job of their own in Prometheus.",
  },
  {
    alert: "RelayMemberLost",
    // A restart is shorter than `for`. What one relay sees is compared with what the same one saw before.
    expr: `max by (job) (max_over_time(${names.members}[10m]) - ${names.members}) > 0`,
    for: "2m",
    severity: "warning",
    summary: 'Relays of {{ $labels.job }} that are gone: {{ printf "%.0f" $value }}',
    description: "The others have taken over its targets. `relay status` tells which one it is, when it was heard of " +
      "last and whether it was stopped; `journalctl -u relay` on its machine tells more.",
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
