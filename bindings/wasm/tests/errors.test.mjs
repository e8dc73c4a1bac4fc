import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { Manager, SisError, errorCodes } from "../js/node.js";
import { admin, balance, freshTenant, open, school, serve, sms, token } from "./support.mjs";

const fails = async (promise, expected) => {
  const error = await promise.then(
    (answer) => assert.fail(`answered ${JSON.stringify(answer)}`),
    (error) => error,
  );
  assert.ok(error instanceof SisError && error instanceof Error, inspect(error));
  assert.equal(error.name, "SisError");
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(error[name], value, `${name} of ${inspect(error)}`);
  return error;
};

test("options that do not fit are refused", async () => {
  await fails(Manager.open(), { code: "weak_master_key", number: 27 });
  await fails(Manager.open({ masterKey: "short" }), { code: "weak_master_key", number: 27, retry: "never" });
  const masterKey = randomBytes(32).toString("hex");
  await fails(Manager.open({ masterKey: 5 }), { code: "invalid_argument", field: "masterKey" });
  await fails(Manager.open({ masterKey, storage: "sqlite:sis.db" }), { code: "invalid_argument", field: "storage" });
  await fails(Manager.open({ masterKey, colour: "red" }), { code: "invalid_argument", field: "colour" });
  await fails(Manager.open({ masterKey, fetch: "yes" }), { code: "invalid_argument", field: "fetch" });
});

test("requests that do not fit are refused", async (t) => {
  const manager = await open(t);
  const loop = {};
  loop.loop = loop;
  for (const bad of [undefined, null, "text", 5]) {
    await fails(manager.execute(bad), { code: "invalid_argument", field: "request" });
  }
  await fails(manager.execute(loop), { code: "invalid_argument", field: "request" });
  await fails(manager.execute({ tenant: 1n }), { code: "invalid_argument", field: "request" });
  await fails(manager.execute({}), { code: "invalid_argument" });
  await fails(manager.execute({ ...balance("t"), actor: { id: "u", role: "king" } }), { code: "invalid_argument", field: "actor.role" });
  await fails(manager.call("nonsense", {}), { code: "not_found" });
  await fails(manager.call(5, {}), { code: "invalid_argument", field: "function" });
  await fails(manager.close(-1), { code: "invalid_argument", field: "deadlineMs" });
});

test("an error says who may mend what", async (t) => {
  const manager = await open(t);
  const tenant = freshTenant();
  const student = { id: "s-9", role: "student" };
  const refused = await fails(manager.execute(sms(tenant, { actor: student })), {
    code: "permission_denied",
    number: 7,
    retry: "never",
    provider: "twilio",
    operation: "sendSms",
    field: undefined,
    vendor: undefined,
    retryAfterMs: undefined,
  });
  assert.match(refused.requestId, /^[0-9a-f-]{36}$/);
  assert.ok(!("vendor" in refused));
  await fails(manager.execute(balance(tenant)), { code: "not_configured", number: 8 });
  await fails(manager.execute({ ...balance(tenant), provider: "pigeon" }), { code: "unknown_provider" });
});

test("what the vendor says comes along", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(400, { "content-type": "application/json", "twilio-request-id": "RQ1" });
    response.end(JSON.stringify({ code: 21610, message: "The person has opted out", status: 400 }));
  });
  const manager = await open(t);
  const error = await fails(manager.execute(sms(await school(manager, url))), { code: "vendor", number: 19 });
  assert.equal(error.vendor.status, 400);
  assert.equal(error.vendor.code, "21610");
});

test("a closed manager lets nothing in", async (t) => {
  const manager = await open(t);
  const tenant = await school(manager, "http://127.0.0.1:9");
  await manager.close();
  await fails(manager.execute(balance(tenant)), { code: "closed", number: 29 });
});

test("no secret and no address stands in an error, nor in what a manager shows", async (t) => {
  const leaks = await serve(t, (request, response) => {
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ code: 20003, message: `no: ${token} ${request.headers.authorization}`, status: 400 }));
  });
  const breaks = await serve(t, (request) => request.socket.destroy());
  const masterKey = "canary-Master-Key-0123456789-abcdefghij";
  const manager = await open(t, { masterKey });
  const basic = Buffer.from(`AC${"0".repeat(32)}:${token}`).toString("base64");
  const errors = [await Manager.open({ masterKey, storage: `postgres://u:${token}@db` }).catch((error) => error)];
  for (const url of [leaks, breaks, "http://127.0.0.1:9"]) {
    const tenant = await school(manager, url);
    errors.push(await manager.execute(sms(tenant, { deadlineMs: 3000 })).catch((error) => error));
    const bad = { tenant, actor: admin, provider: "twilio", config: { auth_token: token, account_sid: token } };
    errors.push(await manager.configure(bad).catch((error) => error));
  }
  assert.equal(errors.length, 7);
  for (const error of errors) {
    const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${error.stack}`;
    assert.ok(error instanceof SisError, shown);
    for (const secret of [token, basic, masterKey, "127.0.0.1"]) assert.ok(!shown.includes(secret), shown);
  }
  assert.ok(!inspect(manager, { depth: 9, showHidden: true }).includes(masterKey));
});

test("more recipients than an alert takes", async (t) => {
  const manager = await open(t);
  const recipients = Array(100_001).fill({ phone: "+15551234567" });
  const alert = { provider: "twilio", operation: "sendEmergencyAlert", arguments: { recipients, message: "Closed" } };
  const error = await fails(manager.execute({ tenant: freshTenant(), actor: admin, ...alert }), {
    code: "invalid_argument",
    field: "recipients",
  });
  assert.match(error.message, /100000/);
});

test("what is of SQLite alone is refused", async () => {
  const masterKey = randomBytes(32).toString("hex");
  await fails(Manager.open({ masterKey, maxDatabaseBytes: 1 }), { code: "invalid_argument", field: "maxDatabaseBytes" });
});

test("a key works until it is revoked", async (t) => {
  const manager = await open(t);
  const school = { tenant: freshTenant(), actor: admin };
  const apiKey = { name: "bus", userId: "u-2", role: "staff", scopes: ["twilio:*"] };
  const { id, key } = await manager.call("createApiKey", { ...school, apiKey });
  assert.equal((await manager.call("authenticateApiKey", { key })).actor.id, "u-2");
  assert.deepEqual(await manager.call("revokeApiKey", { ...school, id }), { id });
  await fails(manager.call("authenticateApiKey", { key }), { code: "unauthenticated" });
  const { apiKeys } = await manager.call("apiKeys", school);
  assert.deepEqual([apiKeys[0].id, typeof apiKeys[0].revokedAt, apiKeys[0].key], [id, "string", undefined]);
  await fails(manager.call("revokeApiKey", { ...school, id: "nobody" }), { code: "not_found", field: "id" });
});

test("the types name every function", async (t) => {
  const manager = await open(t);
  const { message } = await fails(manager.call("nonsense", {}), { code: "not_found" });
  const functions = message.split("there are ")[1].split(", ");
  const types = readFileSync(new URL("../js/index.d.ts", import.meta.url), "utf8");
  const table = /export interface Functions \{([^]+?)\n\}/.exec(types)[1];
  assert.deepEqual([...table.matchAll(/^  (\w+): \[/gm)].map(([, name]) => name).sort(), functions.sort());
});

test("the types name every error code", async () => {
  const types = readFileSync(new URL("../js/index.d.ts", import.meta.url), "utf8");
  const union = /export type ErrorCode =([^;]+);/.exec(types)[1];
  const codes = await errorCodes();
  assert.deepEqual([...union.matchAll(/"(\w+)"/g)].map(([, name]) => name), Object.keys(codes));
  const numbers = Object.values(codes);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});
