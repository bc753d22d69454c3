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

/// FNV-1a of the files that belong to this very page: part of their addresses, which so change with them whatever a
/// cache keeps.
pub const fn version(files: &[&[u8]]) -> u64 {
    let (mut hash, mut rest) = (0xCBF2_9CE4_8422_2325_u64, files);
    while let [file, others @ ..] = rest {
        let mut bytes: &[u8] = file;
        while let [byte, after @ ..] = bytes {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01B3);
            bytes = after;
        }
        rest = others;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_change_have_another_address() {
        assert_eq!(version(&[]), 0xCBF2_9CE4_8422_2325);
        assert_eq!(version(&[b"a"]), 0xAF63_DC4C_8601_EC8C);
        assert_ne!(version(&[b"a", b"b"]), version(&[b"b", b"a"]));
    }
}
