// Compiled, never run: the package's types as a program meets them.
import { Manager, SisError, errorCodes, initialize, type Actor, type ErrorCode, type ExecuteRequest } from "sis-integrations";

const actor: Actor = { id: "u-1", role: "admin" };
const request: ExecuteRequest = {
  tenant: "school-1",
  actor,
  provider: "twilio",
  operation: "sendSms",
  arguments: { to: "+15551234567", body: "School is closed today." },
  idempotencyKey: "closed-today",
  disclosure: { subjects: [{ id: "student-42", under13: true }], purpose: "closure notice", basis: "consent" },
  deadlineMs: 5000,
};

export async function main(module: WebAssembly.Module): Promise<void> {
  await initialize(module);
  const manager = await Manager.open({ masterKey: "…", durability: "relaxed", fetch: (url, init) => fetch(url, init) });
  try {
    const { output, replayed } = await manager.execute<{ sid: string }>(request);
    const sid: string = output.sid;
    const again: boolean = replayed;
    console.log(sid, again);
  } catch (error) {
    if (!(error instanceof SisError)) throw error;
    const code: ErrorCode = error.code;
    const wait: number | undefined = error.retryAfterMs;
    const status: number | undefined = error.vendor?.status;
    console.log(code, wait, status, error.message);
  }
  const { intact } = await manager.call("verifyAudit", { tenant: "school-1", actor });
  const { entries, next } = await manager.call("audit", { tenant: "school-1", actor, filter: { limit: 10 } });
  const view = await manager.configure({ tenant: "school-1", actor, provider: "twilio", enabled: false, expectedVersion: 1 });
  const version: number = view.version;
  const ok: boolean = intact && entries.every((entry) => entry.state !== "in_progress") && next === undefined;
  console.log(ok, version, (await errorCodes()).permission_denied);

  const { apiKeys } = await manager.call("apiKeys", { tenant: "school-1", actor });
  await manager.call("revokeApiKey", { tenant: "school-1", actor, id: apiKeys[0]!.id });
  await manager.call("ready", {});
  const { allow } = await manager.call("permissions", { tenant: "school-1", actor, provider: "twilio", userId: "u-2" });
  const delivery = await manager.call("delivery", { tenant: "school-1", actor, provider: "sendgrid", messageId: "m" });
  const bounced: number = delivery.copies?.failed ?? 0;
  console.log(allow.length, bounced);

  // @ts-expect-error there is no such role
  const king: Actor = { id: "u-1", role: "king" };
  // @ts-expect-error the operation is missing
  await manager.execute({ tenant: "school-1", actor: king, provider: "twilio" });
  // @ts-expect-error there is no such function
  await manager.call("nonsense", { tenant: "school-1", actor });
  // @ts-expect-error there is no such code
  const wrong: ErrorCode = "no_such_code";
  // @ts-expect-error a manager is opened, not made
  new Manager();
  // @ts-expect-error the key is required
  await Manager.open({ storage: "memory" });
  console.log(wrong);
}
