/** What an operator should know of a config that is sound, in English and in Brazilian Portuguese. */

import type { Locale } from "./messages/style.ts";

/** Dates are in the form of ISO 8601; `place` is that of a certificate in its file, from 1. */
const en = {
  shortSecret: "is shorter than 16 bytes, which can be guessed",
  noProgram: (program: string, fault: string) => `${program} cannot be run: ${fault}`,
  /** Why a program cannot be run; paths are as a shell reads them. */
  program: {
    missing: (path: string) => `there is no file ${path}`,
    noFolder: (folder: string) => `the folder that it runs in is not there: ${folder}`,
    closed: (folder: string, quoted: string) =>
      `the relay's user may not enter the folder ${folder}; move the program, or run: chmod o+x ${quoted}`,
    isFolder: "it is a folder",
    noFile: "it is not a file",
    notExecutable: (quoted: string) => `it is not executable; run: chmod +x ${quoted}`,
    notAllowed: "the relay's user may not execute it, or its file system is mounted with noexec",
    noFirstLine: 'it does not say what runs it; add "#!/bin/sh", or whatever it is written for, as its first line',
    windowsLines: (quoted: string) => `its lines end as on Windows (CRLF); run: sed -i 's/\\r$//' ${quoted}`,
    marked: (quoted: string) =>
      `a byte order mark stands before its "#!"; run: sed -i '1s/^\\xEF\\xBB\\xBF//' ${quoted}`,
    noInterpreter: (program: string) =>
      `its first line wants ${program}, which is not there; install it, or correct the line`,
    notInPath: (program: string, path: string) =>
      `${program} is not in the PATH ${path}; install it, or name it with its folder`,
    otherMachine: (machine: string, own: string) =>
      `it is built for ${machine}, and this machine is ${own}; get the build for ${own}`,
    otherSystem: (system: string) => `it is built for ${system}; get the build for Linux`,
  },
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
  /** Of a line in `.env`. */
  dotenv: {
    noAssignment: "is neither NAME=value nor a comment, and counts for nothing",
    openQuote: "begins with a quote that does not end, which counts as a part of the value",
    afterQuote: "has more after the closing quote, which counts for nothing",
    otherValue: "is another value for systemd than for the relay; NAME='value' is the same for both",
    notSet:
      "sets nothing for systemd; NAME='value' alone, with letters, digits and _ in the name, is the same for both",
    setOnly: "sets a variable for systemd, and nothing for the relay; write NAME='value', or begin it with #",
  },
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
  noProgram: (program, fault) => `${program} não pode ser executado: ${fault}`,
  program: {
    missing: (path) => `não existe o arquivo ${path}`,
    noFolder: (folder) => `não existe a pasta em que ele roda: ${folder}`,
    closed: (folder, quoted) =>
      `o usuário do relay não pode entrar na pasta ${folder}; mude o programa de lugar, ou execute: chmod o+x ${quoted}`,
    isFolder: "é uma pasta",
    noFile: "não é um arquivo",
    notExecutable: (quoted) => `não é executável; execute: chmod +x ${quoted}`,
    notAllowed: "o usuário do relay não pode executá-lo, ou o sistema de arquivos está montado com noexec",
    noFirstLine: 'não diz o que o executa; coloque "#!/bin/sh", ou o que ele usa, como primeira linha',
    windowsLines: (quoted) => `as linhas terminam como no Windows (CRLF); execute: sed -i 's/\\r$//' ${quoted}`,
    marked: (quoted) => `há uma marca BOM antes do "#!"; execute: sed -i '1s/^\\xEF\\xBB\\xBF//' ${quoted}`,
    noInterpreter: (program) => `a primeira linha pede ${program}, que não existe; instale-o, ou corrija a linha`,
    notInPath: (program, path) => `${program} não está no PATH ${path}; instale-o, ou indique também a pasta`,
    otherMachine: (machine, own) => `foi feito para ${machine}, e esta máquina é ${own}; use a versão para ${own}`,
    otherSystem: (system) => `foi feito para ${system}; use a versão para Linux`,
  },
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
  dotenv: {
    noAssignment: "não é NOME=valor nem comentário, e não vale nada",
    openQuote: "começa com aspas que não fecham, e que contam como parte do valor",
    afterQuote: "tem algo depois das aspas que fecham, e isso não vale nada",
    otherValue: "é um valor para o systemd e outro para o relay; NOME='valor' é igual para os dois",
    notSet: "não define nada para o systemd; só NOME='valor', com letras, dígitos e _ no nome, é igual para os dois",
    setOnly: "define uma variável para o systemd, e nada para o relay; escreva NOME='valor', ou comece com #",
  },
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

/** The words of logs and outcomes. */
export const englishWarnings: WarningWords = en;

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
