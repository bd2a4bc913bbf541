/** What the admin listener of the executable refuses, and whom it lets in. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";
import { type Answer, chunk, exchange } from "./raw.ts";

const TOKEN = "tok_0123456789abcdef";
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const PAUSE = "/api/targets/crm/pause";
const BROWSER = { Accept: "text/html,application/xhtml+xml" };
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

type Headers = Record<string, string>;
type Ask = (method: string, path: string, headers?: Headers, body?: string | Uint8Array) => Promise<Answer>;

/** Runs a relay whose admin listener is as `admin` says. */
async function withAdmin(
  admin: string,
  work: (ask: Ask, port: number, relay: RunningRelay) => Promise<void>,
  more = "",
) {
  const targets = `crm: http({ url: "http://127.0.0.1:1" })`;
  const relay = await startRelay(configOf({ admin, targets, routes: `{ on: "**", to: "crm" }`, more }));
  try {
    const port = Number(new URL(await relay.adminUrl()).port);
    const ask: Ask = (method, path, headers = {}, body = "") => {
      const length = { "Content-Length": String(Buffer.byteLength(body)) };
      const all = { Host: `127.0.0.1:${port}`, ...(headers["Transfer-Encoding"] ? {} : length), ...headers };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
      return exchange(port, [`${method} ${path} HTTP/1.1`, ...lines], body);
    };
    await work(ask, port, relay);
  } finally {
    await relay.close();
  }
}

/** Signs in and gives the cookie. */
async function signIn(ask: Ask): Promise<string> {
  const { status, headers } = await ask("POST", "/sign-in", FORM, `token=${TOKEN}`);
  assert.equal(status, 303);
  return headers.get("Set-Cookie")!.split(";")[0]!;
}

/** A session cookie that ends at `until`, as one makes it who knows this token. */
function cookieOf(until: number, token = TOKEN): string {
  const key = createHmac("sha256", token).update("relay session").digest();
  const session = `${until} 0b6a0e0e-5c1f-4f3e-9d53-5f7d3c1f8a11`;
  const signature = createHmac("sha256", key).update(session).digest("base64");
  return `relay_session=${encodeURIComponent(`${session}.${signature}`)}`;
}

test("admin answers to addresses, localhost and the config's names, and to no other Host", async () => {
  await withAdmin(`{ port: 0, publicUrl: "https://relay.clinica.example/" }`, async (ask, port) => {
    const own = [
      "127.0.0.1",
      `127.0.0.1:${port}`,
      "localhost",
      "LOCALHOST:9300",
      "[::1]:9300",
      "192.168.0.5",
      "[fd00::1]",
    ];
    for (const host of [...own, "relay.clinica.example", "Relay.Clinica.Example:443"]) {
      assert.equal((await ask("GET", "/api/status", { Host: host })).status, 200, host);
    }
    const others = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost", "localhost."];
    for (const host of [...others, "evil@127.0.0.1", "clinica.example", "x.relay.clinica.example", "rélay"]) {
      for (const path of ["/", "/api/status", "/metrics", "/readyz", "/sign-in", "/assets/style.css"]) {
        const { status, text } = await ask("GET", path, { Host: host });
        assert.equal(status, 403, `${host} ${path}`);
        assert.match(text, /admin\.publicUrl/);
      }
    }
    assert.equal((await ask("GET", "/healthz", { Host: "evil.example" })).status, 200, "health is no secret");
    const { error, hint } = JSON.parse((await ask("GET", "/api/status", { Host: "evil.example" })).text);
    assert.match(error, /^Cannot answer for the host "evil\.example": /);
    assert.match(hint, /publicUrl/);
    const inPortuguese = await ask("GET", "/", { Host: "evil.example", "Accept-Language": "pt-BR" });
    assert.match(
      Buffer.from(inPortuguese.text, "latin1").toString(),
      /^Não é possível responder pelo nome "evil\.example": .*\ndica: defina /,
    );
  });
});

test("admin lets the token in under any Host, and through any page", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const elsewhere = { Host: "prometheus.internal:9300", "Sec-Fetch-Site": "cross-site" };
    assert.equal((await ask("GET", "/metrics", { ...BEARER, ...elsewhere })).status, 200);
    assert.equal((await ask("POST", PAUSE, { ...BEARER, ...elsewhere })).status, 200);
    for (const Authorization of [`Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
      assert.equal((await ask("GET", "/metrics", { ...elsewhere, Authorization })).status, 403);
      assert.equal((await ask("POST", PAUSE, { Authorization })).status, 401);
    }
  });
});

test("admin does nothing that another site's page asks for", async () => {
  await withAdmin(`{ port: 0, publicUrl: "https://relay.clinica.example" }`, async (ask, port) => {
    const foreign: Headers[] = [
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { "Sec-Fetch-Site": "none" },
      { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" },
      { "Sec-Fetch-Site": "cross-site", Origin: `http://127.0.0.1:${port}` },
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: "http://127.0.0.1" },
      { Origin: `http://127.0.0.1:${port + 1}` },
      { Origin: `http://127.0.0.1:${port}.evil.example` },
      { Origin: "http://relay.clinica.example" },
    ];
    for (const headers of foreign) {
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const { status, text } = await ask(method, PAUSE, headers);
        assert.equal(status, 403, `${method} ${JSON.stringify(headers)}`);
        assert.match(text, /^{"error":"Cannot do what another site's page asks for"/);
      }
      for (const path of ["/targets/crm/pause", "/sign-in", "/sign-out"]) {
        assert.equal((await ask("POST", path, { ...headers, ...FORM }, "a=b")).status, 403, path);
      }
    }
    const { targets } = JSON.parse((await ask("GET", "/api/targets")).text);
    assert.equal(targets[0].state, "ok", "nothing was done");

    const own: Headers[] = [
      {},
      { "Sec-Fetch-Site": "same-origin" },
      { "Sec-Fetch-Site": "same-origin", Origin: "https://whatever.the.proxy.says" },
      { Origin: `http://127.0.0.1:${port}` },
      { Origin: "https://relay.clinica.example" },
    ];
    for (const headers of own) {
      assert.equal((await ask("POST", PAUSE, headers)).status, 200, JSON.stringify(headers));
    }
  });
});

test("admin can be read from a link or by hand, and by no other site's script", async () => {
  await withAdmin("{ port: 0 }", async (ask) => {
    const status = async (headers: Headers) => (await ask("GET", "/api/status", headers)).status;
    assert.equal(await status({ "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate" }), 200);
    assert.equal(await status({ "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" }), 200);
    assert.equal(await status({ "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" }), 403);
    assert.equal(await status({ "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors" }), 403);
    assert.equal(await status({ Origin: "https://evil.example" }), 403);
    const { headers } = await ask("GET", "/api/status", { "Sec-Fetch-Site": "same-origin" });
    assert.equal(headers.get("Access-Control-Allow-Origin"), null);
  });
});

test("admin signs a browser in and out", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask, port, relay) => {
    const page = await ask("GET", "/events?state=dead", BROWSER);
    assert.equal(page.status, 401);
    assert.match(page.headers.get("Content-Type")!, /^text\/html/);
    assert.match(page.text, /action="\/sign-in"/);
    const asset = /href="(\/assets\/[^"]+\.css)"/.exec(page.text)![1]!;
    assert.equal((await ask("GET", asset)).status, 200, "the page may look as it should");

    const wrong = await ask("POST", "/sign-in", { ...FORM, ...BROWSER }, "token=wrong");
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /role="alert"/);
    assert.equal(wrong.headers.get("Set-Cookie"), null);
    for (const body of ["", "token=", `token=${TOKEN}x`, `token=x&token=${TOKEN}x`]) {
      assert.equal((await ask("POST", "/sign-in", FORM, body)).status, 401, body);
    }

    const right = await ask("POST", "/sign-in", FORM, `token=${TOKEN}`);
    assert.deepEqual([right.status, right.headers.get("Location")], [303, "/"]);
    const [cookie = "", ...attributes] = right.headers.get("Set-Cookie")!.split("; ");
    assert.deepEqual(attributes, ["Max-Age=604800", "Path=/", "HttpOnly", "SameSite=Strict"]);
    assert.ok(!cookie.includes(TOKEN));
    assert.equal((await ask("GET", "/", { Cookie: cookie, ...BROWSER })).status, 200);
    assert.equal((await ask("GET", "/metrics", { Cookie: cookie })).status, 200);

    const own = { Cookie: cookie, Origin: `http://127.0.0.1:${port}` };
    assert.equal((await ask("POST", PAUSE, own)).status, 200);
    assert.equal((await ask("POST", PAUSE, { Cookie: cookie, "Sec-Fetch-Site": "same-origin" })).status, 200);
    assert.equal((await ask("POST", PAUSE, { Cookie: cookie, "Sec-Fetch-Site": "cross-site" })).status, 403);
    assert.equal((await ask("POST", PAUSE, { Cookie: cookie })).status, 403, "no browser sends neither header");

    const out = await ask("POST", "/sign-out", own);
    assert.equal(out.status, 303);
    assert.match(out.headers.get("Set-Cookie")!, /^relay_session=; Max-Age=0/);
    assert.ok(!relay.output().includes(TOKEN));
  });
});

test("admin takes a session's cookie nowhere once it was signed out, and ends what it still tells it", async () => {
  const folder = makeFolder();
  try {
    const config = configOf({
      admin: `{ port: 0, token: "${TOKEN}" }`,
      targets: `crm: http({ url: "http://127.0.0.1:1" })`,
      routes: `{ on: "**", to: "crm" }`,
    });
    let relay = await startRelay(config, { folder: folder.path });
    try {
      let url = await relay.adminUrl();
      const ask = (path: string, headers: Headers, method = "GET") =>
        fetch(url + path, { method, headers: { "Sec-Fetch-Site": "same-origin", ...headers }, redirect: "manual" });
      const signIn = async () => {
        const body = new URLSearchParams({ token: TOKEN });
        const answer = await fetch(`${url}/sign-in`, { method: "POST", body, redirect: "manual" });
        return { Cookie: answer.headers.get("Set-Cookie")!.split(";")[0]! };
      };
      const statusOf = async (headers: Headers) => {
        const answer = await ask("/api/status", headers);
        await answer.body?.cancel();
        return answer.status;
      };
      const [one, other] = [await signIn(), await signIn()];
      const streams = await Promise.all([one, other, BEARER].map((headers) => openStream(url, headers)));
      const [oneStream, otherStream, tokenStream] = streams;
      assert.equal((await ask("/sign-out", one, "POST")).status, 303);
      assert.deepEqual([await statusOf(one), await statusOf(other)], [401, 200], "another session goes on");
      await until("the stream to end", () => oneStream!.isOver());
      assert.deepEqual([otherStream!.isOver(), tokenStream!.isOver()], [false, false]);

      await relay.end();
      relay = await startRelay(config, { folder: folder.path });
      url = await relay.adminUrl();
      assert.deepEqual([await statusOf(one), await statusOf(other)], [401, 200], "nor after a restart");

      const open = await Promise.all([other, BEARER].map((headers) => openStream(url, headers)));
      writeFileSync(join(folder.path, "relay.config.ts"), config.replace(TOKEN, `${TOKEN}-new`));
      process.kill(relay.child.pid!, "SIGHUP");
      await until("the streams to end", () => open.every((one) => one.isOver()));
      assert.deepEqual([await statusOf(other), await statusOf(BEARER)], [401, 401], "the token is another one");
    } finally {
      await relay.close();
    }
  } finally {
    folder.remove();
  }
});

/** Opens a stream of what happens, which the listener may end. */
function openStream(url: string, headers: Headers): Promise<{ isOver(): boolean }> {
  return new Promise((resolve, reject) => {
    get(`${url}/api/live`, { headers, agent: false }, (response) => {
      let isOver = false;
      response.on("close", () => isOver = true).on("error", () => {}).resume();
      assert.equal(response.statusCode, 200);
      resolve({ isOver: () => isOver });
    }).on("error", reject);
  });
}

test("admin locks out the client alone that guesses, behind a proxy as well", async () => {
  const proxied = `{ port: 0, token: "${TOKEN}", publicUrl: "https://relay.clinica.example" }`;
  await withAdmin(proxied, async (ask) => {
    const from = (forwarded: string, token: string) =>
      ask("GET", "/metrics", { Authorization: `Bearer ${token}`, "X-Forwarded-For": forwarded });
    for (let count = 0; count < 100; count++) {
      const forged = `198.51.100.${count}, 203.0.113.7`; // the client writes what it likes; the proxy appends whom it heard
      assert.equal((await from(forged, `wrong${count}`)).status, 401);
    }
    assert.equal((await from("203.0.113.7", TOKEN)).status, 429, "right or not");
    assert.equal((await from("203.0.113.8", TOKEN)).status, 200, "another client");
    assert.equal((await ask("GET", "/metrics", BEARER)).status, 200, "without a proxy");
  }, "trustProxy: true,");
});

test("admin believes nobody who says who they are, unless a proxy is trusted and stands in front", async () => {
  const rows = [
    [`{ port: 0, token: "${TOKEN}" }`, "trustProxy: true,"],
    [`{ port: 0, token: "${TOKEN}", publicUrl: "https://relay.clinica.example" }`, ""],
  ];
  for (const [admin, more] of rows) {
    await withAdmin(admin!, async (ask) => {
      const from = (client: number, token: string) =>
        ask("GET", "/metrics", { Authorization: `Bearer ${token}`, "X-Forwarded-For": `203.0.113.${client}` });
      for (let count = 0; count < 100; count++) assert.equal((await from(count, "wrong")).status, 401);
      assert.equal((await from(200, TOKEN)).status, 429);
    }, more);
  }
});

test("admin counts what a page guesses under a name of its own apart from what its user does", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const strange: Headers[] = [{ Host: "rebound.example" }, { "Sec-Fetch-Site": "cross-site" }];
    const wrong = { Authorization: "Bearer wrong" };
    for (let count = 0; count < 100; count++) {
      assert.equal((await ask("GET", "/metrics", { ...strange[count % 2], ...wrong })).status, 403);
    }
    for (const one of strange) assert.equal((await ask("GET", "/metrics", { ...BEARER, ...one })).status, 429);
    assert.equal((await ask("GET", "/metrics", BEARER)).status, 200);
    await signIn(ask);
  });
});

test("admin goes on after signing in with a page of its own alone", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const rows = [
      ["/events?state=dead", "/events?state=dead"],
      ["//evil.example/", "/"],
      ["/\\evil.example", "/"],
      ["/..//evil.example", "/"],
      ["https://evil.example/", "/"],
      ["javascript:alert(1)", "/"],
    ];
    for (const [to, expected] of rows) {
      const body = new URLSearchParams({ token: TOKEN, to: to! }).toString();
      const { headers } = await ask("POST", "/sign-in", FORM, body);
      assert.equal(headers.get("Location"), expected, to);
    }
    const overTls = await ask(
      "POST",
      "/sign-in",
      { ...FORM, Host: "127.0.0.1", Origin: "https://127.0.0.1" },
      `token=${TOKEN}`,
    );
    assert.match(overTls.headers.get("Set-Cookie")!, /; Secure(;|$)/);
  });
});

test("admin bounds how often a client may guess the token, and leaves those who are signed in alone", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const Cookie = await signIn(ask);
    const asks = [
      (token: string) => ask("POST", "/sign-in", FORM, `token=${token}`),
      (token: string) => ask("GET", "/metrics", { Authorization: `Bearer ${token}` }),
    ];
    for (let count = 0; count < 100; count++) {
      assert.equal((await asks[count % 2]!(`${TOKEN}${count}`)).status, 401);
    }
    for (const one of asks) {
      const { status, headers, text } = await one(TOKEN);
      assert.equal(status, 429);
      const seconds = Number(headers.get("Retry-After"));
      assert.ok(seconds > 0 && seconds <= 60, text);
    }
    assert.equal((await ask("GET", "/metrics", { Cookie })).status, 200);
    assert.equal((await ask("GET", "/metrics")).status, 401);
  });
});

test("admin takes no cookie that it did not give, and none that has ended", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const status = async (Cookie: string) => (await ask("GET", "/metrics", { Cookie })).status;
    const later = Date.now() + 60_000;
    assert.equal(await status(cookieOf(later)), 200, "the test makes cookies as the relay does");
    assert.equal(await status(await signIn(ask)), 200);

    const good = await signIn(ask);
    const [value = "", signature = ""] = decodeURIComponent(good.split("=")[1]!).split(".");
    const [until, id] = value.split(" ");
    const forged = [
      cookieOf(Date.now() - 1),
      cookieOf(later, "another token"),
      `relay_session=${encodeURIComponent(`${Number(until) + 1} ${id}.${signature}`)}`,
      `relay_session=${encodeURIComponent(`${until} ${id}x.${signature}`)}`,
      `relay_session=${encodeURIComponent(`${until}.${signature}`)}`,
      `relay_session=${encodeURIComponent(`${value}.${signature.replace(/^./, (one) => one === "A" ? "B" : "A")}`)}`,
      `relay_session=${value}.`,
      `relay_session=${value}`,
      `relay_session=${TOKEN}`,
      cookieOf(NaN),
      cookieOf(Infinity, ""),
      "relay_session=",
      `other=${good.split("=")[1]}`,
    ];
    for (const cookie of forged) assert.equal(await status(cookie), 401, cookie);
  });
});

test("admin shows no file, whatever the path", async () => {
  await withAdmin("{ port: 0 }", async (ask) => {
    const up = ["/..", "/%2e%2e", "/..%2f..%2f..", "/%252e%252e", "/..%5c..", "/..\\..", "//.."];
    const paths = up.flatMap((one) =>
      ["", "/assets", "/api", "/events"].map((base) => `${base}${one}${one}/etc/passwd`)
    );
    for (
      const path of [...paths, "//etc/passwd", "/etc/passwd", "/etc/passwd%00", "/assets/%2fetc%2fpasswd", "/%", "/%ff"]
    ) {
      const { status, text } = await ask("GET", path);
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
      assert.ok(!text.includes("root:"), path);
    }
    assert.equal((await ask("GET", "/relay.config.ts")).status, 404);
    assert.equal((await ask("GET", "/webhook")).status, 404);
    assert.equal((await ask("GET", "http://evil.example/etc/passwd", { Host: "127.0.0.1" })).status, 404);
  });
});

test("admin takes no body that is too large, by header or by count", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const json = { ...BEARER, "Content-Type": "application/json" };
    const body = (bytes: number) => `{"event":"${"x".repeat(bytes - 12)}"}`;
    const max = 4 * 1024 ** 2;
    assert.equal((await ask("POST", "/api/route", json, body(max))).status, 200);
    for (const path of ["/api/route", "/config", "/sign-in"]) {
      assert.equal((await ask("POST", path, { ...json, "Content-Length": String(max + 1) })).status, 413, path);
    }
    const inPieces = { ...json, "Transfer-Encoding": "chunked" };
    const pieces = Buffer.concat([chunk(body(max)), chunk(" ")]);
    const { status, text } = await ask("POST", "/api/route", inPieces, pieces);
    assert.equal(status, 413);
    assert.match(JSON.parse(text).error, /^Cannot take a body of more than 4194304 bytes/);
  });
});

test("admin sends strict headers with every answer, whatever its status", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (ask) => {
    const rows: [status: number, method: string, path: string, headers: Headers][] = [
      [200, "GET", "/healthz", {}],
      [200, "GET", "/", BEARER],
      [200, "GET", "/api/status", BEARER],
      [200, "HEAD", "/api/live", BEARER],
      [200, "GET", "/metrics", BEARER],
      [401, "GET", "/", BROWSER],
      [401, "GET", "/api/status", {}],
      [403, "GET", "/", { Host: "evil.example" }],
      [404, "GET", "/nothing", BEARER],
      [404, "GET", "/api/nothing", BEARER],
      [413, "POST", "/config", { ...BEARER, "Content-Length": "9999999" }],
    ];
    for (const [status, method, path, sent] of rows) {
      const { status: got, headers } = await ask(method, path, sent);
      assert.equal(got, status, path);
      assert.equal(
        headers.get("Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
      assert.equal(headers.get("Referrer-Policy"), "no-referrer");
      assert.equal(headers.get("X-Frame-Options"), "DENY");
      assert.equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin");
      assert.equal(headers.get("Cache-Control"), "no-store", path);
      assert.equal(headers.get("Server"), null);
    }
  });
});
