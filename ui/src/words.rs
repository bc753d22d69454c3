//! Loads the words of a language that are not part of the page, and says which version of a file belongs to it.
//!
//! Keeps nothing: [`crate::locale`] does. Where a file cannot be had, the page speaks English.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::Response;

use crate::locale::Language;

/// Has the words of this language here, if they can be had.
pub async fn load(language: Language) {
    if let Some(address) = language.file()
        && let Ok(words) = text(&address).await
    {
        language.learn(words);
    }
}

async fn text(address: &str) -> Result<String, JsValue> {
    let response: Response = gloo::utils::window().fetch_with_str(address).await?.unchecked_into();
    if !response.ok() {
        return Err(JsValue::UNDEFINED);
    }
    response.text()?.await?.as_string().ok_or(JsValue::UNDEFINED)
}

/// FNV-1a of a file that belongs to this very page: part of its address, which so changes with it whatever a cache
/// keeps.
#[cfg_attr(feature = "desktop", allow(dead_code, reason = "the app's page has no such files"))]
pub const fn version(file: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xCBF2_9CE4_8422_2325_u64, 0);
    while at < file.len() {
        hash = (hash ^ file[at] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_has_another_address() {
        assert_eq!(version(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(version(b"a"), 0xAF63_DC4C_8601_EC8C);
        assert_ne!(version(b"ab"), version(b"ba"));
    }
}
