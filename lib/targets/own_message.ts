/** What relay's own events say to a person, in Brazilian Portuguese or English. */

import type { Payload } from "../event.ts";
import type { AlarmData, OwnData } from "../own_event.ts";
import { inWords } from "../units.ts";
import type { DefaultMessage, Locale } from "./default_message.ts";

interface Words {
  what: string;
  since: string;
  todo: string;
  target: string;
  time: string;
  testTitle: string;
  test: string;
  noAction: string;
  titles: Record<AlarmData["alarm"], { begin: string; end: string }>;
  deadBegin: (limit: number) => string;
  deadEnd: (limit: number) => string;
  deadTodo: string;
  silentBegin: (pattern: string, time: string) => string;
  silentEnd: (pattern: string) => string;
  silentTodo: string;
}

const words: Record<Locale, Words> = {
  "pt-BR": {
    what: "O que houve",
    since: "Desde",
    todo: "O que fazer",
    target: "Destino",
    time: "Horário",
    testTitle: "Mensagem de teste do relay",
    test: "Isto é um teste: nenhum evento real aconteceu",
    noAction: "Nada",
    titles: {
      dead: { begin: "Alarme do relay: eventos não entregues", end: "Fim do alarme do relay: eventos não entregues" },
      silent: {
        begin: "Alarme do relay: nenhum evento chega",
        end: "Fim do alarme do relay: eventos voltaram a chegar",
      },
    },
    deadBegin: (limit) =>
      limit === 1 ? "Há entregas que falharam de vez" : `Há ${limit} ou mais entregas que falharam de vez`,
    deadEnd: (limit) =>
      limit === 1 ? "Não há mais entregas que falharam de vez" : `Há menos de ${limit} entregas que falharam de vez`,
    deadTodo: "`relay status` mostra o destino e o motivo; depois de corrigir, `relay retry --dead` entrega de novo",
    silentBegin: (pattern, time) => `Nenhum evento \`${pattern}\` chega há ${time}`,
    silentEnd: (pattern) => `Chegou um evento \`${pattern}\``,
    silentTodo:
      "`relay events` mostra o que chegou por último; verifique no ConnectVets o endereço do webhook, e neste servidor a rede e o proxy",
  },
  en: {
    what: "What happened",
    since: "Since",
    todo: "What to do",
    target: "Target",
    time: "Time",
    testTitle: "Test message from relay",
    test: "This is a test: no real event happened",
    noAction: "Nothing",
    titles: {
      dead: { begin: "Alarm from relay: dead letters", end: "Alarm from relay is over: dead letters" },
      silent: { begin: "Alarm from relay: no events come in", end: "Alarm from relay is over: events come in again" },
    },
    deadBegin: (limit) =>
      limit === 1
        ? "There are deliveries that failed for good"
        : `There are ${limit} or more deliveries that failed for good`,
    deadEnd: (limit) =>
      limit === 1
        ? "There are no more deliveries that failed for good"
        : `There are fewer than ${limit} deliveries that failed for good`,
    deadTodo:
      "`relay status` shows the target and the reason; once that is mended, `relay retry --dead` delivers again",
    silentBegin: (pattern, time) => `No event \`${pattern}\` has come in for ${time}`,
    silentEnd: (pattern) => `An event \`${pattern}\` came in`,
    silentTodo:
      "`relay events` shows what came in last; check the webhook's address in ConnectVets, and network and proxy of this server",
  },
};

/** @param timeOf Writes a time, given in ISO 8601, for a person. */
export function ownMessage(payload: Payload, locale: Locale, timeOf: (iso: unknown) => string): DefaultMessage {
  const w = words[locale];
  const time: [string, string] = [w.time, timeOf(payload.timestamp)];
  if (payload.event === "relay.test") {
    const { target } = payload.data as OwnData["relay.test"];
    return { title: w.testTitle, facts: [[w.what, w.test], [w.todo, w.noAction], [w.target, target], time] };
  }
  const data = payload.data as AlarmData;
  const isBegin = payload.event === "relay.alarm.begin";
  return {
    title: w.titles[data.alarm][isBegin ? "begin" : "end"],
    facts: [
      [w.what, isBegin ? beginning(data, locale) : ending(data, locale)],
      [w.since, timeOf(data.since)],
      [w.todo, isBegin ? (data.alarm === "dead" ? w.deadTodo : w.silentTodo) : w.noAction],
      time,
    ],
  };
}

function beginning(data: AlarmData, locale: Locale): string {
  const { deadBegin, silentBegin } = words[locale];
  return data.alarm === "dead" ? deadBegin(data.limit) : silentBegin(data.pattern, inWords(data.forMs, locale));
}

function ending(data: AlarmData, locale: Locale): string {
  const { deadEnd, silentEnd } = words[locale];
  return data.alarm === "dead" ? deadEnd(data.limit) : silentEnd(data.pattern);
}
