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

import type { Reason } from "../reason.ts";
import type { Refusal } from "../refusal.ts";
import type { Language } from "./en.ts";
import { formsOf } from "./forms.ts";
import type { Advice, MessageWords } from "./message_words.ts";

const forms = formsOf("pt-BR");

/** What to look at if no events come in; the pages say the same. */
const silentCheck = "Confira o endereço do webhook no ConnectVets, e a rede e o proxy deste servidor.";

/** How to find out why signatures are refused; the pages say the same. */
const refusedCheck =
  "Execute `relay verify --signature S FILE` para ver o que há de errado com uma assinatura: `S` é o cabeçalho e `FILE` o corpo, como quem envia os mostra.";

/** Why requests are refused, in one sentence with what to do about it. */
const refusals: Record<Refusal, Advice> = {
  signature_missing: {
    name: "sem assinatura",
    advice:
      "A requisição veio sem assinatura: quem envia não tem um segredo configurado, ou outra pessoa usa este caminho.",
  },
  signature_malformed: {
    name: "assinatura malformada",
    advice: "O cabeçalho de assinatura não tem o formato desta origem: confira se a origem é a certa para quem envia.",
  },
  signature_wrong: {
    name: "assinatura errada",
    advice: "Quem envia assina com outro segredo, ou um proxy altera o corpo: compare primeiro os segredos.",
  },
  body_too_large: {
    name: "corpo grande demais",
    advice: "O corpo é maior que `maxBody`: se estas requisições são legítimas, aumente o limite na configuração.",
  },
  body_cut: {
    name: "corpo incompleto",
    advice: "A conexão terminou antes de o corpo chegar inteiro: verifique a rede e o proxy.",
  },
  body_late: {
    name: "corpo lento demais",
    advice: "O corpo não chegou a tempo: verifique a rede e o proxy.",
  },
  body_encoded: {
    name: "corpo comprimido",
    advice: "O corpo tem `Content-Encoding`: quem envia, ou o proxy na frente, deve mandá-lo como foi assinado.",
  },
  body_no_room: {
    name: "requisições demais ao mesmo tempo",
    advice: "Chegaram requisições demais ao mesmo tempo: o log mostra de onde; quem é legítimo tenta de novo.",
  },
  body_invalid: {
    name: "não é um evento",
    advice: "A assinatura é válida, mas o corpo não é um evento desta origem: o log diz o que há de errado.",
  },
  rate_limited: {
    name: "acima do limite",
    advice: "Um cliente enviou mais do que `rateLimit` permite: se as requisições são legítimas, aumente o limite.",
  },
  store_failed: {
    name: "não guardado",
    advice:
      "Não foi possível guardar o evento, por exemplo por disco cheio: o log diz por quê; quem envia tenta de novo.",
  },
};

/** What is said of a failure whose reason only a newer relay knows, or that has none. */
const otherReason: Advice = {
  name: "motivo não registrado",
  advice: "Esta versão do relay não conhece esse motivo: veja a resposta na história do evento.",
};

/** Why an attempt failed, in one sentence with what to do about it. */
const reasons: Record<Reason, Advice> = {
  connection_refused: {
    name: "conexão recusada",
    advice: "Nenhum programa atende no endereço do destino: inicie-o, ou corrija o endereço na configuração.",
  },
  connection_reset: {
    name: "conexão encerrada",
    advice: "O destino encerrou a conexão antes de responder: veja o log dele e os proxies no caminho.",
  },
  dns_failed: {
    name: "servidor não encontrado",
    advice: "Não foi possível resolver o nome do servidor do destino: confira a grafia e o DNS desta máquina.",
  },
  tls_failed: {
    name: "falha de TLS",
    advice: "A conexão segura falhou: confira se o certificado do destino é válido e se é deste nome de servidor.",
  },
  network_failed: {
    name: "falha de rede",
    advice: "Não foi possível chegar ao destino: verifique a rede, as rotas e o firewall desta máquina.",
  },
  proxy_failed: {
    name: "falha do proxy",
    advice: "O proxy em `http_proxy` ou `https_proxy` bloqueou o envio: corrija-o, ou inclua o servidor em `no_proxy`.",
  },
  timed_out: {
    name: "tempo esgotado",
    advice: "O destino não respondeu a tempo: descubra o que o atrasa, ou aumente o `timeout` na configuração.",
  },
  rate_limited: {
    name: "limite de envios",
    advice: "O destino pediu menos envios: o relay espera o tempo pedido; se isso se repete, reduza o `rate`.",
  },
  redirected: {
    name: "redirecionado",
    advice: "O destino indicou outro endereço, e o relay não segue redirecionamentos: coloque o novo na configuração.",
  },
  refused: {
    name: "recusado",
    advice: "O destino recusou a mensagem: a resposta diz por quê; corrija a mensagem, o endereço ou as credenciais.",
  },
  server_failed: {
    name: "erro no destino",
    advice: "O destino teve um erro interno: veja o log dele e reenvie quando voltar a funcionar.",
  },
  unexpected_answer: {
    name: "resposta inesperada",
    advice: "Este tipo de destino não responde assim: confira se o endereço está certo.",
  },
  token_refused: {
    name: "token recusado",
    advice: "O serviço não aceita o token ou a URL do webhook: crie outro, coloque na configuração e reenvie.",
  },
  recipient_unreachable: {
    name: "destinatário inacessível",
    advice:
      "Não há como falar com esse destinatário: confira o número ou o chat, e se ele bloqueou o remetente ou saiu.",
  },
  window_closed: {
    name: "fora da janela de 24 horas",
    advice:
      "O WhatsApp só aceita texto livre até 24 h após a última mensagem do destinatário: defina `template` e reenvie.",
  },
  template_wrong: {
    name: "modelo recusado",
    advice:
      "O WhatsApp recusou o modelo de mensagem: compare nome, idioma e número de parâmetros com os do Gerenciador do WhatsApp.",
  },
  number_blocked: {
    name: "remetente bloqueado",
    advice:
      "O serviço bloqueou ou limitou o número ou a conta que envia: o painel dele diz por quê, como uma fatura em aberto.",
  },
  script_failed: {
    name: "falha no script",
    advice: "O script terminou com erro: a saída aparece junto da tentativa; execute-o à mão para achar a causa.",
  },
  script_not_run: {
    name: "script não iniciado",
    advice: "Não foi possível iniciar o script: a tentativa mostra por quê; corrija o arquivo e reenvie.",
  },
  message_invalid: {
    name: "mensagem inválida",
    advice: "Uma função da configuração não conseguiu montar a mensagem: corrija-a, recarregue e reenvie.",
  },
  note_missing: {
    name: "nota não encontrada",
    advice: "A API do ConnectVets não tem esta nota: pode ter sido apagada, ou o `sandbox` do `enrich` está errado.",
  },
  note_refused: {
    name: "sem acesso à nota",
    advice: "A API do ConnectVets recusou a chave: corrija `key` ou `sandbox` no `enrich`, recarregue e reenvie.",
  },
  note_unavailable: {
    name: "nota indisponível",
    advice: "A API do ConnectVets não devolveu a nota: o relay pede de novo sozinho; reenvie quando a API voltar.",
  },
  crashed: {
    name: "o relay caiu",
    advice: "O relay caiu várias vezes durante esta entrega: veja o que o destino responde e reenvie.",
  },
  internal: {
    name: "erro interno",
    advice: "Algo falhou dentro do relay: o log diz o quê; reenvie, e informe o erro se ele se repetir.",
  },
};

/** Default messages. */
const messages: MessageWords = {
  events: {
    "note.processing": {
      title: "Nota em andamento",
      what: (of) => `O ConnectVets está processando a nota${of}.`,
      todo: "Nada por enquanto.",
    },
    "note.completed": {
      title: "Nota pronta",
      what: (of) => `A nota${of} está pronta no ConnectVets.`,
      todo: "Abra a nota no ConnectVets e revise-a.",
    },
    "note.failed": {
      title: "Falha na nota",
      what: (of) => `O ConnectVets não conseguiu processar a nota${of}.`,
      todo:
        "Abra a nota no ConnectVets e processe de novo. Se falhar outra vez, envie outra gravação ou fale com o suporte do ConnectVets.",
    },
    "note.transcription.completed": {
      title: "Transcrição pronta",
      what: (of) => `A transcrição da nota${of} está pronta no ConnectVets.`,
      todo: "Abra a nota no ConnectVets e revise-a.",
    },
    "note.transcription.failed": {
      title: "Falha na transcrição",
      what: (of) => `O ConnectVets não conseguiu transcrever a gravação da nota${of}.`,
      todo:
        "Abra a nota no ConnectVets e processe de novo. Se falhar outra vez, envie outra gravação ou fale com o suporte do ConnectVets.",
    },
    test: {
      title: "Teste do webhook",
      what: () => "O evento de teste do webhook chegou, e a assinatura é válida.",
      todo: "Nada: o webhook está funcionando.",
    },
  },
  otherTitle: (type) => `Evento ${type}`,
  otherWhat: (type) => `O relay recebeu um evento que não conhece: ${type}.`,
  otherTodo: "Veja o que ele significa na documentação de quem o envia.",
  of: (name) => ` de ${name}`,
  ofClient: (client) => ` com a referência ${client}`,
  errors: {
    AUDIO_QUALITY_LOW: {
      why: "A qualidade do áudio é baixa demais para a transcrição.",
      todo:
        "Se houver outra gravação da consulta, envie-a. Se não, escreva a nota à mão. Na próxima vez, grave mais perto de quem fala e com menos ruído.",
    },
    INVALID_AUDIO_FORMAT: {
      why: "O formato do arquivo de áudio não é aceito.",
      todo: "Converta a gravação para WAV ou FLAC e envie de novo.",
    },
  },
  errorSays: (message) => `Motivo informado: ${message}`,
  errorCode: (code) => `Código do erro: ${code}`,
  labels: {
    todo: "O que fazer",
    patient: "Paciente",
    client: "Referência",
    note: "Id da nota",
    sections: "Seções",
    time: "Quando",
    error: "Detalhes do erro",
    target: "Destino",
    since: "Desde",
    began: "Início",
    ended: "Fim",
    event: "Ver o evento no relay",
    dead: "Ver o que falhou",
    events: "Ver os eventos no relay",
    overview: "Ver a visão geral do relay",
  },
  origin: (id, type) => `Enviado automaticamente pelo relay. Evento ${id}, ${type}`,
  more: (count) => `mais ${forms.number(count)}`,
  moreBlocks: (count) =>
    `… e mais ${forms.count(count, { one: "bloco que não coube", other: "blocos que não couberam" })}`,
  digest: {
    titleOfDay: (count, from, to) => `${forms.count(count, { one: "evento", other: "eventos" })}, das ${from} às ${to}`,
    titleOfDays: (count, from, to) =>
      `${forms.count(count, { one: "evento", other: "eventos" })}, de ${from} até ${to}`,
    todo: "Veja na lista se algo precisa de você.",
    origin: (timeZone) => `Enviado automaticamente pelo relay. Horários no fuso ${timeZone}`,
  },
  test: {
    title: "Mensagem de teste do relay",
    what: (target) =>
      `Isto é um teste: nenhum evento real aconteceu. Se você está lendo isto, o destino ${target} funciona.`,
  },
  nothingTodo: "Nada.",
  alarms: {
    dead: {
      titles: { begin: "Alarme do relay: falhas definitivas", end: "Fim do alarme do relay: falhas definitivas" },
      todo: "Execute `relay status` para ver mais, e `relay retry --dead` depois de corrigir o problema.",
    },
    silent: {
      titles: { begin: "Alarme do relay: nenhum evento", end: "Fim do alarme do relay: eventos voltaram" },
      todo: `Execute \`relay events\` para ver o que chegou por último. ${silentCheck}`,
    },
    refused: {
      titles: { begin: "Alarme do relay: requisições recusadas", end: "Fim do alarme do relay: requisições recusadas" },
      todo: "Execute `relay status` para ver mais.",
    },
  },
  lasted: (time) => `O alarme durou ${time}.`,
  reasons,
  otherReason,
  deadBegin: (count) =>
    forms.plural(count, {
      one: "Há 1 falha definitiva. O relay não tenta essa entrega de novo por conta própria.",
      other: `Há ${
        forms.number(count)
      } falhas definitivas. O relay não tenta essas entregas de novo por conta própria.`,
    }),
  deadEnd: (limit) =>
    limit === 1 ? "Não há mais falhas definitivas." : `Há menos de ${forms.number(limit)} falhas definitivas.`,
  deadSince: (count, time) => `${forms.count(count, { one: "entrega", other: "entregas" })} desde ${time}`,
  refusals,
  refusedBegin: (count, time) =>
    `O relay recusou ${forms.count(count, { one: "requisição", other: "requisições" })} em ${time}.`,
  refusedEnd: (time) => `O relay não recusa nenhuma requisição há ${time}.`,
  refusedCount: (count) => forms.count(count, { one: "requisição", other: "requisições" }),
  refusedCheck,
  silentBegin: (pattern, time) => `Nenhum evento ${pattern} chega há ${time}.`,
  silentEnd: (pattern) => `Eventos ${pattern} voltaram a chegar.`,
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
    main: "Principal",
    menu: "Menu",
  },
  skip: "Pular para o conteúdo",
  times: (timeZone) => `Todos os horários estão no fuso ${timeZone}, o \`timeZone\` da configuração.`,
  lost: {
    gone: (time, shown) => `O relay não responde desde ${time}. Esta página mostra a situação de ${shown}.`,
    back: (time) => `O relay voltou a responder às ${time}.`,
    fresh: "Esta página está atualizada.",
    old: "Recarregue a página para ver as novidades.",
  },
  live: {
    on: "Ao vivo",
    off: "Pausado",
    pause: "Pausar a atualização ao vivo",
    resume: "Retomar a atualização ao vivo",
  },
  signIn: {
    title: "Entrar",
    lead: "Estas páginas são para quem opera este relay. Informe o token definido em `admin`, na configuração.",
    token: "Token",
    button: "Entrar",
    wrong: "Token incorreto. Confira se ele foi copiado por inteiro.",
    out: "Sair",
  },
  states: {
    ok: "ok",
    failing: "falhando",
    dead_letters: "com falhas definitivas",
    open: "retido após falhas",
    throttled: "pediu para esperar",
    paused: "pausado",
    orphaned: "fora da configuração",
    pending: "aguardando",
    in_flight: "enviando",
    delivered: "entregue",
    dead: "falha definitiva",
    skipped: "dispensada",
    accepted: "aceito",
    unrouted: "sem rota",
    running: "em execução",
    stopping: "parando",
    stopped: "parado",
    lost: "parou inesperadamente",
  },
  chains: {
    inOrder: (targets, within, until) =>
      `${targets.join(", depois ")} (cada um após ${within}, até a ${until === "read" ? "leitura" : "entrega"})`,
    step: (step, steps) => `etapa ${forms.number(step)} de ${forms.number(steps)}`,
    begins: (time) => `Esta etapa começa ${time}, se nenhuma anterior bastar até lá.`,
    beginsNow: "Esta etapa está para começar.",
    waits: "Esta etapa aguarda o início da anterior.",
    skipped: "Não foi preciso, porque outra etapa bastou.",
  },
  outcomes: { delivered: "entregue", retry: "falhou", dead: "falha definitiva" },
  receipts: { accepted: "aceita", sent: "enviada", delivered: "chegou", read: "lida", failed: "não chegou" },
  receiptsTitle: "Confirmações",
  reasons,
  otherReason,
  refusals,
  verdicts: {
    matched: "corresponde",
    other_event: "é para outros eventos",
    when_false: "o `when` diz não",
    when_threw: "o `when` falhou, e por isso não corresponde",
  },
  done: {
    retried: (count) =>
      forms.count(count, {
        one: "entrega está sendo reenviada agora.",
        other: "entregas estão sendo reenviadas agora.",
      }),
    replayed: (count) =>
      `O evento foi reprocessado: ${forms.count(count, { one: "nova entrega", other: "novas entregas" })}.`,
    paused: () => "O destino está pausado. As novas entregas para ele ficam aguardando.",
    resumed: () => "O destino voltou a receber entregas.",
    busy: () => "Outro reenvio está em andamento: este não foi iniciado.",
    nothing: () => "Não havia nada a fazer: nenhuma destas entregas está aguardando ou é falha definitiva.",
  },
  yes: "sim",
  no: "não",
  never: "nunca",
  none: "nenhum",
  all: "Todos",
  overview: {
    running: "O relay está em execução",
    runningRelays: (count) => forms.count(count, { one: "relay em execução", other: "relays em execução" }),
    since: "Desde",
    selfSince: "O relay que responde por esta página está em execução desde",
    attention: "Precisa de atenção",
    more: (count) => `Mostrar mais ${forms.number(count)}`,
    calm: "Nada precisa de atenção",
    calmLead: "Todos os destinos aceitam as entregas e não há falhas definitivas.",
    lastReceived: "Último evento recebido",
    lastDelivered: "Última entrega",
    to: (target) => `para ${target}`,
    refused: "Requisições recusadas na última hora",
    waiting: "Entregas aguardando",
    showDead: "Mostrar",
    version: "Versão",
    unchanged: "A configuração no disco é a que está em uso.",
    changed:
      "A configuração no disco mudou depois de ser carregada. Para aplicá-la, execute `systemctl reload relay` ou envie SIGHUP.",
    last24: "Últimas 24 horas",
    nothing24: "Nada foi recebido nem entregue.",
    day: (received, delivered) =>
      `${forms.count(received, { one: "evento recebido", other: "eventos recebidos" })}, ` +
      forms.count(delivered, { one: "entrega feita", other: "entregas feitas" }),
    perHour: "Tentativas por resultado e hora",
    asTable: "Mostrar em tabela",
    hour: "Hora",
    chartOf: (target, { delivered, failed, dead }) =>
      `Tentativas de entrega para ${target} nas últimas 24 horas: ` +
      `${forms.count(delivered, { one: "entregue", other: "entregues" })}, ` +
      `${forms.count(failed, { one: "falhou", other: "falharam" })}, ` +
      forms.count(dead, { one: "falha definitiva", other: "falhas definitivas" }),
    summary: (waiting, dead) =>
      `Atualizado: ${forms.count(waiting, { one: "entrega aguardando", other: "entregas aguardando" })}, ` +
      forms.count(dead, { one: "falha definitiva", other: "falhas definitivas" }),
  },
  alerts: {
    title: "Alertas",
    alert: "Alerta",
    since: "Ativo desde",
    to: "Enviado para",
    none: "A configuração não tem alertas.",
    quiet: (count) =>
      `Nenhum alerta ativo. A configuração tem ${forms.count(count, { one: "alerta", other: "alertas" })}.`,
    dead: (limit) => `${forms.count(limit, { one: "falha definitiva", other: "falhas definitivas" })} ou mais`,
    silent: (pattern, ms) => `nenhum evento \`${pattern}\` por ${forms.duration(ms)}`,
    refused: (limit, ms) =>
      `${forms.count(limit, { one: "requisição recusada", other: "requisições recusadas" })} ou mais em ${
        forms.duration(ms)
      }`,
  },
  relays: {
    title: "Relays",
    name: "Relay",
    state: "Estado",
    owns: "Responsável por",
    version: "Versão",
    since: "Em execução desde",
    heardAt: "Último sinal",
    self: "responde por esta página",
    duties: "cuida também da retenção e dos alarmes",
    nothing: "nenhum destino",
    taking: (targets) => `assume ${forms.and(targets)} em até 15 s`,
    takeovers: "Trocas de responsável nas últimas 24 horas",
    when: "Quando",
    newOwner: "Novo responsável",
    targets: "Destinos",
    why: "Por quê",
    givenUp: "O responsável anterior foi parado ou deu lugar a outro relay.",
    wasLost: "O responsável anterior parou inesperadamente.",
    older: (count) => forms.count(count, { one: "troca mais antiga", other: "trocas mais antigas" }),
  },
  attention: {
    lost: (name) => `O relay ${name} parou inesperadamente`,
    lostTodo:
      "Ele caiu, foi encerrado à força ou perdeu a rede. Os outros relays assumem os destinos dele. Veja o log dele e inicie-o de novo.",
    mute: (name = "") => `O relay ${name} não dá sinal há um minuto`,
    muteTodo: "Ele travou, está suspenso ou não consegue gravar no banco de eventos. Veja o log dele.",
    unowned: (targets) => `Nenhum relay é responsável por ${forms.and(targets)}`,
    unownedTodo:
      "As entregas aguardam até que um relay assuma, o que leva até 37 segundos. Se nenhum assumir, o log de cada relay diz o motivo.",
    reloadOf: (name) => `O relay ${name} não conseguiu carregar a configuração do disco dele`,
    silent: (pattern) => `Nenhum evento ${pattern} está chegando`,
    silentTodo: silentCheck,
    refused: (count) =>
      `Pelo menos ${forms.count(count, { one: "requisição foi recusada", other: "requisições foram recusadas" })}`,
    refusedTodo: "Foi há mais de uma hora. Os detalhes estão no log.",
    refusedBy: (count, source) =>
      `${
        forms.count(count, { one: "requisição recusada", other: "requisições recusadas" })
      } em ${source} na última hora`,
    refusedCheck: refusedCheck,
    refusedCount: (count) => `${forms.count(count, { one: "requisição", other: "requisições" })}, a última em`,
    reload: "Não foi possível carregar a configuração que está no disco",
    reloadTodo: "O relay continua com a configuração anterior. Corrija os erros e recarregue.",
    dead: (count, target) =>
      `${forms.count(count, { one: "falha definitiva", other: "falhas definitivas" })} em ${target}`,
    failing: (target) => `${target} está falhando: nada é entregue`,
    failingTodo: "Veja a resposta das últimas tentativas.",
    open: (target) => `${target} está retido após falhas repetidas`,
    openTodo: "Depois disso, uma entrega testa o destino. Se ela chegar, as outras seguem sozinhas.",
    paused: (target) => `${target} está pausado`,
    pausedTodo: "As entregas aguardam até que alguém o retome.",
    throttled: (target) => `${target} pediu ao relay para esperar`,
    throttledTodo: "Não é preciso fazer nada: as entregas continuam quando a espera acabar.",
    orphaned: (target, count) =>
      `${forms.count(count, { one: "entrega", other: "entregas" })} para ${target}, que não está na configuração`,
    orphanedTodo:
      "Coloque o destino de volta na configuração e recarregue, ou reprocesse os eventos para outros destinos.",
    late: (target, count) =>
      `${target} está atrasado: ${forms.count(count, { one: "entrega aguardando", other: "entregas aguardando" })}`,
    lateTodo: "Veja a resposta das últimas tentativas.",
    condition: (count, of) =>
      `Uma condição falhou em ${forms.number(count)} dos últimos ${
        forms.count(of, { one: "evento", other: "eventos" })
      }`,
    conditionTodo:
      "Esses eventos podem não ter chegado aos destinos. Corrija a condição na configuração, recarregue e reprocesse-os.",
    warnings: (count) =>
      forms.count(count, { one: "aviso sobre a configuração", other: "avisos sobre a configuração" }),
    since: "desde",
    until: "até",
    show: "Mostrar",
    retry: "Reenviar todas",
  },
  events: {
    failedCondition: "a condição falhou",
    title: "Eventos",
    filter: "Filtrar eventos",
    search: "Busca",
    searchHint: "Id do evento, id da nota ou referência",
    type: "Tipo",
    typeHint: "como note.*",
    state: "Estado",
    target: "Destino",
    since: "Recebidos",
    apply: "Filtrar",
    clear: "Limpar filtros",
    sinces: {
      "1h": "na última hora",
      "24h": "nas últimas 24 horas",
      "7d": "nos últimos 7 dias",
      "30d": "nos últimos 30 dias",
    },
    received: "Recebido em",
    note: "Nota, referência",
    deliveries: "Destinos",
    others: (count) => forms.count(count, { one: "outro destino", other: "outros destinos" }),
    found: (count, hasMore) => {
      const events = forms.count(count, { one: "evento", other: "eventos" });
      return hasMore ? `${events}, e mais na próxima página` : events;
    },
    fresh: (count) => `Mostrar novos eventos (${count})`,
    older: "Mais antigos",
    newer: "Mais recentes",
    newest: "Os mais recentes",
    empty: "Nenhum evento com estes filtros",
    emptyLead: "Altere ou limpe os filtros para ver mais eventos.",
    nothing: "Ainda não há eventos",
    nothingLead: "Os eventos aparecem aqui assim que são recebidos. `relay send` envia um evento de teste assinado.",
    more: "A busca parou aqui para a página não demorar. Use “Mais antigos” para continuar.",
    notYet: "Nada encontrado até aqui. Use “Mais antigos” para continuar a busca.",
    pages: "Páginas",
  },
  event: {
    title: "Evento",
    received: "Recebido em",
    source: "Origem",
    secret: "Assinado com",
    secretOf: (place, count) =>
      count === undefined
        ? `segredo ${forms.number(place)}`
        : `segredo ${forms.number(place)} de ${forms.number(count)}`,
    own: "Evento criado pelo próprio relay.",
    note: "Nota",
    reference: "Referência",
    copy: "Copiar",
    copied: "Copiado",
    copyOf: (what) => `Copiar ${what}`,
    things: { id: "o id do evento", payload: "o conteúdo", answer: "a resposta" },
    full: "Mostrar tudo por inteiro",
    cut: "Esta é só a primeira parte.",
    raw: "Abrir o conteúdo como foi recebido",

    arrived: "O que foi recebido",
    headers: (count) => forms.count(count, { one: "cabeçalho", other: "cabeçalhos" }),
    payload: "Conteúdo",
    json: (bytes) =>
      `${
        forms.count(bytes, { one: "byte", other: "bytes" })
      } de JSON, indentado aqui para facilitar a leitura. A assinatura e as entregas usam os bytes como foram recebidos.`,
    text: (bytes) =>
      `${
        forms.count(bytes, { one: "byte que não é JSON, exibido", other: "bytes que não são JSON, exibidos" })
      } como texto.`,

    routes: "Para onde vai, e por quê",
    goesTo: (targets) => `Com a configuração atual, este evento vai para ${forms.and(targets)}.`,
    wentTo: (targets) =>
      targets.length === 0 ? "Até agora, não foi a lugar nenhum." : `Até agora, foi para ${forms.and(targets)}.`,
    on: "Eventos",
    to: "Destinos",
    verdict: "Resultado",
    fallback: "Nenhuma rota corresponde, então o evento vai para o `fallback`.",
    unrouted:
      "Nenhuma rota corresponde e a configuração não tem `fallback`: o evento é guardado e não vai a lugar nenhum.",
    problems: "Erros em funções da configuração",

    deliveries: "Entregas",
    noDeliveries: "Não há entregas: nenhuma rota correspondia quando o evento foi recebido.",
    delivery: "Id da entrega",
    delivered: (time, attempt) => `Entregue em ${time}, na tentativa ${forms.number(attempt)}.`,
    gaveUp: (attempts) =>
      `O relay desistiu após ${
        forms.count(attempts, { one: "tentativa", other: "tentativas" })
      }. Nada mais acontece até você reenviar a entrega.`,
    sending: (attempt) => `A tentativa ${forms.number(attempt)} está em andamento.`,
    next: (attempt, time, left) =>
      `Tentativa ${forms.number(attempt)} prevista para ${time}.${
        left === null
          ? ""
          : left === 1
          ? " Se falhar, a entrega vira falha definitiva."
          : ` Se mais ${forms.number(left)} tentativas falharem, a entrega vira falha definitiva.`
      }`,
    waits: "Aguarda a conclusão de uma entrega anterior com a mesma chave de ordem.",
    held: {
      quiet: (target, time) => `Aguarda o fim do horário de silêncio de ${target}. Sai em ${time}.`,
      digest: (target, time) => `Aguarda o próximo resumo de ${target}. Sai em ${time}.`,
      open: (target, time) =>
        `Retida, porque ${target} falhou várias vezes seguidas. O relay tenta uma entrega em ${time}; as outras seguem assim que funcionar.`,
      throttled: (target, time) => `Retida, porque ${target} pediu ao relay que aguardasse. Continua em ${time}.`,
      paused: (target) => `Retida, porque um operador pausou ${target}. Continua quando você retomar o destino.`,
      orphaned: (target) =>
        `Retida, porque a configuração não tem o destino ${target}. Inclua o destino de novo e recarregue a configuração, ou reprocesse o evento.`,
    },
    attempts: (target) => `Tentativas de entrega para ${target}`,
    attempt: (number) => `Tentativa ${forms.number(number)}`,
    took: (duration) => `levou ${duration}`,
    answered: (status) => `respondeu ${status}`,
    answer: "Resposta",
    earlier: (count) =>
      forms.count(count, {
        one: "tentativa anterior não aparece aqui.",
        other: "tentativas anteriores não aparecem aqui.",
      }),
    earlierDeliveries: (count) =>
      forms.count(count, {
        one: "entrega anterior não aparece aqui.",
        other: "entregas anteriores não aparecem aqui.",
      }),

    sent: "O que foi enviado",
    willBeSent: "O que será enviado",
    sentAgain:
      "Gerado de novo com a configuração atual: o relay não guarda as mensagens, então esta pode ser diferente.",
    sentNow: "Gerado com a configuração atual.",
    sentBytes: (address) => `O conteúdo exatamente como foi recebido, para ${address}.`,
    sentTo: (address) => `Para ${address}.`,
    sentNot: "Não foi possível gerar a mensagem:",
    sentLacks: {
      target: "Não foi possível gerar a mensagem, porque a configuração não tem mais este destino.",
      note: "Não foi possível gerar a mensagem, porque falta a nota da API do ConnectVets.",
    },

    details: "A nota da API do ConnectVets",
    detailsAt: (time) => `Obtida em ${time}.`,
    detailsNot: (time) => `O relay não conseguiu obter a nota em ${time}.`,

    retry: "Reenviar…",
    retryOf: (target) => `Reenviar a entrega para ${target}…`,
    retryAsk: (target) => `Reenviar a entrega para ${target}?`,
    retryDead: "O relay envia de novo agora, com o mesmo id de entrega e uma nova série de tentativas.",
    retryWaiting: "O relay envia agora, sem esperar pela próxima tentativa.",
    retryNow: "Reenviar agora",
    replay: "Reprocessar…",
    replayAsk: "Reprocessar este evento?",
    replayLead: (targets) =>
      `Envia o evento de novo com a configuração atual: novas entregas para ${forms.and(targets)}.`,
    replayTwice: (targets) =>
      `Ele já foi entregue para ${forms.and(targets)} e chega lá mais uma vez, com um novo id de entrega.`,
    replayNowhere: "Com a configuração atual, o evento não vai a lugar nenhum; não há o que reprocessar.",
    replayNow: "Reprocessar agora",
    cancel: "Cancelar",
    back: "Voltar ao evento",
  },
  dead: {
    title: "Falhas definitivas",
    cannotChoose: (problem) => `Não foi possível escolher falhas definitivas: ${problem}`,
    lead: "Entregas das quais o relay desistiu. Corrija primeiro a causa, depois reenvie.",
    groups: "Por destino e motivo",
    letters: "Falhas definitivas, das mais recentes às mais antigas",
    none: "Nenhuma falha definitiva",
    noneLead: "Todas as entregas chegaram ou ainda têm tentativas.",
    failure: "Destino, motivo",
    count: (count) => forms.count(count, { one: "falha definitiva", other: "falhas definitivas" }),
    oldest: "a mais antiga:",
    newest: "a mais recente:",
    retryAll: (count) => count === 1 ? "Reenviar…" : `Reenviar todas (${forms.number(count)})…`,
    retryGroup: "Reenviar grupo…",
    retryGroupOf: (target, reason) => `Reenviar grupo: ${target}, ${reason}`,
    show: "Mostrar",
    showAll: "Mostrar todas",
    ask: "Reenviar falhas definitivas?",
    askAll: (count) =>
      `Isto reenvia todas as falhas definitivas: ${forms.count(count, { one: "entrega", other: "entregas" })}.`,
    askTarget: (count, target) =>
      `Isto reenvia ${forms.count(count, { one: "falha definitiva", other: "falhas definitivas" })} de ${target}.`,
    askReason: (reason) => `Só as que têm este motivo: ${reason}.`,
    consequence:
      "Cada entrega ganha uma nova série de tentativas agora, com o mesmo id. Se a causa não foi corrigida, elas falham de novo.",
    confirm: (count) => `Reenviar ${forms.number(count)} agora`,
    cancel: "Cancelar",
    run: {
      all: "Reenvio de todas as falhas definitivas",
      of: (what) => `Reenvio de ${what}`,
      running: (retried, total) =>
        `Reenviando: ${forms.number(retried)} de ${
          forms.count(total, { one: "falha definitiva", other: "falhas definitivas" })
        }. Você pode sair desta página; o reenvio continua.`,
      done: (retried) =>
        `Concluído: ${forms.count(retried, { one: "entrega reenviada", other: "entregas reenviadas" })}.`,
      stopped: (retried, total) =>
        `Parado após ${forms.number(retried)} de ${
          forms.count(total, { one: "falha definitiva", other: "falhas definitivas" })
        }. As outras continuam como falhas definitivas.`,
      failed: (retried, total) =>
        `O reenvio falhou após ${forms.number(retried)} de ${
          forms.count(total, { one: "falha definitiva", other: "falhas definitivas" })
        }:`,
      progress: "Progresso do reenvio",
      stop: "Parar",
      reload: "Recarregar para ver o progresso",
    },
  },
  targets: {
    title: "Destinos",
    name: "Destino",
    state: "Estado",
    kind: "Tipo",
    goesTo: "Endereço",
    backlog: "Aguardando",
    sending: (count) => `${forms.number(count)} enviando`,
    oldest: "Espera mais antiga",
    lastSuccess: "Última entrega",
    lastFailure: "Última falha",
    rate: "Sucesso, 24 h",
    latency: "p50 / p99, 24 h",
    pause: "Pausar",
    resume: "Retomar",
    test: "Enviar mensagem de teste",
    of: (button, target) => `${button}: ${target}`,
    probe: "A próxima entrega testa o destino.",
    testOf: (target) => `Mensagem de teste para ${target}`,
    testEvent: "Mostrar o evento",
    testReload: "Recarregue para ver o que aconteceu desde então",
    stateTodo: {
      ok: "",
      failing:
        "A última tentativa falhou e nada foi entregue desde então. As entregas que aguardam serão tentadas de novo.",
      dead_letters: "Aceita entregas, mas algumas falharam definitivamente. Corrija a causa e depois as reenvie.",
      open: "Falhou várias vezes seguidas. Depois disso, uma entrega o testa; se ela chegar, as outras seguem.",
      throttled: "Pediu ao relay para esperar. As entregas continuam sozinhas quando a espera acabar.",
      paused: "Um operador o pausou. As entregas aguardam até que alguém o retome.",
      orphaned:
        "Não está na configuração. Coloque-o de volta e recarregue, ou reprocesse os eventos para outros destinos.",
    },
  },
  config: {
    title: "Configuração",
    file: "Arquivo",
    sources: "Origens",
    source: "Origem",
    path: "Caminho",
    secrets: "Segredos",
    routes: "Rotas",
    events: "Eventos",
    when: "Condição",
    always: "sempre",
    condition: "se `when` retornar verdadeiro",
    goesTo: "Destinos",
    fallback: (target) => `Eventos sem rota vão para ${target}.`,
    noFallback: "Eventos sem rota são guardados e não vão a lugar nenhum.",
    isFallback: "Nenhuma rota corresponde, então ele vai para o `fallback`.",
    targets: "Destinos",
    warnings: "Avisos",
    preview: "Testar um evento",
    previewLead: "Veja para onde um evento iria e o que cada destino receberia. Nada é guardado nem enviado.",
    sample: "Evento de exemplo",
    useSample: "Usar este exemplo",
    json: "Evento (JSON)",
    show: "Mostrar o resultado",
    message: (target) => `O que ${target} receberia`,
    frame: (target) => `E-mail para ${target}`,
    htmlSource: "Código HTML",
    wrong: "Não foi possível ler o evento",
  },
  badForm: "Não foi possível ler o formulário: está incompleto ou malformado",
  notFound: {
    title: "Página não encontrada",
    lead: "Se você veio pelo link de um evento, ele pode ter sido apagado: o `keep` da configuração diz quando.",
  },
  failed: {
    title: "Não é possível mostrar esta página agora",
    lead: "Tente de novo daqui a pouco. O que deu errado:",
  },
  refused: "Isto não pode ser feito",
};

/** `relay init`, and the files that it writes. */
const init: Language["init"] = {
  about: "cria uma configuração, os tipos dela e um arquivo .env para os segredos",
  options: {
    dir: "pasta em que gravar; é criada se não existir",
    yes: "não pergunta nada e cria um exemplo",
  },
  help: "\nEm um terminal, faz antes algumas perguntas. Nunca altera um arquivo que já existe.",
  wrote: "criado ",
  kept: "mantido",
  cannotWrite: (folder, problem) => `Não foi possível gravar em ${folder}: ${problem}`,
  isFile: "é um arquivo, não uma pasta",
  missing: (names) => `.env já existe; acrescente a ele ${forms.and(names)}`,
  next: "Próximos passos:",
  check: (command) => `Veja o que falta fazer: ${command}`,
  config: {
    about:
      "O que o relay recebe, para onde entrega e o que vai para onde. `relay check` mostra tudo isso e encontra erros.",
    fallback: "Para onde vão os eventos sem rota. Sem `fallback`, eles ficam guardados, mas não vão a lugar nenhum.",
  },
  dotenv: {
    about: "Segredos de relay.config.ts. Só você pode ler este arquivo; não o coloque no controle de versão.",
    secret: "Segredo do webhook, fornecido pelo ConnectVets.",
    sampleSecret:
      "Um exemplo, suficiente para `relay send`. Troque-o pelo segredo do webhook, fornecido pelo ConnectVets.",
  },
  ask: {
    intro: "Uma configuração para o relay",
    keys: "Esc volta, Ctrl-C interrompe. Nada é gravado antes da última resposta.",
    failures: "Para onde devem ir as notas que falharam?",
    completed: "Para onde devem ir as notas concluídas?",
    none: "Por enquanto, nenhum lugar",
    secret: "Segredo do webhook, fornecido pelo ConnectVets",
    later: "vazio: fica para depois",
    random: "vazio: um aleatório",
    without: "vazio: nenhum",
    keep: "vazio: mantém o que você digitou",
    short: "Muito curto: copie o segredo inteiro do ConnectVets, ou deixe vazio por enquanto",
    confirm: "Gravar estes arquivos?",
    write: "Sim, gravar",
    cancel: "Não gravar nada",
    cancelled: "Nada foi gravado",
    done: "É só isso",
  },
  summary: {
    title: "Resumo",
    failures: "Notas que falharam",
    completed: "Notas concluídas",
    secret: "Segredo do webhook",
    files: "Arquivos",
    nowhere: "por enquanto, nenhum lugar",
    given: "o que você digitou",
    sample: "um exemplo, por enquanto",
    later: (what) => `${what} (a completar em .env)`,
  },
  channels: {
    slack: {
      name: "Slack",
      steps: [
        "Crie um app em api.slack.com/apps: Create New App, From scratch.",
        "Nele, ative Incoming Webhooks, adicione um webhook e escolha o canal.",
        "Você precisa da URL do webhook, que essa página mostra em seguida.",
      ],
      ask: { url: "URL do incoming webhook do Slack" },
      wrong: { url: 'Informe uma URL como "https://hooks.slack.com/services/…", que o Slack mostra para o webhook' },
      dotenv: { url: "URL do seu incoming webhook do Slack." },
    },
    email: {
      name: "E-mail",
      steps: [
        "Você precisa de um servidor de e-mail que aceite o endereço do remetente.",
        "Host, porta, usuário e senha estão nas configurações da sua conta de e-mail.",
        "Resend, SendGrid, Postmark, Mailgun e Brevo também: docs/channels.pt-BR.md",
      ],
      ask: {
        via: "Servidor de e-mail, como smtp://usuario:senha@host:587",
        from: "Endereço do remetente",
        to: "Endereços dos destinatários, separados por vírgulas",
      },
      wrong: {
        via: 'Informe uma URL como "smtp://usuario:senha@host:587"',
        from: 'Informe um endereço como "relay@clinica.example"',
        to: 'Informe endereços como "equipe@clinica.example", separados por vírgulas',
      },
      dotenv: { via: "Seu servidor de e-mail." },
    },
    whatsapp: {
      name: "WhatsApp, pela API de Nuvem da Meta",
      steps: [
        "Crie um app com WhatsApp em developers.facebook.com/apps e, no Gerenciador do",
        "WhatsApp, um modelo de Utilidade só com uma variável: o id da nota.",
        "Você precisa da identificação do número e do token de um usuário do sistema.",
      ],
      ask: {
        phoneNumberId: "Identificação do número de telefone, e não o próprio número",
        token: "Token permanente do usuário do sistema",
        to: "Números dos destinatários, com país e DDD, separados por vírgulas",
        template: "Nome do modelo",
        language: "Idioma do modelo",
      },
      wrong: {
        phoneNumberId: 'Informe só dígitos, como "105512345678901", que a Configuração da API mostra',
        token: "Informe o token inteiro, sem espaços",
        to: 'Informe números como "+5531999998888", separados por vírgulas',
        template: 'Informe um nome como "nota_falhou", que o Gerenciador do WhatsApp mostra',
        language: 'Informe um idioma como "pt_BR", que o Gerenciador do WhatsApp mostra',
      },
      dotenv: { token: "Token permanente do usuário do sistema, para a API de Nuvem do WhatsApp." },
    },
    evolution: {
      name: "WhatsApp, pela Evolution API",
      steps: [
        "No /manager do servidor, crie uma instância e leia o QR code com o celular",
        "que envia. A API não é oficial: o WhatsApp pode bloquear o número.",
        "Você precisa do nome da instância e da API key dela, que o manager mostra.",
      ],
      ask: {
        url: "URL da sua Evolution API",
        instance: "Nome da instância",
        apiKey: "API key da instância",
        to: "Números dos destinatários, com país e DDD, separados por vírgulas",
      },
      wrong: {
        url: 'Informe uma URL como "http://localhost:8080"',
        instance: 'Informe o nome de uma instância, como "clinica"',
        apiKey: "Informe a chave inteira, sem espaços",
        to: 'Informe números como "+5531999998888", separados por vírgulas',
      },
      dotenv: { apiKey: "API key da sua instância da Evolution API." },
    },
    zapi: {
      name: "WhatsApp, pela Z-API",
      steps: [
        "Crie uma instância em z-api.io e leia o QR code com o celular que envia.",
        "A Z-API não é oficial: o WhatsApp pode bloquear o número. Você precisa de",
        "ID e token da instância (Editar) e do token de segurança (aba Segurança).",
      ],
      ask: {
        instance: "ID da instância",
        token: "Token da instância",
        clientToken: "Token de segurança da conta",
        to: "Números dos destinatários, com país e DDD, separados por vírgulas",
      },
      wrong: {
        instance: "Informe o ID da instância, sem espaços",
        token: "Informe o token inteiro da instância, sem espaços",
        clientToken: "Informe o token de segurança inteiro, sem espaços",
        to: 'Informe números como "+5531999998888", separados por vírgulas',
      },
      dotenv: {
        instance: "ID da sua instância da Z-API.",
        token: "Token da sua instância da Z-API.",
        clientToken: "Token de segurança da sua conta da Z-API.",
      },
    },
    telegram: {
      name: "Telegram",
      steps: [
        "No Telegram, escreva /newbot ao @BotFather. Ponha o bot no grupo e escreva",
        "ali: /start@ e o nome dele. api.telegram.org/botTOKEN/getUpdates mostra o id",
        "do chat. Você precisa do token do bot e desse id, negativo se for um grupo.",
      ],
      ask: { token: "Token do bot", chat: "Id do chat" },
      wrong: {
        token: 'Informe o token inteiro, como "123456:ABC…", que o @BotFather deu',
        chat: 'Informe um número como "-1001234567890", ou "@" e o nome de um canal público',
      },
      dotenv: { token: "Token do seu bot do Telegram, fornecido pelo @BotFather." },
    },
    teams: {
      name: "Microsoft Teams",
      steps: [
        "No Teams: os três pontos ao lado do canal, depois Fluxos de trabalho.",
        'Escolha "Enviar alertas de webhook para um canal" e salve. Os conectores do',
        "Office 365 não existem mais. Você precisa da URL que o fluxo mostra no final.",
      ],
      ask: { url: "URL do webhook do fluxo de trabalho" },
      wrong: { url: "Informe a URL inteira que o fluxo mostra, que começa com https://" },
      dotenv: { url: "URL do webhook do seu fluxo de trabalho do Teams." },
    },
    googleChat: {
      name: "Google Chat",
      steps: [
        "Você precisa do Google Workspace: uma conta pessoal não tem webhooks.",
        "No navegador: o nome do espaço, Apps e integrações, Adicionar webhooks.",
        "Você precisa da URL do webhook: os três pontos ao lado dele, Copiar link.",
      ],
      ask: { url: "URL do webhook do Google Chat" },
      wrong: { url: 'Informe uma URL como "https://chat.googleapis.com/v1/spaces/…"' },
      dotenv: { url: "URL do seu webhook do Google Chat." },
    },
    discord: {
      name: "Discord",
      steps: [
        "No Discord: a engrenagem ao lado do canal (Editar canal), Integrações.",
        "Depois Webhooks, Novo webhook.",
        "Você precisa da URL do webhook: Copiar URL do webhook.",
      ],
      ask: { url: "URL do webhook do Discord" },
      wrong: { url: 'Informe uma URL como "https://discord.com/api/webhooks/…"' },
      dotenv: { url: "URL do seu webhook do Discord." },
    },
    ntfy: {
      name: "ntfy, uma notificação nos celulares",
      steps: [
        "Instale o app ntfy em cada celular e assine um mesmo tópico. Não há conta.",
        "No ntfy.sh, quem sabe o tópico pode ler: escolha um que ninguém adivinhe.",
        "Você só precisa do tópico; se for protegido, também de um token de acesso.",
      ],
      ask: { url: "Servidor", topic: "Tópico", token: "Token de acesso, ou usuario:senha" },
      wrong: {
        url: 'Informe uma URL como "https://ntfy.sh"',
        topic: "Informe no máximo 64 letras, dígitos, - e _",
        token: 'Informe um token de acesso como "tk_…", ou "usuario:senha"',
      },
      dotenv: { topic: "Tópico do ntfy que os celulares assinam.", token: "Token de acesso do ntfy." },
    },
    http: {
      name: "Outro sistema, por HTTP",
      steps: [],
      ask: { url: "URL do outro sistema" },
      wrong: { url: 'Informe uma URL como "https://sistema.example/webhook"' },
      dotenv: { url: "URL do seu outro sistema." },
    },
    script: {
      name: "Um script",
      steps: [],
      ask: { command: "Comando a executar, com os argumentos" },
      wrong: { command: "Digite algo, ou tecle Esc para voltar" },
      dotenv: {},
    },
  },
};

/** `relay check` but its warnings. */
const check: Language["check"] = {
  about: "verifica a configuração e mostra as rotas e o que falta fazer",
  help: `
Também examina um banco de eventos em PostgreSQL, e avisa dos problemas dele.

Código de saída: 0 se a configuração é válida, 78 se não é; nesse caso, todos os erros são mostrados de uma vez.`,
  sound: "A configuração é válida:",
  sources: "Origens",
  everywhere: "em todos os endereços desta máquina",
  secrets: (count) => forms.count(count, { one: "segredo", other: "segredos" }),
  certificate: "Certificado",
  until: (day) => `até ${day}`,
  targets: "Destinos",
  routes: "Rotas",
  when: "se …",
  anythingElse: "qualquer outro",
  goesNowhere: "fica guardado, não vai a lugar nenhum",
  store: "Banco de eventos",
  schema: (version) => version === 0 ? "o primeiro relay a iniciar cria o esquema" : `versão ${version} do esquema`,
  alerts: "Alertas",
  dead: (count) => count === 1 ? "uma falha definitiva" : `${forms.number(count)} ou mais falhas definitivas`,
  silent: (pattern) => `nenhum evento ${pattern}`,
  for: (time) => `por ${time}`,
  refused: (count) => count === 1 ? "uma requisição recusada" : `${forms.number(count)} ou mais requisições recusadas`,
  within: (time) => `em ${time}`,
  warnings: "Avisos",
  todo: {
    title: "Falta fazer:",
    start: (command) => `inicie o relay: ${command}`,
    reload: (command) => `recarregue o relay: ${command}, ou como serviço: systemctl restart relay`,
    send: (command) => `envie um evento de teste: ${command}`,
    sendElsewhere: (command) => `em outro terminal, envie um evento de teste: ${command}`,
    nothing: "Não falta fazer nada: o relay está em execução e já recebeu eventos",
    unknown: (problem) => `Não foi possível saber se o relay está em execução: ${problem}`,
    oldStore: "o banco de eventos é de uma versão anterior, que `relay serve` atualiza",
  },
};

/**
 * Warnings; each follows the place in the config that it is about. Dates are in the form of ISO 8601; `place` is the position
 * of a certificate in its file, from 1; `quoted` is a path as a shell reads it.
 */
const warnings: Language["warnings"] = {
  shortSecret: "tem menos de 16 bytes e pode ser adivinhado",
  longSecret: (path) => `use um segredo de pelo menos 16 bytes em ${path}`,
  placeholder: {
    left: {
      placeholder: (put) => `ainda não foi preenchido; ${put}`,
      sample: (put) => `ainda é o exemplo criado por \`relay init\`; ${put}`,
    },
    what: {
      slack: "a URL do seu incoming webhook do Slack",
      smtp: "a URL do seu servidor de e-mail",
      http: "a URL do seu sistema",
      own: "o valor verdadeiro",
      secret: "o segredo do webhook fornecido pelo ConnectVets",
    },
    put: (what, variable) => `coloque em .env, como ${variable}, ${what}`,
    putThere: (what) => `coloque ali ${what}`,
    set: (path, what) => `preencha ${path} com ${what}`,
  },
  unknownEvent: (pattern, near) =>
    `"${pattern}" não corresponde a nenhum evento do ConnectVets; você quis dizer "${near}"?`,
  sampleFails: (type, problem) => `falha com um exemplo de ${type}: ${problem}`,
  oneStar:
    '"*" só corresponde a nomes sem ponto, e a nenhum evento sobre uma nota; "**" corresponde a todos os eventos',
  noProgram: (program, fault) => `não é possível executar ${program}: ${fault}`,
  retiredConnector:
    "usa um conector do Office 365, que a Microsoft desativou em maio de 2026; crie um webhook no app Workflows do Teams e use a URL dele",
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
  neverRead: (target) =>
    `espera a leitura da mensagem, mas "${target}" não tem confirmações de leitura: o próximo destino sempre é avisado também`,
  idleEnrich:
    "não tem efeito: os destinos da rota enviam os bytes recebidos, não uma mensagem feita a partir do evento",
  whatsapp: {
    twice: (shown) =>
      `tem o destinatário ${shown} duas vezes, talvez com e sem o nono dígito; cada evento é enviado a ele uma vez só`,
    length: (shown) =>
      `o número ${shown} não pode ser brasileiro: depois de +55 vêm o DDD e 8 ou 9 dígitos; corrija-o em \`to\``,
    noTemplate:
      "não tem `template`: o WhatsApp só aceita texto livre até 24 horas depois da última mensagem do destinatário; " +
      "depois disso, sem um modelo, as mensagens falham",
    digest: (hasTemplate) =>
      "faz resumos, que são texto livre e que o WhatsApp só aceita até 24 horas depois da última mensagem do destinatário; " +
      (hasTemplate ? "depois disso, cada evento sai sozinho, pelo `template`" : "depois disso, eles falham"),
    templateName: (name) =>
      `usa o modelo "${name}"; no WhatsApp, o nome de um modelo só tem letras minúsculas, dígitos e _, no máximo 512`,
  },
  certificate: (place) => place === 1 ? "" : ` (certificado ${place} do arquivo)`,
  expired: (date, place) => `venceu em ${date}${warnings.certificate(place)}; quem envia o recusa`,
  notYetValid: (date, place) => `só vale a partir de ${date}${warnings.certificate(place)}; quem envia o recusa`,
  expires: (days, date, place) => {
    const when = days === 0 ? "em menos de um dia" : `em ${forms.count(days, { one: "dia", other: "dias" })}`;
    return `vence ${when}, no dia ${date}${warnings.certificate(place)}; renove-o e recarregue o relay`;
  },
  selfSigned: "é autoassinado; quem envia o recusa, se não o conhecer",
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
      `o esquema ${schema} não existe, e o usuário ${user} não pode criá-lo; peça a quem administra o banco de dados que ` +
      "execute o que `relay migrate --sql` imprime",
    noRights: (user, table) =>
      `o usuário ${user} não pode ler e gravar em ${table}; peça a quem administra o banco de dados as permissões que ` +
      "`relay migrate --sql` imprime",
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
    "Recebe os webhooks do ConnectVets, guarda-os e os entrega por WhatsApp, chats, e-mail ou HTTP, ou a um script.",
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
  unknownCommand: (name, near) => `o comando "${name}" não existe${near ? `; você quis dizer "${near}"?` : ""}`,
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

/** `relay status`. Times and spans are given as the language writes them. */
const status: Language["status"] = {
  description: "mostra o que precisa de atenção, se o relay está em execução e como está cada destino",
  ready: "pergunta ao relay em execução se ele pode receber eventos; termina com 1 se não pode, ou se não há nenhum",
  watch: "em um terminal: mostra de novo a cada 2 segundos, até Ctrl-C (código 130)",
  help:
    "\nLê o banco de eventos, com ou sem `relay serve` em execução e mesmo com erros na configuração; --ready pergunta ao relay em execução.",
  watchAlone: "Não foi possível acompanhar o estado: --watch não pode ser usado com --json nem com --ready",
  watchNoTerminal: "Não foi possível acompanhar o estado: a saída padrão não é um terminal",
  watchHint: "execute `relay status --json` sempre que precisar",
  cutOff: (count) => `… e ${forms.count(count, { one: "outra linha", other: "outras linhas" })}`,
  calm: "Nada precisa de atenção",
  attention: (count) => forms.count(count, { one: "item precisa de atenção", other: "itens precisam de atenção" }),
  more: (count) => `e mais ${forms.number(count)}: \`relay status --json\` mostra tudo`,
  times: (timeZone) => `Horários no fuso ${timeZone}`,
  at: (time, relative) => `${time} (${relative})`,
  when: (time, relative) => `${relative} (${time})`,
  start: "Inicie um com `relay serve`, ou com `systemctl start relay` se ele for um serviço.",
  reload: "Carregue-a com `systemctl reload relay`, ou com SIGHUP.",
  trouble: {
    stopped: "Nenhum relay está em execução",
    stoppedAt: (time) => `Nenhum relay está em execução: o último foi parado ${time}`,
    lostAt: (time) =>
      `Nenhum relay está em execução: o último caiu ou foi encerrado à força; deu o último sinal de vida ${time}`,
    mute: (name, time) => `O relay${name === undefined ? "" : ` ${name}`} não dá sinal de vida desde ${time}`,
    muteTodo: "Ele travou, foi suspenso ou não consegue gravar no banco de eventos. O log dele diz mais.",
    unowned: (targets) => `Nenhum relay entrega para ${forms.and(targets)}`,
    unownedTodo:
      "As entregas aguardam até que um assuma. Um relay assume em até 37 segundos o que outro perdeu; depois disso, o log de cada relay mostra o motivo.",
    lost: (name, time) =>
      `O relay ${name} sumiu: caiu, foi encerrado à força ou perdeu a rede${
        time ? `; deu o último sinal de vida ${time}` : ""
      }`,
    lostTodo: "Os outros relays assumem os destinos dele. O log dele mostra o que houve.",
    taking: (name, targets) => `O relay ${name} assume ${forms.and(targets)} em até 15 segundos`,
    takingTodo: "O relay anterior caiu e pode não ter terminado o que começou.",
    reload: (name, time) =>
      `O relay${name === undefined ? "" : ` ${name}`} recusou uma nova configuração ${time} e segue com a anterior`,
    reloadSound: "A configuração no disco agora é válida. Carregue-a com `systemctl reload relay`, ou com SIGHUP.",
    reloadTodo: "Corrija-a e depois carregue-a com `systemctl reload relay`, ou com SIGHUP.",
    mistakes: "A configuração no disco não pode ser usada",
    configChanged: "A configuração no disco mudou desde que o relay a carregou",
    moved: (to) => `Este banco de eventos foi movido para ${to}: nenhum relay o usa`,
    moving: (to) => `Este banco de eventos está sendo movido para ${to}: nenhum relay o usa enquanto isso`,
    arriving: (from) => `Este banco de eventos está recebendo os dados de ${from}: nenhum relay o usa enquanto isso`,
    movedTodo: "Use uma configuração que indique o novo banco de eventos.",
    movingTodo: "`relay migrate` continua de onde parou, ou cancela tudo com --cancel.",
    warnings: (count) =>
      forms.count(count, { one: "aviso sobre a configuração", other: "avisos sobre a configuração" }),
    warningsMore: (count) => `e mais ${forms.number(count)}: \`relay check\` mostra todos`,
  },
  silent: (pattern, time) => `Nenhum evento ${pattern} chegou desde ${time}`,
  refusedAlarm: (time) => `Requisições foram recusadas; o alerta está ativo desde ${time}`,
  refusedAlarmTodo: "Foi há mais de uma hora. O log diz mais sobre cada uma.",
  refusedBy: (source, count, relative) =>
    `${
      forms.count(count, { one: "requisição recusada", other: "requisições recusadas" })
    } em ${source} na última hora, a última ${relative}`,
  refusedReason: (name, count, advice) => `${name} (${forms.number(count)}): ${advice}`,
  dead: (target, count, reason, time) =>
    `${target}: ${
      forms.count(count, { one: "falha definitiva", other: "falhas definitivas" })
    } (${reason}), a mais antiga de um evento recebido ${time}`,
  address: (address) => `Endereço dele na configuração: ${address}`,
  deadTodo: (command) => `Depois, reenvie: \`${command}\``,
  failing: (target, count, reason, time) =>
    `${target} está falhando: ${reason}, última vez ${time}; ${status.waiting(count)}`,
  failingTodo: (next) => `Novas tentativas são feitas automaticamente${next ? `; a próxima será ${next}` : ""}.`,
  nothingSince: (time) => `Nada foi entregue a ele desde ${time}.`,
  nothingYet: "Nada foi entregue a ele ainda.",
  lastFailure: (what, event) => `A última falha: ${what} (\`relay events ${event}\`)`,
  conditionThen: (event) => `\`relay replay ${event} --to DESTINO\` envia o último deles.`,
  waiting: (count) => forms.count(count, { one: "entrega aguarda", other: "entregas aguardam" }),
  open: (target, count, reason, time) =>
    `${target} está retido até ${time} após várias falhas seguidas, ${reason}: ${status.waiting(count)}`,
  openTodo: "Uma entrega o testa nessa hora; as outras seguem quando ele voltar a funcionar.",
  openNow: (target, count, reason) =>
    `${target} está retido após várias falhas seguidas, ${reason}, e será testado em seguida: ${status.waiting(count)}`,
  orphaned: (target, count) =>
    `${target}: ${
      forms.count(count, { one: "entrega aguarda ou falhou", other: "entregas aguardam ou falharam" })
    }, e a configuração não tem esse destino`,
  orphanedTodo:
    "Coloque o destino de volta na configuração e recarregue, ou reprocesse os eventos para outro com `relay replay`.",
  late: (target, count, time) => `${target} está atrasado: ${status.waiting(count)} desde ${time}`,
  lateTodo: (target) => `\`relay events --target ${target} --state pending\` mostra quais.`,
  paused: (target, count, time) => `${target} está pausado desde ${time}: ${status.waiting(count)}`,
  pausedTodo: (target) => `\`relay resume ${target}\` volta a entregar.`,
  throttled: (target, count, time) => `${target} pediu ao relay para esperar até ${time}: ${status.waiting(count)}`,
  throttledTodo: "Nada a fazer: a entrega segue automaticamente.",
  facts: {
    relay: "Relay",
    relays: "Relays",
    listen: "Webhooks",
    admin: "Páginas",
    received: "Último evento",
    delivered: "Última entrega",
    refused: "Recusadas",
    alarms: "Alertas",
    store: "Banco de eventos",
  },
  running: (version, time, pid) => `${version}, em execução desde ${time}${pid === null ? "" : `, pid ${pid}`}`,
  runningUnknown: "em execução",
  notRunning: "parado",
  relayCounts: ({ running, stopped, lost }) =>
    [
      `${forms.number(running)} em execução`,
      ...(stopped > 0 ? [`${forms.count(stopped, { one: "parado", other: "parados" })} no último dia`] : []),
      ...(lost > 0 ? [`${forms.count(lost, { one: "caiu", other: "caíram" })} no último dia`] : []),
    ].join(", "),
  never: "nunca",
  none: "nenhum",
  refusedNone: "nenhuma na última hora",
  refusedCount: (count) => `${forms.count(count, { one: "requisição", other: "requisições" })} na última hora`,
  alarms: {
    dead: (limit) => `${forms.number(limit)} ou mais falhas definitivas`,
    silent: (pattern) => `nenhum evento ${pattern}`,
    refused: (limit, span) => `${forms.number(limit)} ou mais requisições recusadas em ${span}`,
    since: (what, time, target) => `${what}, desde ${time}; ${target} foi avisado`,
  },
  store: (place, size, waiting, dead) =>
    `${place} (${size}): ${forms.number(waiting)} aguardando, ${
      forms.count(dead, { one: "falha definitiva", other: "falhas definitivas" })
    }`,
  columns: {
    target: "Destino",
    state: "Estado",
    waiting: "Aguardando",
    oldest: "Mais antiga",
    dead: "Falhas def.",
    delivered: "Último sucesso",
    failed: "Última falha",
    reason: "Motivo",
    owner: "Relay",
  },
  heldUntil: (time) => `retido até ${time}`,
  heldNow: "retido, teste a seguir",
  throttledUntil: (time) => `pediu para esperar até ${time}`,
  soon: (name) => `${name} em breve`,
  nobody: "ninguém",
  relays: {
    name: "Relay",
    state: "Estado",
    version: "Versão",
    since: "Desde",
    heardAt: "Último sinal",
    owns: "Entrega para",
    targets: (count, hasDuties) =>
      forms.count(count, { one: "destino", other: "destinos" }) + (hasDuties ? ", retenção e alarmes" : ""),
    states: { running: "em execução", stopping: "parando", stopped: "parado", lost: "caiu" },
  },
  takeovers: (count) =>
    `${forms.count(count, { one: "destino mudou", other: "destinos mudaram" })} de relay no último dia`,
  takeover: (time, name, targets, cause) => `${time} ${name} assumiu ${forms.and(targets)}: ${cause}`,
  givenUp: "o relay anterior os cedeu",
  wasLost: "o relay anterior caiu",
  takeoversMore: (count) => `e mais ${forms.number(count)} antes: \`relay status --json\` mostra tudo`,
  notReady: (url, status) => `O relay não está pronto: ${url} respondeu ${status}`,
  notReadyText: (url, status, text) => `O relay não está pronto: ${url} respondeu ${status}: ${text}`,
  noAdmin: "Não foi possível perguntar se o relay está pronto: `admin` é false na configuração",
  noAdminHint: "`GET /healthz` em `listen` responde sempre que o relay está em execução",
  noAnswer: (url, ms) => `O relay não está pronto: ${url} não respondeu em ${forms.duration(ms)}`,
  startHint: "inicie o relay com `relay serve`",
  isReady: "pronto",
};

/** `relay events`: the list, and the story of one event. */
const events: Language["events"] = {
  description: "lista os eventos, do mais recente ao mais antigo; ou mostra o histórico completo de um",
  id: "mostra este evento, ou o evento desta entrega; bastam os 8 primeiros caracteres",
  type: "só eventos deste tipo, como note.failed ou note.*",
  state: "só eventos neste estado, ou com uma entrega nele",
  target: "só eventos com uma entrega para este destino",
  since: "só eventos mais recentes que isto: uma duração, como 2h, ou uma data",
  text: "só eventos cujo corpo contém este texto, como o id de uma nota",
  limit: "mostra no máximo este número de eventos",
  follow: "depois mostra cada novo evento e cada tentativa de entregá-lo, até Ctrl-C (código 130)",
  help: "\nCom --follow --json, cada linha é um evento; ele se repete sempre que uma de suas entregas muda." +
    "\nDatas e horas são do fuso da configuração, se não indicarem outro." +
    "\nCódigo de saída: 1 se não há evento com este id.",
  limitRange: "use um número inteiro de 1 a 9999999",
  followAlone: "Não foi possível acompanhar um evento: --follow não aceita id",
  followState: "Não foi possível acompanhar os eventos: com --follow, --state pode ser accepted ou unrouted",
  followStateHint: "cada tentativa de entregar um novo evento é mostrada de qualquer forma",
  inFlight:
    "Só o relay em execução sabe o que está sendo enviado: veja as páginas ou a API dele. Aqui isso aparece como pending",
  noMatch: "Nenhum evento encontrado",
  noneYet: "Nenhum evento chegou ainda",
  last: (count) => `os últimos ${forms.number(count)}; --limit mostra mais`,
  searching: (before, found) =>
    `busca chegou ao evento ${forms.number(before)}, ${
      forms.count(found, { one: "evento encontrado", other: "eventos encontrados" })
    }`,
  columns: { received: "Recebido", id: "Id", type: "Tipo", deliveries: "Entregas" },
  unrouted: "sem rota",
  next: (relative) => `próxima ${relative}`,
  notFound: (id) => `Não foi possível mostrar "${id}": nenhum evento ou entrega tem este id`,
  listHint: "`relay events` lista os eventos guardados",
  story: {
    received: (time, source, secret) => `Recebido em ${time} de ${source}; a assinatura é válida (${secret}).`,
    secret: (number, of) => of === undefined ? `segredo ${number}` : `segredo ${number} de ${of}`,
    ownMade: (time) => `Criado pelo próprio relay em ${time}.`,
    route: (index, on) => `routes[${index}] (${on.join(", ")})`,
    wentTo: (targets) => `Foi para ${forms.and(targets)}`,
    wentNowhere: "Não foi a lugar nenhum",
    wouldGoTo: (targets) => `Com a configuração atual, iria para ${forms.and(targets)}`,
    wouldGoNowhere: "Com a configuração atual, não iria a lugar nenhum",
    because: (what, routes) =>
      `${what}, porque ${forms.and(routes)} ${routes.length === 1 ? "corresponde" : "correspondem"}.`,
    becauseFallback: (what) => `${what}, o \`fallback\`, porque nenhuma rota corresponde.`,
    becauseNothing: (what) => `${what}: nenhuma rota corresponde, e não há \`fallback\`.`,
    replayTo: (id) => `\`relay replay ${id} --to DESTINO\` o envia para o destino que você quiser.`,
    problem: (text) => `Uma função da configuração falhou: ${text}.`,
    delivered: (target, time, attempt) => `Entregue a ${target} ${time}, na tentativa ${forms.number(attempt)}.`,
    to: (target) => `Entrega para ${target}:`,
    failed: (attempt, time, reason) => `a tentativa ${forms.number(attempt)} falhou ${time}: ${reason}.`,
    notArrived: (attempt, time, reason) =>
      `a tentativa ${
        forms.number(attempt)
      } foi aceita, mas uma confirmação disse ${time} que a mensagem não chegou: ${reason}.`,
    untried: "nenhuma tentativa ainda.",
    skipped: "não foi preciso, porque outra etapa bastou.",
    triedAt: (time) => `A primeira é ${time}.`,
    triedNow: "A primeira é agora.",
    retriedAt: (time, left) => `A próxima é ${time}; ${events.story.giveUp(left)}.`,
    retriedNow: (left) => `A próxima é agora; ${events.story.giveUp(left)}.`,
    giveUp: (left) =>
      left === 1
        ? "se falhar, a entrega vira falha definitiva"
        : `após mais ${forms.number(left)} falhas, a entrega vira falha definitiva`,
    behind: "Aguarda uma entrega anterior com a mesma chave de ordem.",
    heldOpen: (time) => `O destino está retido após várias falhas seguidas e será testado ${time}.`,
    heldThrottled: (time) => `O destino pediu ao relay para esperar: a entrega segue ${time}.`,
    heldQuiet: (time) => `O destino está em horário de silêncio: a entrega sai ${time}.`,
    heldDigest: (time) => `A entrega sai no próximo resumo do destino, ${time}.`,
    heldPaused: (target) => `O destino está pausado: a entrega segue depois de \`relay resume ${target}\`.`,
    heldOrphaned: "A configuração não tem este destino; a entrega aguarda até que tenha.",
    inFlight: (attempt) => `a tentativa ${forms.number(attempt)} está sendo feita agora.`,
    dead: (id) =>
      `É uma falha definitiva: não haverá nova tentativa, a não ser que você execute \`relay retry ${id}\`.`,
    notRunning: "Nenhum relay está em execução; nada é entregue até que um seja iniciado: `relay serve`.",
  },
  facts: {
    id: "Id",
    received: "Recebido",
    source: "Origem",
    state: "Estado",
    note: "Nota",
    reference: "Referência",
  },
  own: "o próprio relay",
  states: { accepted: "aceito", unrouted: "sem rota" },
  headers: "Cabeçalhos",
  payload: (bytes) => `Conteúdo, ${forms.count(bytes, { one: "byte", other: "bytes" })}`,
  payloadMore: "… e mais: --json mostra tudo",
  noteFetched: (time) => `Nota, obtida ${time}`,
  noteFailed: (time) => `Nota não obtida ${time}`,
  routes: "Rotas da configuração atual",
  deliveries: "Entregas",
  none: "nenhuma",
  yes: "sim",
  no: "não",
};

/** `relay retry`, `replay`, `pause` and `resume`; ids, `--since` and the store, for all verbs. */
const operate: Language["operate"] = {
  besideMistakes:
    "um relay em execução continua com a configuração anterior: `relay status` e as páginas dele funcionam enquanto isso",
  since: {
    expected: 'use uma duração, como "7d" ou "12h", ou uma data, como "2026-01-31"',
    future: "está no futuro",
  },
  ids: {
    tooShort: (text) => `Não foi possível usar o id "${text}": tem menos de 8 caracteres`,
    notAnId: (text) =>
      `Não foi possível usar "${text}" como id: tem caracteres que não são dígitos, letras de "a" a "f" nem hifens`,
    tooLong: (text) => `Não foi possível usar o id "${text}": tem mais caracteres que um id`,
    unknown: (text) => `Não foi possível encontrar "${text}": nenhum evento ou entrega tem um id que começa assim`,
    ambiguous: (text) => `Não foi possível escolher um id: mais de um começa com "${text}"`,
    choose: "informe mais caracteres:",
    more: "… e outros",
    list: "`relay events` mostra os ids dos eventos",
  },
  store: {
    cannotRead: (place, why) => `Não foi possível ler o banco de eventos ${place}: ${why}`,
    missing: "ainda não existe",
    start: "inicie `relay serve`",
    forbidden: "este usuário não tem permissão para ver esse lugar",
    asRoot: "execute como root, ou como o usuário do serviço",
    unknownTarget: (verb, name, known, near) =>
      `Não foi possível ${verb}: não há destino "${name}"; ${
        known.length === 0
          ? "a configuração não tem nenhum"
          : `os destinos são ${forms.and(known.map((one) => `"${one}"`))}`
      }${near ? `; você quis dizer "${near}"?` : ""}`,
  },
  verbs: {
    pause: "pausar",
    resume: "retomar",
    retry: "reenviar",
    replay: "reprocessar",
    list: "listar os eventos",
    sendTest: "enviar a mensagem de teste",
  },
  wrongUsage: (verb, why) => `Não foi possível ${verb}: ${why}`,
  seeHelp: (verb) => `veja \`relay ${verb} --help\``,
  stopping: "parando depois desta etapa",
  confirm: (question) => `${question} [s/N] `,
  declined: "Nada foi alterado",
  notConfirmed: "Sem confirmação: nada foi alterado",
  target: "nome do destino",
  deliveries: (count) => forms.count(count, { one: "entrega", other: "entregas" }),
  events: (count) => forms.count(count, { one: "evento", other: "eventos" }),
  notFound: (id) => `Não encontrado: nenhum evento ou entrega tem o id ${id}`,
  retry: {
    description: "reenvia agora entregas que falharam ou aguardam, com novas tentativas",
    ids: "entregas, ou eventos: todas as entregas deles que falharam ou aguardam; bastam os 8 primeiros caracteres",
    dead: "reenvia todas as falhas definitivas",
    target: "com --dead: só as deste destino",
    reason: "com --dead: só as que falharam por este motivo",
    since: "com --dead: só de eventos mais recentes que isto: uma duração, como 2h, ou uma data",
    yes: "com --dead: não pede confirmação; sem terminal, nunca pede",
    help:
      "\nA entrega mantém seu id. O que já foi entregue ou está sendo enviado não muda; `relay replay` envia um evento de novo." +
      "\nCódigo de saída: 0 se algo é reenviado, 1 se nada é, 130 depois de Ctrl-C; o que já tinha sido feito não é desfeito.",
    deadAndIds: "--dead não aceita ids",
    nothingGiven: "informe um id ou --dead",
    onlyWithDead: "--target, --reason e --since só valem com --dead",
    done: (count) => `Reenviando ${operate.deliveries(count)}`,
    doneTo: (count, names) => `Reenviando ${operate.deliveries(count)}: ${names.join(", ")}`,
    delivery: (target, id) => `${target} (${id})`,
    untouched: (delivery, state) => `Sem alteração: ${delivery} ${state}`,
    states: {
      delivered: "já foi entregue",
      in_flight: "está sendo enviada",
      pending: "está aguardando",
      dead: "é uma falha definitiva",
      skipped: "foi dispensada",
    },
    nothing: "Nada é reenviado; `relay replay` envia um evento de novo",
    nothingDead: "Nada é reenviado: nenhuma falha definitiva corresponde",
    question: (count, groups) =>
      `Reenviar ${forms.count(count, { one: "falha definitiva", other: "falhas definitivas" })} (${
        groups.join(", ")
      })?`,
    group: (target, reason, count) => `${target}, ${reason}: ${forms.number(count)}`,
    progress: (done, all) => `reenviando: ${forms.number(done)} de ${forms.number(all)}; Ctrl-C interrompe`,
    interrupted: (count) =>
      `Interrompido depois de reenviar ${operate.deliveries(count)}; execute o mesmo comando para continuar`,
  },
  replay: {
    description: "reprocessa, com a configuração atual, eventos guardados, em novas entregas",
    ids: "eventos, ou entregas no lugar de seus eventos; bastam os 8 primeiros caracteres",
    since: "todos os eventos mais recentes que isto: uma duração, como 2h, ou uma data",
    type: "com --since: só eventos deste tipo, como note.failed ou note.*",
    to: "envia só para este destino, haja ou não uma rota para ele",
    yes: "com --since: não pede confirmação; sem terminal, nunca pede",
    help:
      "\nCada entrega é nova e tem seu próprio id: quem recebe não percebe que é uma repetição. Para tentar de novo o que falhou, use `relay retry`." +
      "\nDatas e horas são do fuso da configuração, se não indicarem outro." +
      "\nCódigo de saída: 0 se houve eventos reprocessados, 1 se não houve, 130 depois de Ctrl-C; o que já tinha sido feito não é desfeito.",
    sinceAndIds: "--since não aceita ids",
    nothingGiven: "informe um id ou --since",
    onlyWithSince: "--type só vale com --since",
    question: (events, isMore, time) =>
      `Reprocessar ${isMore ? "mais de " : ""}${operate.events(events)} desde ${time} com a configuração atual?`,
    questionTo: (events, isMore, time, target) =>
      `Reprocessar ${isMore ? "mais de " : ""}${operate.events(events)} desde ${time} para ${target}?`,
    progress: (done, all, isMore) =>
      `reprocessando: ${forms.number(done)} de ${isMore ? "mais de " : ""}${operate.events(all)}; Ctrl-C interrompe`,
    done: (events, deliveries) =>
      `Reprocessando ${operate.events(events)}: ${
        forms.count(deliveries, { one: "nova entrega", other: "novas entregas" })
      }`,
    interrupted: (done, time) => `${done}; parou antes do fim: continue com --since ${time}`,
    nothing: "Nada é reprocessado",
    nothingFits: "Nada é reprocessado: nenhum evento corresponde",
    unrouted: (count) =>
      `${
        forms.count(count, { one: "evento não vai", other: "eventos não vão" })
      } a lugar nenhum com a configuração atual; --to indica um destino`,
  },
  pause: {
    description: "retém as entregas de um destino até `relay resume`; novos eventos continuam chegando e aguardam",
    help: "\nAs tentativas em andamento não são interrompidas. A pausa continua depois de um reinício.",
    done: (target, waiting) =>
      `${target} está pausado: ${operate.pause.waiting(waiting)} até \`relay resume ${target}\``,
    already: (target, waiting) =>
      `${target} já estava pausado: ${operate.pause.waiting(waiting)} até \`relay resume ${target}\``,
    waiting: (count) => forms.count(count, { one: "entrega aguarda", other: "entregas aguardam" }),
  },
  resume: {
    description: "volta a entregar o que `relay pause` retém",
    done: (target, waiting) =>
      `${target} foi retomado: ${
        forms.count(waiting, { one: "entrega que aguardava é enviada", other: "entregas que aguardavam são enviadas" })
      }`,
    notPaused: (target) => `${target} não estava pausado`,
  },
};

/** `relay send`, `sign`, `verify`. */
const send: Language["send"] = {
  about: "envia um evento de exemplo ao relay em execução, assinado como quem envia assinaria",
  options: {
    event: "tipo do evento (padrão: note.completed)",
    data: "envia os bytes deste arquivo em vez de um exemplo; - lê a entrada padrão",
    url: "para onde enviar (padrão: o endereço desta configuração, nesta máquina)",
    to: "envia uma mensagem de teste só a este destino, sem passar pelas rotas",
    wait: "acompanha as entregas, tentativa por tentativa, por até 60 segundos",
  },
  help: (samples) => `
Exemplos: ${samples.join(", ")}
Cada exemplo é um evento novo, com um id próprio.

Código de saída: 0 se o relay respondeu 200, 1 se não. Com --wait: 0 se todas as entregas chegaram, 1 se houve uma falha definitiva ou se uma entrega ainda aguarda depois de 60 segundos. Com --to: 0 se a primeira tentativa chegou ao destino. 130 depois de Ctrl-C.`,
  event: {
    goesTo: (id, targets) => `O evento ${id} vai para ${forms.and(targets)}`,
    duplicate: (id, targets) =>
      `O evento ${id} já estava guardado, e nada é enviado de novo` +
      (targets.length > 0 ? `; ele foi para ${forms.and(targets)}` : ""),
    unrouted: (id) => `Nenhuma rota corresponde ao evento ${id}: ele fica guardado e não vai a nenhum destino`,
  },
  unknown: {
    elsewhere:
      "O relay desta URL guarda os eventos em outra máquina; por isso o id e os destinos não são conhecidos aqui",
    notStored: (store) => `O evento não está em ${store}: o relay que respondeu usa outro banco de eventos`,
    noStore: (problem) => `O id e os destinos do evento não são conhecidos: ${problem}`,
  },
  otherSecret: "Se o segredo mudou na configuração ou no .env, o relay em execução ainda não o conhece: recarregue-o",
  otherCertificate:
    "O relay apresenta um certificado diferente do que está na configuração; recarregue-o para usar o da configuração",
  follow: {
    delivered: (target, attempt, took) => `${target}: tentativa ${attempt} entregue em ${took}`,
    failed: (target, attempt, reason) => `${target}: tentativa ${attempt} falhou: ${reason}`,
    dead: (target, attempt, reason) => `${target}: falha definitiva na tentativa ${attempt}: ${reason}`,
    nextIn: (time) => `próxima tentativa em ${time}`,
    nextNow: "próxima tentativa agora",
    waiting: (deliveries) =>
      `aguardando ${forms.count(deliveries, { one: "entrega", other: "entregas" })}; Ctrl-C interrompe`,
    late: (time, targets) => `Ainda aguardando depois de ${time}: ${forms.and(targets)}`,
    unconfirmed: (receipt) => `${receipt}, e nenhum aviso ainda de que chegou`,
    seeStatus: "`relay status` mostra se o relay está em execução e o estado de cada destino",
    seeEvent: (id) => `\`relay events ${id}\` mostra o histórico completo`,
  },
  test: {
    cannot: (problem) => `Não foi possível enviar a mensagem de teste: ${problem}`,
    toAlone: "--to não pode ser usado com um evento, --data ou --url",
    toAloneHint: "sem --to, o evento é enviado pelas rotas",
  },
  post: {
    notUrl: (url) => `Não foi possível enviar para "${url}": é preciso uma URL que comece com http:// ou https://`,
    noAnswer: (url, time) => `Não foi possível enviar para ${url}: nenhuma resposta em ${time}`,
    seeProxy: "verifique `http_proxy`, `https_proxy` e `no_proxy` no ambiente",
    seeTls: "o servidor não fala HTTPS, ou tem um certificado em que quem envia não confiaria",
    seeScheme: "se o servidor fala HTTPS, comece a URL com https://",
    start: "inicie o relay com `relay serve`, ou indique outra --url",
  },
  sign: {
    about: "mostra o cabeçalho de assinatura para estes bytes",
    file: "arquivo a assinar; - lê a entrada padrão",
  },
  verify: {
    about: "confere uma assinatura e diz o que há de errado com ela",
    file: "arquivo com os bytes assinados; - lê a entrada padrão",
    signature: "valor do cabeçalho de assinatura",
    help: "\nCódigo de saída: 0 se a assinatura é válida, 1 se não é.",
    good: "A assinatura é válida.",
    bad: "A assinatura não é válida.",
  },
  explain: {
    bySecret: (source) => `Foi feita com o segredo da origem "${source}".`,
    bySecretOf: (number, count, source) => `Foi feita com o segredo ${number} de ${count} da origem "${source}".`,
    noPrefixAccepted: (prefix) => `Falta "${prefix}" antes do hash, o que é aceito.`,
    noPrefix: (prefix) => `Falta "${prefix}" antes do hash.`,
    otherPrefix: (given, prefix) => `Começa com "${given}", e não com "${prefix}".`,
    empty: "Está vazia.",
    isHex: "O hash parece estar em hexadecimal; deveria estar em base64.",
    isBase64: "O hash parece estar em base64; deveria estar em hexadecimal.",
    notBase64: (length) => `O hash deveria ter ${length} caracteres em base64.`,
    notHex: "O hash tem caracteres que não são dígitos hexadecimais.",
    hexLength: (given, length) =>
      `O hash tem ${
        forms.count(given, { one: "dígito hexadecimal", other: "dígitos hexadecimais" })
      }; deveria ter ${length}.`,
    madeOver: ({ algorithm, source, change }) =>
      `Foi feita${algorithm && ` com ${algorithm}`}` +
      (source
        ? `${algorithm && " e"} com um segredo da origem "${source}"`
        : change
        ? " sobre outros bytes"
        : " sobre estes bytes") +
      (change ? `: ${change}` : source || algorithm ? "" : ", mas está escrita de outra forma") + ".",
    fitsNone: "Não corresponde a nenhum segredo da configuração, nem sobre estes bytes nem com as alterações comuns. " +
      "Compare o segredo com o de quem envia, e confira se estes são exatamente os bytes recebidos.",
    changes: {
      markBefore: "com uma marca de ordem de bytes (BOM) no início",
      noMark: "sem a marca de ordem de bytes (BOM) no início",
      lineEnd: "com uma quebra de linha no fim",
      crLf: "com uma quebra de linha (CR LF) no fim",
      noLineEnd: "sem a quebra de linha no fim",
      lf: "com quebras de linha LF em vez de CR LF",
      crLfs: "com quebras de linha CR LF em vez de LF",
      trimmed: "sem espaços no início e no fim",
      rewritten: "o JSON foi lido e escrito de novo, o que altera os bytes",
      rewrittenLineEnd: "o JSON foi lido e escrito de novo, com uma quebra de linha no fim",
    },
  },
};

/** `relay routes`. */
const routes: Language["routes"] = {
  about: "mostra para onde um evento iria, e por quê; não envia nada",
  options: {
    event: "tipo do evento",
    data: "usa o evento deste arquivo em vez de um exemplo; - lê a entrada padrão; um `note` nele é a nota completa",
    render: "mostra a mensagem que cada destino receberia",
    html: "com --render: mostra o HTML dos e-mails em vez do texto",
  },
  htmlAlone: "--html só funciona com --render",
  cannotRead: (problem) => `Não foi possível ler o evento: ${problem}`,
  goesTo: (event, targets) => `${event} vai para ${targets}`,
  nowhere: "nenhum destino: fica guardado, sem rota",
  fallback: "o `fallback`, pois nenhuma rota corresponde",
  fields: { subject: "Assunto", text: "Texto", html: "HTML", body: "Corpo", blocks: "Blocos" },
};

/** `relay serve`, whose log is English. */
const serve: Language["serve"] = {
  about: "recebe eventos e os entrega",
  debug: "registra também cabeçalhos e corpos no log, com segredos e assinaturas mascarados",
  help: "SIGTERM termina as tentativas em andamento e sai com 0. SIGHUP recarrega a configuração.",
};

/** `relay test` and `relay diff`. */
const fixtures: Language["fixtures"] = {
  cannotRead: (mistakes) =>
    `Não foi possível ler os casos de teste: ${forms.count(mistakes, { one: "erro", other: "erros" })}`,
  seeHelp: "`relay test --help` mostra como escrevê-los",
  expected: {
    name: "um texto não vazio",
    message: (asReceived) => `um objeto com os campos a comparar, ou "${asReceived}"`,
    targets: (unrouted) => `pelo menos um destino; para nenhum, escreva "expect": "${unrouted}"`,
    parts: '"targets", "messages", ou os dois',
    expect: (unrouted) => `{ "targets": […], "messages": { … } }, ou "${unrouted}"`,
    event: 'o conteúdo: um objeto com um texto "event"',
    note: "a nota como a API do ConnectVets a devolve: um objeto",
    time: (example) => `um horário como "${example}"`,
  },
  test: {
    about: "testa a configuração com casos de teste: eventos e o que deve acontecer com eles; não envia nada",
    files: "arquivos de casos de teste, ou pastas com eles",
    record: "mostra um caso de teste deste evento guardado, com o que a configuração faz dele agora",
    out: "com --record: grava o caso de teste neste arquivo novo",
    help: `
Um caso de teste é um evento e o que você espera que a configuração faça com ele. Um arquivo contém um caso de teste ou uma lista deles, em JSON; em uma pasta, todos os arquivos *.json são lidos.

  {
    "name": "nota que falhou avisa o plantão",
    "event": {
      "event": "note.failed",
      "timestamp": "2026-01-31T02:10:00Z",
      "data": { "note_id": "N1", "status": "failed" }
    },
    "expect": {
      "targets": ["plantao", "sistema"],
      "messages": {
        "plantao": { "text": "Nota N1: note.failed" },
        "sistema": "as received"
      }
    }
  }

  event       o conteúdo do evento
  expect      "unrouted" (nenhum destino), ou um destes, ou os dois:
    targets   todos os destinos, em qualquer ordem
    messages  para qualquer destino, os campos a comparar, cada um por inteiro;
              \`relay routes --render --json\` os mostra. "as received" quer
              dizer que um destino HTTP recebe o próprio evento
  name        opcional: um nome para o caso de teste
  note        opcional: a nota completa, como a API do ConnectVets a devolve,
              para mensagens com \`enrich\`
  source      opcional: a origem que recebe o evento
  receivedAt  opcional: quando o evento é recebido, em ISO 8601; padrão
              2026-01-01T00:00:00Z. Uma mensagem padrão mostra esse horário se
              o evento não tem "timestamp"

Um caso de teste falha se uma mensagem não pode ser criada. Uma mensagem é igual em qualquer lugar e horário, a não ser que uma função da configuração consulte o relógio; nesse caso, compare outros campos. Os segredos da configuração aparecem como "[secret]".

--json: { passed, failed, fixtures: [{ file, name, event, ok, targets, differences: [{ path, expected, actual, problem }], problems }], unhit: { routes: [{ index, on, to }], fallback } }; \`unhit\` lista as rotas que nenhum caso de teste usa. Com --record, mostra o caso de teste; com --out também, { file, problems }.

Código de saída: 0 se todos passaram, 1 se algum falhou ou não há o que gravar, 2 se os casos de teste não podem ser lidos, 78 se a configuração não é válida.`,
    cannot: (problem) => `Não foi possível testar: ${problem}`,
    seeHelp: "veja `relay test --help`",
    recordAlone: "--record não aceita arquivos de casos de teste; indique com --out o arquivo a gravar",
    noFiles: "indique os arquivos de casos de teste, ou use --record",
    outAlone: "--out só funciona com --record",
    noTarget: "nenhum destino",
    anythingElse: "qualquer outro",
    unhit: "Rotas que nenhum caso de teste usa",
    passed: (count) => forms.count(count, { one: "passou", other: "passaram" }),
    failed: (count) => forms.count(count, { one: "falhou", other: "falharam" }),
    legend: "(- esperado, + obtido)",
    wrote: (file) => `${file} gravado`,
    noSuchId: (id) => `Não foi possível criar um caso de teste a partir de ${id}: nenhum evento ou entrega tem este id`,
    systemEvent: (id) =>
      `Não foi possível criar um caso de teste a partir de ${id}: é um evento do sistema, a que nenhuma rota se aplica`,
    maskedSecret: "O evento contém um segredo desta configuração; no lugar dele, o caso de teste contém uma máscara",
    nothingSent: (target) => `nada é enviado a "${target}"`,
  },
  mistakes: {
    noFiles: "esta pasta não tem nenhum arquivo *.json",
    notJson: (problem) => `não é JSON: ${problem}`,
    none: "este arquivo não tem nenhum caso de teste",
  },
  cannotWrite: (file, problem) => `Não foi possível gravar ${file}: ${problem}`,
  fileExists: "este arquivo já existe",
  otherOut: "escolha outro nome para --out",
  diff: {
    about: "mostra quais eventos guardados outra configuração enviaria a outro lugar",
    config: "a outra configuração, como new.config.ts",
    since: "eventos mais recentes que isto: uma duração, como 7d, ou uma data",
    type: "só eventos deste tipo, como note.failed ou note.*",
    all: "mostra também uma linha para cada evento",
    help: `
Aplica as rotas das duas configurações aos eventos guardados. Não muda nada e não envia nada. Cada configuração lê o .env que está ao lado dela.

Um evento vai a outro lugar se os destinos são outros, ou se um deles mudou de tipo, de endereço ou de URL.

--json: { events: [{ id, receivedAt, type, from, to, moved, problem }], checked, changed, interrupted, groups: [{ type, from, to, moved, problem, count, example }], targets: [{ name, from, to }] }. \`from\` e \`to\` são listas de destinos, vazias para um evento sem rota; \`moved\` lista os destinos que mudaram, descritos em \`targets\`; \`problem\` é o erro de um \`when\` da nova configuração.

Código de saída, como o de diff(1): 0 se nada vai a outro lugar, 1 se algo vai, 2 se houve um problema, 78 se uma configuração não é válida, 130 depois de Ctrl-C.`,
    progress: (checked, changed) =>
      `${forms.count(checked, { one: "evento comparado", other: "eventos comparados" })}, ${
        forms.count(changed, { one: "iria", other: "iriam" })
      } a outro lugar; Ctrl-C interrompe`,
    suchAs: (id) => `como ${id}`,
    moved: (target) => `${target} (mudou)`,
    movedTo: (target, from, to) => `${target} mudou de ${from} para ${to}`,
    movedUrl: (target, place) => `${target} mudou para outra URL em ${place}`,
    noTarget: "nenhum destino",
    total: (changed, checked) =>
      `${changed} de ${forms.count(checked, { one: "evento iria", other: "eventos iriam" })} a outro lugar`,
  },
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
  endedOutside: "o processo de cópia foi encerrado por outro programa",
  backup: {
    about: "copia o banco de eventos para um arquivo, mesmo com `relay serve` em execução",
    file: "arquivo a gravar; não pode existir ainda",
    help:
      "\nA cópia só recebe o nome quando está completa e verificada. `relay restore` a coloca de volta. Ela contém o que o relay recebeu: proteja-a como protege o banco de eventos.",
    wrote: (file, contents) => `${file} gravado: ${contents}`,
    elsewhere: (store) => `Não foi possível fazer o backup de ${store}: use o pg_dump do próprio PostgreSQL`,
    command: (command) => `isto faz uma cópia com os relays em execução:\n    ${command}`,
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
    destinationReady: "O banco de destino existe e está vazio",
    destinationNew: "O banco de destino ainda não existe; a mudança o cria",
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
  ${config}  a configuração; criada se não houver
  ${store}  o banco de eventos
  ${unit}  a unidade

Faça suas alterações na unidade com \`${edit}\`.`,
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
  fromSource: "o relay está sendo executado a partir do código-fonte",
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
  keep: "continua em execução depois, até Ctrl-C",
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
  nextKeep: "mantém a demonstração em execução, para você enviar eventos",
  serving: "O relay continua em execução até Ctrl-C. Experimente em outro terminal, com o corpo que quiser:",
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

  relay metrics --alerts > relay.rules.yml
    depois indique o arquivo em \`rule_files\` no prometheus.yml
  relay metrics --grafana > relay.json
    depois importe-o: Dashboards, New, Import`,
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
    beginSteps: "iniciar as próximas etapas das sequências",
    postponeDeliveries: "adiar entregas",
    bringForward: "reagendar entregas depois de um acerto do relógio",
    recordUnderway: "registrar o que está sendo enviado",
    joinRelays: "juntar-se aos outros relays",
    meetRelays: "falar com os outros relays",
    retryDeliveries: "reenviar entregas",
    replayEvents: "reprocessar eventos",
    pauseTarget: "pausar um destino",
    resumeTarget: "retomar um destino",
    recordReceipts: "registrar confirmações de entrega",
    recordRun: "registrar que o relay está em execução",
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
      hint: "verifique o caminho, e se a pasta existe; se o banco de eventos mudou de lugar, coloque-o de volta",
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
  stopRelay: "pare primeiro esse relay; `relay status` mostra o número do processo dele",
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
    isDestination: "este é o banco de destino dela",
    nameSource: (other) => `indique ${other} em --from`,
    runFirst: "execute primeiro de novo aquele `relay migrate`",
    otherMoveTo: (other) => `o próprio banco de destino está sendo movido para ${other}`,
    otherMoveFrom: (other) => `o banco de destino pertence a uma mudança a partir de ${other}`,
    nameDestination: "indique outro banco de destino, ou apague antes esse",
    notEmpty: "o banco de destino não está vazio",
    nameEmpty: "indique outro arquivo ou outro esquema do banco de dados, ou apague antes o que está lá",
    continueOrCancel: "indique-o em --to para continuar; com --cancel, este banco continua em uso",
    cannotFinish: (from, to, table, count, other) =>
      `Não foi possível concluir a mudança de ${from}: a tabela ${table} (${
        forms.number(count)
      }) é diferente da de ${to} (${forms.number(other)})`,
    cancelFirst: "cancele a mudança com --cancel, apague o banco de destino e comece de novo",
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
    network: "verifique se o servidor está em execução e se a rede chega até ele",
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
  slackUrl: 'uma URL que comece com "https://", como env("SLACK_WEBHOOK_URL")',
  signingSecret: '"whsec_" e um segredo em base64',
  command: 'uma lista com um programa e seus argumentos, como ["./notify.sh", "--urgent"]',
  program: 'um programa, como "./notify.sh"',
  noNul: "um texto sem caracteres NUL",
  variable: "o nome de uma variável, sem =",
  address: 'um endereço como "equipe@clinica.example"',
  oneRecipient: "pelo menos um destinatário",
  smtpUrl: 'uma URL como "smtp://usuario:senha@host:587"',
  via: (providers) => `uma URL como "smtp://usuario:senha@host:587", ou um destes: ${providers}`,
  certificate: 'um certificado em PEM, como file("ca.pem")',
  hostName: 'um nome de servidor como "relay.clinica.example"',
  receiptSecret: "um texto longo e aleatório de letras, números e os sinais . _ ~ -",
  telegramToken: 'o token de um bot, como env("TELEGRAM_TOKEN"): 123456:ABC…',
  telegramChat: 'o número de um chat, como -1001234567890, ou o nome de um canal público, como "@clinica"',
  discordUrl: 'uma URL que comece com "https://", como env("DISCORD_WEBHOOK_URL")',
  discordThread: 'o número de um tópico, entre aspas, como "1093182042112356352"',
  discordUsername: 'um nome de no máximo 80 caracteres, sem "discord" nem "clyde"',
  teamsUrl: 'uma URL que comece com "https://", como env("TEAMS_WEBHOOK_URL")',
  googleChatUrl: 'uma URL que comece com "https://", como env("GOOGLE_CHAT_WEBHOOK_URL")',
  ntfyTopic: 'um tópico de no máximo 64 letras, dígitos, - e _, como "clinica-plantao"',
  ntfyToken: 'um token de acesso, como env("NTFY_TOKEN"): tk_…, ou "usuario:senha"',
  ntfyPriority: "uma prioridade de 1 (a mais baixa) a 5 (a mais alta)",
  ntfyTags: 'uma lista de tags, como ["hospital"]',
  whatsappVia: (gateways) => `um destes: ${gateways}`,
  whatsappRecipient:
    'um número como "+5531999998888", ou um id com escopo da empresa (BSUID), como "BR.13491208655302741918"',
  whatsappInstance: 'o nome ou o id de uma instância, como "clinica"',
  phoneNumberId:
    'o id do número que envia, só com dígitos, que o Gerenciador do WhatsApp mostra, como "105512345678901"',
  graphVersion: 'uma versão da Graph API, como "v25.0"',
  templateName: 'o nome de um modelo, como "nota_falhou"',
  templateLanguage: 'um idioma como o WhatsApp o escreve, como "pt_BR"',
  templateParameters: "uma lista ou um objeto de textos e números, ou uma função que devolva um deles",
  templateValue: "um texto, um número, ou uma função como (event) => event.data.note_id",
  templateButton: 'um objeto como { url: "…" } ou { payload: "…" }',
  apiKey: 'uma chave sem espaços, como env("API_KEY")',
  plainUrl: "uma URL sem login, consulta (?) nem fragmento (#)",
  domain: 'um domínio como "mg.clinica.example"',
  messageText: "um texto que não seja vazio, ou uma função como (event) => `Nota ${event.data.note_id}`",
  blocks: "uma lista de blocos do Slack, ou uma função que devolva uma",
  retry: 'uma lista de pausas como ["5s", "1m"], "none", ou { schedule, jitter }',
  circuit: 'false, ou { failures, pause }, como { failures: 5, pause: "60s" }',
  timeZone: 'um fuso horário da IANA, como "America/Sao_Paulo"',
  clockTime: 'um horário como "07:00" ou "20:30"',
  api: 'connectvetsApi({ key: env("CONNECTVETS_KEY") })',
  token: 'um token que não seja vazio, como env("ADMIN_TOKEN")',
  publicUrl: 'o endereço de um servidor, sem caminho, como "https://relay.example"',
  pem: 'o caminho de um arquivo PEM, como "./fullchain.pem", ou credential("NOME")',
  host: 'um endereço desta máquina, como "127.0.0.1" ou "0.0.0.0"',
  events: 'o nome de um evento como "note.failed", um padrão como "note.*", ou uma lista deles',
  such: (example) => `um objeto como ${example}`,
  list: (example) => `uma lista como ${example}`,
  admin: (example) => `false, ou um objeto como ${example}`,
  targetNames: "o nome de um destino, uma lista de nomes, ou `firstOf([…])`",
  targetNameOrChain: "o nome de um destino, ou `firstOf([…])`",
  chainNames: "pelo menos dois nomes de destinos, nenhum repetido",
  atMostDays: (days) => `no máximo ${days} dias`,
  targetName: "o nome de um destino",
  pattern: 'o nome de um evento ou um padrão, como "note.*"',
  silentFor: "mais que 0 e no máximo 30 dias",
  refusedWithin: "de 1 minuto a 1 dia",
  when: '{ dead: 1 }, { silent: "note.*", for: "6h" } ou { refused: 5, within: "10m" }',
  span: (example) => `uma duração como "${example}"`,
  proxies: "true, false, ou o número de proxies na frente",
  store: 'um texto como "sqlite:relay.db" ou "postgres://USUÁRIO:SENHA@HOST/BANCO"',
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
    secret: "outro texto",
    scheme: (scheme) => `um texto que começa com "${scheme}"`,
    noScheme: 'um texto sem "://"',
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
    reason: (name) => `o motivo "${name}" não existe`,
    export: (name) => `"relay" não exporta "${name}"`,
  },
  known: {
    option: (names) => names ? `as opções são ${names}` : "não há opções aqui",
    target: (names) => names ? `os destinos são ${names}` : "não há destinos",
    source: (names) => names ? `as origens são ${names}` : "não há origens",
    reason: (names) => `os motivos são ${names}`,
    export: (names) => `exporta ${names}`,
  },
  systemSource: 'é um nome reservado para os eventos do sistema, como alarmes; use outro, como "connectvets"',
  receiptsDiffer: (path) =>
    `é ${path}, como o de outro destino, mas com outros segredos; destinos do mesmo app usam o mesmo \`receipts\`, os outros precisam de caminhos próprios`,
  receiptsOnlyWithCloud: "é só para whatsappCloud(): evolution() e zapi() não assinam nada e usam `secret`",
  receiptsOnlyWithToken: "é só para evolution() e zapi(): whatsappCloud() usa `appSecret` e `verifyToken`",
  recipientName: "é um nome reservado para um destinatário de um destino; use um nome sem barra",
  namedTwice: (target) => `"${target}" está em um \`firstOf\` e aparece mais uma vez nesta rota`,
  noSuchField: (field) => `não tem efeito: nenhum dos destinos da rota envia \`${field}\``,
  pathTaken: (path, source) => `"${path}" já é o caminho da origem "${source}"`,
  onlyWithServer: "só vale quando `via` é a URL de um servidor de e-mail",
  onlyWithCloud: "só vale quando `via` é whatsappCloud()",
  scopedIdOnlyWithCloud:
    "tem um id com escopo da empresa (BSUID), para o qual só whatsappCloud() envia; esperado: um número",
  pathOfHealth: '"/healthz" é reservado para a verificação de saúde',
  quietAllDay: "é igual a `from`: seria o dia inteiro; para parar as entregas, use `relay pause`",
  samePort: (port) => `é ${port}, também a porta de \`listen\`; dê uma porta a cada um`,
  tokenMissing: (host) => `está faltando; outras máquinas alcançam "${host}"`,
  refersToItself: "faz referência a si mesmo",
  tooDeep: "tem níveis demais, um dentro do outro",
  secrets: {
    notSet: (name) => `${name} não está definido`,
    setIt: "defina-o no ambiente, ou no arquivo .env ao lado da configuração",
    setOther: (near) => `${near} está definido: se é ele, corrija o nome`,
    empty: (name) => `${name} está vazio`,
    noFile: (path) => `o arquivo ${path} não existe`,
    unreadable: (path, code) => `não foi possível ler ${path} (${code})`,
    notUtf8: (path) => `não foi possível ler ${path}: não é texto em UTF-8`,
    inText: (name) => `Não é possível usar ${name} dentro de um texto`,
    inTextHint: (name) => `guarde o texto inteiro em uma variável, e use só ${name}`,
  },
  file: {
    missing: "o arquivo não existe",
    missingHint: "`relay init` cria um; se já existe um em outra pasta, informe-o: --config ARQUIVO",
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
    quoteIt: (name) => `se é um texto, coloque-o entre aspas: "${name}"`,
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
const outcomes: Language["outcomes"] = {
  receipts: {
    notJson: "O corpo não é um objeto JSON",
    noChallenge: "O desafio (challenge) não veio, ou não é um texto simples",
    failed: (name, code) =>
      code === undefined ? `Aceita, mas não entregue (${name})` : `Aceita, mas não entregue: erro ${code} (${name})`,
  },
  answered: {
    target: (status) => `O destino respondeu ${status}`,
    connectVets: (status) => `A API do ConnectVets respondeu ${status}`,
    mailServer: (status) => `O servidor de e-mail respondeu ${status}`,
    vendor: (name, code) => `Erro ${code} (${name})`,
    notTaken: (status) => `O provedor respondeu ${status}, mas não confirmou que aceitou a mensagem`,
  },
  noAnswer: (place, ms) => `Sem resposta de ${place} em ${forms.duration(ms)}`,
  cannotReach: (place, why) => `Não foi possível acessar ${place}: ${why}`,
  cannotDeliver: (why) => `Não foi possível entregar: ${why}`,
  crashed: (times) =>
    `O relay caiu ${forms.count(times, { one: "vez", other: "vezes seguidas" })} durante esta entrega`,
  meaning: {
    redirected: "o relay não segue redirecionamentos",
    keyInvalid: "a `key` do `enrich` não é válida: corrija-a, ou o `sandbox`, e reenvie",
    keyForbidden: "a `key` do `enrich` não tem acesso a esta nota: corrija-a, ou o `sandbox`, e reenvie",
    noteUnknown: "a nota não existe: pode ter sido apagada, ou o `sandbox` do `enrich` está errado",
  },
  network: {
    refused: "nenhum programa atende nesse endereço",
    cut: "a conexão foi cortada",
    unknownHost: "o nome do servidor não existe",
    dnsSilent: "o servidor de DNS não respondeu",
    dnsFailed: "não foi possível resolver o nome do servidor",
    timedOut: "o tempo da conexão esgotou",
    tlsFailed: "a negociação de TLS falhou",
    noTls: "o servidor não oferece uma conexão TLS confiável",
    notInProtocol: "a resposta não segue o protocolo",
    endless: "a resposta não termina",
    notHttp: "a resposta não é HTTP",
    onlyInforms: "anuncia uma resposta (1xx) que nunca chega",
    endlessHead: "os cabeçalhos da resposta não terminam",
    failed: "a rede falhou",
    coded: (failure, code) => `${failure} (${code})`,
  },
  proxy: {
    notHttp: "o proxy definido no ambiente não é uma URL http:// nem https://",
    unreachable: (place, why) => `não foi possível acessar o proxy ${place} (${why})`,
    noTunnel: (place, why) => `o proxy ${place} não abre a conexão (${why})`,
    refused: (place, status) => `o proxy ${place} recusa a conexão (${status})`,
    wrongLogin: (place) => `o proxy ${place} não aceita o login da URL (407)`,
    noLogin: (place) => `o proxy ${place} exige login, e a URL não tem nenhum (407)`,
  },
  email: {
    noUtf8: (addresses, place) =>
      `Não é possível usar ${forms.and(addresses)} em ${place}: o servidor não tem SMTPUTF8 e só aceita letras sem ` +
      "acento antes do @; use outro endereço ou outro servidor",
  },
  script: {
    exited: (code) => `O script terminou com o código ${code}`,
    ended: (signal) => `O script foi encerrado por ${signal}`,
    cannotRun: (program, why) => `Não foi possível executar ${program}: ${why}`,
    system: {
      E2BIG: "os argumentos e o ambiente são longos demais",
      EAGAIN: "o sistema não permite mais processos",
      EMFILE: "o relay não tem mais descritores de arquivo livres",
      ENFILE: "o sistema não tem mais descritores de arquivo livres",
      ENOENT: "falta algo de que ele precisa para iniciar, como a biblioteca C com a qual foi compilado",
      ENOEXEC: "o sistema não sabe como executá-lo",
      ENOMEM: "o sistema está sem memória",
      ETXTBSY: "outro programa está gravando nele",
    },
  },
  note: {
    compressed: (coding) => `A API do ConnectVets respondeu 200, mas comprimido (${coding}), o que o relay não pediu`,
    cut: "A API do ConnectVets respondeu 200, mas a resposta veio incompleta",
    tooLarge: (bytes) => `A nota tem mais de ${forms.number(bytes)} bytes`,
    none: "A API do ConnectVets respondeu 200, mas sem nota",
    other: "A API do ConnectVets respondeu 200, mas com outra nota",
    notJson: "A API do ConnectVets respondeu 200, mas a resposta não é JSON",
    unnamed:
      "O evento não indica nenhuma nota em `data.note_id` nem em `data.id`; `optional: true` no `enrich` a dispensa",
    limited: (time) => `A API do ConnectVets não aceita requisições antes de ${time}`,
    noAccess: "A configuração não diz mais onde buscar a nota",
    missing: "precisa da nota completa, em `note` ao lado de `event`",
  },
  body: {
    empty: "O corpo está vazio",
    notUtf8: "O corpo não é UTF-8 válido",
    notJson: "O corpo não é JSON válido",
    notObject: "O corpo não é um objeto JSON",
    noEvent: 'O corpo não tem um campo "event" de texto',
  },
  callback: {
    promise: "retorna uma promise; deve retornar o próprio valor",
    threw: (problem) => `lançou um erro: ${problem}`,
    noText: "não retorna um texto",
  },
  message: {
    cannotMake: (field, why) => `Não foi possível montar o campo ${field}: ${why}`,
    itsFunction: (problem) => `a função ${problem}`,
    undefined: "a função retorna undefined",
    emptyText: "a função retorna um texto vazio",
    notText: (kind) => `a função retorna ${kind}, não um texto`,
    notList: (kind) => `a função retorna ${kind}, não uma lista`,
    notTextOrNumber: (kind) => `esperado: um texto ou um número; encontrado: ${kind}`,
    notParameters: (kind) => `esperado: uma lista ou um objeto; encontrado: ${kind}`,
    noJson: (kind) => `${kind} não pode ser escrito em JSON`,
    notJson: (problem) => `não pode ser escrito em JSON: ${problem}`,
    tooDeep: "Não foi possível ler o evento: ele tem níveis demais",
    kinds: {
      null: "null",
      list: "uma lista",
      string: "um texto",
      number: "um número",
      bigint: "um BigInt",
      boolean: "um booleano",
      symbol: "um símbolo",
      undefined: "undefined",
      object: "um objeto",
      function: "uma função",
    },
  },
};

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
    ownedBy: (program, pid) => `${program} (processo ${pid}) já usa essa porta`,
    owned: "outro programa já usa essa porta",
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
    keepsRights: "restam permissões do root",
    staysRoot: "continua root",
    noWay: "este runtime não permite isso",
    runAs: (user) => `execute como esse usuário: sudo -u ${user} …`,
    limited: (user, theirs) =>
      `ali o root trabalha com as permissões do usuário ${user}, que pode mudar ${theirs}; \`ls -l\` mostra o que é de outros`,
    cannotReach: (folder, user, closed) =>
      `Não foi possível chegar a ${folder} com as permissões do dono, o usuário ${user}: ${closed} é fechada para ele, e o sistema não oferece outra forma de acesso a ela`,
    needsMount:
      "isto exige a permissão de montar sistemas de arquivos, que o root tem no Linux, mas não em todo contêiner",
    tooManyLinks: (path) => `Não foi possível seguir ${path}: há links demais`,
  },
};

const admin: Language["admin"] = {
  otherHost: (host) =>
    `Não é possível responder pelo nome "${host}": este endereço só atende por IP, como localhost, e pelo nome na configuração`,
  otherHostHint: "defina `admin.publicUrl` na configuração com o endereço pelo qual você chega aqui",
  otherSite: "Não é possível fazer o que a página de outro site pede",
  otherSiteHint: "abra a própria página do relay",
  unknownPage: "Não é possível saber que página pede isto",
  unknownPageHint: "envie `Authorization: Bearer` com o token",
  wrongTokens: (seconds) =>
    `Não é possível conferir o token: houve muitos errados; tente de novo em ${forms.duration(seconds * 1000)}`,
  body: {
    too_large: (most) => `Não é possível aceitar um corpo de mais de ${most} bytes`,
    cut: () => "Não foi possível ler o corpo: ele chegou incompleto",
    late: () => "Não foi possível ler o corpo: ele não chegou a tempo",
    encoded: () => "Não é possível ler um corpo codificado",
    no_room: () => "Não é possível aceitar o corpo agora: há muitos outros chegando",
  },
};

export const ptBr: Language = {
  forms,
  messages,
  pages,
  admin,
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
