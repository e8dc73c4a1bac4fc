// The official Twilio SDK against the sandbox: what the SDK sends must be taken, what the sandbox answers must be
// understood. Run with `npm ci && node --test drive.mjs`; SIS_SANDBOX_TWILIO_URL is what the sandbox printed.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import twilio from "twilio";

const { RequestClient } = twilio;
const BASE = process.env.SIS_SANDBOX_TWILIO_URL;
const ACCOUNT = "AC5a4db0c5000000000000000000000001";
const TOKEN = "5a4db0c5000000000000000000000002";
const SCHOOL = "+15005550006";
const PARENT = "+14155550100";

// The SDK builds its addresses from the vendor's host names; here each request goes to the sandbox instead.
class SandboxClient extends RequestClient {
  request(options) {
    const url = new URL(options.uri);
    const { protocol, host } = new URL(BASE);
    return super.request({ ...options, uri: `${protocol}//${host}${url.pathname}${url.search}` });
  }
}

function connect(token = TOKEN, options = {}) {
  return twilio(ACCOUNT, token, { httpClient: new SandboxClient({ timeout: 10_000, ...options }) });
}

async function control(method, path, body) {
  const response = await fetch(`${BASE}/__sandbox/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

async function until(check) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail("it did not come about within two seconds");
}

const client = connect();

before(async () => {
  assert.ok(BASE, "SIS_SANDBOX_TWILIO_URL is not set");
  await control("POST", "reset");
});

test("sends a message, which is delivered", async () => {
  const sent = await client.messages.create({ to: PARENT, from: SCHOOL, body: "School is closed" });
  assert.match(sent.sid, /^SM[0-9a-f]{32}$/);
  assert.equal(sent.status, "queued");
  assert.equal(sent.numSegments, "1");
  assert.ok(sent.dateCreated instanceof Date && !Number.isNaN(sent.dateCreated.getTime()));
  assert.equal(sent.dateSent, null);
  const delivered = await until(async () => {
    const fetched = await client.messages(sent.sid).fetch();
    return fetched.status === "delivered" && fetched;
  });
  assert.equal(delivered.price, "-0.00830");
  assert.ok(delivered.dateSent instanceof Date);
});

test("sends pictures", async () => {
  const mediaUrl = ["https://school.example/a.png", "https://school.example/b.png"];
  const sent = await client.messages.create({ to: PARENT, from: SCHOOL, mediaUrl });
  assert.match(sent.sid, /^MM/);
  assert.equal(sent.numMedia, "2");
});

test("lists all pages and filters", async () => {
  const to = "+14155550107";
  for (let number = 0; number < 7; number++) {
    await client.messages.create({ to, from: SCHOOL, body: String(number) });
  }
  const listed = await client.messages.list({ to, pageSize: 3, dateSentAfter: new Date(Date.now() - 3_600_000) });
  assert.deepEqual(listed.map((message) => message.body), ["6", "5", "4", "3", "2", "1", "0"]);
  const none = await client.messages.list({ to, dateSentBefore: new Date("2020-01-01T00:00:00Z") });
  assert.equal(none.length, 0);
  const limited = await client.messages.list({ to, limit: 4, pageSize: 2 });
  assert.equal(limited.length, 4);
});

test("redacts and deletes", async () => {
  await control("PUT", "step", { ms: 0 });
  const sent = await client.messages.create({ to: PARENT, from: SCHOOL, body: "private" });
  const redacted = await client.messages(sent.sid).update({ body: "" });
  assert.equal(redacted.body, "");
  assert.equal(await client.messages(sent.sid).remove(), true);
  await assert.rejects(client.messages(sent.sid).fetch(), { status: 404, code: 20404 });
  await control("PUT", "step", { ms: 200 });
});

test("calls", async () => {
  const call = await client.calls.create({ to: PARENT, from: SCHOOL, twiml: "<Response><Say>Closed</Say></Response>" });
  assert.match(call.sid, /^CA[0-9a-f]{32}$/);
  const over = await until(async () => {
    const fetched = await client.calls(call.sid).fetch();
    return fetched.status === "completed" && fetched;
  });
  assert.equal(over.duration, "1");
  const second = await client.calls.create({ to: PARENT, from: SCHOOL, url: "https://school.example/voice.xml" });
  const ended = await client.calls(second.sid).update({ status: "completed" });
  assert.ok(["completed", "canceled"].includes(ended.status));
  assert.equal((await client.calls.list({ to: PARENT, pageSize: 1 })).length, 2);
});

test("sends a WhatsApp message from a template", async () => {
  const content = await client.content.v1.contents.create({
    // The SDK sends this body as it is given, so it is written as the vendor writes it.
    friendly_name: "Absence",
    language: "en",
    variables: { 1: "Sam" },
    types: { "twilio/text": { body: "{{1}} is absent" } },
  });
  assert.match(content.sid, /^HX[0-9a-f]{32}$/);
  assert.equal((await client.content.v1.contents(content.sid).fetch()).friendlyName, "Absence");
  assert.equal((await client.content.v1.contents(content.sid).approvalFetch().fetch()).whatsapp.status, "approved");
  assert.ok((await client.content.v1.contents.list({ pageSize: 1 })).some((listed) => listed.sid === content.sid));
  const sent = await client.messages.create({
    to: `whatsapp:${PARENT}`,
    from: "whatsapp:+14155238886",
    contentSid: content.sid,
    contentVariables: JSON.stringify({ 1: "Alex" }),
  });
  assert.equal(sent.body, "Alex is absent");
  assert.equal(await client.content.v1.contents(content.sid).remove(), true);
});

test("a free-form WhatsApp message outside the window fails with 63016", async () => {
  const sent = await client.messages.create({
    to: "whatsapp:+14155550155",
    from: "whatsapp:+14155238886",
    body: "hello",
  });
  const failed = await until(async () => {
    const fetched = await client.messages(sent.sid).fetch();
    return fetched.errorCode && fetched;
  });
  assert.deepEqual([failed.status, failed.errorCode], ["undelivered", 63016]);
});

test("schedules through a messaging service and cancels", async () => {
  const service = await client.messaging.v1.services.create({ friendlyName: "School" });
  const [number] = await client.incomingPhoneNumbers.list({ limit: 1 });
  await client.messaging.v1.services(service.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
  const later = await client.messages.create({
    to: PARENT,
    messagingServiceSid: service.sid,
    body: "Tomorrow",
    scheduleType: "fixed",
    sendAt: new Date(Date.now() + 3_600_000),
  });
  assert.equal(later.status, "scheduled");
  assert.equal((await client.messages(later.sid).update({ status: "canceled" })).status, "canceled");
  assert.equal((await client.messaging.v1.services.list()).length, 1);
});

test("looks numbers up", async () => {
  const number = await client.lookups.v2.phoneNumbers(PARENT).fetch({ fields: "line_type_intelligence" });
  assert.equal(number.valid, true);
  assert.equal(number.lineTypeIntelligence.type, "mobile");
  assert.deepEqual((await client.lookups.v2.phoneNumbers("+1415").fetch()).validationErrors, ["TOO_SHORT"]);
});

test("reads account, balance, usage and prices", async () => {
  assert.equal((await client.api.v2010.accounts(ACCOUNT).fetch()).status, "active");
  assert.equal((await client.balance.fetch()).currency, "USD");
  assert.equal((await client.usage.records.list({ category: "sms" })).length, 1);
  assert.equal((await client.pricing.v1.messaging.countries("US").fetch()).isoCountry, "US");
  assert.ok((await client.pricing.v1.voice.countries.list({ pageSize: 2 })).length > 4);
});

test("errors carry the vendor's code", async () => {
  const wrong = client.messages.create({ to: "+15005550001", from: SCHOOL, body: "x" });
  await assert.rejects(wrong, { status: 400, code: 21211, moreInfo: "https://www.twilio.com/docs/errors/21211" });
  await assert.rejects(connect("guess").balance.fetch(), { status: 401, code: 20003 });
});

test("a 429 is retried by the SDK when asked", async () => {
  await control("POST", "faults", { fault: { kind: "status", status: 429 }, when: { kind: "next", count: 2 } });
  const patient = connect(TOKEN, { autoRetry: true, maxRetryDelay: 20 });
  const sent = await patient.messages.create({ to: "+14155550142", from: SCHOOL, body: "x" });
  assert.match(sent.sid, /^SM/);
  const accepted = (await control("GET", "messages")).filter((message) => message.to === "+14155550142");
  assert.equal(accepted.length, 1);
  await control("POST", "faults", { fault: { kind: "status", status: 429 } });
  await assert.rejects(client.balance.fetch(), { status: 429, code: 20429 });
});
