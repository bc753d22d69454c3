//! Which web pages may open a socket here.
//!
//! A browser always says which page asks; a request without an `Origin` is a native client's and is allowed.
//! This keeps foreign pages out, not programs: those write any header they like.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// The pages that may connect.
#[derive(Debug, Clone)]
pub struct Origins {
    allowed: Vec<String>,
}

/// Pages of the desktop app, on its platforms.
const SHELL: [&str; 3] = ["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"];

impl Origins {
    /// `allowed` are origins (`https://host[:port]`) besides the server's own and the desktop app's.
    pub fn new(allowed: impl IntoIterator<Item = String>) -> Self {
        let allowed = allowed.into_iter().chain(SHELL.map(str::to_owned));
        Self { allowed: allowed.map(|origin| normal(&origin)).collect() }
    }

    /// Whether the page that sent these headers may connect.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN);
        let Some(origin) = origins.next() else { return true };
        let (Ok(origin), None) = (origin.to_str(), origins.next()) else { return false };
        let origin = normal(origin);
        self.allowed.contains(&origin) || is_local(&origin) || is_same_host(&origin, headers)
    }
}

/// Lower case, no default port, no trailing slash.
fn normal(origin: &str) -> String {
    let origin = origin.trim_end_matches('/').to_ascii_lowercase();
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    // What has a port before this one is no origin, and must not become one.
    let has_port =
        |rest: &&str| authority(rest).is_some_and(|rest| rest.contains(':') && !rest.ends_with(']'));
    origin.strip_suffix(port).filter(|rest| !has_port(rest)).unwrap_or(&origin).to_owned()
}

fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// A page served from the visitor's own machine, on any port: development servers.
fn is_local(origin: &str) -> bool {
    let authority = authority(origin).unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "0"));
    host == "localhost" && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_same_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if origin.starts_with("https:") { "https" } else { "http" };
    authority(origin).is_some() && !host.is_empty() && normal(&format!("{scheme}://{host}")) == *origin
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn allows(host: &str, origins: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Origins::new(["https://drop.example".to_owned()]).allow(&headers)
    }

    #[test]
    fn pages_of_this_server_the_desktop_app_and_configured_ones_may_connect() {
        assert!(allows("192.168.1.5:8080", &["http://192.168.1.5:8080"]));
        assert!(allows("drop.lan", &["http://drop.lan:80"]));
        assert!(allows("[2001:db8::1]", &["http://[2001:db8::1]:80"]));
        assert!(allows("backend:9", &["https://drop.example"]));
        assert!(allows("backend:9", &["HTTPS://Drop.Example:443"]));
        for local in
            ["http://localhost:8081", "https://localhost", "tauri://localhost", "http://tauri.localhost"]
        {
            assert!(allows("backend:9", &[local]), "{local}");
        }
    }

    #[test]
    fn a_native_client_has_no_origin_and_may_connect() {
        assert!(allows("drop.lan", &[]));
    }

    #[test]
    fn foreign_pages_may_not_connect() {
        for foreign in [
            "https://evil.example",
            "null",
            "http://drop.lan:81",
            "http://localhost.evil.example",
            "",
            "https://",
            "http://localhost:1.evil.example",
            "http://localhost:1:80",
            "http://localhost:65536",
            "file://",
            "http://drop.lan@evil.example",
        ] {
            assert!(!allows("drop.lan", &[foreign]), "{foreign}");
        }
        assert!(!allows("drop.lan", &["http://drop.lan", "https://evil.example"]), "two origins");
    }
}
