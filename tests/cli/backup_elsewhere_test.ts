/** What is said to who would back up or restore a store in PostgreSQL. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { backupElsewhere, libpqUrl, restoreElsewhere } from "../../lib/cli/backup_elsewhere.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";

const plain = parsePostgresUrl("postgres://relay:hunter2@db.example/events");
const odd = parsePostgresUrl(
  "postgres://a%20b:hunter2@pool/it's?schema=Minha%20%22C&direct=[::1]:6000&sslmode=disable",
);

test("backupElsewhere() gives the command of pg_dump, without the password", () => {
  const { message, hint } = backupElsewhere(plain, "/a b/relay.dump");
  assert.match(message, /^Cannot back up postgres:\/\/relay:\*\*\*@db\.example\/events: /);
  assert.equal(
    hint!.split("\n")[1]!.trim(),
    "pg_dump --format=custom --schema='relay' --file='/a b/relay.dump' " +
      "'postgres://relay@db.example:5432/events?sslmode=require'",
  );
});

test("restoreElsewhere() says what to stop, and keeps what is there", () => {
  const [stop, rename, restore] = restoreElsewhere(odd, "relay.dump").hint!.split("\n");
  assert.match(stop!, /^stop every relay that uses it first/);
  assert.equal(
    rename!.trim(),
    `psql --command='ALTER SCHEMA "Minha ""C" RENAME TO "Minha ""C_before"' 'postgres://a%20b@[::1]:6000/it'\\''s'`,
  );
  assert.equal(
    restore!.trim(),
    `pg_restore --exit-on-error --single-transaction --dbname='postgres://a%20b@[::1]:6000/it'\\''s' relay.dump`,
  );
});

test("libpqUrl() names every host, or the server behind a pooler, and never the password", () => {
  assert.equal(
    libpqUrl(parsePostgresUrl("postgres://u:hunter2@a,%2Frun%2Fpg:6/d?sslmode=verify-ca&sslrootcert=/c%20a.pem")),
    "postgres://u@a:5432,%2Frun%2Fpg:6/d?sslmode=verify-ca&sslrootcert=%2Fc%20a.pem",
  );
});
