//! The few browser interfaces that web-sys lacks or keeps behind its unstable flag, and small conversions.
//!
//! Nothing here has state or does anything by itself.

use js_sys::{Array, ArrayBuffer, Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

#[wasm_bindgen]
extern "C" {
    /// `RTCPeerConnection`, for its SCTP transport.
    pub type HasSctp;
    /// The SCTP transport, once negotiated.
    #[wasm_bindgen(method, getter)]
    pub fn sctp(this: &HasSctp) -> Option<SctpTransport>;

    /// `RTCSctpTransport`.
    pub type SctpTransport;
    /// Longest message that both ends take; infinite when neither has a bound.
    #[wasm_bindgen(method, getter, js_name = maxMessageSize)]
    pub fn max_message_size(this: &SctpTransport) -> Option<f64>;

    /// The window, for directories of the person's own.
    pub type HasPicker;
    /// The function, where there is one.
    #[wasm_bindgen(method, getter, js_name = showDirectoryPicker)]
    pub fn picker(this: &HasPicker) -> Option<Function>;
    /// Asks the person for a directory.
    #[wasm_bindgen(method, catch, js_name = showDirectoryPicker)]
    pub fn pick_directory(this: &HasPicker, options: &JsValue) -> Result<Promise, JsValue>;

    /// A directory or file handle, for its permission.
    pub type HasPermission;
    /// The state of a permission, where it can be asked for.
    #[wasm_bindgen(method, catch, js_name = queryPermission)]
    pub fn query_permission(this: &HasPermission, options: &JsValue) -> Result<Promise, JsValue>;
    /// Asks the person for a permission.
    #[wasm_bindgen(method, catch, js_name = requestPermission)]
    pub fn request_permission(this: &HasPermission, options: &JsValue) -> Result<Promise, JsValue>;

    /// `Navigator`, for web locks.
    pub type HasLocks;
    /// The lock manager, where there is one.
    #[wasm_bindgen(method, getter)]
    pub fn locks(this: &HasLocks) -> Option<Locks>;

    /// `LockManager`.
    pub type Locks;
    /// Runs `granted` with the lock, in the way that `options` names; it is held until the promise that `granted` returns
    /// settles.
    #[wasm_bindgen(method, catch, js_name = request)]
    pub fn request_with(
        this: &Locks,
        name: &str,
        options: &JsValue,
        granted: &Function,
    ) -> Result<Promise, JsValue>;

    /// `Navigator`, for the storage that pages may use.
    pub type HasStorage;
    /// The storage manager; absent outside of secure contexts.
    #[wasm_bindgen(method, getter)]
    pub fn storage(this: &HasStorage) -> Option<web_sys::StorageManager>;
}

/// The name of a `DOMException` or `Error`; empty for anything else.
pub fn error_name(error: &JsValue) -> String {
    let name = js_sys::Reflect::get(error, &"name".into()).ok();
    name.and_then(|name| name.as_string()).unwrap_or_default()
}

/// One key for all names that some system takes for the same, from the browser's own Unicode tables: lower, upper and
/// lower case again fold more than each alone (ẞ, ß and SS; the two small sigmas). The upper case of the dotless ı is
/// another letter's, so what stands in no text stands in for it.
pub fn fold(name: &str) -> String {
    let name = name.replace('ı', "\u{fdd0}");
    let decomposed = js_sys::JsString::from(name).normalize("NFD");
    decomposed.to_lower_case().to_upper_case().to_lower_case().normalize("NFC").into()
}

/// A plain object with these properties.
pub fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        // Cannot fail on an object of our own.
        let _ = js_sys::Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// A count of bytes as JavaScript has it; exact, since files end at 2⁵³ long before they do here.
#[expect(clippy::cast_precision_loss, reason = "no file in a browser has 2^53 bytes")]
pub fn number(bytes: u64) -> f64 {
    bytes as f64
}

/// A count of bytes from JavaScript; 0 for what is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, NaN becomes 0"
)]
pub fn count(number: f64) -> u64 {
    number as u64
}

/// Buffers that go in one message: about a piece.
const FREED_AT_ONCE: u32 = 4;

thread_local! {
    /// A port whose other end is closed: what is sent there is gone.
    static NOWHERE: Option<MessagePort> = MessageChannel::new().ok().map(|channel| {
        channel.port2().close();
        channel.port1()
    });
    /// What goes there next.
    static WASTE: Array = Array::new();
}

/// Frees a buffer that is no longer needed, with the next few. Left to the garbage collector, tens of megabytes of
/// them pile up; `ArrayBuffer.transfer` empties one for the script but keeps its memory until then (Chromium).
pub fn free(buffer: &ArrayBuffer) {
    WASTE.with(|waste| {
        if waste.push(buffer) < FREED_AT_ONCE {
            return;
        }
        NOWHERE.with(|nowhere| {
            if let Some(nowhere) = nowhere {
                // Without success they are freed later.
                let _ = nowhere.post_message_with_transferable(&JsValue::NULL, waste);
            }
        });
        waste.set_length(0);
    });
}
