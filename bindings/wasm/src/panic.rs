use std::cell::RefCell;

use js_sys::Function;
use wasm_bindgen::prelude::*;

thread_local! {
    static LISTENER: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Has `listener` called with a place in the source when there is a fault in this library. WebAssembly cannot unwind:
/// what was under way never ends by itself, and nothing may be called afterwards.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(listener: Function) {
    LISTENER.set(Some(listener));
    std::panic::set_hook(Box::new(|info| {
        // The place alone: a panic's own words may hold anything.
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        if let Some(listener) = LISTENER.with_borrow(Clone::clone) {
            let _ = listener.call1(&JsValue::UNDEFINED, &place.into());
        }
    }));
}
