import bind, * as wasm from "./pkg/sis_integrations_wasm.js";

/** What every function here rejects with: `code` to act on, `message` for a person. */
export class SisError extends Error {
  constructor({ code, number, message, field, retry, retryAfterMs, provider, operation, requestId, vendor, done }) {
    super(message);
    this.code = code;
    this.number = number;
    this.retry = retry;
    // Absent unless known, so that printing the error shows what there is.
    Object.assign(this, known({ field, retryAfterMs, provider, operation, requestId, vendor, done }));
  }
}
SisError.prototype.name = "SisError";

const known = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const invalid = (field, message) =>
  new SisError({ code: "invalid_argument", number: 2, message, field, retry: "never" });

let source;
let ready;
let broken;
/** The `reject` of every call under way. */
const pending = new Set();

/** Says where the module comes from; the first to say so wins. */
export function from(where) {
  source ??= where;
}

/** Loads the WebAssembly module; `open` does so by itself. Pass the module, its bytes or a URL where the default does not fit. */
export async function initialize(module) {
  ready ??= (async () => {
    await bind({ module_or_path: module ?? (await source()) });
    wasm.onPanic((place) => {
      broken = new SisError({ code: "internal", number: 1, message: `a fault at ${place}`, retry: "never" });
      for (const reject of pending) reject(broken);
      pending.clear();
    });
  })();
  try {
    await ready;
  } catch (error) {
    ready = undefined;
    throw error;
  }
}

/** Every error code with its number. */
export async function errorCodes() {
  await initialize();
  return JSON.parse(wasm.errorCodes());
}

/** Runs a function of the module that answers a promise, and turns what it rejects with into a SisError. */
function ask(work) {
  return new Promise((resolve, reject) => {
    if (broken) throw broken;
    pending.add(reject);
    const end = (settle) => (value) => {
      pending.delete(reject);
      settle(value);
    };
    work().then(
      end(resolve),
      end((error) => reject(typeof error === "string" ? new SisError(JSON.parse(error)) : error)),
    );
  });
}

function text(value, field) {
  if (value === null || typeof value !== "object") throw invalid(field, "must be an object");
  try {
    return JSON.stringify(value);
  } catch {
    throw invalid(field, "cannot be written as JSON");
  }
}

/** The hub: providers, records and keys, for all tenants of this process. */
export class Manager {
  #inner;

  constructor(inner) {
    this.#inner = inner;
  }

  static async open({ fetch, ...options } = {}) {
    if (fetch !== undefined && typeof fetch !== "function") throw invalid("fetch", "must be a function");
    const json = text(options, "options");
    await initialize();
    // Looked up at each call, as a program may wrap the global later.
    const send = fetch ?? ((url, init) => globalThis.fetch(url, init));
    return new Manager(await ask(() => wasm.Manager.open(json, send)));
  }

  async call(name, request) {
    if (typeof name !== "string") throw invalid("function", "must be a string");
    const json = text(request, "request");
    return JSON.parse(await ask(() => this.#inner.dispatch(name, json)));
  }

  execute(request) {
    return this.call("execute", request);
  }

  configure(request) {
    return this.call("configure", request);
  }

  grant(request) {
    return this.call("setPermissions", request);
  }

  async close(deadlineMs = 30_000) {
    if (!(deadlineMs >= 0)) throw invalid("deadlineMs", "must be a number of milliseconds");
    await ask(() => this.#inner.close(deadlineMs));
  }
}
