import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { freshTenant, open, sandbox } from "./support.mjs";

const folder = new URL("../../../tests/scenarios/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
assert.notEqual(files.length, 0);

/** RFC 6901. */
function at(document, pointer) {
  const path = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return path.reduce((value, part) => (value !== null && typeof value === "object" ? value[part] : undefined), document);
}

function fill(value, names) {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)\}/g, (_, name) => names[name] ?? assert.fail(`nothing is named ${name}`));
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, names));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, names)]));
}

function matches(actual, members) {
  return Object.entries(members).every(([key, wanted]) => {
    try {
      assert.deepEqual(actual?.[key], wanted);
      return true;
    } catch {
      return false;
    }
  });
}

function check(document, pointers, where) {
  for (const [pointer, wanted] of Object.entries(pointers)) {
    const actual = at(document, pointer);
    const what = `${where}: ${pointer} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`;
    const matcher = wanted !== null && typeof wanted === "object" ? Object.keys(wanted).join() : undefined;
    if (matcher === "matches") assert.match(String(actual), new RegExp(wanted.matches), what);
    else if (matcher === "exists") assert.equal(actual !== undefined, wanted.exists, what);
    else if (matcher === "contains") assert.ok(actual?.some((item) => matches(item, wanted.contains)), what);
    else assert.deepEqual(actual, wanted, what);
  }
}

for (const file of files) {
  const scenario = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  test(`${file}: ${scenario.name}`, async (t) => {
    const manager = await open(t);
    const names = { ...sandbox(), tenant: freshTenant(), otherTenant: freshTenant() };
    for (const [number, step] of scenario.steps.entries()) {
      const where = `step ${number + 1} (${step.do})`;
      const outcome = await manager.call(step.do, fill(step.request, names)).then(
        (answer) => ({ answer }),
        (error) => ({ error }),
      );
      if (step.error) {
        assert.ok(outcome.error, `${where} must fail, and answers ${JSON.stringify(outcome.answer)}`);
        const { message } = outcome.error;
        check({ ...outcome.error, message }, fill(step.error, names), where);
        continue;
      }
      assert.ifError(outcome.error && new Error(`${where}: ${outcome.error.code}: ${outcome.error.message}`));
      check(outcome.answer, fill(step.expect ?? {}, names), where);
      for (const [name, pointer] of Object.entries(step.capture ?? {})) names[name] = at(outcome.answer, pointer);
    }
  });
}
