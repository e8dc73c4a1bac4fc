//! Writes the Python and Kotlin side of this crate from its compiled library.

fn main() {
    uniffi::uniffi_bindgen_main();
}
