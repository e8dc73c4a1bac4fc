// The official SendGrid SDKs against the sandbox: what they send must be taken, what the sandbox answers must be
// understood. SIS_SANDBOX_SENDGRID_URL is what the sandbox printed.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import client from "@sendgrid/client";
import mail from "@sendgrid/mail";

const BASE = process.env.SIS_SANDBOX_SENDGRID_URL;
const KEY = "SG.sandbox0000000000000.0000000000000000000000000000000000000000000";
const SCHOOL = "noreply@yourschool.example";
const PARENT = "parent@example.com";
const GROUP = 4711;

// A new key takes the client back to the vendor's host.
function connect(key) {
  client.setApiKey(key);
  client.setDefaultRequest("baseUrl", `${BASE}/`);
}

before(async () => {
  assert.ok(BASE, "SIS_SANDBOX_SENDGRID_URL is not set");
  const response = await fetch(`${BASE}/__sandbox/reset`, { method: "POST" });
  assert.ok(response.ok);
  connect(KEY);
  mail.setClient(client);
});

async function ask(method, url, body, qs) {
  const [response, answer] = await client.request({ method, url, body, qs });
  return { status: response.statusCode, headers: response.headers, answer };
}

async function events() {
  return (await fetch(`${BASE}/__sandbox/events`)).json();
}

test("sends a message with files, which is delivered", async () => {
  const [response] = await mail.send({
    to: { email: PARENT, name: "A parent" },
    cc: "other@example.com",
    from: { email: SCHOOL, name: "Your School" },
    replyTo: "office@example.com",
    subject: "School closed",
    text: "At noon",
    html: "<p>At noon</p>",
    categories: ["closing"],
    customArgs: { class: "4b" },
    attachments: [{ content: Buffer.from("a map").toString("base64"), filename: "map.txt", type: "text/plain" }],
  });
  assert.equal(response.statusCode, 202);
  const id = response.headers["x-message-id"];
  assert.ok(id);
  const delivered = (await events()).filter((event) => event.event === "delivered" && event.sg_message_id.startsWith(id));
  assert.deepEqual(delivered.map((event) => event.email), [PARENT, "other@example.com"]);
});

test("sends one to each of many", async () => {
  const to = ["one@example.com", "two@example.com"];
  const [response] = await mail.sendMultiple({ to, from: SCHOOL, subject: "Cards", text: "They are out" });
  assert.equal(response.statusCode, 202);
  const id = response.headers["x-message-id"];
  const reached = (await events()).filter((event) => event.event === "delivered" && event.sg_message_id.startsWith(id));
  assert.deepEqual(reached.map((event) => event.email), to);
});

test("checks a message without sending it", async () => {
  const before = (await events()).length;
  const message = { to: PARENT, from: SCHOOL, subject: "x", text: "x", mailSettings: { sandboxMode: { enable: true } } };
  assert.equal((await mail.send(message))[0].statusCode, 200);
  assert.equal((await events()).length, before);
});

test("tells what is wrong in the vendor's words", async () => {
  const message = { to: "nobody", from: SCHOOL, subject: "x", text: "x" };
  await assert.rejects(mail.send(message), (error) => {
    assert.equal(error.code, 400);
    assert.equal(error.response.body.errors[0].field, "personalizations.0.to.0.email");
    return true;
  });
  await assert.rejects(mail.send({ ...message, to: PARENT, from: "else@example.com" }), { code: 403 });
});

test("sends from a template", async () => {
  const template = await ask("POST", "/v3/templates", { name: "Absence", generation: "dynamic" });
  assert.equal(template.status, 201);
  const { id } = template.answer;
  const version = { name: "First", subject: "{{student}}", html_content: "<p>{{student}}</p>", active: 1 };
  assert.equal((await ask("POST", `/v3/templates/${id}/versions`, version)).answer.active, 1);
  const [response] = await mail.send({
    to: PARENT,
    from: SCHOOL,
    templateId: id,
    dynamicTemplateData: { student: "Ada" },
    asm: { groupId: GROUP },
  });
  assert.equal(response.statusCode, 202);
  const listed = await ask("GET", "/v3/templates", undefined, { generations: "dynamic", page_size: 10 });
  assert.deepEqual(listed.answer.result.map((template) => template.id), [id]);
});

test("keeps contacts, lists and campaigns", async () => {
  const list = (await ask("POST", "/v3/marketing/lists", { name: "Parents" })).answer;
  const contacts = { list_ids: [list.id], contacts: [{ email: PARENT, first_name: "Ada" }] };
  const job = await ask("PUT", "/v3/marketing/contacts", contacts);
  assert.equal(job.status, 202);
  const status = await ask("GET", `/v3/marketing/contacts/imports/${job.answer.job_id}`);
  assert.equal(status.answer.results.created_count, 1);
  const campaign = await ask("POST", "/v3/marketing/singlesends", {
    name: "Open day",
    send_to: { list_ids: [list.id] },
    email_config: { subject: "Come", html_content: "<p>Come</p>", sender_id: 1, suppression_group_id: GROUP },
  });
  const scheduled = await ask("PUT", `/v3/marketing/singlesends/${campaign.answer.id}/schedule`, { send_at: "now" });
  assert.equal(scheduled.answer.status, "scheduled");
});

test("drops mail for an address that has bounced, until it is taken off the list", async () => {
  const email = "gone@example.com";
  await fetch(`${BASE}/__sandbox/bounces`, { method: "POST", body: JSON.stringify({ email }) });
  await mail.send({ to: email, from: SCHOOL, subject: "x", text: "x" });
  assert.equal((await events()).at(-1).event, "dropped");
  assert.equal((await ask("GET", "/v3/suppression/bounces", undefined, { email })).answer.length, 1);
  assert.equal((await ask("DELETE", `/v3/suppression/bounces/${email}`)).status, 204);
  await mail.send({ to: email, from: SCHOOL, subject: "x", text: "x" });
  assert.equal((await events()).at(-1).event, "delivered");
});

test("lets nobody in with another key", async () => {
  connect("SG.another");
  await assert.rejects(ask("GET", "/v3/scopes"), { code: 401 });
  connect(KEY);
  assert.ok((await ask("GET", "/v3/scopes")).answer.scopes.includes("mail.send"));
});
