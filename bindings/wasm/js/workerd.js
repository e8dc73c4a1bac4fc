// Cloudflare Workers compile no WebAssembly at run time: the module is imported.
import module from "./pkg/sis_integrations_wasm_bg.wasm";
import { from } from "./manager.js";

from(() => module);

export { Manager, SisError, errorCodes, initialize } from "./manager.js";
