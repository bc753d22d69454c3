//! The web app inside this program: its files, compressed when they were built, and the policy under which browsers run
//! it.
//!
//! Never reads a path from a request as a path: names are looked up in a fixed table. Never compresses anything.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};

/// A relative path, because `$CARGO_MANIFEST_DIR` silently embeds nothing. Debug builds read it when they start.
#[derive(Embed)]
#[folder = "../dist"]
struct Files;

/// How a file can go out, most wanted first: the encoding's name in HTTP, and the suffix of the file that holds it.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// What is sent of a file at a time.
const PIECE: usize = 16 * 1024;

/// The files of the web app, by name.
pub struct WebApp {
    files: HashMap<String, File>,
    inline_scripts: Vec<String>,
}

struct File {
    body: Bytes,
    media_type: String,
    tag: String,
    immutable: bool,
    /// The same content in each of [`ENCODINGS`] that makes it smaller.
    encoded: [Option<Bytes>; ENCODINGS.len()],
}

impl WebApp {
    /// Takes the files that were built into this program.
    pub fn load() -> Self {
        Self::new(Files::iter().filter_map(|name| Some((name.to_string(), Files::get(&name)?))))
    }

    fn new(files: impl Iterator<Item = (String, EmbeddedFile)>) -> Self {
        let all: HashMap<_, _> = files.collect();
        let of = |name: &str, suffix: &str| all.get(&format!("{name}{suffix}")).map(body);
        let is_sibling = |name: &str| {
            ENCODINGS.iter().any(|(_, suffix)| {
                name.strip_suffix(suffix).is_some_and(|original| all.contains_key(original))
            })
        };
        let originals = all.iter().filter(|(name, _)| !is_sibling(name));
        let files: HashMap<_, _> = originals
            .map(|(name, file)| {
                let encoded = ENCODINGS.map(|(_, suffix)| of(name, suffix));
                (name.clone(), File::new(name, file, encoded))
            })
            .collect();
        let index = files.get("index.html").map(|file| String::from_utf8_lossy(&file.body).into_owned());
        let inline_scripts = index.map(|html| inline_script_hashes(&html)).unwrap_or_default();
        Self { files, inline_scripts }
    }

    /// Whether the web app was built before the server was.
    pub fn is_built(&self) -> bool {
        self.files.contains_key("index.html")
    }

    /// The answer to `GET /{name}`.
    pub fn respond(&self, name: &str, request: &HeaderMap) -> HttpResponse {
        match self.files.get(if name.is_empty() { "index.html" } else { name }) {
            Some(file) => file.respond(request),
            None if name.is_empty() => HttpResponse::ServiceUnavailable().content_type(PLAIN).body(NOT_BUILT),
            None => {
                HttpResponse::NotFound().content_type(PLAIN).body("There is no such page. Open / instead.\n")
            }
        }
    }

    /// The Content-Security-Policy for pages served as `host`.
    pub fn policy(&self, host: &str) -> String {
        let scripts: String = self.inline_scripts.iter().map(|hash| format!(" 'sha256-{hash}'")).collect();
        // Not every browser counts a WebSocket of the same host as 'self'.
        let sockets = if is_host(host) { format!(" ws://{host} wss://{host}") } else { String::new() };
        format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self'; \
             img-src 'self' blob: data:; connect-src 'self'{sockets}; worker-src 'self'; manifest-src 'self'; \
             font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";
const NOT_BUILT: &str = "PrivyDrop's server is running, but the web app was not built into it.\n\
    Build both with: cargo xtask run\n";

impl File {
    fn new(name: &str, file: &EmbeddedFile, encoded: [Option<Bytes>; ENCODINGS.len()]) -> Self {
        let media_type = match file.metadata.mimetype() {
            text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        Self {
            tag: URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..18]),
            body: body(file),
            media_type,
            immutable: has_hash(name),
            encoded,
        }
    }

    fn respond(&self, request: &HeaderMap) -> HttpResponse {
        let (encoding, body) = self.encoded_for(request);
        let tag = match encoding {
            Some(encoding) => format!("\"{}-{encoding}\"", self.tag),
            None => format!("\"{}\"", self.tag),
        };
        let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let fresh = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
        let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        self.describe(&mut response, &tag, encoding);
        if fresh { response.finish() } else { response.body(Pieces(body)) }
    }

    fn describe(&self, response: &mut HttpResponseBuilder, tag: &str, encoding: Option<&str>) {
        let caching = if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        response
            .insert_header((CONTENT_TYPE, self.media_type.as_str()))
            .insert_header((CACHE_CONTROL, caching))
            .insert_header((ETAG, tag))
            .insert_header((VARY, "Accept-Encoding"));
        if let Some(encoding) = encoding {
            response.insert_header((CONTENT_ENCODING, encoding));
        }
    }

    fn encoded_for(&self, request: &HeaderMap) -> (Option<&'static str>, Bytes) {
        let accepted = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        for ((encoding, _), body) in ENCODINGS.iter().zip(&self.encoded) {
            if let Some(body) = body.as_ref().filter(|_| accepts(accepted, encoding)) {
                return (Some(encoding), body.clone());
            }
        }
        (None, self.body.clone())
    }
}

/// A file's content on its way. As a whole it would be copied for each reader, however slowly that reads.
struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

/// A file's content; what is part of this program is not copied.
fn body(file: &EmbeddedFile) -> Bytes {
    match &file.data {
        Cow::Borrowed(body) => Bytes::from_static(body),
        Cow::Owned(body) => Bytes::copy_from_slice(body),
    }
}

/// Whether an `Accept-Encoding` names the encoding and does not rule it out.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        named && !parts.any(|part| part.trim_start_matches("q=").parse() == Ok(0.0_f32))
    })
}

/// Whether the name changes with the content: `-` and eight or more hex digits, then `.` or `_`, or in a folder so named.
fn has_hash(name: &str) -> bool {
    name.split('-').skip(1).any(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        digits >= 8 && part.as_bytes().get(digits).is_none_or(|after| matches!(after, b'.' | b'_' | b'/'))
    })
}

/// Base64 of the SHA-256 of every inline script, as the policy names them.
fn inline_script_hashes(html: &str) -> Vec<String> {
    let scripts = html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (body, _) = rest.split_once("</script")?;
        (!attributes.contains("src=") && !body.is_empty()).then_some(body)
    });
    scripts.map(|body| STANDARD.encode(Sha256::digest(body))).collect()
}

/// Only what a host may consist of reaches the policy.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::http::StatusCode;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use futures_util::FutureExt;
    use rust_embed::Metadata;

    use super::*;

    fn app(files: &[(&str, &str, &'static str)]) -> WebApp {
        WebApp::new(files.iter().map(|(name, body, media_type)| {
            let hash = Sha256::digest(body).into();
            let metadata = Metadata::__rust_embed_new(hash, None, None, media_type);
            (name.to_string(), EmbeddedFile { data: Cow::Owned(body.as_bytes().to_vec()), metadata })
        }))
    }

    fn get(app: &WebApp, name: &str, headers: &[(HeaderName, &str)]) -> HttpResponse {
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            request.insert(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        app.respond(name, &request)
    }

    fn header(response: &HttpResponse, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn content_of(response: HttpResponse) -> Bytes {
        to_bytes(response.into_body()).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn a_large_file_goes_out_piece_by_piece_so_that_a_slow_reader_takes_little_memory() {
        let (large, waker) = ("large ".repeat(100_000), std::task::Waker::noop());
        let app = app(&[("ui.wasm", &large, "application/wasm")]);
        assert_eq!(content_of(get(&app, "ui.wasm", &[])), large);
        let mut body = get(&app, "ui.wasm", &[]).into_body();
        assert_eq!(body.size(), BodySize::Sized(large.len() as u64));
        match Pin::new(&mut body).poll_next(&mut Context::from_waker(waker)) {
            Poll::Ready(Some(Ok(piece))) => assert_eq!(piece.len(), PIECE),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn hashed_files_are_cached_for_good_and_pages_are_asked_for_again() {
        let app = app(&[
            ("index.html", "<p>", "text/html"),
            ("ui-3f2a9c1b7d8e4f60.js", "x", "text/javascript"),
            ("sw.js", "y", "text/javascript"),
        ]);
        let hashed = get(&app, "ui-3f2a9c1b7d8e4f60.js", &[]);
        assert_eq!(header(&hashed, CACHE_CONTROL), "public, max-age=31536000, immutable");
        for name in ["", "index.html", "sw.js"] {
            assert_eq!(header(&get(&app, name, &[]), CACHE_CONTROL), "no-cache", "{name}");
        }
        let page = get(&app, "", &[]);
        assert_eq!(header(&page, CONTENT_TYPE), "text/html; charset=utf-8");
        let again = get(&app, "", &[(IF_NONE_MATCH, header(&page, ETAG))]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn files_go_out_as_small_as_the_browser_can_take_them() {
        let app = app(&[
            ("index.html", "the page", "text/html"),
            ("index.html.br", "brotli", "application/octet-stream"),
            ("index.html.gz", "gzip", "application/octet-stream"),
            ("logo.png", "the logo", "image/png"),
        ]);
        let mut tags = Vec::new();
        for (accepted, encoding, content) in
            [("gzip, deflate, br", "br", "brotli"), ("gzip", "gzip", "gzip"), ("", "", "the page")]
        {
            let response = get(&app, "", &[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(header(&response, CONTENT_ENCODING), encoding);
            assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
            tags.push(header(&response, ETAG).to_owned());
            assert_eq!(content_of(response), content);
        }
        assert!(tags[0] != tags[1] && tags[1] != tags[2], "each encoding is a file of its own");
        let logo = get(&app, "logo.png", &[(ACCEPT_ENCODING, "gzip, br")]);
        assert_eq!(header(&logo, CONTENT_ENCODING), "", "what would be no smaller has no sibling");
    }

    #[test]
    fn compressed_files_are_no_pages_of_their_own() {
        let app = app(&[
            ("a.js", "x", "text/javascript"),
            ("a.js.br", "y", "application/octet-stream"),
            ("notes.gz", "z", "application/gzip"),
        ]);
        assert_eq!(get(&app, "a.js.br", &[]).status(), StatusCode::NOT_FOUND);
        assert_eq!(get(&app, "notes.gz", &[]).status(), StatusCode::OK);
    }

    #[test]
    fn without_the_web_app_the_server_says_how_to_build_it_and_unknown_pages_are_not_found() {
        let app = app(&[]);
        let page = get(&app, "", &[]);
        let text = page.into_body().try_into_bytes().unwrap();
        assert!(String::from_utf8_lossy(&text).contains("cargo xtask run"));
        for name in ["nothing", "../Cargo.toml", "/etc/passwd", "%2e%2e/Cargo.toml"] {
            assert_eq!(get(&app, name, &[]).status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn only_names_that_change_with_the_content_are_cached_for_good() {
        for hashed in
            ["privydrop-ui-3f2a9c1b7d8e4f60.js", "ui-3f2a9c1b7d8e4f60_bg.wasm", "snippets/x-0123abcd/a.js"]
        {
            assert!(has_hash(hashed), "{hashed}");
        }
        for plain in
            ["index.html", "sw.js", "privydrop-ui.js", "icon-192.png", "my-facade.css", "a-deadbeefs.js"]
        {
            assert!(!has_hash(plain), "{plain}");
        }
    }

    #[test]
    fn every_inline_script_is_named_by_its_hash_and_no_other() {
        let html = "<script src=\"a.js\"></script><script type=\"module\">\nalert(1)\n</script>";
        let hash = STANDARD.encode(Sha256::digest("\nalert(1)\n"));
        assert_eq!(inline_script_hashes(html), std::slice::from_ref(&hash));
        let app = WebApp { files: HashMap::new(), inline_scripts: vec![hash.clone()] };
        let policy = app.policy("drop.lan:8080");
        assert!(policy.contains(&format!("'sha256-{hash}'")) && policy.contains("wss://drop.lan:8080"));
        assert!(!policy.contains("unsafe-inline"));
        assert!(!app.policy("evil; script-src *").contains("evil"));
    }

    #[test]
    fn encodings_are_chosen_by_what_the_browser_accepts() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("BR;q=0.5", "br"));
        assert!(!accepts("gzip", "br"));
        assert!(!accepts("br;q=0, gzip", "br"));
    }
}
