//! What a server does by itself, again and again: says that it is alive, looks what time it is, cleans up, looks whether its
//! certificate changed. Never decides anything about a room.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::service::Service;
use crate::shared;
use crate::tls::Certificate;

/// How often a node says that it is alive; a store that forgot everything has its rooms back after this.
const ALIVE: Duration = Duration::from_secs(2);
/// How often it cleans up.
const SWEEP: Duration = Duration::from_secs(10);
/// How often it looks whether the certificate's files changed.
const CERTIFICATE: Duration = Duration::from_secs(10);
/// How often nodes that may have missed something are told so.
const DEBTS: Duration = Duration::from_millis(500);

/// Says again and again that this node is alive, looks what time it is for all, and keeps what nodes share in the store: `own` is the
/// key that this one signs with, unless it is from a file.
pub(crate) async fn keep_alive(service: Arc<Service>, own: Option<[u8; 32]>) {
    let (mut turns, mut lacked) = (turns(ALIVE), Vec::new());
    loop {
        turns.tick().await;
        let store = &*service.store;
        let held = service.hold_lease().await;
        // Until it answers, the time goes on from when it last did.
        let read = service.read_clock().await;
        let kept = shared::keep(store, own).await;
        let lacks = [
            held.is_err().then_some("this node's lease"),
            read.is_err().then_some("the time"),
            kept.is_err().then_some("what nodes share"),
        ];
        let lacks: Vec<_> = lacks.into_iter().flatten().collect();
        if lacks != lacked {
            match &*lacks {
                [] => tracing::info!("the room store answers again"),
                lacks => {
                    tracing::warn!("the room store does not give {}; trying again", lacks.join(", "));
                }
            }
            lacked = lacks;
        }
        if let Ok(shared) = kept
            && own.is_some()
        {
            service.accept_tickets(&shared.keys);
        }
        if held == Ok(true) {
            service.refresh_all().await;
        }
    }
}

/// Forgets what is over.
pub(crate) async fn sweep(service: Arc<Service>) {
    let mut turns = turns(SWEEP);
    loop {
        turns.tick().await;
        service.limits.sweep(service.uptime());
        service.store.sweep();
    }
}

/// Tells other nodes that they may have missed something.
pub(crate) async fn settle_debts(service: Arc<Service>) {
    let mut turns = turns(DEBTS);
    loop {
        turns.tick().await;
        service.settle_debts().await;
    }
}

/// Reads the certificate again when its files changed, and at once when the process is told to (SIGHUP). Without one
/// it keeps SIGHUP from ending the process. The signal is heard from the call on.
pub(crate) fn renew_certificate(certificate: Option<Arc<Certificate>>) -> impl Future<Output = ()> {
    let told = signal(SignalKind::hangup());
    async move {
        let Ok(told) = told else { return };
        look_after(certificate, told).await;
    }
}

async fn look_after(certificate: Option<Arc<Certificate>>, mut told: Signal) {
    let mut turns = turns(CERTIFICATE);
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            _ = told.recv() => {}
        }
        let Some(certificate) = certificate.clone() else { continue };
        let looked = tokio::task::spawn_blocking(move || certificate.look_again()).await;
        match looked {
            Ok(Ok(true)) => tracing::info!("a new certificate is used from now on"),
            Ok(Err(error)) => {
                tracing::error!(
                    "the new certificate is not used, the old one stays: {error}. Check both files"
                );
            }
            _ => {}
        }
    }
}

fn turns(span: Duration) -> tokio::time::Interval {
    let mut turns = interval(span);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}
