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

use crate::limits::Source;
use crate::server::App;
use crate::socket;
use crate::visit::Visit;
use crate::wire::Wire;

/// Serves one request for an upgrade, and the socket that comes of it.
pub async fn upgrade<T>(
    app: Data<App>,
    request: Request,
    mut http: Framed<Visit<T>, h1::Codec>,
) -> Result<(), actix_http::Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let source = app.source(request.peer_addr(), request.headers());
    let (response, seat) =
        match admit(&app, &request).and_then(|response| Ok((response, seat(&app, source)?))) {
            Ok(admitted) => admitted,
            Err(mut refusal) => {
                refusal.head_mut().set_connection_type(ConnectionType::Close);
                http.send((refusal, BodySize::Sized(0)).into()).await.map_err(ProtocolError::Io)?;
                return Ok(http.close().await.map_err(ProtocolError::Io)?);
            }
        };
    http.send((response, BodySize::None).into()).await.map_err(ProtocolError::Io)?;
    // What is not taken is dropped here: buffers of the HTTP connection must not live as long as the socket.
    let FramedParts { io, read_buf, .. } = http.into_parts();
    drop(request);
    let (service, pace, number) = (app.service.clone(), app.pace.clone(), app.next_socket());
    drop(app);
    socket::serve(service, pace, Wire::new(io.into_inner(), read_buf), number, source).await;
    drop(seat);
    Ok(())
}

/// A socket that counts among those of its source, for as long as this lives.
struct Seat(Data<App>, Source);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.service.limits.sockets.close(self.1);
    }
}

/// A place for one more socket, or the answer that there is none.
fn seat(app: &Data<App>, source: Source) -> Result<Seat, Response<()>> {
    let metrics = &app.service.metrics;
    if app.service.directory.sockets() >= app.max_sockets {
        metrics.turned_away("full");
        return Err(Response::new(StatusCode::SERVICE_UNAVAILABLE).drop_body());
    }
    if !app.service.limits.sockets.open(source) {
        metrics.turned_away("address");
        return Err(Response::new(StatusCode::TOO_MANY_REQUESTS).drop_body());
    }
    Ok(Seat(app.clone(), source))
}

/// The answer that opens the socket, or the one that does not.
fn admit(app: &App, request: &Request) -> Result<Response<()>, Response<()>> {
    if request.path() != "/ws" {
        return Err(Response::new(StatusCode::NOT_FOUND).drop_body());
    }
    if app.is_draining() {
        app.service.metrics.turned_away("draining");
        return Err(Response::new(StatusCode::SERVICE_UNAVAILABLE).drop_body());
    }
    if !app.origins.allow(request.headers()) {
        app.service.metrics.turned_away("origin");
        return Err(Response::new(StatusCode::FORBIDDEN).drop_body());
    }
    let mut response = handshake(request.head()).map_err(|error| Response::from(error).drop_body())?;
    response.message_body(()).map_err(|_| Response::internal_server_error().drop_body())
}
