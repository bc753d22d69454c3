//! Asking the server whether a room's name is free, while it is being typed.
//!
//! Sends the name and nothing else, follows no redirection, and reads no more than the answer can be long. Trusts whom the
//! session trusts, and asks no other part of the system about that: on Android such a part panics.

use std::sync::Arc;
use std::time::Duration;

use privydrop_common::bridge::NoAnswer;
use privydrop_common::id::RoomId;
use privydrop_native::Server;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::OnceCell;

/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024;
/// Seconds to wait when the server says "too often" but not how long.
const UNTOLD_WAIT: u32 = 10;

static CLIENT: OnceCell<Client> = OnceCell::const_new();

#[derive(Deserialize)]
struct Answer {
    free: bool,
}

/// Asks. A name is safe in an address: it has letters, digits and dashes only.
pub(crate) async fn room_is_free(server: &Server, name: &RoomId) -> Result<bool, NoAnswer> {
    let client = CLIENT.get_or_try_init(client).await?;
    let sent = client.get(format!("{}api/rooms/{name}", server.page())).send().await;
    let response = sent.map_err(|_| NoAnswer::Unreachable)?;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let wait = response.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
        return Err(NoAnswer::TooOften(wait.and_then(|wait| wait.parse().ok()).unwrap_or(UNTOLD_WAIT)));
    }
    let answer: Option<Answer> = body(response).await.and_then(|body| serde_json::from_slice(&body).ok());
    answer.map(|answer| answer.free).ok_or(NoAnswer::Unreachable)
}

async fn client() -> Result<Client, NoAnswer> {
    let trust = privydrop_native::trust().await.map_err(|_| NoAnswer::Unreachable)?;
    let client = Client::builder().tls_backend_preconfigured(Arc::unwrap_or_clone(trust));
    client.timeout(PATIENCE).redirect(Policy::none()).build().map_err(|_| NoAnswer::Unreachable)
}

async fn body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// No part of the program has set anything up here, as a phone's does not.
    #[tokio::test]
    async fn a_name_is_looked_up_with_nothing_but_what_the_session_has_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server: Server = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = thread::spawn(move || {
            ["true", "false"].map(|free| {
                let (mut socket, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
                let asked = lines.next().unwrap().unwrap();
                while !lines.next().unwrap().unwrap().is_empty() {}
                let body = format!("{{\"free\":{free}}}");
                let length = body.len();
                write!(
                    socket,
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .unwrap();
                asked
            })
        });
        let name: RoomId = "summer-house".parse().unwrap();
        assert_eq!(room_is_free(&server, &name).await, Ok(true));
        assert_eq!(room_is_free(&server, &name).await, Ok(false));
        assert_eq!(asked.join().unwrap(), ["GET /api/rooms/summer-house HTTP/1.1"; 2]);
    }
}
