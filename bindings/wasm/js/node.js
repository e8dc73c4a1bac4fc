import { readFile } from "node:fs/promises";
import { from } from "./manager.js";

from(() => readFile(new URL("./pkg/sis_integrations_wasm_bg.wasm", import.meta.url)));

export { Manager, SisError, errorCodes, initialize } from "./manager.js";
