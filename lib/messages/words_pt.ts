/** The default messages' words in Brazilian Portuguese. */

import type { Words } from "./words.ts";
import { refusalsPt } from "./words_refusals.ts";

/** What to look at if no events come in; the operator's pages say the same. */
const silentCheck = "Verifique no ConnectVets o endereço do webhook, e neste servidor a rede e o proxy.";

/** How to find out why signatures are refused; the operator's pages say the same. */
const refusedCheck =
  "`relay verify --signature S FILE` diz o que há de errado com uma assinatura: o cabeçalho `S` e o corpo `FILE` que quem envia mostrar.";

export const pt: Words = {
  events: {
    "note.processing": {
      title: "Nota em processamento",
      what: (of) => `O ConnectVets começou a processar a nota${of}.`,
      todo: "Nada por enquanto.",
    },
    "note.completed": {
      title: "Nota concluída",
      what: (of) => `A nota${of} está pronta no ConnectVets.`,
      todo: "Abra a nota no ConnectVets e revise o texto.",
    },
    "note.failed": {
      title: "Falha na nota",
      what: (of) => `O ConnectVets não conseguiu processar a nota${of}.`,
      todo:
        "Abra a nota no ConnectVets e tente processar de novo. Se falhar outra vez, envie outra gravação ou fale com o suporte do ConnectVets.",
    },
    "note.transcription.completed": {
      title: "Transcrição concluída",
      what: (of) => `A transcrição da nota${of} está pronta no ConnectVets.`,
      todo: "Abra a nota no ConnectVets e revise o texto.",
    },
    "note.transcription.failed": {
      title: "Falha na transcrição",
      what: (of) => `O ConnectVets não conseguiu transcrever o áudio da nota${of}.`,
      todo:
        "Abra a nota no ConnectVets e tente processar de novo. Se falhar outra vez, envie outra gravação ou fale com o suporte do ConnectVets.",
    },
    test: {
      title: "Teste do webhook",
      what: () => "Chegou o evento de teste do webhook, e a assinatura confere.",
      todo: "Nada: a configuração do webhook está funcionando.",
    },
  },
  otherTitle: (type) => `Evento ${type}`,
  otherWhat: (type) => `Chegou um evento que o relay ainda não conhece: ${type}.`,
  otherTodo: "Veja na documentação de quem o envia o que ele significa.",
  of: (name) => ` de ${name}`,
  ofClient: (client) => ` com a referência ${client}`,
  errors: {
    AUDIO_QUALITY_LOW: {
      why: "O áudio não tem qualidade suficiente para ser transcrito.",
      todo:
        "Se houver outra gravação da consulta, envie-a; se não, escreva a nota à mão. Nas próximas, grave mais perto de quem fala e com menos ruído.",
    },
    INVALID_AUDIO_FORMAT: {
      why: "O formato do arquivo de áudio não é aceito.",
      todo: "Converta o áudio para WAV ou FLAC e envie de novo.",
    },
  },
  errorSays: (message) => `Motivo informado: ${message}`,
  errorCode: (code) => `Código do erro: ${code}`,
  labels: {
    todo: "O que fazer",
    patient: "Paciente",
    client: "Referência do cliente",
    note: "Nota",
    sections: "Seções",
    time: "Horário",
    error: "Erro informado",
    target: "Destino",
    since: "Desde",
    event: "Ver o evento no relay",
    dead: "Ver o que não foi entregue",
    events: "Ver os eventos no relay",
    overview: "Ver a visão geral do relay",
  },
  origin: (id, type) => `Aviso automático do relay. Evento ${id}, ${type}`,
  more: (count) => count === 1 ? "e mais 1" : `e mais ${count}`,
  moreBlocks: (count) => `… e mais ${count} blocos que não couberam`,
  test: {
    title: "Mensagem de teste do relay",
    what: (target) =>
      `Isto é um teste: nenhum evento real aconteceu. Se você está lendo isto, o destino ${target} funciona.`,
  },
  nothingTodo: "Nada.",
  alarms: {
    dead: {
      titles: { begin: "Alarme do relay: eventos não entregues", end: "Fim do alarme do relay: eventos não entregues" },
      todo: "Veja o destino e o motivo com `relay status`. Depois de corrigir, reenvie com `relay retry --dead`.",
    },
    silent: {
      titles: {
        begin: "Alarme do relay: nenhum evento chega",
        end: "Fim do alarme do relay: eventos voltaram a chegar",
      },
      todo: `Veja o que chegou por último com \`relay events\`. ${silentCheck}`,
    },
    refused: {
      titles: { begin: "Alarme do relay: pedidos recusados", end: "Fim do alarme do relay: pedidos recusados" },
      todo: `Veja a origem e o motivo com \`relay status\`. ${refusedCheck}`,
    },
  },
  deadBegin: (limit) =>
    limit === 1
      ? "Há entregas que falharam em definitivo."
      : `Há ${limit} ou mais entregas que falharam em definitivo.`,
  deadEnd: (limit) =>
    limit === 1
      ? "Não há mais entregas que falharam em definitivo."
      : `Há menos de ${limit} entregas que falharam em definitivo.`,
  refusals: refusalsPt,
  refusedBegin: (limit, time) =>
    limit === 1 ? `Um pedido foi recusado em ${time}.` : `${limit} ou mais pedidos foram recusados em ${time}.`,
  refusedEnd: (time) => `Nenhum pedido foi recusado em ${time}.`,
  refusedCheck,
  silentBegin: (pattern, time) => `Nenhum evento ${pattern} chega há ${time}.`,
  silentEnd: (pattern) => `Chegou um evento ${pattern}.`,
  silentCheck,
};
