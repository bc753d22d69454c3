//! The ports: the main one for pages and sockets, with or without TLS, and one for metrics.
//!
//! Only puts the pieces of actix together; what is served is [`crate::http`]'s and [`crate::upgrade`]'s.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_http::HttpService;
use actix_server::{Server, ServerBuilder, ServerHandle};
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Service as _};
use actix_web::web::Data;
use tokio_rustls::TlsAcceptor;

use crate::http::{harden, metrics_routes, routes};
use crate::server::{App, FAREWELL, StartError};
use crate::upgrade::upgrade;
use crate::visit;

/// Takes a port.
pub(crate) fn listen(wished: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |reason| StartError::Listen { address: wished, reason };
    let listener = TcpListener::bind(wished).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Pages and sockets.
pub(crate) fn main_server(
    listener: TcpListener,
    app: &Data<App>,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<ServerBuilder, StartError> {
    // Each worker could have all of them; what is open in all is counted elsewhere.
    let most = app.max_sockets + app.visitors.most();
    let (app, builder) = (app.clone(), builder().max_concurrent_connections(most));
    let (address, hello) = (listener.local_addr(), app.pace.hello);
    let signal = builder.graceful_shutdown_signal();
    macro_rules! http {
        () => {{
            let (signal, hardened, sockets) = (signal.clone(), app.clone(), app.clone());
            let pages = actix_web::App::new().configure(routes(&app)).wrap_fn(move |request, next| {
                let (app, headers) = (hardened.clone(), request.headers().clone());
                let answer = next.call(request);
                async move {
                    let mut answer = answer.await?;
                    harden(&app, &headers, answer.headers_mut());
                    Ok(answer)
                }
            });
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let signal = signal.clone();
                    async move { signal.notified().await }
                })
                .client_request_timeout(hello)
                .upgrade(fn_service(move |(request, http)| upgrade(sockets.clone(), request, http)))
                .finish(map_config(pages, |()| AppConfig::default()))
        }};
    }
    let result = match tls {
        None => builder.listen("http", listener, move || {
            let visited = app.clone();
            fn_service(move |io| visit::plain(visited.clone(), io)).and_then(http!())
        }),
        Some(tls) => builder.listen("https", listener, move || {
            let (visited, tls) = (app.clone(), TlsAcceptor::from(tls.clone()));
            fn_service(move |io| visit::secure(visited.clone(), tls.clone(), io)).and_then(http!())
        }),
    };
    result.map_err(|reason| not_listening(address, reason))
}

/// Metrics alone.
pub(crate) fn metrics_server(listener: TcpListener, app: &Data<App>) -> Result<ServerBuilder, StartError> {
    let app = app.clone();
    let address = listener.local_addr();
    let result = builder().workers(1).listen("metrics", listener, move || {
        let pages = actix_web::App::new().app_data(app.clone()).configure(metrics_routes);
        HttpService::build().finish(map_config(pages, |()| AppConfig::default())).tcp()
    });
    result.map_err(|reason| not_listening(address, reason))
}

fn not_listening(address: std::io::Result<SocketAddr>, reason: std::io::Error) -> StartError {
    StartError::Listen { address: address.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))), reason }
}

fn builder() -> ServerBuilder {
    Server::build().disable_signals().shutdown_timeout(FAREWELL.as_secs())
}

/// Starts the builder's threads; the handle stops them.
pub(crate) fn run(builder: ServerBuilder) -> ServerHandle {
    let server = builder.run();
    let handle = server.handle();
    tokio::spawn(server);
    handle
}
