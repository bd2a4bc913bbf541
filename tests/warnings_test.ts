/** Warnings in both languages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { toldIn, type Warning } from "../lib/warnings.ts";

const rows: [warning: Warning, english: string, portuguese: string][] = [
  [
    (words) => words.noProgram("./a.sh", words.program.notExecutable("/etc/relay/a.sh")),
    "cannot run ./a.sh: it is not executable; run: chmod +x /etc/relay/a.sh",
    "não é possível executar ./a.sh: não é executável; execute: chmod +x /etc/relay/a.sh",
  ],
  [
    (words) => words.expired("2026-01-31", 2),
    "expired on 2026-01-31 (certificate 2 in the file); senders refuse it",
    "venceu em 2026-01-31 (certificado 2 do arquivo); quem envia o recusa",
  ],
  [
    (words) => words.expires(1, "2026-01-31", 1),
    "expires in 1 day, on 2026-01-31; renew it, then reload relay",
    "vence em 1 dia, no dia 2026-01-31; renove-o e recarregue o relay",
  ],
];

test("toldIn() says a warning in either language, with the same of it that is given", () => {
  for (const [warning, english, portuguese] of rows) {
    const told = (["en", "pt-BR"] as const).map((locale) => toldIn(locale, [{ path: "a.b", warning }]));
    assert.deepEqual(told, [[{ path: "a.b", message: english }], [{ path: "a.b", message: portuguese }]]);
  }
});
