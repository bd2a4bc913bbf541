/** What a person is told when the file of a store fails them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RelayError } from "../../lib/errors.ts";
import { locales } from "../../lib/locale/mod.ts";
import { storeError } from "../../lib/store/sqlite/error.ts";

const said: [problem: string, en: RegExp, ptBr: RegExp, hint: RegExp][] = [
  ["database is locked", /: the file is locked by another program$/, /está bloqueado por outro programa$/, /pare/],
  ["database or disk is full", /: the disk is full$/, /: o disco está cheio$/, /libere espaço/],
  ["file is not a database", /: the file is not a database$/, /não é um banco de dados$/, /restaure um backup/],
  ["database disk image is malformed", /: the file is corrupt$/, /está corrompido$/, /restaure um backup/],
  ["attempt to write a readonly database", /: the file is read-only$/, /é somente leitura$/, /pode gravar/],
  ["unable to open database file", /: the file or its folder is missing,/, /não existe, ou/, /pode gravar/],
  ["disk I/O error", /: the disk reports an error/, /o disco informa um erro/, /verifique o disco/],
];

test("storeError() says in every language what SQLite says in English, and what to do", () => {
  for (const [problem, en, ptBr, hint] of said) {
    const error = storeError("storeEvents", new Error(problem));
    assert.match(error.message, /^Cannot store events: /);
    assert.match(error.message, en);
    assert.match(error.say(locales["pt-BR"]), /^Não foi possível gravar eventos: /);
    assert.match(error.say(locales["pt-BR"]), ptBr);
    assert.match(error.sayHint(locales["pt-BR"])!, hint);
    assert.equal(error.isHeld, problem === "database is locked");
  }
});

test("storeError() says what the system means by its code, with the path and the code", () => {
  let missing: unknown;
  try {
    readFileSync("/nowhere/relay.db");
  } catch (error) {
    missing = error;
  }
  const error = storeError(({ store }) => store.doingTo.open("/nowhere/relay.db"), missing);
  const path = "/nowhere/relay.db";
  assert.equal(error.message, `Cannot open the store ${path}: there is no such file or folder: ${path} (ENOENT)`);
  assert.equal(
    error.say(locales["pt-BR"]),
    `Não foi possível abrir o banco de eventos ${path}: o arquivo ou a pasta não existe: ${path} (ENOENT)`,
  );
});

test("storeError() keeps an error that says already what could not be done, and its hint", () => {
  const whole = new RelayError(
    ({ errors }) => errors.rights.tooManyLinks("/x"),
    ({ errors }) => errors.rights.moveFile,
  );
  const error = storeError("readStore", whole);
  for (const words of Object.values(locales)) {
    assert.deepEqual([error.say(words), error.sayHint(words)], [whole.say(words), whole.sayHint(words)]);
  }
});
