/** Which requests go through a proxy, and whose answer is whose. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { OutboundError } from "../../lib/outbound/error.ts";
import { proxyFor, readProxy } from "../../lib/outbound/proxy.ts";
import { closeIdle, request } from "../../lib/outbound/request.ts";
import { networkOutcome } from "../../lib/targets/outcomes.ts";
import { nowhere } from "../helpers/nowhere.ts";
import { startSink } from "../helpers/sink.ts";
import { never } from "../helpers/target.ts";
import { type Script, startScript } from "./script.ts";

function placeFor(url: string, env: Record<string, string>): string | undefined {
  const proxy = proxyFor(new URL(url), env);
  return proxy && readProxy(proxy).place;
}

test("proxyFor() asks the variable of the scheme, then all_proxy, in lower case before capitals", () => {
  const env = { http_proxy: "http://one:1", HTTP_PROXY: "http://no", HTTPS_PROXY: "two:2", ALL_PROXY: "https://three" };
  assert.equal(placeFor("http://h", env), "http://one:1");
  assert.equal(placeFor("https://h", env), "http://two:2");
  assert.equal(placeFor("https://h", { all_proxy: "https://three" }), "https://three");
  assert.equal(placeFor("https://h", { http_proxy: "http://one:1" }), undefined);
  assert.equal(placeFor("http://h", { http_proxy: "", ALL_PROXY: "" }), undefined);
});

test("readProxy() keeps the proxy's login apart", () => {
  const { place, headers } = readProxy("http://us%65r:p%40ss@one:1");
  assert.equal(place, "http://one:1");
  assert.deepEqual(headers, { "Proxy-Authorization": `Basic ${Buffer.from("user:p@ss").toString("base64")}` });
});

for (const value of ["socks5://user:secret@one:1", "http://user:secret@", "%"]) {
  test(`readProxy() refuses ${value}, without telling its login`, () => {
    assert.throws(() => readProxy(value), (error: Error) => {
      return error instanceof OutboundError && error.reason === "proxy_failed" && !error.message.includes("secret");
    });
  });
}

const exceptions: [noProxy: string, url: string, isExcepted: boolean][] = [
  ["*", "http://a.example", true],
  ["a.example", "http://a.example", true],
  ["a.example", "https://A.EXAMPLE.:8443", true],
  ["a.example", "http://b.a.example", true],
  [".a.example", "http://a.example", true],
  ["*.a.example", "http://b.a.example", true],
  ["a.example", "http://ba.example", false],
  ["x, a.example\ty", "http://a.example", true],
  ["a.example:80", "http://a.example", true],
  ["a.example:80", "https://a.example", false],
  ["203.0.113.5", "http://203.0.113.5", true],
  ["113.5", "http://203.0.113.5", false],
  ["203.0.113.0/24", "http://203.0.113.5", true],
  ["203.0.113.0/24", "http://203.0.114.5", false],
  ["203.0.113.0/24", "http://a.example", false],
  ["2001:db8::/32", "http://[2001:db8::5]", true],
  ["[2001:db8::5]", "http://[2001:db8::5]:90", true],
  ["2001:db8::5", "http://[2001:db8::5]", true],
  ["a.example/24, 203.0.113.0/99,, :,", "http://203.0.113.5", false],
  ["", "http://a.example", false],
];
for (const [list, url, isExcepted] of exceptions) {
  test(`proxyFor() ${isExcepted ? "excepts" : "does not except"} ${url} by no_proxy ${JSON.stringify(list)}`, () => {
    for (const name of ["no_proxy", "NO_PROXY"]) {
      assert.equal(placeFor(url, { all_proxy: "http://p", [name]: list }), isExcepted ? undefined : "http://p");
    }
  });
}

/** Runs with these variables, and with no others that name a proxy. */
async function withEnv<Value>(env: Record<string, string>, run: () => Promise<Value>): Promise<Value> {
  const names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, env);
  try {
    return await run();
  } finally {
    closeIdle();
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

test("request() reaches this machine also where the environment names no proxy that it can use", async () => {
  const sink = await startSink();
  try {
    await withEnv({ all_proxy: "socks5://127.0.0.1:9" }, async () => {
      assert.equal((await request(new URL(sink.url), { signal: never })).status, 200);
    });
  } finally {
    await sink.close();
  }
});

const everywhere = (proxy: string) => ({ http_proxy: proxy, https_proxy: proxy, HTTP_PROXY: proxy, all_proxy: proxy });

for (const host of ["127.0.0.1", "localhost", "a.localhost", "[::ffff:127.0.0.1]"]) {
  test(`request() asks no proxy for ${host}`, async () => {
    const sink = await startSink();
    try {
      await withEnv(everywhere("http://127.0.0.1:9"), async () => {
        const { status } = await request(new URL(`http://${host}:${sink.port}/`), { signal: never });
        assert.equal(status, 200);
      });
    } finally {
      await sink.close();
    }
  });
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/**
 * Makes a request through a proxy that does this with each request. Where nothing here resolves the target's host, it is as
 * behind a proxy that is the only way out.
 */
async function through(
  act: (socket: Socket, request: number) => void,
  use: (proxy: Script) => Promise<void>,
): Promise<void> {
  const proxy = await startScript(act);
  try {
    await withEnv(everywhere(proxy.url.replace("//", "//user:geheim@")), () => use(proxy));
  } finally {
    await proxy.close();
  }
}

test("request() has plain HTTP passed on by the proxy, again on the same connection", async () => {
  await through((socket) => void socket.write(OK), async (proxy) => {
    for (let i = 0; i < 2; i++) {
      const { status, body } = await request(new URL(`http://${nowhere}:81/in?a=b`), { signal: never });
      assert.deepEqual([status, body.toString()], [200, "ok"]);
    }
    assert.equal(proxy.connections(), 1);
    assert.ok(proxy.requests[0]!.startsWith(`GET http://${nowhere}:81/in?a=b HTTP/1.1\r\n`));
    assert.ok(proxy.requests[0]!.includes(`\r\nHost: ${nowhere}:81\r\n`));
    assert.match(proxy.requests[0]!, /\r\nProxy-Authorization: Basic dXNlcjpnZWhlaW0=\r\n/);
  });
});

test("request() goes through the proxy to an address that is public", async () => {
  await through((socket) => void socket.write(OK), async (proxy) => {
    assert.equal((await request(new URL("http://203.0.113.5/"), { signal: never })).status, 200);
    assert.equal(proxy.requests.length, 1);
  });
});

test("request() asks no proxy for a program of this machine, wherever it listens", async () => {
  const sink = await startSink();
  try {
    await through(() => assert.fail("the proxy was asked"), async () => {
      const { status } = await request(new URL(sink.url), { signal: never, isHere: true });
      assert.equal(status, 200);
    });
  } finally {
    await sink.close();
  }
});

const page = (status: string, more = "") => `HTTP/1.1 ${status}\r\n${more}Content-Length: 4\r\n\r\npage`;
const refusals: [what: string, url: string, answer: string, words: RegExp][] = [
  [
    "407 to CONNECT",
    `https://${nowhere}/`,
    page("407 Login"),
    /^the proxy at \S+ does not accept the login in its URL/,
  ],
  ["502 to CONNECT", `https://${nowhere}/`, page("502 Bad"), /^the proxy at \S+ refuses to connect to it \(502\)$/],
  ["503 to CONNECT", `https://${nowhere}/`, page("503 Oh"), /refuses to connect to it \(503\)$/],
  ["a redirect to CONNECT", `https://${nowhere}/`, page("302 Found", "Location: http://x/\r\n"), /\(302\)$/],
  ["nothing like HTTP to CONNECT", `https://${nowhere}/`, "SSH-2.0\r\n", /does not connect to it/],
  ["407 to plain HTTP", `http://${nowhere}/`, page("407 Login"), /does not accept the login in its URL \(407\)$/],
  ["a page of Squid", `http://${nowhere}/`, page("403 No", "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n"), /\(403\)$/],
  ["an error of its own", `http://${nowhere}/`, page("502 Bad", "Proxy-Status: p; error=dns_error\r\n"), /\(502\)$/],
];
for (const [what, url, answer, words] of refusals) {
  test(`request() takes ${what} for no answer of the target`, async () => {
    await through((socket) => void socket.write(answer), async () => {
      await assert.rejects(request(new URL(url), { signal: never }), (error) => {
        assert.ok(error instanceof OutboundError && error.reason === "proxy_failed", String(error));
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /geheim/);
        return true;
      });
    });
  });
}

test("request() says that a proxy asks for a login where its URL has none", async () => {
  const proxy = await startScript((socket) => void socket.write(page("407 Login")));
  try {
    await withEnv({ https_proxy: proxy.url }, async () => {
      const asked = request(new URL(`https://${nowhere}/`), { signal: never });
      await assert.rejects(asked, /asks for a login, and its URL has none \(407\)$/);
    });
  } finally {
    await proxy.close();
  }
});

test("request() says that the proxy cannot be reached, and not the target", async () => {
  await withEnv({ all_proxy: "http://user:geheim@127.0.0.1:9" }, async () => {
    for (const scheme of ["http", "https"]) {
      await assert.rejects(request(new URL(`${scheme}://${nowhere}/`), { signal: never }), {
        reason: "proxy_failed",
        message: "the proxy at http://127.0.0.1:9 cannot be reached (ECONNREFUSED)",
      });
    }
  });
});

test("request() ends with the deadline where a proxy does not answer", async () => {
  await through(() => {}, async () => {
    const signal = AbortSignal.timeout(200);
    await assert.rejects(request(new URL(`https://${nowhere}/`), { signal }), (error) => error === signal.reason);
  });
});

test("request() tells of what fails behind a tunnel as of the target", async () => {
  const target = await startScript(() => {});
  target.onConnection((socket) => void socket.once("data", () => socket.end(OK))); // it speaks no TLS
  const { port } = new URL(target.url);
  const tunnel = (socket: Socket) => {
    socket.removeAllListeners("data").write("HTTP/1.1 200 Connection established\r\n\r\n");
    socket.pipe(connect(Number(port), "127.0.0.1").on("error", () => {})).pipe(socket);
  };
  try {
    await through(tunnel, async (proxy) => {
      await assert.rejects(request(new URL(`https://${nowhere}:8443/`), { signal: never }), (error) => {
        return networkOutcome(error, "there").reason === "tls_failed";
      });
      assert.ok(proxy.requests[0]!.startsWith(`CONNECT ${nowhere}:8443 HTTP/1.1\r\nHost: ${nowhere}:8443\r\n`));
    });
  } finally {
    await target.close();
  }
});
