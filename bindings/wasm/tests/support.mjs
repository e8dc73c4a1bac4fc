import { createServer } from "node:http";
import { randomBytes, randomUUID } from "node:crypto";
import { Manager } from "../js/node.js";

const required = (name) => process.env[name] ?? fail(`${name} is not set: run cargo xtask test --only wasm`);
const fail = (message) => {
  throw new Error(message);
};

/** What scenarios call `${twilioUrl}` and so on: SIS_SANDBOX_TWILIO_URL, in camelCase. */
export const sandbox = () => {
  required("SIS_SANDBOX_TWILIO_URL");
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith("SIS_SANDBOX_"));
  const camel = (name) =>
    name.slice("SIS_SANDBOX_".length).toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(variables.map(([name, value]) => [camel(name), value]));
};

export const admin = { id: "u-1", role: "admin" };
export const token = "c0ffee00c0ffee00c0ffee00c0ffee00";
// In letters: a long number might be taken for a card's.
export const freshTenant = () => `school-${randomUUID().replace(/[0-9-]/g, (sign) => "ghijklmnop"[+sign] ?? "x")}`;

/** A manager that ends with the test. */
export async function open(t, options = {}) {
  const manager = await Manager.open({
    masterKey: randomBytes(32).toString("base64"),
    allowPrivateAddresses: true,
    ...options,
  });
  t.after(() => manager.close(1000).catch(() => {}));
  return manager;
}

/** A school with Twilio at this address. */
export async function school(manager, url = sandbox().twilioUrl) {
  const tenant = freshTenant();
  const config =
    url === process.env.SIS_SANDBOX_TWILIO_URL
      ? { account_sid: sandbox().twilioAccountSid, auth_token: sandbox().twilioAuthToken }
      : { account_sid: `AC${"0".repeat(32)}`, auth_token: token };
  await manager.configure({
    tenant,
    actor: admin,
    provider: "twilio",
    config: { ...config, from_number: "+15005550006", base_url: url },
  });
  return tenant;
}

export const sms = (tenant, more = {}) => ({
  tenant,
  actor: admin,
  provider: "twilio",
  operation: "sendSms",
  arguments: { to: "+15551234567", body: "School is closed today." },
  ...more,
});

export const balance = (tenant, more = {}) => ({
  tenant,
  actor: admin,
  provider: "twilio",
  operation: "getBalance",
  ...more,
});

/** A server on loopback that ends with the test. */
export async function serve(t, handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
