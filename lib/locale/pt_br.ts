/**
 * Brazilian Portuguese, as a clinic's software says it. @see en.ts, which says what each text is for.
 *
 * One term for one thing, everywhere:
 *
 * | English                      | Portuguese                                          |
 * | ---------------------------- | --------------------------------------------------- |
 * | event, system event          | evento, evento do sistema                           |
 * | source, target, route        | origem, destino, rota                               |
 * | delivery, attempt            | entrega, tentativa                                  |
 * | outcome, reason              | resultado, motivo                                   |
 * | dead letter, dead            | falha definitiva                                    |
 * | waiting, in flight           | aguardando, enviando                                |
 * | retry, replay                | reenviar, reprocessar                               |
 * | pause, resume, held          | pausar, retomar, retido                             |
 * | lane, owner                  | fila, responsável                                   |
 * | request, refused             | requisição, recusada                                |
 * | sender                       | quem envia                                          |
 * | signature, secret            | assinatura, segredo                                 |
 * | store                        | banco de eventos                                    |
 * | database, schema             | banco de dados, esquema                             |
 * | config, option               | configuração, opção                                 |
 * | mistake in a config          | erro                                                |
 * | warning, hint                | aviso, dica                                         |
 * | alert (in the config), alarm | alerta, alarme                                      |
 * | public, admin listener       | endereço público, endereço de administração         |
 * | fixture, sample              | caso de teste, exemplo                              |
 * | command (of the relay), file | comando, arquivo                                    |
 * | folder, path                 | pasta, caminho                                      |
 * | certificate                  | certificado                                         |
 * | backup, restore, move        | backup (fazer um backup), restaurar, mover          |
 * | upgrade, reload, restart     | atualizar, recarregar, reiniciar                    |
 * | email; webhook, token, log   | e-mail, with its hyphen; webhook, token, log        |
 */

import type { Reason } from "../outcome.ts";
import type { Refusal } from "../refusal.ts";
import type { Language } from "./en.ts";
import { formsOf } from "./forms.ts";
import type { Advice, MessageWords } from "./message_words.ts";

const forms = formsOf("pt-BR");

/** What to look at if no events come in; the operator's pages say the same. */
const silentCheck = "Verifique no ConnectVets o endereço do webhook, e neste servidor a rede e o proxy.";

/** How to find out why signatures are refused; the operator's pages say the same. */
const refusedCheck =
  "`relay verify --signature S FILE` diz o que há de errado com uma assinatura: o cabeçalho `S` e o corpo `FILE` que quem envia mostrar.";

/** Why requests are refused, in one sentence with what to do about it. */
const refusals: Record<Refusal, Advice> = {
  signature_missing: {
    name: "sem assinatura",
    advice: "O pedido veio sem assinatura: falta o segredo em quem envia, ou outra pessoa usa este caminho.",
  },
  signature_malformed: {
    name: "assinatura malformada",
    advice: "O cabeçalho de assinatura não tem a forma desta origem: confira se a origem é a certa para quem envia.",
  },
  signature_wrong: {
    name: "assinatura errada",
    advice: "Quem envia assina com outro segredo, ou um proxy altera o corpo no caminho: compare primeiro os segredos.",
  },
  body_too_large: {
    name: "corpo grande demais",
    advice: "O corpo é maior que `maxBody`: aumente o limite na configuração se estes pedidos são legítimos.",
  },
  body_cut: {
    name: "corpo incompleto",
    advice: "A conexão acabou antes que o corpo inteiro chegasse: verifique a rede e o proxy.",
  },
  body_late: { name: "corpo lento demais", advice: "O corpo não chegou a tempo: verifique a rede e o proxy." },
  body_encoded: {
    name: "corpo comprimido",
    advice: "O corpo tem `Content-Encoding`: quem envia, ou o proxy na frente, deve mandá-lo como foi assinado.",
  },
  body_no_room: {
    name: "sem espaço para corpos",
    advice: "Chegaram corpos demais ao mesmo tempo: o log diz de quem; quem é legítimo tenta de novo.",
  },
  body_invalid: {
    name: "não é um evento",
    advice: "A assinatura confere, mas o corpo não é o que esta origem aceita: o log diz o que há de errado.",
  },
  rate_limited: {
    name: "acima do limite",
    advice: "Um cliente enviou mais do que `rateLimit` permite: aumente o limite se estes pedidos são legítimos.",
  },
  store_failed: {
    name: "não guardado",
    advice: "O evento não pôde ser guardado: o log diz por quê, como um disco cheio; quem envia tenta de novo.",
  },
};

/** Why an attempt failed, in one sentence with what to do about it. */
const reasons: Record<Reason, Advice> = {
  connection_refused: {
    name: "conexão recusada",
    advice: "Nada escuta no endereço do destino: inicie o programa de lá, ou corrija o endereço na configuração.",
  },
  connection_reset: {
    name: "conexão cortada",
    advice: "O destino cortou a conexão antes de responder: veja o log dele e os proxies no caminho.",
  },
  dns_failed: {
    name: "nome não encontrado",
    advice: "O nome do servidor do destino não foi resolvido: confira a grafia e o DNS desta máquina.",
  },
  tls_failed: {
    name: "falha de TLS",
    advice:
      "Não foi possível fazer uma conexão segura: confira se o certificado do destino é válido e deste nome de servidor.",
  },
  network_failed: {
    name: "falha de rede",
    advice: "O destino não foi alcançado: confira a rede desta máquina, as rotas e os firewalls.",
  },
  proxy_failed: {
    name: "falha do proxy",
    advice:
      "O proxy de `http_proxy` ou `https_proxy` não deixou passar: corrija-o, ou inclua o servidor no `no_proxy`.",
  },
  timed_out: {
    name: "tempo esgotado",
    advice: "A resposta não veio a tempo: descubra o que atrasa o destino, ou aumente o `timeout` na configuração.",
  },
  rate_limited: {
    name: "limite de envios",
    advice: "O destino pediu menos envios: o relay espera o que foi pedido; reduza o `rate` se isso se repete.",
  },
  redirected: {
    name: "redirecionado",
    advice: "O destino indicou outro endereço, e redirecionamentos não são seguidos: coloque o novo na configuração.",
  },
  refused: {
    name: "recusado",
    advice: "O destino recusou a mensagem: a resposta diz por quê; corrija a mensagem, o endereço ou as credenciais.",
  },
  server_failed: {
    name: "falha no destino",
    advice: "O destino teve um erro interno: veja o log dele e reenvie quando estiver corrigido.",
  },
  unexpected_answer: {
    name: "resposta inesperada",
    advice: "A resposta não é a que este tipo de destino dá: confira se o endereço é o certo.",
  },
  script_failed: {
    name: "falha no script",
    advice: "O script terminou com erro: a saída está junto da tentativa; execute-o à mão com o mesmo evento.",
  },
  script_not_run: {
    name: "script não executado",
    advice: "Não foi possível iniciar o script: a tentativa diz por quê; corrija o arquivo e reenvie.",
  },
  message_invalid: {
    name: "mensagem inválida",
    advice: "A configuração não conseguiu montar a mensagem: corrija a função, recarregue e reenvie.",
  },
  note_missing: {
    name: "nota inexistente",
    advice: "A API do ConnectVets não conhece a nota: pode ter sido apagada, ou o `sandbox` do `enrich` está errado.",
  },
  note_refused: {
    name: "nota recusada",
    advice: "A API do ConnectVets recusou a chave: corrija a `key` do `enrich`, ou o `sandbox`, recarregue e reenvie.",
  },
  note_unavailable: {
    name: "nota indisponível",
    advice: "A API do ConnectVets não forneceu a nota: o relay pede de novo sozinho; reenvie quando a API voltar.",
  },
  crashed: {
    name: "o relay caiu durante a entrega",
    advice: "O próprio relay caiu várias vezes nesta entrega: veja o que o destino responde e tente de novo.",
  },
  internal: {
    name: "erro no relay",
    advice: "Algo falhou dentro do relay: o log diz o quê; reenvie, e informe o erro se ele se repetir.",
  },
};

/** Default messages. */
const messages: MessageWords = {
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
    dead: "Ver as falhas definitivas",
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
      titles: { begin: "Alarme do relay: falhas definitivas", end: "Fim do alarme do relay: falhas definitivas" },
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
      ? "Há falhas definitivas: entregas das quais o relay desistiu."
      : `Há ${limit} ou mais falhas definitivas: entregas das quais o relay desistiu.`,
  deadEnd: (limit) => limit === 1 ? "Não há mais falhas definitivas." : `Há menos de ${limit} falhas definitivas.`,
  refusals,
  refusedBegin: (limit, time) =>
    limit === 1 ? `Um pedido foi recusado em ${time}.` : `${limit} ou mais pedidos foram recusados em ${time}.`,
  refusedEnd: (time) => `Nenhum pedido foi recusado em ${time}.`,
  refusedCheck,
  silentBegin: (pattern, time) => `Nenhum evento ${pattern} chega há ${time}.`,
  silentEnd: (pattern) => `Chegou um evento ${pattern}.`,
  silentCheck,
};

/** The pages. A `count` that a text takes is a number as the language writes it. */
const pages: Language["pages"] = {
  nav: {
    overview: "Visão geral",
    events: "Eventos",
    dead: "Falhas definitivas",
    targets: "Destinos",
    config: "Configuração",
  },
  skip: "Pular para o conteúdo",
  times: (timeZone) => `Horários de ${timeZone}, o \`timeZone\` da configuração.`,
  mainNavigation: "Principal",
  lost: {
    gone: (time, shown) => `O relay não responde desde ${time}. O que você vê aqui é de ${shown}.`,
    back: (time) => `O relay voltou a responder: ${time}.`,
    fresh: "O que você vê aqui está atualizado.",
    old: "Recarregue a página para ver o que há de novo.",
  },
  live: { on: "Ao vivo", off: "Pausado", pause: "Pausar a atualização", resume: "Retomar a atualização" },
  signIn: {
    title: "Entrar",
    lead: "Esta é a área do operador do relay. Informe o token que a configuração indica em `admin`.",
    token: "Token",
    button: "Entrar",
    wrong: "Este não é o token. Confira se foi copiado inteiro.",
    out: "Sair",
  },
  states: {
    ok: "ok",
    failing: "falhando",
    dead_letters: "com falhas definitivas",
    open: "retido após falhas",
    throttled: "pediu espera",
    paused: "pausado",
    orphaned: "fora da configuração",
    pending: "aguardando",
    in_flight: "enviando",
    delivered: "entregue",
    dead: "falha definitiva",
    accepted: "aceito",
    unrouted: "sem rota",
    running: "em execução",
    stopping: "parando",
    stopped: "parado",
    lost: "caiu sem aviso",
  },
  outcomes: { delivered: "entregue", retry: "falhou", dead: "falha definitiva" },
  reasons,
  refusals,
  verdicts: {
    matched: "corresponde",
    other_event: "é para outros eventos",
    when_false: "seu `when` diz não",
    when_threw: "seu `when` falhou, e por isso não vale",
  },
  done: {
    retried: (count) => `Entregas que serão reenviadas agora: ${count}.`,
    replayed: (count) => `O evento foi roteado de novo. Novas entregas: ${count}.`,
    paused: () => "O destino está pausado. O que chega para ele aguarda.",
    resumed: () => "O destino volta a receber entregas.",
    tested: () => "A mensagem de teste está a caminho.",
    nothing: () => "Não havia o que fazer: nenhuma destas entregas falhou ou aguarda.",
  },
  doneEvent: "Ver o histórico",
  yes: "sim",
  no: "não",
  never: "nunca",
  none: "nenhum",
  all: "Todos",
  overview: {
    attention: "Pede atenção",
    calm: "Nada pede atenção",
    calmLead: "Todos os destinos recebem suas entregas e nada ficou sem entrega.",
    last24: "Últimas 24 horas",
    now: "agora",
    received: "Recebidos",
    delivered: "Entregues",
    waiting: "Aguardando",
    dead: "Falhas definitivas",
    perHour: "Tentativas por resultado e hora",
    perTarget: "Por destino",
    asTable: "O gráfico em tabela",
    hour: "Hora",
    attempts: "Tentativas",
    chartOf: (target) => `Tentativas para ${target} por resultado e hora`,
    noActivity: "Nada foi enviado nas últimas 24 horas.",
    summary: (waiting, dead) => `Atualizado. Aguardando: ${waiting}. Falhas definitivas: ${dead}.`,
  },
  relays: {
    title: "Relays",
    name: "Relay",
    owns: "Responsável por",
    version: "Versão",
    since: "Em execução desde",
    heardAt: "Último sinal",
    self: "responde por esta página",
    duties: "tarefas: limpeza, alarmes",
    nothing: "nenhum destino",
    taking: (targets) => `assume ${targets} em até 15 s`,
    takeovers: "Destinos que mudaram de relay nas últimas 24 horas",
    when: "Quando",
    newOwner: "Novo responsável",
    targets: "Destinos",
    why: "Por quê",
    givenUp: "O relay anterior os entregou: foi parado ou deu lugar a outro.",
    wasLost: "O relay anterior caiu.",
    older: (count) => `Mais antigas: ${count}`,
  },
  attention: {
    lost: (name) => `O relay ${name} caiu`,
    lostTodo: "Terminou sem aviso ou perdeu a rede. Outros assumem seus destinos; o log dele diz o que houve.",
    mute: (name) => `O relay ${name} não dá sinal de vida há um minuto`,
    muteTodo: "Ele travou, foi suspenso ou não consegue gravar os dados. O log dele diz mais.",
    unowned: (targets) => `Nenhum relay é responsável por ${targets}`,
    unownedTodo:
      "As entregas aguardam até que um assuma. Um relay assume o que outro perdeu em até 37 segundos; depois disso, o log de cada relay mostra o motivo.",
    reloadOf: (name) => `O relay ${name} recusou a configuração que está no disco dele`,
    silent: (pattern) => `Nenhum evento ${pattern} chega`,
    silentTodo: silentCheck,
    refused: (count) => `${count} ou mais pedidos foram recusados`,
    refusedTodo: "Foi há mais de uma hora. O log diz mais sobre cada um.",
    refusedBy: (source, count) => `Pedidos a ${source} recusados na última hora: ${count}`,
    refusedCheck: refusedCheck,
    refusedCount: (count) => `${count}, o último`,
    reload: "A configuração no disco foi recusada",
    reloadTodo: "O relay segue com a configuração anterior. Corrija o que está errado, depois recarregue.",
    dead: (count, target) => `${count} sem entrega para ${target}`,
    failing: (target) => `${target} está falhando: nada chega lá`,
    failingTodo: "Veja o que responderam as últimas tentativas.",
    open: (target) => `${target} está retido: falhou várias vezes seguidas`,
    openTodo: "Uma entrega o testa quando a pausa acabar; o resto segue sozinho quando ele funcionar.",
    paused: (target) => `${target} foi pausado por um operador`,
    pausedTodo: "Suas entregas aguardam até que ele seja retomado.",
    throttled: (target) => `${target} pediu uma pausa`,
    throttledTodo: "Nada a fazer: as entregas seguem quando a pausa acabar.",
    orphaned: (target, count) => `${count} aguardam ou falharam para ${target}, que não está na configuração`,
    orphanedTodo: "Devolva o destino à configuração e recarregue, ou reprocesse os eventos para outros.",
    late: (target, count) => `${target} está atrasado: ${count} aguardam`,
    lateTodo: "Veja o que responderam as últimas tentativas.",
    since: "desde",
    until: "até",
    see: "Ver",
  },
  events: {
    title: "Eventos",
    filter: "Filtro",
    search: "Busca",
    searchHint: "Id do evento, id da nota ou referência do cliente",
    type: "Tipo",
    typeHint: "Como note.failed ou note.*",
    state: "Estado",
    target: "Destino",
    since: "Recebido",
    apply: "Filtrar",
    clear: "Limpar",
    sinces: {
      "1h": "na última hora",
      "24h": "nas últimas 24 horas",
      "7d": "nos últimos 7 dias",
      "30d": "nos últimos 30 dias",
    },
    received: "Recebido",
    event: "Evento",
    source: "Origem",
    note: "Nota, referência do cliente",
    deliveries: "Entregas",
    older: "Mais antigos",
    newer: "Mais recentes",
    newest: "Os mais recentes",
    empty: "Nenhum evento encontrado",
    emptyLead: "Amplie o filtro, ou envie um evento: relay send",
    more: "A busca parou aqui por ora; o que é mais antigo ainda não foi visto.",
    pages: "Páginas",
  },
  event: {
    title: "Evento",
    id: "Id",
    received: "Recebido",
    source: "Origem",
    secret: "Assinado com",
    secretOf: (place, count) => `segredo ${place} de ${count}`,
    own: "Feito pelo próprio relay",
    size: "Tamanho",
    deliveries: "Entregas",
    noDeliveries: "Não foi a lugar nenhum: nenhuma rota correspondia quando chegou.",
    delivery: "Entrega",
    attempts: (target) => `Tentativas de entrega para ${target}`,
    attempt: "Tentativa",
    time: "Horário",
    duration: "Duração",
    outcome: "Resultado",
    status: "Status",
    answer: "Resposta",
    next: "Próxima tentativa",
    nextTurn: "Aguarda a vez atrás de outras com a mesma chave de ordem.",
    nextSending: "Sendo enviada agora.",
    nextHeld: "Segue quando o destino voltar a receber:",
    nextDead: "Não haverá nova tentativa automática.",
    retry: "Reenviar agora",
    retryOf: (target) => `Reenviar agora: ${target}`,
    routes: "Rotas",
    routesLead: "O que a configuração atual faz com este evento.",
    on: "Eventos",
    to: "Destinos",
    verdict: "Resultado",
    fallback: "Nenhuma rota corresponde; vai para o `fallback`.",
    unrouted: "Nenhuma rota corresponde, e não há `fallback`.",
    problems: "Problemas",
    arrived: "O que chegou",
    header: "Cabeçalho",
    value: "Valor",
    payload: "Conteúdo",
    note: "Nota completa",
    noteFetched: "Obtida da API do ConnectVets",
    noteFailed: "Não obtida da API do ConnectVets",
    bytes: (count) => `Chegaram ${count} bytes; assinatura e entrega usam exatamente esses bytes. Aqui, indentados.`,
    notJson: "O corpo não é JSON; este é o texto dele.",
    cut: "Só a primeira parte é mostrada.",
    replay: "Reprocessar",
    replayLead: (targets) => `Roteia o evento de novo pela configuração atual: novas entregas para ${targets}.`,
    replayNowhere: "Pela configuração atual, não iria a lugar nenhum.",
  },
  dead: {
    title: "Falhas definitivas",
    lead: "Entregas das quais o relay desistiu. Corrija a causa primeiro, depois reenvie.",
    groups: "Por destino e motivo",
    letters: "Entregas que falharam, as mais recentes primeiro",
    none: "Nada ficou sem entrega",
    noneLead: "Tudo foi entregue ou ainda tem tentativas.",
    reason: "Motivo",
    count: "Quantas",
    oldest: "Mais antiga",
    newest: "Mais recente",
    retryAll: (count) => `Reenviar todas: ${count}`,
    retryGroup: "Reenviar grupo",
    retryGroupOf: (target, reason) => `Reenviar grupo: ${target}, ${reason}`,
    show: "Mostrar",
    ask: "Reenviar o que falhou",
    askAll: (count) => `Isto reenvia todas as entregas que falharam: ${count}.`,
    askTarget: (count, target) => `Isto reenvia as entregas que falharam para ${target}: ${count}.`,
    askReason: (reason) => `Só as que falharam por este motivo: ${reason}.`,
    consequence:
      "Cada uma ganha novas tentativas, a partir de agora, com o mesmo id de entrega. Sem corrigir a causa, falham de novo.",
    confirm: (count) => `Reenviar ${count} agora`,
    cancel: "Cancelar",
  },
  targets: {
    title: "Destinos",
    name: "Destino",
    kind: "Tipo",
    goesTo: "Endereço",
    backlog: "Aguardando",
    sending: "Enviando",
    oldest: "Mais antiga na fila",
    lastSuccess: "Último sucesso",
    lastFailure: "Última falha",
    rate: "Sucesso, 24 h",
    latency: "Latência p50 / p99, 24 h",
    pause: "Pausar",
    resume: "Retomar",
    test: "Enviar mensagem de teste",
    of: (button, target) => `${button}: ${target}`,
    until: "até",
    probe: "testa com a próxima entrega",
    testResult: (target) => `Mensagem de teste para ${target}`,
    story: "Ver o histórico",
    stateTodo: {
      ok: "",
      failing: "A última tentativa falhou, e nada foi entregue desde então. O que aguarda é tentado de novo sozinho.",
      dead_letters: "Recebe entregas, mas tem falhas definitivas. Corrija a causa primeiro, depois reenvie.",
      open: "Falhou várias vezes seguidas. Uma só entrega o testa; o resto segue quando ela passar.",
      throttled: "Pediu ao relay que esperasse. As entregas seguem sozinhas quando a pausa acabar.",
      paused: "Um operador o pausou. As entregas aguardam até que seja retomado.",
      orphaned: "A configuração não o indica. Devolva-o e recarregue, ou reprocesse os eventos para outros.",
    },
  },
  config: {
    title: "Configuração",
    file: "Arquivo",
    sources: "Origens",
    path: "Caminho",
    secrets: "Segredos",
    routes: "Rotas",
    when: "Condição",
    always: "sempre",
    condition: "se o `when` disser sim",
    fallback: "Eventos sem rota vão para",
    noFallback: "Eventos sem rota são guardados sem entrega.",
    targets: "Destinos",
    warnings: "Avisos",
    preview: "Para onde iria um evento?",
    previewLead: "Nada é guardado nem enviado.",
    sample: "Exemplo",
    useSample: "Usar este exemplo",
    json: "Evento (JSON)",
    show: "Mostrar para onde vai",
    goesTo: "Vai para",
    message: (target) => `O que ${target} receberia`,
    wrong: "Não foi possível ler o evento",
  },
  notFound: {
    title: "Esta página não existe",
    lead: "O evento pode ter sido apagado, como diz o `keep` da configuração.",
  },
  failed: { title: "Esta página não pode ser mostrada agora", lead: "Tente de novo em instantes. O que o relay sabe:" },
  refused: "Isto não pode ser feito",
};

/** `relay init`, and the files that it writes. */
const init: Language["init"] = {
  wrote: "criado  ",
  kept: "mantido ",
  next: "Próximos passos:",
  edit: "Coloque os segredos em .env, e os destinos e as rotas em relay.config.ts.",
  otherTerminal: "em outro terminal",
  missing: (names) => `.env já existia; acrescente a ele: ${names}`,
  config: {
    about:
      "O que o relay recebe, para onde entrega, e o que vai para onde. `relay check` lê este arquivo e diz o que achou.",
    fallback: "Eventos que nenhuma rota pegou. Sem isto eles ficam guardados, mas não vão a lugar nenhum.",
  },
  dotenv: {
    about: "Segredos de relay.config.ts. Só você pode ler este arquivo; não o coloque no controle de versão.",
    secret: "O segredo que o ConnectVets deu a você. Até lá, este serve para `relay send`.",
    slack: "Seu incoming webhook do Slack.",
    smtp: "Seu servidor de email.",
    http: "Seu outro sistema.",
  },
  ask: {
    intro: "Uma configuração para o relay",
    failures: "Para onde devem ir as notas que falharam?",
    completed: "Para onde devem ir as notas concluídas?",
    kinds: {
      slack: "Slack",
      email: "Email",
      http: "Outro sistema, por HTTP",
      script: "Um script",
      none: "Por enquanto, nenhum lugar",
    },
    slackUrl: "URL do incoming webhook do Slack",
    smtpUrl: "Servidor de email, smtp://usuario:senha@host:587",
    from: "Endereço do remetente",
    to: "Endereço do destinatário",
    httpUrl: "URL do outro sistema",
    script: "Comando a executar, com seus argumentos",
    secret: "Segredo do webhook, dado pelo ConnectVets",
    later: "vazio: coloque em .env depois",
    invalid: {
      url: 'É preciso uma URL como "https://sistema.example/webhook"',
      smtp: 'É preciso uma URL como "smtp://usuario:senha@host:587"',
      address: 'É preciso um endereço como "equipe@clinica.example"',
      empty: "É preciso escrever algo",
    },
    cancelled: "Nada foi criado",
    done: "Obrigado",
  },
};

/** `relay check` but its warnings. */
const check: Language["check"] = {
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
  store: "Banco de eventos",
  schema: (version) => version === 0 ? "o esquema é criado pelo primeiro relay" : `esquema na versão ${version}`,
  alerts: "Alertas",
  dead: (count) => `${count} ou mais falhas definitivas`,
  silent: (pattern) => `nenhum evento ${pattern}`,
  for: (time) => `por ${time}`,
  refused: (count) => `${count} ou mais pedidos recusados`,
  within: (time) => `em ${time}`,
  warnings: "Avisos",
};

/**
 * Warnings; each follows the place in the config that it is about. Dates are in the form of ISO 8601; `place` is the position
 * of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings: Language["warnings"] = {
  shortSecret: "tem menos de 16 bytes e pode ser adivinhado",
  unknownEvent: (pattern, near) =>
    `"${pattern}" não corresponde a nenhum evento do ConnectVets; você quis dizer "${near}"?`,
  oneStar:
    '"*" só corresponde a nomes sem ponto, e a nenhum evento sobre uma nota; "**" corresponde a todos os eventos',
  noProgram: (program, fault) => `não é possível executar ${program}: ${fault}`,
  program: {
    missing: (path) => `o arquivo ${path} não existe`,
    noFolder: (folder) => `a pasta em que ele é executado não existe: ${folder}`,
    closed: (folder, quoted) =>
      `o usuário do relay não pode entrar na pasta ${folder}; mude o programa de lugar, ou execute: chmod o+x ${quoted}`,
    isFolder: "é uma pasta",
    noFile: "não é um arquivo",
    notExecutable: (quoted) => `não é executável; execute: chmod +x ${quoted}`,
    notAllowed: "o usuário do relay não pode executá-lo, ou o sistema de arquivos está montado com noexec",
    noFirstLine: 'a primeira linha não diz o que o executa; acrescente "#!/bin/sh", ou o interpretador que ele usa',
    windowsLines: (quoted) => `as linhas terminam com CRLF, como no Windows; execute: sed -i 's/\\r$//' ${quoted}`,
    marked: (quoted) => `há uma marca BOM antes do "#!"; execute: sed -i '1s/^\\xEF\\xBB\\xBF//' ${quoted}`,
    noInterpreter: (program) => `a primeira linha indica ${program}, que não existe; instale-o, ou corrija a linha`,
    notInPath: (program, path) => `${program} não está no PATH (${path}); instale-o, ou escreva o caminho completo`,
    otherMachine: (machine, own) =>
      `foi compilado para ${machine}, mas esta máquina é ${own}; use a versão para ${own}`,
    otherSystem: (system) => `foi compilado para ${system}; use a versão para Linux`,
  },
  sandboxKey: "tem uma chave do sandbox (cvn_test_…) sem `sandbox: true`",
  productionKey: "tem uma chave de produção (cvn_live_…) com `sandbox: true`",
  idleEnrich:
    "não tem efeito: os destinos da rota enviam os bytes recebidos, não uma mensagem feita a partir do evento",
  certificate: (place) => place === 1 ? "" : ` (certificado ${place} do arquivo)`,
  expired: (date, place) => `venceu em ${date}${warnings.certificate(place)}; quem envia o recusa`,
  notYetValid: (date, place) => `só vale a partir de ${date}${warnings.certificate(place)}; quem envia o recusa`,
  expires: (days, date, place) => {
    const when = days === 0 ? "em menos de um dia" : `em ${forms.count(days, { one: "dia", other: "dias" })}`;
    return `vence ${when}, no dia ${date}${warnings.certificate(place)}; renove-o e recarregue o relay`;
  },
  selfSigned: "é autoassinado; quem envia e não o conhece o recusa",
  noIssuer: (issuer) =>
    `não traz o certificado do emissor "${issuer}"; quem envia pode recusá-lo, a não ser que conheça essa autoridade; ` +
    "use o arquivo com a cadeia inteira, que costuma se chamar fullchain.pem",
  noChain: (place) =>
    `não é uma cadeia: o certificado ${place} não emitiu o certificado ${place - 1}; quem envia pode recusá-lo`,
  noHost: "não indica nenhum servidor (subjectAltName); quem envia pode recusá-lo",
  database: {
    problem: (problem) => problem,
    noAnswer: (store, seconds) => `${store} não respondeu em ${seconds} s`,
    readOnly: "o servidor não aceita gravações; indique o primário, ou todos os servidores do cluster",
    noSchema: (schema, user) =>
      `o esquema ${schema} não existe, e o usuário ${user} não pode criá-lo; peça ao administrador do banco de dados que ` +
      "execute o que `relay migrate --sql` mostra",
    noRights: (user, table) =>
      `o usuário ${user} não pode ler e gravar em ${table}; peça ao administrador do banco de dados as permissões que ` +
      "`relay migrate --sql` mostra",
    asynchronous: (value) =>
      `o servidor confirma gravações antes que estejam seguras (synchronous_commit = ${value}); se ele cair, eventos já ` +
      'confirmados podem se perder; use "on" para o usuário do relay',
    clock: (seconds) =>
      `o relógio do servidor está ${forms.number(Math.abs(seconds))} s ${
        seconds > 0 ? "adiantado" : "atrasado"
      } em relação ao desta máquina; o relay usa o do servidor; sincronize os dois por NTP`,
    connections: (free, most, needed) =>
      `o servidor só tem lugar para mais ${
        forms.count(Math.max(0, free), { one: "conexão", other: "conexões" })
      }, de ${most} (max_connections); um relay e seus comandos podem precisar de ${needed}`,
  },
  dotenv: {
    noAssignment: "é ignorada: não é NOME=valor nem comentário",
    openQuote: "começa com aspas que não fecham, e por isso elas fazem parte do valor",
    afterQuote: "tem texto depois das aspas que fecham, e ele é ignorado",
    otherValue: "dá ao systemd um valor diferente do que dá ao relay; escreva NOME='valor', que os dois leem igual",
    notSet: "não define nenhuma variável para o systemd; escreva NOME='valor', com só letras, dígitos e _ no nome",
    setOnly: "define uma variável para o systemd, mas não para o relay; escreva NOME='valor', ou comece a linha com #",
  },
  readable: (file, mode, quoted) =>
    `todos os usuários desta máquina podem ler ${file} (modo ${mode}); execute \`chmod 600 ${quoted}\``,
  asService: '; se depois disso o serviço não conseguir lê-lo, use credential("NOME")',
  readableConfig: (file, mode) =>
    `todos os usuários desta máquina podem ler ${file} (modo ${mode}), que contém um segredo; passe o segredo para o ` +
    '.env, e escreva env("NOME") no lugar dele',
  changeable: (file, mode, quoted) =>
    `todos os usuários desta máquina podem alterar ${file} (modo ${mode}); execute \`chmod 600 ${quoted}\``,
};

/** The command line as a whole: its help, and wrong usage. */
const cli: Language["cli"] = {
  description:
    "Recebe os webhooks do ConnectVets, guarda-os e os entrega ao Slack, por email, por HTTP ou a um script.",
  startHere:
    "Comece aqui:\n  relay demo             mostra o relay em ação, sem conta em lugar nenhum\n  relay init my-relay    cria uma configuração para você editar",
  titles: { "Usage:": "Uso:", "Arguments:": "Argumentos:", "Options:": "Opções:", "Commands:": "Comandos:" },
  options: "opções",
  command: "comando",
  help: "mostra esta ajuda",
  version: "mostra a versão",
  config: "arquivo de configuração",
  source: "a origem cujo segredo e caminho serão usados; padrão: a primeira",
  json: "imprime JSON, para scripts",
  locale: "idioma; padrão: o da configuração, ou o do terminal",
  byDefault: (value) => `padrão: ${value}`,
  choices: (names) => `um de: ${names}`,
  environment: (name) => `ou defina ${name}`,
  hint: "dica",
  wrongUsage: (path, problem) => `Não foi possível executar \`${path}\`: ${problem}`,
  seeHelp: (path) => `veja \`${path} --help\``,
  unknownOption: (flag, near) => `a opção ${flag} não existe${near ? `; você quis dizer ${near}?` : ""}`,
  unknownCommand: (name, near) => `o comando ${name} não existe${near ? `; você quis dizer ${near}?` : ""}`,
  missingArgument: (name) => `falta o argumento <${name}>`,
  missingValue: (flags) => `falta o valor de ${flags}`,
  missingOption: (flags) => `falta ${flags}`,
  excessArguments: (expected, rest) =>
    `${forms.count(expected, { one: "argumento esperado", other: "argumentos esperados" })}, e há mais: ${rest}`,
  notAChoice: (name, value, choices) => `${name} não aceita "${value}"; use um de: ${choices}`,
  invalid: (name, value, why) => `${name} não aceita "${value}"; ${why}`,
  lostOutput: (problem) => `Não foi possível gravar a saída: ${problem}`,
};

/** `relay status`. */
const status: Language["status"] = {};

/** `relay events`: the list, and the story of one event. */
const events: Language["events"] = {};

/** `relay retry`, `replay`, `pause` and `resume`. */
const operate: Language["operate"] = {};

/** `relay send`, `sign`, `verify`. */
const send: Language["send"] = {};

/** `relay routes`. */
const routes: Language["routes"] = {};

/** `relay serve`, where it cannot start. */
const serve: Language["serve"] = {};

/** `relay test` and `relay diff`. */
const fixtures: Language["fixtures"] = {
  cannotRead: (mistakes) =>
    `Não foi possível ler os casos de teste: ${forms.count(mistakes, { one: "erro", other: "erros" })}`,
  seeHelp: "`relay test --help` mostra como escrevê-los",
};

/** `relay backup`, `restore` and `migrate`. */
const copies: Language["copies"] = {};

/** `relay service`. */
const service: Language["service"] = {};

/** `relay demo`. */
const demo: Language["demo"] = {};

/** `relay metrics`, `completions`, `version`. */
const tools: Language["tools"] = {};

/** Errors of the store: the file, the database, the lock. */
const store: Language["store"] = {};

/** What a value in a config is expected to be; stands after "esperado:". */
const expectations: Language["config"]["expectations"] = {
  atLeast: (limit) => `no mínimo ${limit}`,
  atLeastOne: "pelo menos um",
  moreThan: (limit) => `mais que ${limit}`,
  atMost: (limit) => `no máximo ${limit}`,
  callback: "uma função, como (event) => …",
  duration: 'uma duração como "15s", "2m" ou "10h", ou um número de milissegundos',
  timerDuration: 'uma duração como "15s", "2m" ou "10h", ou um número de milissegundos, de no máximo 24 dias',
  size: 'um tamanho como "1mb" ou "512kb", ou um número de bytes',
  rate: (example) => example,
  secret: 'um segredo que não seja vazio, como env("CONNECTVETS_SECRET")',
  secrets: 'um segredo como env("CONNECTVETS_SECRET"), ou uma lista de segredos',
  oneSecret: "pelo menos um segredo",
  path: 'um caminho que comece com "/" e só tenha letras, dígitos e - . _ ~ /, como "/webhook"',
  header: 'o nome de um cabeçalho, como "X-Signature"',
  headerValue: "um texto que caiba em um cabeçalho: em uma só linha, sem caracteres como — ou emojis",
  prefix: 'um texto como "sha256="',
  httpUrl: 'uma URL que comece com "http://" ou "https://"',
  httpsUrl: 'uma URL que comece com "https://"',
  slackUrl: 'uma URL que comece com "https://", como env("SLACK_URL")',
  signingSecret: '"whsec_" e um segredo em base64',
  command: 'uma lista com um programa e seus argumentos, como ["./notify.sh", "--urgent"]',
  program: 'um programa, como "./notify.sh"',
  noNul: "um texto sem caracteres NUL",
  variable: "o nome de uma variável, sem =",
  address: 'um endereço como "equipe@clinica.example"',
  oneRecipient: "pelo menos um destinatário",
  smtpUrl: 'uma URL como "smtp://user:password@host:587"',
  via: (providers) => `uma URL como "smtp://user:password@host:587", ou um destes: ${providers}`,
  certificate: 'um certificado em PEM, como file("ca.pem")',
  hostName: 'um nome de servidor como "relay.clinica.example"',
  apiKey: 'uma chave sem espaços, como env("API_KEY")',
  plainUrl: "uma URL sem login, consulta (?) nem fragmento (#)",
  domain: 'um domínio como "mg.clinica.example"',
  messageText: "um texto que não seja vazio, ou uma função como (event) => `Nota ${event.data.note_id}`",
  blocks: "uma lista de blocos do Slack, ou uma função que devolva uma",
  retry: 'uma lista de pausas como ["5s", "1m"], "none", ou { schedule, jitter }',
  circuit: 'false, ou { failures, pause }, como { failures: 5, pause: "60s" }',
  timeZone: 'um fuso horário da IANA, como "America/Sao_Paulo"',
  api: 'connectvetsApi({ key: env("CONNECTVETS_KEY") })',
  token: 'um token que não seja vazio, como env("ADMIN_TOKEN")',
  publicUrl: 'o endereço de um servidor, sem caminho, como "https://relay.example"',
  pem: 'o caminho de um arquivo PEM, como "./fullchain.pem", ou credential("NAME")',
  host: 'um endereço desta máquina, como "127.0.0.1" ou "0.0.0.0"',
  events: 'o nome de um evento como "note.failed", um padrão como "note.*", ou uma lista deles',
  such: (example) => `um objeto como ${example}`,
  list: (example) => `uma lista como ${example}`,
  admin: (example) => `false, ou um objeto como ${example}`,
  targetNames: "o nome de um destino, ou uma lista de nomes",
  targetName: "o nome de um destino",
  pattern: 'o nome de um evento ou um padrão, como "note.*"',
  silentFor: "mais que 0 e no máximo 30 dias",
  refusedWithin: "de 1 minuto a 1 dia",
  when: '{ dead: 1 }, { silent: "note.*", for: "6h" } ou { refused: 5, within: "10m" }',
  span: (example) => `uma duração como "${example}"`,
  proxies: "true, false, ou o número de proxies na frente",
  store: 'um texto como "sqlite:relay.db" ou "postgres://USER:PASSWORD@HOST/DATABASE"',
  part: {
    source: (makers) => `uma origem feita com ${makers}`,
    target: (makers) => `um destino feito com ${makers}`,
  },
  oneOf: { source: "pelo menos uma origem", target: "pelo menos um destino" },
  defaultExport: "`export default defineConfig({ … })`",
};

/** Mistakes in a config: each follows the place that it is about. */
const config: Language["config"] = {
  cannotLoad: (file, mistakes) =>
    `Não foi possível carregar ${file}: ${forms.count(mistakes, { one: "erro", other: "erros" })}`,
  expectations,
  kinds: {
    text: "um texto",
    number: "um número",
    wholeNumber: "um número inteiro",
    boolean: "true ou false",
    list: "uma lista",
    object: "um objeto",
  },
  expected: (what) => `esperado: ${what}`,
  missing: (what) => `está faltando; esperado: ${what}`,
  got: (problem, found) => `${problem}; encontrado: ${found}`,
  didYouMean: (problem, meant) => `${problem}; você quis dizer ${meant}?`,
  found: {
    secret: "outro valor",
    emptyText: "um texto vazio",
    emptyList: "uma lista vazia",
    list: "uma lista",
    object: "um objeto",
    callback: "uma função",
    promise: "uma promise",
  },
  unknown: {
    option: (name) => `a opção "${name}" não existe`,
    target: (name) => `o destino "${name}" não existe`,
    source: (name) => `a origem "${name}" não existe`,
    export: (name) => `"relay" não exporta "${name}"`,
  },
  known: {
    option: (names) => names ? `as opções são ${names}` : "não há opções aqui",
    target: (names) => names ? `os destinos são ${names}` : "não há destinos",
    source: (names) => names ? `as origens são ${names}` : "não há origens",
    export: (names) => `exporta ${names}`,
  },
  systemSource: 'é um nome reservado para os eventos do sistema, como alarmes; use outro, como "connectvets"',
  noSuchField: (field) => `não tem efeito: nenhum dos destinos da rota envia \`${field}\``,
  pathTaken: (path, source) => `"${path}" já é o caminho da origem "${source}"`,
  onlyWithServer: "só vale quando `via` é a URL de um servidor de e-mail",
  pathOfHealth: '"/healthz" é reservado para a verificação de saúde',
  tokenMissing: (host) => `está faltando; outras máquinas alcançam "${host}"`,
  refersToItself: "faz referência a si mesmo",
  tooDeep: "tem níveis demais, um dentro do outro",
  secrets: {
    notSet: (name) => `${name} não está definido`,
    setIt: "defina-o no ambiente, ou no arquivo .env ao lado da configuração",
    empty: (name) => `${name} está vazio`,
    noFile: (path) => `o arquivo ${path} não existe`,
    unreadable: (path, code) => `não foi possível ler ${path} (${code})`,
    notUtf8: (path) => `não foi possível ler ${path}: não é texto em UTF-8`,
    inText: (name) => `Não é possível usar ${name} dentro de um texto`,
    inTextHint: (name) => `guarde o texto inteiro em uma variável, e use só ${name}`,
  },
  file: {
    missing: "o arquivo não existe; `relay init` cria um",
    folder: "é uma pasta, não um arquivo",
    useInstead: (file) => `use --config ${file}`,
    initThere: "indique o arquivo de configuração, ou crie um com `relay init`",
    notAFile: "não é um arquivo comum",
    noAccess: "sem permissão: este usuário não pode ler o arquivo",
    unreadable: (problem) => `não foi possível ler o arquivo: ${problem}`,
    empty: "o arquivo está vazio; `relay init` cria uma configuração",
    binary: "o arquivo não é de texto",
    notUtf8: "o arquivo não é texto em UTF-8; salve-o como UTF-8",
    notUtf8Line: "não é texto em UTF-8; salve o arquivo como UTF-8",
    noExport: "não há exportação padrão; esperado: `export default defineConfig({ … })`",
    threw: (problem) => `a configuração falha ao ser carregada: ${problem}`,
    endless: (seconds) =>
      `a configuração não terminou de carregar em ${seconds} s; há algum \`await\` que não termina?`,
    awaitIt: "coloque `await` antes dela",
    callIt: "chame a função",
    notDefined: (name) => `\`${name}\` não está definido`,
    importIt: (name) => `inclua-o na importação: import { ${name} } from "relay"`,
    tooEarly: (name) => `\`${name}\` é usado antes de ser definido`,
    noModule: (name) => `"${name}" não foi encontrado`,
    noModuleFile: (path) => `o arquivo ${path} não existe`,
    noPackage: (name) => `instale o pacote na pasta da configuração, ou corrija o nome "${name}"`,
    noImport: (name, from) => `"${from}" não exporta "${name}"`,
  },
  syntax: {
    expected: (token, found) => `erro de sintaxe: falta ${token} antes de ${found}`,
    unexpected: (found) => `erro de sintaxe: ${found} não pode estar aqui`,
    notClosed: (found) =>
      `erro de sintaxe: ${found} não pode estar aqui; antes falta fechar algo, ou falta uma vírgula`,
    endsEarly: "erro de sintaxe: o arquivo termina com algo ainda aberto, como ( [ ou {",
    quote: "erro de sintaxe: as aspas que abrem aqui não fecham nesta linha",
    template: "erro de sintaxe: a crase que abre aqui não fecha",
    comment: "erro de sintaxe: o comentário que abre aqui não fecha",
    character: (character) => `erro de sintaxe: caractere inesperado ${character}`,
    straightQuotes: 'use aspas retas: "…"',
    useColon: "use : entre a opção e o valor",
    number: (text) =>
      `erro de sintaxe: letras depois de um número em ${text}; durações e tamanhos são textos, como "${text}"`,
    twice: (name) => `erro de sintaxe: \`${name}\` é declarado duas vezes`,
    other: (problem) => `erro de sintaxe: ${problem}`,
    hidden: "erro de sintaxe em um valor que pode ser um segredo; confira as aspas dele",
    text: "um texto",
  },
  certificate: {
    none: "não contém um certificado em PEM (-----BEGIN CERTIFICATE-----)",
    isKey:
      "não contém um certificado em PEM (-----BEGIN CERTIFICATE-----); contém uma chave privada, que deve ficar em `key`",
    isRequest: "não contém um certificado em PEM (-----BEGIN CERTIFICATE-----); contém uma solicitação de certificado",
    damaged: (place) => `está danificado: não foi possível ler o certificado ${place} do arquivo`,
    noKey: "não contém uma chave privada em PEM (-----BEGIN PRIVATE KEY-----)",
    keyIsCertificate:
      "não contém uma chave privada em PEM (-----BEGIN PRIVATE KEY-----); contém um certificado, que deve ficar em `cert`",
    passphrase: "pede uma senha; `openssl pkey -in FILE -out OTHER` grava a chave sem senha",
    damagedKey: "está danificado: não foi possível ler a chave privada",
    shortKey: (bits, least) => `é uma chave RSA de ${bits} bits; esperado: ${least} ou mais`,
    order: (place) => `começa com outro certificado; o da chave é o certificado ${place}, e deve vir primeiro`,
    mismatch: "não é a chave do certificado em `cert`",
  },
};

/** What an attempt ended with, in one sentence. */
const outcomes: Language["outcomes"] = {};

/** Other errors that a person may meet. */
const errors: Language["errors"] = {};

export const ptBr: Language = {
  forms,
  messages,
  pages,
  cli,
  init,
  check,
  warnings,
  status,
  events,
  operate,
  send,
  routes,
  serve,
  fixtures,
  copies,
  service,
  demo,
  tools,
  store,
  config,
  outcomes,
  errors,
};
