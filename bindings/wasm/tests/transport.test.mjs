import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { admin, balance, open, school, serve, sms } from "./support.mjs";

/** What a read ends with when its deadline cuts its last attempt off. */
const late = /^(timeout|vendor_unavailable)$/;

const failing = (promise) =>
  promise.then(
    (answer) => assert.fail(`answered ${JSON.stringify(answer)}`),
    (error) => error,
  );

test("fifty calls at once, each on record", async (t) => {
  const manager = await open(t);
  const tenant = await school(manager);
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, number) =>
      manager.execute(sms(tenant, { wait: true, deadlineMs: 60_000, arguments: { to: "+15551234567", body: `Message ${number}` } })),
    ),
  );
  assert.equal(new Set(replies.map((reply) => reply.output.sid)).size, 50);
  assert.equal(new Set(replies.map((reply) => reply.requestId)).size, 50);
  const { entries } = await manager.call("audit", { tenant, actor: admin, filter: { limit: 500 } });
  const calls = entries.filter((entry) => entry.event === "call");
  assert.equal(calls.length, 50);
  assert.ok(calls.every((entry) => entry.state === "ended" && entry.outcome === "ok"));
  const report = await manager.call("verifyAudit", { tenant, actor: admin });
  assert.equal(report.intact, true);
  assert.deepEqual(report.broken, []);
  // An intent and an outcome for each, and the change of the config.
  assert.equal(report.rows, 101);
});

test("requests are under way side by side", async (t) => {
  let now = 0;
  let most = 0;
  const url = await serve(t, (_, response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now -= 1;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ balance: "1", currency: "USD", account_sid: `AC${"0".repeat(32)}` }));
    }, 300);
  });
  const manager = await open(t);
  const tenant = await school(manager, url);
  await Promise.all(Array.from({ length: 8 }, () => manager.execute(balance(tenant))));
  assert.equal(most, 8);
});

test("a vendor that does not answer: a read fails in time, a message is of unknown outcome", async (t) => {
  let closed = 0;
  const url = await serve(t, (request) => request.socket.once("close", () => (closed += 1)));
  const manager = await open(t);
  const tenant = await school(manager, url);
  const started = performance.now();
  const [read, sent] = await Promise.all([
    failing(manager.execute(balance(tenant, { deadlineMs: 500 }))),
    failing(manager.execute(sms(tenant, { deadlineMs: 500 }))),
  ]);
  assert.match(read.code, late);
  assert.equal(sent.code, "outcome_unknown");
  assert.equal(sent.retry, "unknown");
  assert.ok(performance.now() - started < 3000);
  // What nobody waits for is aborted.
  for (let i = 0; i < 50 && closed < 2; i++) await new Promise((done) => setTimeout(done, 20));
  assert.equal(closed, 2);
  assert.equal((await manager.call("verifyAudit", { tenant, actor: admin })).intact, true);
});

test("an answer that stops half-way ends with the deadline", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"balance":');
  });
  const manager = await open(t);
  const error = await failing(manager.execute(balance(await school(manager, url), { deadlineMs: 500 })));
  assert.match(error.code, late);
});

test("a connection that breaks: a message is of unknown outcome and not repeated", async (t) => {
  let asked = 0;
  const url = await serve(t, (request) => {
    // Afterwards the library looks whether the message is there.
    if (request.method === "POST") asked += 1;
    request.socket.destroy();
  });
  const manager = await open(t);
  const error = await failing(manager.execute(sms(await school(manager, url), { deadlineMs: 3000 })));
  assert.equal(error.code, "outcome_unknown");
  assert.equal(asked, 1);
});

test("no connection: nothing was sent", async (t) => {
  const manager = await open(t);
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  for (const url of [`http://127.0.0.1:${port}`, "http://no-such-host.invalid"]) {
    const error = await failing(manager.execute(sms(await school(manager, url), { deadlineMs: 5000 })));
    assert.equal(error.code, "vendor_unavailable", error.message);
  }
});

test("an answer without end is cut off", async (t) => {
  let written = 0;
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const part = Buffer.alloc(1 << 20, " ");
    const write = () => {
      while (!response.destroyed) {
        written += part.length;
        if (!response.write(part)) return void response.once("drain", write);
      }
    };
    write();
  });
  const manager = await open(t);
  const error = await failing(manager.execute(balance(await school(manager, url), { deadlineMs: 20_000 })));
  assert.equal(error.code, "too_large");
  assert.ok(written < 64 << 20, `${written} bytes`);
});

test("a redirect to another host is not followed", async (t) => {
  let reached = 0;
  const other = await serve(t, (_, response) => {
    reached += 1;
    response.end("{}");
  });
  const url = await serve(t, (_, response) => {
    response.writeHead(302, { location: `${other}/steal` });
    response.end();
  });
  const manager = await open(t);
  await failing(manager.execute(balance(await school(manager, url), { deadlineMs: 3000 })));
  await failing(manager.execute(sms(await school(manager, url), { deadlineMs: 3000 })));
  assert.equal(reached, 0);
});

test("a program may send by a fetch of its own", async (t) => {
  const seen = [];
  const fetch = async (url, init) => {
    seen.push([new URL(url).pathname, init.method, init.redirect, init.signal instanceof AbortSignal]);
    return Response.json({ balance: "12.5", currency: "USD", account_sid: `AC${"0".repeat(32)}` });
  };
  const manager = await open(t, { fetch });
  await manager.execute(balance(await school(manager, "http://127.0.0.1:9")));
  assert.deepEqual(seen, [[`/2010-04-01/Accounts/AC${"0".repeat(32)}/Balance.json`, "GET", "manual", true]]);

  const wrong = [() => undefined, () => 5, () => ({}), () => Promise.reject(), () => { throw new TypeError("no"); }];
  for (const fetch of wrong) {
    const manager = await open(t, { fetch });
    const error = await failing(manager.execute(sms(await school(manager, "http://127.0.0.1:9"), { deadlineMs: 2000 })));
    assert.equal(error.code, "outcome_unknown");
  }
});
