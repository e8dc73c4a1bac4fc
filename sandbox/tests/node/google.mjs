// The official Google client against the sandbox: what it sends must be taken, what the sandbox answers must be
// understood. Run with `npm ci && node --test google.mjs`; SIS_SANDBOX_GOOGLE_WORKSPACE_URL is what the sandbox printed.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { before, test } from "node:test";
import { google } from "googleapis";

const BASE = process.env.SIS_SANDBOX_GOOGLE_WORKSPACE_URL;
const CLIENT_ID = "104729104729-sandboxschool.apps.googleusercontent.com";
const CLIENT_SECRET = "sandbox-google-client-secret";
const REFRESH_TOKEN = "1//0sandbox-refresh-token-of-the-administrator";
const TEACHER = "teacher@yourschool.example";
const STUDENT = "student@yourschool.example";
const GUARDIAN = "guardian@family.example";

async function control(method, path, body) {
  const response = await fetch(`${BASE}/__sandbox/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

function signIn(refreshToken = REFRESH_TOKEN) {
  const auth = new google.auth.OAuth2({
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    redirectUri: "http://127.0.0.1/back",
    forceRefreshOnFailure: true,
    endpoints: {
      oauth2TokenUrl: `${BASE}/token`,
      oauth2AuthBaseUrl: `${BASE}/o/oauth2/v2/auth`,
      oauth2RevokeUrl: `${BASE}/revoke`,
      tokenInfoUrl: `${BASE}/oauth2/v2/tokeninfo`,
    },
  });
  auth.setCredentials(refreshToken ? { refresh_token: refreshToken } : {});
  return auth;
}

// The client's own retries would hide what the sandbox refuses.
const options = (auth) => ({ auth, rootUrl: `${BASE}/`, retry: false });
// Of a client's own options, uploads do not hear of the address.
const upload = { rootUrl: `${BASE}/` };
const reason = (error) => error.response.data.error.errors[0].reason;

let auth;
let school;

before(async () => {
  assert.ok(BASE, "SIS_SANDBOX_GOOGLE_WORKSPACE_URL is not set");
  await control("POST", "reset");
  auth = signIn();
  const common = options(auth);
  school = {
    drive: google.drive({ version: "v3", ...common }),
    docs: google.docs({ version: "v1", ...common }),
    calendar: google.calendar({ version: "v3", ...common }),
    gmail: google.gmail({ version: "v1", ...common }),
    classroom: google.classroom({ version: "v1", ...common }),
    meet: google.meet({ version: "v2", ...common }),
    directory: google.admin({ version: "directory_v1", ...common }),
    events: google.workspaceevents({ version: "v1", ...common }),
  };
});

test("a token is fetched, described and revoked", async () => {
  const own = signIn();
  const { token } = await own.getAccessToken();
  const info = await own.getTokenInfo(token);
  assert.equal(info.email, "admin@yourschool.example");
  assert.ok(info.scopes.includes("https://www.googleapis.com/auth/drive"));
  await own.revokeToken(token);
  await assert.rejects(own.getTokenInfo(token));
  await assert.rejects(signIn("wrong").getAccessToken(), (error) => error.response.data.error === "invalid_grant");
});

test("a consent page leads to tokens, with a proof key", async () => {
  const own = signIn(null);
  const { codeVerifier, codeChallenge } = await own.generateCodeVerifierAsync();
  const url = own.generateAuthUrl({
    access_type: "offline",
    prompt: "consent",
    scope: ["https://www.googleapis.com/auth/drive"],
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
  });
  const answer = await fetch(url, { redirect: "manual" });
  const code = new URL(answer.headers.get("location")).searchParams.get("code");
  const { tokens } = await own.getToken({ code, codeVerifier });
  assert.ok(tokens.access_token && tokens.refresh_token);
});

test("a classroom's day: course, roster, work, grade", async () => {
  const { classroom } = school;
  const made = await classroom.courses.create({
    requestBody: { name: "Maths 4b", ownerId: TEACHER, id: "d:sis-4b", courseState: "ACTIVE" },
  });
  const courseId = made.data.id;
  const twice = { requestBody: { name: "Maths 4b", ownerId: TEACHER, id: "d:sis-4b" } };
  await assert.rejects(classroom.courses.create(twice), { code: 409, status: 409 });
  await classroom.courses.students.create({ courseId, requestBody: { userId: STUDENT } });
  const roster = await classroom.courses.students.list({ courseId });
  assert.deepEqual(roster.data.students.map((one) => one.profile.emailAddress), [STUDENT]);
  const work = await classroom.courses.courseWork.create({
    courseId,
    requestBody: { title: "Fractions", workType: "ASSIGNMENT", state: "PUBLISHED", maxPoints: 10 },
  });
  const courseWorkId = work.data.id;
  const submissions = classroom.courses.courseWork.studentSubmissions;
  const { data } = await submissions.list({ courseId, courseWorkId });
  const [{ id }] = data.studentSubmissions;
  const graded = await submissions.patch({
    courseId,
    courseWorkId,
    id,
    updateMask: "draftGrade,assignedGrade",
    requestBody: { draftGrade: 9, assignedGrade: 9 },
  });
  assert.equal(graded.data.assignedGrade, 9);
  await submissions.return({ courseId, courseWorkId, id });
  assert.equal((await submissions.get({ courseId, courseWorkId, id })).data.state, "RETURNED");
  await classroom.courses.announcements.create({ courseId, requestBody: { text: "Well done", state: "PUBLISHED" } });
});

test("guardians are invited and linked", async () => {
  const { guardianInvitations, guardians } = school.classroom.userProfiles;
  const requestBody = { studentId: STUDENT, invitedEmailAddress: GUARDIAN };
  const invited = await guardianInvitations.create({ studentId: STUDENT, requestBody });
  assert.equal(invited.data.state, "PENDING");
  assert.equal(await control("POST", "guardian-acceptances", invited.data.invitationId), true);
  const linked = await guardians.list({ studentId: STUDENT });
  assert.deepEqual(linked.data.guardians.map((one) => one.invitedEmailAddress), [GUARDIAN]);
});

test("a document is written, moved and shared", async () => {
  const { docs, drive } = school;
  const { data: made } = await docs.documents.create({ requestBody: { title: "Plan" } });
  const documentId = made.documentId;
  const insert = { insertText: { text: "Hello\n", location: { index: 1 } } };
  await docs.documents.batchUpdate({
    documentId,
    requestBody: { requests: [insert], writeControl: { requiredRevisionId: made.revisionId } },
  });
  const { data: read } = await docs.documents.get({ documentId });
  assert.equal(read.body.content[1].paragraph.elements[0].textRun.content, "Hello\n");
  const { data: folder } = await drive.files.create({
    requestBody: { name: "Class 4b", mimeType: "application/vnd.google-apps.folder" },
    fields: "id",
  });
  const { data: before } = await drive.files.get({ fileId: documentId, fields: "parents" });
  const { data: moved } = await drive.files.update({
    fileId: documentId,
    addParents: folder.id,
    removeParents: before.parents.join(","),
    fields: "parents",
  });
  assert.deepEqual(moved.parents, [folder.id]);
  const { data: permission } = await drive.permissions.create({
    fileId: documentId,
    sendNotificationEmail: false,
    requestBody: { role: "writer", type: "user", emailAddress: TEACHER },
    fields: "id,emailAddress",
  });
  assert.equal(permission.emailAddress, TEACHER);
  const { data: text } = await drive.files.export({ fileId: documentId, mimeType: "text/plain" });
  assert.match(text, /Hello/);
});

test("a file is uploaded in one piece and in several, and comes back", async () => {
  const { drive } = school;
  const { data: small } = await drive.files.create(
    {
      requestBody: { name: "small.txt" },
      media: { mimeType: "text/plain", body: Readable.from(["hello"]) },
      fields: "id,size",
    },
    upload,
  );
  assert.equal(small.size, "5");
  const { data: bytes } = await drive.files.get({ fileId: small.id, alt: "media" }, { responseType: "arraybuffer" });
  assert.equal(Buffer.from(bytes).toString(), "hello");

  // The client has no resumable uploads of its own: it opens the session, the rest is plain HTTP.
  const content = Buffer.alloc(262144 + 10, "x");
  const opened = await auth.request({
    url: `${BASE}/upload/drive/v3/files?uploadType=resumable&fields=id,size`,
    method: "POST",
    headers: { "X-Upload-Content-Type": "text/plain", "X-Upload-Content-Length": String(content.length) },
    data: { name: "large.txt" },
  });
  const location = new Headers(opened.headers).get("location");
  const put = (range, body) =>
    fetch(location, { method: "PUT", headers: { "Content-Range": `bytes ${range}/${content.length}` }, body });
  const first = await put("0-262143", content.subarray(0, 262144));
  assert.deepEqual([first.status, first.headers.get("range")], [308, "bytes=0-262143"]);
  const last = await put("262144-262153", content.subarray(262144));
  assert.equal((await last.json()).size, String(content.length));
});

test("an event has a Meet link, and its changes are followed", async () => {
  const { calendar } = school;
  const list = await calendar.events.list({ calendarId: "primary" });
  const { data: event } = await calendar.events.insert({
    calendarId: "primary",
    conferenceDataVersion: 1,
    sendUpdates: "all",
    requestBody: {
      id: "lesson0001",
      summary: "Lesson",
      start: { dateTime: "2026-12-01T09:00:00+01:00", timeZone: "Europe/Oslo" },
      end: { dateTime: "2026-12-01T10:00:00+01:00", timeZone: "Europe/Oslo" },
      attendees: [{ email: TEACHER }],
      conferenceData: { createRequest: { requestId: "r1", conferenceSolutionKey: { type: "hangoutsMeet" } } },
    },
  });
  assert.match(event.hangoutLink, /^https:\/\/meet\.google\.com\/[a-z]{3}-[a-z]{4}-[a-z]{3}$/);
  const { data: changes } = await calendar.events.list({ calendarId: "primary", syncToken: list.data.nextSyncToken });
  assert.deepEqual(changes.items.map((one) => one.id), ["lesson0001"]);
  await assert.rejects(
    calendar.events.insert({
      calendarId: "primary",
      requestBody: { id: "lesson0001", start: { date: "2026-12-01" }, end: { date: "2026-12-02" } },
    }),
    (error) => error.status === 409 && reason(error) === "duplicate",
  );
  const spaces = await school.meet.spaces.create({ requestBody: { config: { accessType: "OPEN" } } });
  assert.match(spaces.data.name, /^spaces\//);
});

test("a mail is sent and found", async () => {
  const { gmail } = school;
  const mail = `To: ${TEACHER}\r\nSubject: Plan\r\nMessage-ID: <plan-1@yourschool.example>\r\n\r\nhello\r\n`;
  const raw = Buffer.from(mail).toString("base64url");
  const { data: sent } = await gmail.users.messages.send({ userId: "me", requestBody: { raw } });
  assert.deepEqual(sent.labelIds, ["SENT"]);
  // Gmail puts an id of its own in the place of the sender's.
  const list = (id) => gmail.users.messages.list({ userId: "me", q: `rfc822msgid:${id}` });
  assert.equal((await list("plan-1@yourschool.example")).data.messages, undefined);
  const { data: whole } = await gmail.users.messages.get({ userId: "me", id: sent.id });
  const header = whole.payload.headers.find((one) => one.name.toLowerCase() === "message-id");
  const { data: found } = await list(header.value.slice(1, -1));
  assert.deepEqual(found.messages, [{ id: sent.id, threadId: sent.threadId }]);
  const { data: draft } = await gmail.users.drafts.create(
    { userId: "me", requestBody: { message: {} }, media: { mimeType: "message/rfc822", body: mail } },
    upload,
  );
  await gmail.users.drafts.send({ userId: "me", requestBody: { id: draft.id } });
  assert.equal((await control("GET", "mails")).filter((one) => one.mailbox === TEACHER).length, 2);
});

test("accounts, groups and subscriptions", async () => {
  const { directory, events } = school;
  await directory.users.insert({
    requestBody: {
      primaryEmail: "ann@yourschool.example",
      name: { givenName: "Ann", familyName: "Berg" },
      password: "secret-password",
    },
  });
  const { data: users } = await directory.users.list({ customer: "my_customer", query: "givenName:Ann" });
  assert.deepEqual(users.users.map((one) => one.primaryEmail), ["ann@yourschool.example"]);
  await directory.groups.insert({ requestBody: { email: "staff@yourschool.example", name: "Staff" } });
  await directory.members.insert({ groupKey: "staff@yourschool.example", requestBody: { email: TEACHER } });
  const { data: group } = await directory.groups.get({ groupKey: "staff@yourschool.example" });
  assert.equal(group.directMembersCount, "1");
  const { data: operation } = await events.subscriptions.create({
    requestBody: {
      targetResource: "//drive.googleapis.com/files/f1",
      eventTypes: ["google.workspace.drive.file.v3.contentChanged"],
      notificationEndpoint: { pubsubTopic: "projects/p/topics/t" },
    },
  });
  const { data: subscription } = await events.subscriptions.get({ name: operation.response.name });
  assert.equal(subscription.state, "ACTIVE");
});

test("an expired token is renewed by the client, and a refusal by the vendor's limits is understood", async () => {
  await control("POST", "expire-tokens");
  const { data } = await school.drive.about.get({ fields: "user" });
  assert.equal(data.user.emailAddress, "admin@yourschool.example");
  // The client takes the first 403 for a token that is not good any more, and asks once again.
  await control("POST", "faults", {
    fault: { kind: "status", status: 403 },
    when: { kind: "next", count: 2 },
    path: "/drive/",
  });
  await assert.rejects(school.drive.files.list(), (error) => reason(error) === "rateLimitExceeded");
});
