import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { from } from "./manager.js";

// The module takes its random bytes from there; Node 18 has it behind a flag.
globalThis.crypto ??= webcrypto;

from(() => readFile(new URL("./pkg/sis_integrations_wasm_bg.wasm", import.meta.url)));

export { Manager, SisError, errorCodes, initialize } from "./manager.js";
