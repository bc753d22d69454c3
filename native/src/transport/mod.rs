//! One WebRTC link to one peer, by webrtc-rs. Decides nothing: the session does.
