//! The door between HTTP and WebSocket: who may open a socket, and the handshake.
//!
//! Takes the raw connection from actix-http, so that nothing of the HTTP connection stays in memory.

use actix_codec::{AsyncRead, AsyncWrite, Framed, FramedParts};
use actix_http::body::BodySize;
use actix_http::ws::handshake;
use actix_http::{ConnectionType, HttpMessage, Request, Response, StatusCode, h1};
use actix_web::web::Data;
use actix_ws::ProtocolError;
use futures_util::SinkExt;

use crate::server::App;
use crate::socket;
use crate::wire::Wire;

/// Serves one request for an upgrade, and the socket that comes of it.
pub async fn upgrade<T>(
    app: Data<App>,
    request: Request,
    mut http: Framed<T, h1::Codec>,
) -> Result<(), actix_http::Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let response = match admit(&app, &request) {
        Ok(response) => response,
        Err(mut refusal) => {
            refusal.head_mut().set_connection_type(ConnectionType::Close);
            http.send((refusal, BodySize::Sized(0)).into()).await.map_err(ProtocolError::Io)?;
            return Ok(http.close().await.map_err(ProtocolError::Io)?);
        }
    };
    http.send((response, BodySize::None).into()).await.map_err(ProtocolError::Io)?;
    // What is not taken is dropped here: buffers of the HTTP connection must not live as long as the socket.
    let FramedParts { io, read_buf, .. } = http.into_parts();
    let source = app.source(request.peer_addr(), request.headers());
    drop(request);
    let (service, pace, number) = (app.service.clone(), app.pace.clone(), app.next_socket());
    socket::serve(service, pace, Wire::new(io, read_buf), number, source).await;
    Ok(())
}

/// The answer that opens the socket, or the one that does not.
fn admit(app: &App, request: &Request) -> Result<Response<()>, Response<()>> {
    if request.path() != "/ws" {
        return Err(Response::new(StatusCode::NOT_FOUND).drop_body());
    }
    if app.is_draining() {
        return Err(Response::new(StatusCode::SERVICE_UNAVAILABLE).drop_body());
    }
    if !app.origins.allow(request.headers()) {
        return Err(Response::new(StatusCode::FORBIDDEN).drop_body());
    }
    let mut response = handshake(request.head()).map_err(|error| Response::from(error).drop_body())?;
    response.message_body(()).map_err(|_| Response::internal_server_error().drop_body())
}
