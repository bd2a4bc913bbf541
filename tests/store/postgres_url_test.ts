/** URLs of PostgreSQL stores: what libpq reads in them, and what is said of wrong ones. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { isPostgresUrl, parsePostgresUrl } from "../../lib/store/postgres/url.ts";

const parse = (text: string) => parsePostgresUrl(text, { user: "ana", folder: "/etc/relay" });

test("parsePostgresUrl() reads who signs in, where, and to what", () => {
  assert.deepEqual(parse("postgres://relay:secret@db.example:6432/events"), {
    hosts: [{ host: "db.example", port: 6432 }],
    user: "relay",
    password: "secret",
    database: "events",
    sslmode: "require",
    sslrootcert: undefined,
    schema: "relay",
    direct: undefined,
    masked: "postgres://relay:***@db.example:6432/events",
    secrets: ["secret"],
  });
});

test("parsePostgresUrl() has libpq's defaults: the process's user, a database of the user's name, port 5432", () => {
  const { hosts, user, password, database, masked } = parse("postgresql://db");
  assert.deepEqual([hosts, user, password, database], [[{ host: "db", port: 5432 }], "ana", undefined, "ana"]);
  assert.equal(masked, "postgres://ana@db/ana");
  assert.equal(parse("postgres://relay@db").database, "relay");
  assert.equal(parse("postgres://relay:@db/x").password, undefined);
  assert.equal(parse("POSTGRES://relay@db/x").database, "x");
  process.env.PGPASSWORD = "of the environment";
  assert.equal(parse("postgres://relay@db/x").password, undefined);
  delete process.env.PGPASSWORD;
});

test("parsePostgresUrl() reads several hosts, addresses and folders of Unix sockets", () => {
  const hosts = (text: string) => parse(text).hosts.map(({ host, port }) => `${host} ${port}`);
  assert.deepEqual(hosts("postgres://a:5432,b:5433,c/x"), ["a 5432", "b 5433", "c 5432"]);
  assert.deepEqual(hosts("postgres://[2001:db8::1]:5433,192.0.2.1/x"), ["2001:db8::1 5433", "192.0.2.1 5432"]);
  assert.deepEqual(hosts("postgres://%2Frun%2Fpg:5433/x"), ["/run/pg 5433"]);
  assert.deepEqual(hosts("postgres:///x"), ["/var/run/postgresql 5432"]);
  assert.deepEqual(hosts("postgres:///x?host=/run/pg&port=5434"), ["/run/pg 5434"]);
  assert.deepEqual(hosts("postgres:///x?host=a,::1&port=1,2"), ["a 1", "::1 2"]);
  assert.deepEqual(hosts("postgres:///x?host=a,b&port=7"), ["a 7", "b 7"]);
  assert.equal(
    parse("postgres://relay:p@[::1]:5433,%2Frun%2Fpg/x").masked,
    "postgres://relay:***@[::1]:5433,%2Frun%2Fpg/x",
  );
});

test("parsePostgresUrl() takes a password of any characters, encoded or as far as it is clear", () => {
  const odd = "p@ss/w?rd#%:[é]& +'\"\\";
  const { password, secrets, user } = parse(`postgres://an%40a:${encodeURIComponent(odd)}@db/x`);
  assert.deepEqual([password, user], [odd, "an@a"]);
  assert.deepEqual(secrets, [odd, encodeURIComponent(odd)]);
  assert.deepEqual(parse("postgres://relay:relay@db/x").secrets, [], "what is shown as a name anyway");
  assert.equal(parse("postgres://relay:a@b:c#d@db/x").password, "a@b:c#d");
  assert.equal(parse("postgres://db/x?user=eu&password=p%2Bq+r").password, "p+q+r");
});

test("parsePostgresUrl() asks for TLS unless every host is of this machine, and has an authority asked that is named", () => {
  const mode = (text: string) => parse(text).sslmode;
  assert.equal(mode("postgres://localhost,127.0.0.1,[::1],%2Frun%2Fpg/x"), "disable");
  assert.equal(mode("postgres:///x"), "disable");
  assert.equal(mode("postgres://localhost,db/x"), "require");
  assert.equal(mode("postgres://10.0.0.1/x"), "require");
  for (const given of ["disable", "prefer", "require", "verify-full"]) {
    assert.equal(mode(`postgres://db/x?sslmode=${given}`), given);
  }
  const { sslmode, sslrootcert } = parse("postgres://localhost/x?sslrootcert=ca.pem");
  assert.deepEqual([sslmode, sslrootcert], ["verify-full", "/etc/relay/ca.pem"]);
  assert.equal(mode("postgres://db/x?sslmode=require&sslrootcert=/ca.pem"), "verify-ca");
  assert.equal(parse("postgres://db/x?sslrootcert=system").sslrootcert, "system");
});

test("parsePostgresUrl() reads the schema and the server behind a pooler", () => {
  const { schema, direct, masked } = parse(
    "postgres://relay:p@pooler:6432/x?schema=Minha%20Cl%C3%ADnica&direct=[::1]:5433",
  );
  assert.deepEqual([schema, direct], ["Minha Clínica", { host: "::1", port: 5433 }]);
  assert.equal(masked, "postgres://relay:***@pooler:6432/x?schema=Minha%20Cl%C3%ADnica");
});

test("parsePostgresUrl() says what was expected, and shows nothing of a password", () => {
  const mistakes: [string, RegExp][] = [
    ["postgres:db", /^expected "postgres:\/\/USER/],
    ["postgres://relay:hunter2/x@db/x", /"%40", "%2F"/],
    ["postgres://relay:12?hunter2@db/x", /"%40", "%2F"/],
    ["postgres://relay:12/hunter2@db/x", /"%40", "%2F"/],
    ["postgres://relay:hunter2%zz@db/x", /"%25"/],
    ["postgres://relay:hunter2%@db/x", /"%25"/],
    ["postgres://relay:hunter2/x", /^expected a port/],
    ["postgres://relay:p@db:0/x", /^expected a port/],
    ["postgres://relay:p@db:65536/x", /^expected a port/],
    ["postgres://relay:p@2001:db8::1/x", /^expected a port/],
    ["postgres://relay:p@[hunter2]/x", /^expected a host/],
    ["postgres://relay:p@a b/x", /^expected a host/],
    ["postgres://a,b,c/x?port=1,2", /^expected one port, or one for each of the 3 hosts$/],
    ["postgres://db/x%00", /zero byte/],
    [
      "postgres://db/x?sslmod=require",
      /^unknown parameter "sslmod"; known parameters are host.*did you mean "sslmode"\?$/,
    ],
    ["postgres://db/x?sslmode=verify", /^unknown sslmode "verify"; known ones are disable/],
    ["postgres://db/x?sslmode=disable&sslmode=require", /^expected the parameter "sslmode" only once$/],
    ["postgres://db/x?schema", /^expected a value for the parameter "schema"$/],
    ["postgres://db/x?schema=pg_relay", /^expected a schema of at most 63 bytes/],
    ["postgres://db/x?schema=o'brien", /^expected a schema without an apostrophe/],
    ["postgres://db/x?schema=a$$b", /^expected a schema without an apostrophe/],
    [`postgres://db/x?schema=${"é".repeat(32)}`, /^expected a schema of at most 63 bytes/],
    ["postgres://db/x?direct=a,b", /^expected one server as "direct"/],
    ["postgres://db/x?sslmode=verify-ca", /"sslrootcert"/],
    ["postgres://db/x?sslmode=require&sslrootcert=system", /verify-full/],
  ];
  for (const [text, words] of mistakes) {
    assert.throws(() => parse(text), (error: Error) => {
      assert.match(error.message, words, text);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});

test("isPostgresUrl() tells a database from a file", () => {
  for (const store of ["postgres://db/x", "postgresql:", "Postgres://"]) assert.equal(isPostgresUrl(store), true);
  for (const store of ["sqlite:postgres://db", "relay.db", "mysql://db"]) assert.equal(isPostgresUrl(store), false);
});
