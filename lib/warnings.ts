/** What an operator should know of a config that is sound, in English and in Brazilian Portuguese. */

import type { Locale } from "./messages/style.ts";

/** Dates are in the form of ISO 8601; `place` is that of a certificate in its file, from 1. */
const en = {
  shortSecret: "is shorter than 16 bytes, which can be guessed",
  noProgram: (program: string) => `${program} is not there, or not executable`,
  sandboxKey: "has a key of the sandbox, cvn_test_…, but no `sandbox: true`",
  productionKey: "has a key of production, cvn_live_…, but `sandbox: true`",
  idleEnrich: "fetches nothing: the route's targets send the bytes received, and make no message of the event",
  certificate: (place: number) => place === 1 ? "" : `: certificate ${place} in it`,
  expired: (date: string, place: number) => `expired on ${date}${en.certificate(place)}; senders refuse it`,
  notYetValid: (date: string, place: number) =>
    `is not valid before ${date}${en.certificate(place)}; senders refuse it`,
  expires: (days: number, date: string, place: number) => {
    const when = days === 0 ? "today or tomorrow" : days === 1 ? "in 1 day" : `in ${days} days`;
    return `expires ${when}, on ${date}${en.certificate(place)}; renew it, and then reload the relay`;
  },
  selfSigned: "is signed by itself; senders that do not know it refuse it",
  noIssuer: (issuer: string) =>
    `comes without the certificate of its issuer "${issuer}"; senders may refuse it, unless that is an authority ` +
    "which they know; give the whole chain, which is often in a file named fullchain.pem",
  noChain: (place: number) =>
    `is no chain: certificate ${place} did not issue certificate ${place - 1}; senders may refuse it`,
  noHost: "names no host (subjectAltName); senders may refuse it",
  readable: (file: string, mode: string) =>
    `${file} can be read by every user of this machine (mode ${mode}); run \`chmod 600 ${quoted(file)}\``,
  asService: '; if a service cannot read it then, use credential("NAME")',
  readableConfig: (file: string, mode: string) =>
    `${file} holds a secret and can be read by every user of this machine (mode ${mode}); put the secret into .env, ` +
    'and env("NAME") in its place',
  changeable: (file: string, mode: string) =>
    `${file} can be changed by every user of this machine (mode ${mode}); run \`chmod 600 ${quoted(file)}\``,
};

const pt: typeof en = {
  shortSecret: "tem menos de 16 bytes, e pode ser adivinhado",
  noProgram: (program) => `${program} não existe, ou não é executável`,
  sandboxKey: "tem uma chave do sandbox, cvn_test_…, mas não `sandbox: true`",
  productionKey: "tem uma chave de produção, cvn_live_…, mas `sandbox: true`",
  idleEnrich: "não busca nada: os destinos da rota enviam os bytes recebidos, sem fazer uma mensagem do evento",
  certificate: (place) => place === 1 ? "" : `: o certificado ${place} do arquivo`,
  expired: (date, place) => `venceu em ${date}${pt.certificate(place)}; quem envia o recusa`,
  notYetValid: (date, place) => `só vale a partir de ${date}${pt.certificate(place)}; quem envia o recusa`,
  expires: (days, date, place) => {
    const when = days === 0 ? "hoje ou amanhã" : days === 1 ? "em 1 dia" : `em ${days} dias`;
    return `vence ${when}, em ${date}${pt.certificate(place)}; renove-o, e depois recarregue o relay`;
  },
  selfSigned: "é assinado por si mesmo; quem envia e não o conhece o recusa",
  noIssuer: (issuer) =>
    `vem sem o certificado de seu emissor "${issuer}"; quem envia pode recusá-lo, a não ser que conheça essa ` +
    "autoridade; use a cadeia inteira, muitas vezes em um arquivo de nome fullchain.pem",
  noChain: (place) =>
    `não é uma cadeia: o certificado ${place} não emitiu o certificado ${place - 1}; quem envia pode recusá-lo`,
  noHost: "não nomeia nenhum host (subjectAltName); quem envia pode recusá-lo",
  readable: (file, mode) =>
    `${file} pode ser lido por qualquer usuário desta máquina (modo ${mode}); execute \`chmod 600 ${quoted(file)}\``,
  asService: '; se um serviço deixar de conseguir lê-lo, use credential("NOME")',
  readableConfig: (file, mode) =>
    `${file} contém um segredo e pode ser lido por qualquer usuário desta máquina (modo ${mode}); ponha o segredo no ` +
    '.env, e env("NOME") no lugar dele',
  changeable: (file, mode) =>
    `${file} pode ser alterado por qualquer usuário desta máquina (modo ${mode}); execute ` +
    `\`chmod 600 ${quoted(file)}\``,
};

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The words of warnings; each goes on after the place in the config that it is about. */
export type WarningWords = typeof en;

/** Says a warning in the language of the words. */
export type Warning = (words: WarningWords) => string;

/** A warning, and the path in the config that it is about. */
export interface ConfigWarning {
  path: string;
  warning: Warning;
}

/** Warnings as a person reads them. */
export function toldIn(
  locale: Locale,
  warnings: readonly ConfigWarning[],
): { path: string; message: string }[] {
  const words = locale === "pt-BR" ? pt : en;
  return warnings.map(({ path, warning }) => ({ path, message: warning(words) }));
}
