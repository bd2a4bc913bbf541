/** The words of `relay check`, in English and in Brazilian Portuguese. */

import type { Locale } from "../messages/style.ts";

const en = {
  sound: "The config is sound:",
  sources: "Sources",
  everywhere: "at every address of this machine",
  secrets: (count: number) => count === 1 ? "1 secret" : `${count} secrets`,
  certificate: "Certificate",
  until: (day: string) => `until ${day}`,
  targets: "Targets",
  routes: "Routes",
  when: "when …",
  anythingElse: "anything else",
  goesNowhere: "is kept, goes nowhere",
  alerts: "Alerts",
  dead: (count: number) => `${count} or more dead letters`,
  silent: (pattern: string) => `no event ${pattern}`,
  for: (time: string) => `for ${time}`,
  refused: (count: number) => `${count} or more refused requests`,
  within: (time: string) => `within ${time}`,
  warnings: "Warnings",
};

const pt: typeof en = {
  sound: "Configuração em ordem:",
  sources: "Origens",
  everywhere: "em todos os endereços desta máquina",
  secrets: (count) => count === 1 ? "1 segredo" : `${count} segredos`,
  certificate: "Certificado",
  until: (day) => `até ${day}`,
  targets: "Destinos",
  routes: "Rotas",
  when: "se …",
  anythingElse: "qualquer outro",
  goesNowhere: "fica guardado, não vai a lugar nenhum",
  alerts: "Alertas",
  dead: (count) => `${count} ou mais entregas mortas`,
  silent: (pattern) => `nenhum evento ${pattern}`,
  for: (time) => `por ${time}`,
  refused: (count) => `${count} ou mais pedidos recusados`,
  within: (time) => `em ${time}`,
  warnings: "Avisos",
};

/** Every word of `relay check` but its warnings. What is wrong with a config is told in English. */
export function checkWords(locale: Locale): typeof en {
  return locale === "pt-BR" ? pt : en;
}
