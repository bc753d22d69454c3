//! What needs no socket: the web app, two questions of it, and the doors for those who run the server.
//!
//! Thin: each handler asks one other module and puts the answer into HTTP.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use privydrop_common::id::RoomId;
use privydrop_common::signaling::{PROTOCOL, Refusal, ServerMessage};
use serde_json::json;

use crate::refusal::Refused;
use crate::server::App;

/// The routes of the main port.
pub fn routes(app: &Data<App>) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    let app = app.clone();
    move |config| {
        config
            .app_data(app.clone())
            .route("/api/version", web::get().to(version))
            .route("/api/rooms/{name}", web::get().to(room))
            .route("/healthz", web::get().to(health))
            .route("/readyz", web::get().to(ready));
        if app.metrics_here {
            config.route("/metrics", web::get().to(metrics));
        }
        config.route("/{name:.*}", web::get().to(page)).route("/{name:.*}", web::head().to(page));
    }
}

/// The routes of the port for metrics.
pub fn metrics_routes(config: &mut ServiceConfig) {
    config.route("/metrics", web::get().to(metrics));
}

/// The headers that every answer carries.
pub fn harden(app: &App, request: &HeaderMap, response: &mut HeaderMap) {
    let host = request.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&app.web_app.policy(host)) {
        response.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let fixed = |value| HeaderValue::from_static(value);
    response.insert(REFERRER_POLICY, fixed("no-referrer"));
    response.insert(X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    response.insert(HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin"));
    response.insert(HeaderName::from_static("permissions-policy"), fixed(PERMISSIONS));
    if app.is_https {
        response.insert(STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000"));
    }
}

/// What the app uses is allowed to itself; what it never uses is off.
const PERMISSIONS: &str = "camera=(self), clipboard-write=(self), screen-wake-lock=(self), geolocation=(), \
    microphone=(), payment=(), usb=(), serial=()";

async fn page(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    app.web_app.respond(&name, request.headers())
}

async fn version() -> HttpResponse {
    let versions = json!({ "server": env!("CARGO_PKG_VERSION"), "protocol": PROTOCOL });
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(versions)
}

async fn room(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    let Ok(room) = name.parse::<RoomId>() else {
        return HttpResponse::BadRequest().json(
            json!({ "error": "a room name has 3 to 63 characters: a-z, 0-9 and dashes, no dash first" }),
        );
    };
    let source = app.source(request.peer_addr(), request.headers());
    match app.service.is_free(source, &room).await {
        Ok(free) => {
            let answer = json!({ "name": room, "free": free });
            HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer)
        }
        Err(refused) => refusal(refused),
    }
}

fn refusal(refused: Refused) -> HttpResponse {
    let mut response = match refused.code {
        Refusal::RateLimited => HttpResponse::TooManyRequests(),
        _ => HttpResponse::ServiceUnavailable(),
    };
    if let Some(seconds) = refused.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.json(ServerMessage::from(refused))
}

/// The process runs.
async fn health() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// New clients may be sent here: the store answers and the server is not about to stop.
async fn ready(app: Data<App>) -> HttpResponse {
    if app.is_leaving() {
        return HttpResponse::ServiceUnavailable().body("draining: this server is about to stop\n");
    }
    match app.service.store.ping().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("not ready: {error}\n")),
    }
}

async fn metrics(app: Data<App>) -> HttpResponse {
    let text = app.service.metrics_text(app.is_leaving()).await;
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}
