// The package as npm packs it, installed beside programs that know it by its name alone.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const source = fileURLToPath(new URL("../js", import.meta.url));
let home;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "sis-wasm-"));
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", home], { cwd: source });
  const place = join(home, "node_modules", "sis-integrations");
  await mkdir(place, { recursive: true });
  await run("tar", ["-xzf", join(home, stdout.trim()), "-C", place, "--strip-components=1"]);
  await writeFile(join(home, "package.json"), '{ "type": "module" }');
});

after(() => rm(home, { recursive: true, force: true }));

const program = `
  import { Manager, SisError } from "sis-integrations";
  const manager = await Manager.open({
    masterKey: "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    allowPrivateAddresses: true,
  });
  const tenant = "school-1";
  const actor = { id: "u-1", role: "admin" };
  const config = { account_sid: "AC" + "0".repeat(32), auth_token: "c0ffee00".repeat(4), from_number: "+15005550006" };
  await manager.configure({ tenant, actor, provider: "twilio", config: { ...config, base_url: location } });
  const refused = await manager
    .execute({
      tenant,
      actor: { id: "s-9", role: "student" },
      provider: "twilio",
      operation: "sendSms",
      arguments: { to: "+15551234567", body: "No school tomorrow!" },
    })
    .catch((error) => (error instanceof SisError ? error.code : String(error)));
  const balance = await manager.execute({ tenant, actor, provider: "twilio", operation: "getBalance" });
  const { intact, rows } = await manager.call("verifyAudit", { tenant, actor });
  report({ refused, balance: balance.output.balance, intact, rows });
`;

const found = { refused: "permission_denied", balance: "12.50", intact: true, rows: 4 };

/** Serves the installed package, a page, and a vendor's balance at the same origin. */
async function site(t) {
  const types = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    if (path.endsWith("/Balance.json")) {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify({ balance: "12.50", currency: "USD", account_sid: `AC${"0".repeat(32)}` }));
    }
    try {
      const body = await readFile(join(home, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

test("Node: a program runs and ends by itself, at once", async (t) => {
  const url = await site(t);
  const begin = `const location = ${JSON.stringify(url)}; const report = (found) => console.log(JSON.stringify(found));`;
  await writeFile(join(home, "program.js"), begin + program);
  const started = performance.now();
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: home, timeout: 60_000 });
  assert.deepEqual(JSON.parse(stdout), found);
  // Timers of limits that were kept would hold the process for fifteen seconds.
  assert.ok(performance.now() - started < 8000, `${performance.now() - started} ms`);
});

test("Node 18: the module finds its random bytes where there is no global crypto", async (t) => {
  const url = await site(t);
  const begin = `
    delete globalThis.crypto;
    if (globalThis.crypto !== undefined) throw new Error("it is still there");
    const location = ${JSON.stringify(url)};
    const report = (found) => console.log(JSON.stringify(found));
  `;
  // Not an import, which would come before all else.
  const late = program.replace(/import (\{.+\}) from ("sis-integrations");/, "const $1 = await import($2);");
  await writeFile(join(home, "node18.js"), begin + late);
  const { stdout } = await run(process.execPath, ["node18.js"], { cwd: home, timeout: 60_000 });
  assert.deepEqual(JSON.parse(stdout), found);
});

test("the licences come along", async () => {
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    const packed = await readFile(join(home, "node_modules", "sis-integrations", name), "utf8");
    assert.equal(packed, await readFile(new URL(`../../../${name}`, import.meta.url), "utf8"));
  }
});

test("a page in Chromium", async (t) => {
  const { chromium } = await import(new URL("node_modules/playwright-core/index.mjs", new URL("../js/", import.meta.url)));
  const url = await site(t);
  const imports = JSON.stringify({ imports: { "sis-integrations": "/node_modules/sis-integrations/browser.js" } });
  await writeFile(
    join(home, "page.html"),
    `<!doctype html><script type="importmap">${imports}</script>
    <script>
      const settle = {};
      const outcome = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
      addEventListener("error", (event) => settle.reject(event.error ?? new Error(event.message)));
      addEventListener("unhandledrejection", (event) => settle.reject(event.reason));
    </script>
    <script type="module">const location = globalThis.location.origin; const report = settle.resolve; ${program}</script>`,
  );
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${url}/page.html`);
  assert.deepEqual(await page.evaluate(() => outcome), found);
});

test("TypeScript: a program with the package's types compiles, and wrong ones do not", async () => {
  await copyFile(new URL("types/sample.ts", import.meta.url), join(home, "sample.ts"));
  const tsc = join(source, "node_modules", "typescript", "bin", "tsc");
  for (const resolution of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    const [module, moduleResolution] = resolution;
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom"];
    await run(process.execPath, [tsc, ...options, "--module", module, "--moduleResolution", moduleResolution, "sample.ts"], {
      cwd: home,
    }).catch((error) => assert.fail(error.stdout));
  }
});
