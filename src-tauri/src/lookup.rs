//! Asking the server whether a room's name is free, while it is being typed.
//!
//! Sends the name and nothing else, follows no redirection, and reads no more than the answer can be long.

use std::sync::LazyLock;
use std::time::Duration;

use privydrop_common::bridge::NoAnswer;
use privydrop_common::id::RoomId;
use privydrop_native::Server;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024;
/// Seconds to wait when the server says "too often" but not how long.
const UNTOLD_WAIT: u32 = 10;

static CLIENT: LazyLock<Option<Client>> =
    LazyLock::new(|| Client::builder().timeout(PATIENCE).redirect(Policy::none()).build().ok());

#[derive(Deserialize)]
struct Answer {
    free: bool,
}

/// Asks. A name is safe in an address: it has letters, digits and dashes only.
pub(crate) async fn room_is_free(server: &Server, name: &RoomId) -> Result<bool, NoAnswer> {
    let client = CLIENT.as_ref().ok_or(NoAnswer::Unreachable)?;
    let sent = client.get(format!("{}api/rooms/{name}", server.page())).send().await;
    let response = sent.map_err(|_| NoAnswer::Unreachable)?;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let wait = response.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
        return Err(NoAnswer::TooOften(wait.and_then(|wait| wait.parse().ok()).unwrap_or(UNTOLD_WAIT)));
    }
    let answer: Option<Answer> = body(response).await.and_then(|body| serde_json::from_slice(&body).ok());
    answer.map(|answer| answer.free).ok_or(NoAnswer::Unreachable)
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
