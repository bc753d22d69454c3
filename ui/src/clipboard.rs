//! Copying: text by the clipboard, or by a selection where the page has none (plain http); pictures where possible.
//!
//! Never reads what is on the clipboard.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlDocument, HtmlTextAreaElement};

/// Copies a text; true when it is on the clipboard. Start it inside a click's handler.
pub async fn copy_text(text: String) -> bool {
    match call("writeText", &JsValue::from_str(&text)) {
        Some(done) => JsFuture::from(done).await.is_ok() || copy_by_selection(&text),
        None => copy_by_selection(&text),
    }
}

/// Copies a PNG picture; true when it is on the clipboard.
pub async fn copy_picture(png: Blob) -> bool {
    let Some(items) = picture_items(&png) else { return false };
    match call("write", &items) {
        Some(done) => JsFuture::from(done).await.is_ok(),
        None => false,
    }
}

/// Calls a method of the browser's clipboard, which is missing outside of secure pages.
fn call(method: &str, argument: &JsValue) -> Option<Promise> {
    let navigator = gloo::utils::window().navigator();
    let clipboard = Reflect::get(&navigator, &"clipboard".into()).ok().filter(JsValue::is_object)?;
    let function: Function = Reflect::get(&clipboard, &method.into()).ok()?.dyn_into().ok()?;
    function.call1(&clipboard, argument).ok()?.dyn_into().ok()
}

/// `[new ClipboardItem({"image/png": png})]`, where the browser knows that class.
fn picture_items(png: &Blob) -> Option<JsValue> {
    let class: Function =
        Reflect::get(&gloo::utils::window(), &"ClipboardItem".into()).ok()?.dyn_into().ok()?;
    let kinds = Object::new();
    Reflect::set(&kinds, &"image/png".into(), png).ok()?;
    let item = Reflect::construct(&class, &Array::of1(&kinds)).ok()?;
    Some(Array::of1(&item).into())
}

fn copy_by_selection(text: &str) -> bool {
    let attempt = || -> Option<bool> {
        let document: HtmlDocument = gloo::utils::document().dyn_into().ok()?;
        let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
        area.set_class_name("offscreen");
        area.set_read_only(true);
        area.set_value(text);
        document.body()?.append_child(&area).ok()?;
        area.select();
        let copied = document.exec_command("copy").ok();
        area.remove();
        copied
    };
    attempt().unwrap_or(false)
}
