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
 * Warnings; each goes on after the place in the config that it is about. Dates are in the form of ISO 8601; `place` is
 * that of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings: Language["warnings"] = {
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
  expired: (date, place) => `venceu em ${date}${warnings.certificate(place)}; quem envia o recusa`,
  notYetValid: (date, place) => `só vale a partir de ${date}${warnings.certificate(place)}; quem envia o recusa`,
  expires: (days, date, place) => {
    const when = days === 0 ? "hoje ou amanhã" : days === 1 ? "em 1 dia" : `em ${days} dias`;
    return `vence ${when}, em ${date}${warnings.certificate(place)}; renove-o, e depois recarregue o relay`;
  },
  selfSigned: "é assinado por si mesmo; quem envia e não o conhece o recusa",
  noIssuer: (issuer) =>
    `vem sem o certificado de seu emissor "${issuer}"; quem envia pode recusá-lo, a não ser que conheça essa ` +
    "autoridade; use a cadeia inteira, muitas vezes em um arquivo de nome fullchain.pem",
  noChain: (place) =>
    `não é uma cadeia: o certificado ${place} não emitiu o certificado ${place - 1}; quem envia pode recusá-lo`,
  noHost: "não nomeia nenhum host (subjectAltName); quem envia pode recusá-lo",
  database: {
    problem: (problem) => problem,
    noAnswer: (store, seconds) => `${store} não respondeu em ${seconds} s`,
    readOnly: "o servidor não aceita gravações; indique o primário, ou todos os servidores do cluster",
    noSchema: (schema, user) =>
      `o esquema ${schema} não existe, e o usuário ${user} não pode criá-lo; peça ao administrador do banco que execute o ` +
      "que `relay migrate --sql` mostra",
    noRights: (user, table) =>
      `o usuário ${user} não pode ler e gravar em ${table}; peça ao administrador do banco essa permissão, como mostra ` +
      "`relay migrate --sql`",
    asynchronous: (value) =>
      `o servidor responde antes de a gravação estar segura (synchronous_commit = ${value}); uma queda do servidor pode ` +
      `perder eventos já confirmados; use "on" para o usuário do relay`,
    clock: (seconds) =>
      `o relógio do servidor está ${Math.abs(seconds)} s ${
        seconds > 0 ? "adiantado" : "atrasado"
      } em relação ao desta ` +
      "máquina; o relay segue o do servidor; sincronize os dois por NTP",
    connections: (free, most, needed) =>
      `o servidor só aceita mais ${
        Math.max(0, free)
      } conexões, das ${most} de max_connections; um relay e seus comandos ` +
      `podem precisar de ${needed}`,
  },
  dotenv: {
    noAssignment: "não é NOME=valor nem comentário, e não vale nada",
    openQuote: "começa com aspas que não fecham, e que contam como parte do valor",
    afterQuote: "tem algo depois das aspas que fecham, e isso não vale nada",
    otherValue: "é um valor para o systemd e outro para o relay; NOME='valor' é igual para os dois",
    notSet: "não define nada para o systemd; só NOME='valor', com letras, dígitos e _ no nome, é igual para os dois",
    setOnly: "define uma variável para o systemd, e nada para o relay; escreva NOME='valor', ou comece com #",
  },
  readable: (file, mode, quoted) =>
    `${file} pode ser lido por qualquer usuário desta máquina (modo ${mode}); execute \`chmod 600 ${quoted}\``,
  asService: '; se um serviço deixar de conseguir lê-lo, use credential("NOME")',
  readableConfig: (file, mode) =>
    `${file} contém um segredo e pode ser lido por qualquer usuário desta máquina (modo ${mode}); ponha o segredo no ` +
    '.env, e env("NOME") no lugar dele',
  changeable: (file, mode, quoted) =>
    `${file} pode ser alterado por qualquer usuário desta máquina (modo ${mode}); execute ` +
    `\`chmod 600 ${quoted}\``,
};

/** The command line as a whole: its help, and wrong usage. */
const cli: Language["cli"] = {
  description:
    "Recebe os webhooks do ConnectVets, guarda-os e os entrega ao Slack, por e-mail, por HTTP ou a um script.",
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
    expected === 0
      ? `não aceita argumentos; a mais: ${rest}`
      : `aceita só ${forms.count(expected, { one: "argumento", other: "argumentos" })}; a mais: ${rest}`,
  notAChoice: (name, value, choices) => `${name} não aceita "${value}"; use um de: ${choices}`,
  invalid: (name, value, why) => `${name} não aceita "${value}"; ${why}`,
  conflict: (one, other) => `${one} não pode ser usado com ${other}`,
  groups: {
    start: "Para começar:",
    operate: "Operação:",
    try: "Testar a configuração:",
    store: "Gerenciar o banco de eventos:",
    machine: "Serviço e ferramentas:",
  },
  standardInput: "a entrada padrão",
  cannotRead: (what, problem) => `Não foi possível ler ${what}: ${problem}`,
  unknownSource: (name, known, near) =>
    `Não foi possível escolher uma origem: não existe a origem "${name}"${
      near ? `; você quis dizer "${near}"?` : `; a configuração tem ${forms.and(known.map((one) => `"${one}"`))}`
    }`,
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
const copies: Language["copies"] = {
  contents: (events, waiting, dead, newest) => {
    const what = forms.count(events, { one: "evento", other: "eventos" });
    const deliveries = forms.count(waiting, { one: "entrega aguardando", other: "entregas aguardando" });
    const failed = forms.count(dead, { one: "falha definitiva", other: "falhas definitivas" });
    return `${what}${newest === undefined ? "" : `, o mais recente de ${newest}`}; ${deliveries}, ${failed}`;
  },
  copying: (part) => `copiando e verificando: ${forms.percent(part)}`,
  stopped: "Interrompido: nada foi alterado",
  endedOutside: "o processo de cópia foi encerrado de fora",
  backup: {
    about: "copia o banco de eventos para um arquivo, mesmo com `relay serve` no ar",
    file: "arquivo a gravar; não pode existir ainda",
    help:
      "\nA cópia só recebe o nome quando está completa e verificada. `relay restore` a coloca de volta. Ela contém o que o relay recebeu: proteja-a como protege o banco de eventos.",
    wrote: (file, contents) => `${file} gravado: ${contents}`,
    elsewhere: (store) => `Não foi possível fazer o backup de ${store}: use o pg_dump do próprio PostgreSQL`,
    command: (command) => `isto faz uma cópia com os relays no ar:\n    ${command}`,
  },
  restore: {
    about: "troca o banco de eventos por uma cópia feita com `relay backup`",
    file: "a cópia",
    yes: "não pede confirmação; fora de um terminal, nunca pede",
    help:
      "\nPare antes o `relay serve`. O banco de eventos atual é mantido ao lado do novo, com a data e a hora no nome.\nDepois do próximo início, as entregas que aguardam na cópia são enviadas, mesmo as que já foram entregues desde então; os ids de entrega são os mesmos.",
    question: (file, contents, store) => `Trocar ${store} por ${file} (${contents})?`,
    restored: (store, contents) => `${store} restaurado: ${contents}`,
    kept: (file) => `O banco de eventos anterior agora é ${file}`,
    waiting:
      "As entregas que aguardam são enviadas depois do próximo início; para reter um destino, execute antes `relay pause DESTINO`",
    elsewhere: (store) => `Não foi possível restaurar ${store}: use o pg_restore do próprio PostgreSQL`,
    commands: (commands) =>
      `pare antes todos os relays que o usam; isto renomeia o esquema atual e restaura a cópia:\n${commands}`,
  },
  migrate: {
    about: "move o banco de eventos entre um arquivo e o PostgreSQL, ou entre bancos de dados",
    from: "banco de eventos a mover, como sqlite:relay.db; padrão: o da configuração, se houver --to",
    to: "para onde mover; padrão: o banco de eventos da configuração",
    dryRun: "mostra o que seria movido, e o que impede a mudança",
    cancel: "cancela uma mudança não terminada, e o banco de eventos continua onde está",
    sql: "imprime o SQL que cria o esquema no PostgreSQL, para quem administra o banco de dados",
    help:
      "\nPare antes todos os relays que usam o banco de eventos. Se a mudança for interrompida, execute-a de novo para continuar. Quando os dois lados são iguais, o banco antigo é mantido, mas nenhum relay o usa mais.",
    cannot: (problem) => `Não foi possível mover o banco de eventos: ${problem}`,
    noSides: "faltam --from e --to",
    sidesHint: "`relay migrate --from sqlite:relay.db` move esse arquivo para o banco de eventos da configuração",
    same: "--from e --to são o mesmo banco de eventos",
    sameHint: "indique em um dos dois um banco que não seja o da configuração",
    bothFiles: "os dois são arquivos",
    bothFilesHint: "use `relay backup` e `relay restore`, ou mova o arquivo com o relay parado",
    cannotRead: (option, problem) => `Não foi possível ler ${option}: ${problem}`,
    expectedStore: 'esperado: "sqlite:" e um caminho, ou "postgres://USUÁRIO:SENHA@HOST/BANCO"',
    noSchema: (store) =>
      `Não foi possível imprimir o esquema de ${store}: só no PostgreSQL há um esquema a criar antes`,
    schemaHint: "indique o banco de dados em --to, ou como `store` na configuração",
    copying: (table, part) => `copiando ${table}: ${forms.percent(part)}`,
    comparing: (table, part) => `comparando ${table}: ${forms.percent(part)}`,
    counts: (events, deliveries, attempts) =>
      forms.and([
        forms.count(events, { one: "evento", other: "eventos" }),
        forms.count(deliveries, { one: "entrega", other: "entregas" }),
        forms.count(attempts, { one: "tentativa", other: "tentativas" }),
      ]),
    moved: (from, to, counts) => `${from} movido para ${to}: ${counts}`,
    movedBefore: (from, to, counts) => `${from} já tinha sido movido para ${to}: ${counts}`,
    resumed: (rows) => `Uma execução anterior já tinha copiado ${forms.count(rows, { one: "linha", other: "linhas" })}`,
    same256: (digest) => `Os dois têm os mesmos eventos, SHA-256 ${digest}`,
    kept: (from) => `${from} é mantido e fica marcado como movido: nenhum relay o usa mais`,
    configure: (to) => `Defina \`store\` na configuração como ${to}, e inicie o relay`,
    wouldMove: (from, to, counts) => `${from} seria movido para ${to}: ${counts}`,
    destinationReady: "O destino existe e está vazio",
    destinationNew: "O destino ainda não existe; a mudança o cria",
    notMoving: (from) => `Não há mudança de ${from} em andamento`,
    cancelled: (from) => `${from} continua em uso`,
    deleteCopy: (other) => `Apague o que foi copiado para ${other} antes de mover outro banco de eventos para lá`,
  },
};

/** `relay service`. */
const service: Language["service"] = {
  about: "executa o relay como serviço do systemd",
  print: "imprime a unidade do systemd; não altera nada",
  install: {
    about: "instala este executável como um serviço que inicia agora e a cada boot",
    noStart: "não inicia nem habilita o serviço",
    help: (executable, config, store, unit, edit) => `
Exige root. Não pergunta nada, e pode ser executado de novo: um executável mais novo então substitui o antigo.

  ${executable}  o executável
  ${config}  a configuração; criada como por \`relay init\` se não houver
  ${store}  o banco de eventos
  ${unit}  a unidade; faça suas alterações com \`${edit}\``,
    warnings: "Avisos",
    started: (name) => `Veja como ele está: systemctl status ${name}`,
    notStarted: (name) => `Inicie-o: systemctl enable --now ${name}`,
    afterwards: (name) => `Depois de mudar a configuração: systemctl reload ${name}; o .env: systemctl restart ${name}`,
  },
  uninstall: "para e remove o serviço; mantém a configuração e os dados",
  did: {
    wrote: "gravado",
    kept: "mantido",
    removed: "removido",
    enabled: "habilitado",
    started: "iniciado",
    stopped: "parado",
  },
  cannot: {
    install: (problem) => `Não foi possível instalar o serviço: ${problem}`,
    uninstall: (problem) => `Não foi possível desinstalar o serviço: ${problem}`,
    write: (path, problem) => `Não foi possível gravar ${path}: ${problem}`,
    remove: (path, problem) => `Não foi possível remover ${path}: ${problem}`,
    run: (command, problem) => `Não foi possível executar \`${command}\`: ${problem}`,
  },
  packaged: "o pacote já o instalou",
  packagedInstall: (name) => `inicie-o com \`systemctl enable --now ${name}\`, ou execute antes \`apt remove ${name}\``,
  fromSource: "o relay está sendo executado do código-fonte",
  compile: "`deno task compile` gera `dist/relay`; depois execute `sudo dist/relay service install`",
  ofPackage: "ele pertence ao pacote",
  packagedUninstall: (name) =>
    `\`apt remove ${name}\` o remove e mantém a configuração e os dados; \`apt purge ${name}\` remove tudo`,
  noSystemd: "esta máquina não usa systemd",
  otherManager: "execute `relay serve` com qualquer outro gerenciador de serviços",
  notRoot: "isto exige root",
  sudo: "execute de novo com `sudo`",
  seeWhy: (check, journal) => `veja o motivo com \`${check}\` e \`${journal}\``,
  readOnly: (folder) => `${folder} está em um sistema de arquivos somente leitura`,
};

/** `relay demo`. */
const demo: Language["demo"] = {
  about: "mostra o relay funcionando nesta máquina, sem conta em lugar nenhum",
  keep: "continua no ar depois, até Ctrl-C",
  intro: "Esta demonstração executa um relay e quatro destinos nesta máquina:",
  targets: {
    plantao: "faz as vezes de um canal do Slack",
    equipe: "um servidor de e-mail",
    sistema: "um servidor HTTP, como o de outro sistema",
    arquivo: "um script que guarda cada evento em um arquivo",
  },
  routes: "As rotas:",
  withReference: (pattern) => `${pattern} com referência do cliente`,
  anythingElse: "qualquer outro",
  sending: (url) => `Agora seis requisições vão para ${url}:`,
  columns: { request: "Requisição", answer: "Resposta", arrived: "Chegou em" },
  again: (event) => `${event}, repetido`,
  forged: (event) => `${event}, forjado`,
  nowhere: "nenhum destino",
  notExpected: "não era o esperado",
  arrivals: "O que chegou:",
  http: (method, bytes, signature) =>
    `${method} com os ${forms.number(bytes)} bytes recebidos, assinatura ${signature}`,
  noSignature: "ausente",
  email: (to, subject) => `para ${to}: ${subject}`,
  good: "Cada evento chegou uma só vez, aonde devia; o repetido e o forjado, não.",
  bad: (steps) => `Estes não saíram como o esperado: ${steps.join("; ")}`,
  next: "A seguir:",
  nextInit: "cria uma configuração para os seus destinos",
  nextKeep: "mantém a demonstração no ar, para você enviar eventos",
  serving: "O relay continua no ar até Ctrl-C. Experimente em outro terminal, com o corpo que quiser:",
  notStarted: "Não foi possível executar a demonstração: o relay terminou antes de escutar",
};

/** `relay metrics`, `completions`, `version`, `help`. */
const tools: Language["tools"] = {
  metrics: {
    about: "imprime regras de alerta para o Prometheus, ou um painel para o Grafana",
    alerts: "regras de alerta para o Prometheus, em YAML",
    grafana: "painel para o Grafana, em JSON",
    help: `
As métricas em si estão em /metrics do endereço de administração.

  relay metrics --alerts > relay.rules.yml   depois indique o arquivo em \`rule_files\` no prometheus.yml
  relay metrics --grafana > relay.json       depois importe-o: Dashboards, New, Import`,
    neither: "Não foi possível escolher o que imprimir: use --alerts ou --grafana",
    hint:
      "--alerts imprime regras para o Prometheus, --grafana um painel; as métricas estão em /metrics do `relay serve`",
  },
  completions: {
    about: "imprime um script que completa comandos, opções e valores no seu shell",
    shell: "seu shell",
    help: "Para carregar:",
    inFile: (file) => `em ${file}`,
    once: "uma vez",
  },
  version: "mostra a versão, o runtime e a plataforma",
  help: { about: "mostra a ajuda de um comando", command: "o comando" },
};

/** Errors of the store: the file, the database, the lock. */
const store: Language["store"] = {
  cannot: (doing, problem) => `Não foi possível ${doing}: ${problem}`,
  cannotIn: (doing, database, problem) => `Não foi possível ${doing} em ${database}: ${problem}`,
  doing: {
    readStore: "ler o banco de eventos",
    writeStore: "gravar no banco de eventos",
    openStore: "abrir o banco de eventos",
    useStore: "usar o banco de eventos",
    useDirect: "usar o servidor indicado em `direct`",
    storeEvents: "gravar eventos",
    recordAttempts: "registrar tentativas",
    checkAlarms: "verificar os alarmes",
    storeAlarm: "gravar um alarme",
    takeLanes: "assumir filas",
    releaseLanes: "liberar filas",
    holdLanes: "reter filas",
    parkDeliveries: "estacionar entregas",
    unparkDeliveries: "liberar entregas estacionadas",
    awaitDeliveries: "deixar entregas à espera de outras",
    bringForward: "reagendar entregas depois de um acerto do relógio",
    recordUnderway: "registrar o que está sendo enviado",
    joinRelays: "juntar-se aos outros relays",
    meetRelays: "falar com os outros relays",
    retryDeliveries: "reenviar entregas",
    replayEvents: "reprocessar eventos",
    pauseTarget: "pausar um destino",
    resumeTarget: "retomar um destino",
    recordRun: "registrar que o relay está no ar",
    signOut: "sair",
    deleteEvents: "apagar eventos antigos",
    recordRetention: "registrar o que foi apagado",
    observeEvents: "registrar os eventos já contados",
    freeSpace: "liberar espaço em disco",
    removeOld: "concluir a atualização do esquema",
    moveStore: "mover o banco de eventos",
    markMoved: "marcar o banco de eventos como movido",
    copyRows: "copiar linhas",
    finishMove: "concluir a mudança",
  },
  doingTo: {
    open: (store) => `abrir o banco de eventos ${store}`,
    read: (store) => `ler o banco de eventos ${store}`,
    write: (store) => `gravar no banco de eventos ${store}`,
    serve: (store) => `usar o banco de eventos ${store}`,
    move: (store) => `mover o banco de eventos ${store}`,
    restore: (store) => `restaurar o banco de eventos ${store}`,
    restoreFrom: (file) => `restaurar ${file}`,
    restoreTo: (file, store) => `restaurar ${file} em ${store}`,
    backUp: (store, file) => `fazer o backup de ${store} em ${file}`,
    lock: (file) => `bloquear o banco de eventos com ${file}`,
    seeServed: (store) => `verificar se um relay usa ${store}`,
  },
  faults: {
    locked: {
      problem: "o arquivo está bloqueado por outro programa",
      hint: "pare esse programa, ou espere até que ele termine",
    },
    full: { problem: "o disco está cheio", hint: "libere espaço no disco" },
    foreign: {
      problem: "o arquivo não é um banco de dados",
      hint: "guarde uma cópia do arquivo e restaure um backup, ou indique outro `store` na configuração",
    },
    corrupt: {
      problem: "o arquivo está corrompido",
      hint: "guarde uma cópia do arquivo e restaure um backup, ou indique outro `store` na configuração",
    },
    readOnly: {
      problem: "o arquivo é somente leitura",
      hint: "verifique se este usuário pode gravar no arquivo e na pasta; o usuário do serviço e o root podem",
    },
    unopened: {
      problem: "o arquivo ou a pasta não existe, ou este usuário não tem acesso",
      hint: "verifique se este usuário pode gravar no arquivo e na pasta; o usuário do serviço e o root podem",
    },
    disk: {
      problem: "o disco informa um erro de leitura ou gravação (disk I/O error)",
      hint: "verifique o disco, e se este usuário pode gravar no arquivo e na pasta",
    },
    denied: {
      problem: "permissão negada",
      hint: "verifique se este usuário pode gravar no arquivo e na pasta; o usuário do serviço e o root podem",
    },
    missing: {
      problem: "o arquivo não existe",
      hint: "recoloque o arquivo e a pasta no lugar, ou indique outro arquivo como `store` na configuração",
    },
  },
  notOrdinary: (path) => `${path} não é um arquivo comum`,
  corrupt: (found) => `ele está corrompido: ${found}`,
  notStore: "ele não é um banco de eventos do relay",
  newer: (version, known) =>
    `ele foi gravado por um relay mais novo (esquema ${version}; este relay conhece até o ${known})`,
  installNewer: "instale o relay mais novo",
  installNewerOrRestore: "instale de novo o relay mais novo, ou restaure um backup de antes da atualização",
  otherProgram: "ele é o banco de dados de outro programa",
  nameOtherFile: "indique outro arquivo como `store` na configuração",
  served: "outro relay o está usando",
  stopRelay: "pare primeiro esse relay",
  stopRelays: "pare primeiro todos os relays que o usam",
  replaced: (path) => `${path} foi trocado por outro arquivo`,
  gone: (path) => `${path} não existe mais`,
  putBack: "recoloque-o no lugar, ou reinicie o relay para continuar com o que há",
  none: "ele ainda não existe",
  startServe: "inicie `relay serve`, que o cria",
  checkSchema: "verifique o esquema na URL",
  taken: (suffix) => suffix === "" ? "o arquivo já existe" : `já existe um arquivo com esse nome e ${suffix}`,
  nameOtherCopy: "escolha outro nome, ou mude esse arquivo de lugar",
  closed: "o banco de eventos está fechado",
  moved: {
    done: (other) => `ele foi movido para ${other}`,
    from: (other) => `ele está sendo movido para ${other}`,
    to: (other) => `a mudança a partir de ${other} não terminou`,
    nameOther: "indique o novo como `store` na configuração",
    orCancel: "execute de novo o mesmo `relay migrate` para continuar; com --cancel, este banco continua em uso",
    orRemove: "execute de novo o mesmo `relay migrate` para continuar; se a mudança foi cancelada, apague esta cópia",
  },
  move: {
    cannot: (from, to, problem) => `Não foi possível mover ${from}${to === undefined ? "" : ` para ${to}`}: ${problem}`,
    cannotCancel: (from, problem) => `Não foi possível cancelar a mudança de ${from}: ${problem}`,
    isDone: (other) => `ela terminou, e o banco de eventos agora é ${other}`,
    moveBack: "em vez disso, mova o outro de volta",
    isDestination: "este é o destino dela",
    nameSource: (other) => `indique ${other} em --from`,
    runFirst: "execute primeiro de novo aquele `relay migrate`",
    otherMoveTo: (other) => `o próprio destino está sendo movido para ${other}`,
    otherMoveFrom: (other) => `o destino pertence a uma mudança a partir de ${other}`,
    nameDestination: "indique outro destino, ou apague antes esse",
    notEmpty: "o destino não está vazio",
    nameEmpty: "indique outro arquivo ou outro esquema do banco de dados, ou apague antes o que está lá",
    continueOrCancel: "indique-o em --to para continuar; com --cancel, este banco continua em uso",
    cannotFinish: (from, to, table, count, other) =>
      `Não foi possível concluir a mudança de ${from}: a tabela ${table} (${
        forms.number(count)
      }) é diferente da de ${to} (${forms.number(other)})`,
    cancelFirst: "cancele a mudança com --cancel, apague o destino e comece de novo",
    stopped: "Interrompido; execute de novo o mesmo `relay migrate` para continuar",
    busy: "outra mudança está em andamento",
  },
  schema: {
    cannotMake: (schema, store, user) =>
      `Não foi possível criar o esquema ${schema} em ${store}: o usuário ${user} não tem permissão`,
    cannotUpgrade: (schema, store, user) =>
      `Não foi possível atualizar o esquema ${schema} em ${store}: o usuário ${user} não tem permissão`,
    runSql: "peça a quem administra o banco de dados que execute o que `relay migrate --sql` imprime",
    other: (schema) => `o esquema ${schema} tem tabelas de outro programa`,
    nameOther: "indique outro esquema em `store`, como `?schema=relay_events`",
    newer: (version, needs, known) =>
      `ele foi gravado por um relay mais novo (esquema ${version}, que exige um relay que conheça o ${needs}; este relay conhece até o ${known})`,
  },
  server: {
    notPostgres: "o servidor fala o protocolo do PostgreSQL, mas não é PostgreSQL",
    is: (name) => `o servidor é ${name}`,
    isPart: (name) => `o servidor é ${name}, mas não tem funções de que o relay precisa`,
    namePostgres: (oldest) => `indique em \`store\` um servidor com PostgreSQL ${oldest} ou mais novo`,
    upgrade: (oldest) => `atualize-o para PostgreSQL ${oldest} ou mais novo`,
    encodings: (found) => `as codificações do banco de dados e do cliente são ${found}`,
    createUtf8: "crie um banco de dados com a codificação UTF8",
    setting: (name, value) => `a opção ${name} é "${value}"`,
    pooler: "há um pooler, como o PgBouncer, entre o relay e o servidor",
    cannotLock: (store, problem) => `Não foi possível manter bloqueios em ${store}: ${problem}`,
    nameDirect: "indique o próprio servidor com o parâmetro `direct=HOST:PORTA` em `store`",
    cannotReadRoots: (problem) =>
      `Não foi possível ler as autoridades certificadoras do servidor do banco de eventos: ${problem}`,
    noAnswer: "o servidor não respondeu a tempo",
    busy: "todas as conexões deste relay estão ocupadas",
    closed: "o servidor fechou a conexão",
    lost: "a conexão com o servidor caiu",
  },
  serverHints: {
    login: "verifique o usuário e a senha em `store`, e o pg_hba.conf do servidor",
    password: "verifique o usuário e a senha em `store`",
    database: "crie o banco de dados, ou indique outro em `store`",
    grants: "peça a quem administra o banco de dados que execute os GRANTs no fim do que `relay migrate --sql` imprime",
    schema: "crie o esquema do banco de eventos com `relay migrate --sql`, ou reinicie o relay",
    readOnly: "o servidor não aceita gravações; indique em `store` o primário, ou todos os servidores do cluster",
    roleLimit: "aumente o CONNECTION LIMIT desse usuário ou banco de dados",
    connections: "aumente o max_connections do servidor, ou coloque um PgBouncer na frente dele",
    disk: "libere espaço no disco do servidor",
    resources: "verifique o que falta ao servidor: memória, espaço em disco ou conexões",
    pooler: "indique em `store` o próprio servidor como `direct`, além do pooler",
    starting: "o servidor está iniciando ou parando; o relay continua quando ele estiver pronto",
    moved: "`relay status` mostra para onde foi movido; indique esse banco como `store` na configuração",
    overloaded: "o servidor está sobrecarregado, ou outra sessão mantém um bloqueio",
    direct: "isto é um pooler; indique o próprio servidor como `direct` em `store`",
    start: "inicie o PostgreSQL, ou verifique o host e a porta em `store`",
    host: "verifique o nome do host em `store`",
    tls: "ative o TLS no servidor, ou use `sslmode=disable` se a rede for sua",
    certificate: "indique em `sslrootcert` a autoridade que emitiu o certificado, e use o nome de host que consta nele",
    network: "verifique se o servidor está no ar e se a rede chega até ele",
  },
  url: {
    form: (encoded) => `esperado: "postgres://USUÁRIO:SENHA@HOST/BANCO", em que ${encoded}`,
    encoded: `"@", "/", "?", "%" e ":" em um nome ou senha são escritos como "%40", "%2F", "%3F", "%25" e "%3A"`,
    zero: "esperado: um usuário, uma senha e um banco de dados sem byte zero",
    percent: (encoded) => `esperado: uma URL em que "%" inicia um caractere em UTF-8, como "%40"; ${encoded}`,
    unknownParameter: (name, known, near) =>
      `o parâmetro "${name}" não existe; os parâmetros são ${forms.and(known)}${
        near ? `; você quis dizer "${near}"?` : ""
      }`,
    twice: (name) => `o parâmetro "${name}" só pode aparecer uma vez`,
    noValue: (name) => `falta o valor do parâmetro "${name}"`,
    ports: (hosts) =>
      `esperado: uma porta só, ou uma para cada host: ${forms.count(hosts, { one: "host", other: "hosts" })}`,
    host: (encoded) =>
      `esperado: um host: um nome, um endereço (IPv6 entre colchetes) ou a pasta de um socket Unix; ${encoded}`,
    port: (encoded) => `esperado: uma porta de 1 a 65535 depois dos dois-pontos do host; ${encoded}`,
    direct: 'esperado: um só servidor em "direct", como "db.example:5432"',
    schema: (bytes) => `esperado: um esquema de até ${bytes} bytes com um nome que o PostgreSQL não reserva`,
    schemaCharacters: "esperado: um esquema sem apóstrofo nem dois cifrões no nome",
    unknownMode: (name, known, near) =>
      `o sslmode "${name}" não existe; use ${forms.or(known)}${near ? `; você quis dizer "${near}"?` : ""}`,
    systemRoots: 'esperado: "sslmode=verify-full" com "sslrootcert=system"',
    noRoots: 'esperado: o arquivo de uma autoridade em "sslrootcert" com "sslmode=verify-ca", ou "sslmode=verify-full"',
  },
};

/** Mistakes in a config: each goes on after the place that it is about. */
const config: Language["config"] = {
  cannotLoad: (file, mistakes) =>
    `Não foi possível carregar ${file}: ${forms.count(mistakes, { one: "erro", other: "erros" })}`,
};

/** What an attempt ended with, in one sentence. */
const outcomes: Language["outcomes"] = {};

/** Other errors that a person may meet. */
const errors: Language["errors"] = {
  system: {
    EACCES: "permissão negada",
    EPERM: "operação não permitida",
    ENOENT: "o arquivo ou a pasta não existe",
    ENOTDIR: "parte do caminho não é uma pasta",
    EISDIR: "é uma pasta",
    EEXIST: "já existe",
    ENOSPC: "o disco está cheio",
    EDQUOT: "a cota de disco acabou",
    EROFS: "o sistema de arquivos é somente leitura",
    ETXTBSY: "o programa está em execução",
    EMFILE: "há arquivos abertos demais",
    ELOOP: "há links demais",
    EIO: "o disco informa um erro",
    EADDRNOTAVAIL: "esta máquina não tem esse endereço",
  },
  systemSays: (text, path, code) => `${text}${path === undefined ? "" : `: ${path}`} (${code})`,
  listen: {
    cannot: (address, problem) => `Não foi possível escutar em ${address}: ${problem}`,
    seeConfig: (name) => `veja \`${name}.host\` e \`${name}.port\` na configuração; portas abaixo de 1024 exigem root`,
    ownedBy: (program, pid) => `${program} (processo ${pid}) já escuta ali`,
    owned: "outro programa já escuta ali",
    stopIt: (name) => `pare-o, ou defina outra \`${name}.port\` na configuração`,
    cannotTake: (descriptor, problem) =>
      `Não foi possível usar o socket recebido como descritor ${descriptor}: ${problem}`,
    notListening: "não é um socket TCP que escuta",
    notHere: "só o executável no Linux pode",
    seeUnit: "veja `ListenStream=` na unidade de socket; sem ela, o relay abre o próprio socket",
  },
  rights: {
    cannotUse: (path, problem) => `Não foi possível usar ${path} como root: ${problem}`,
    shared: (folder) =>
      `outros usuários podem gravar em ${folder}, e poderiam fazer o root abrir outro arquivo no lugar`,
    moveFile: "mude-o para uma pasta em que só um usuário possa gravar",
    closeFolder: (folder) => `execute \`chmod go-w ${folder}\`, ou use outro usuário que não o root`,
    cannotBecome: (user, theirs, problem) =>
      `o usuário ${user} pode mudar ${theirs}, e o root não consegue assumir esse usuário: ${problem}`,
    keepsRights: "restam direitos do root",
    staysRoot: "continua root",
    noWay: "este runtime não permite isso",
    runAs: (user) => `execute como esse usuário: sudo -u ${user} …`,
    limited: (user, theirs) =>
      `ali o root trabalha com os direitos do usuário ${user}, que pode mudar ${theirs}; \`ls -l\` mostra o que é de outros`,
    cannotReach: (folder, user, closed) =>
      `Não foi possível chegar a ${folder} com os direitos do dono, o usuário ${user}: ${closed} é fechada para ele, e o sistema não permite outra visão dela`,
    needsMount: "isto exige o direito de montar, que o root tem no Linux, mas não em todo contêiner",
    tooManyLinks: (path) => `Não foi possível seguir ${path}: há links demais`,
  },
};

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
