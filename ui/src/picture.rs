//! A QR code as a PNG picture: drawn on a canvas that is never shown, then handed over or saved.

use gloo::timers::callback::Timeout;
use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, Url};

use crate::qr::Qr;

/// Pixels a module.
const SCALE: usize = 12;
/// Milliseconds after which the browser has surely begun to save a picture.
const SAVED_WITHIN: u32 = 30_000;

/// The code as a PNG, black on white whatever the page's colours are.
pub async fn png(qr: &Qr) -> Option<Blob> {
    let canvas = draw(qr)?;
    let blob = Promise::new(&mut |resolve, reject| {
        if let Err(error) = canvas.to_blob(&resolve) {
            // A rejection that cannot be told leaves nothing else to do.
            let _ = reject.call1(&error, &error);
        }
    });
    JsFuture::from(blob).await.ok()?.dyn_into().ok()
}

/// Saves a picture as a download.
pub fn save(png: &Blob, name: &str) -> Option<()> {
    let address = Url::create_object_url_with_blob(png).ok()?;
    let anchor: HtmlAnchorElement = gloo::utils::document().create_element("a").ok()?.dyn_into().ok()?;
    anchor.set_href(&address);
    anchor.set_download(name);
    anchor.click();
    Timeout::new(SAVED_WITHIN, move || drop(Url::revoke_object_url(&address))).forget();
    Some(())
}

fn draw(qr: &Qr) -> Option<HtmlCanvasElement> {
    let canvas: HtmlCanvasElement = gloo::utils::document().create_element("canvas").ok()?.dyn_into().ok()?;
    let side = u32::try_from(qr.side * SCALE).ok()?;
    canvas.set_width(side);
    canvas.set_height(side);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, f64::from(side), f64::from(side));
    context.set_fill_style_str("#000");
    let pixels = |modules: usize| u32::try_from(modules * SCALE).map(f64::from).ok();
    for &(x, y, length) in &qr.runs {
        context.fill_rect(pixels(x)?, pixels(y)?, pixels(length)?, pixels(1)?);
    }
    Some(canvas)
}
