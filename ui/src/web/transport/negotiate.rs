//! The steps of negotiation, one after the other: the browser answers each by a promise.
//!
//! Applies what the session gives it and nothing else; never makes an offer by itself.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::{Closed, Step};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    RtcIceCandidateInit, RtcOfferOptions, RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit,
};

use super::connection::configuration;
use super::teller::Teller;
use crate::web::js::error_name;

/// Most steps that wait for the browser, candidates that wait for a description among them.
const MAX_STEPS: usize = 256;

/// The description or candidate cannot be used.
struct Unusable;

impl From<JsValue> for Unusable {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// Carries out steps in the order given.
pub(super) struct Negotiation {
    connection: RtcPeerConnection,
    teller: Teller,
    steps: RefCell<VecDeque<Step>>,
    /// Candidates that came before the description that they belong to.
    early: RefCell<Vec<Candidate>>,
    running: Cell<bool>,
    stopped: Cell<bool>,
}

impl Negotiation {
    pub(super) fn new(connection: RtcPeerConnection, teller: Teller) -> Self {
        Self {
            connection,
            teller,
            steps: RefCell::default(),
            early: RefCell::default(),
            running: Cell::new(false),
            stopped: Cell::new(false),
        }
    }

    pub(super) fn push(self: &Rc<Self>, step: Step) {
        if self.steps.borrow().len() + self.early.borrow().len() >= MAX_STEPS {
            return self.teller.fail(Closed::BadDescription);
        }
        self.steps.borrow_mut().push_back(step);
        if !self.running.replace(true) {
            spawn_local(Rc::clone(self).run());
        }
    }

    /// Nothing is told or done any more, not by a promise that is still on its way either.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        self.steps.borrow_mut().clear();
    }

    async fn run(self: Rc<Self>) {
        while let Some(step) = self.next() {
            let done = self.perform(step).await;
            if self.stopped.get() {
                break;
            }
            if done.is_err() {
                self.teller.fail(Closed::BadDescription);
                break;
            }
        }
        self.running.set(false);
    }

    fn next(&self) -> Option<Step> {
        self.steps.borrow_mut().pop_front()
    }

    async fn perform(&self, step: Step) -> Result<(), Unusable> {
        match step {
            Step::Offer => {
                let options = RtcOfferOptions::new();
                options.set_ice_restart(self.connection.remote_description().is_some());
                let offer = self.connection.create_offer_with_rtc_offer_options(&options).await?;
                self.describe(offer).await
            }
            Step::Answer(offer) => {
                self.accept(RtcSdpType::Offer, &offer).await?;
                let answer = self.connection.create_answer().await?;
                self.describe(answer).await
            }
            Step::Accept(answer) => self.accept(RtcSdpType::Answer, &answer).await,
            Step::Candidate(candidate) if self.connection.remote_description().is_none() => {
                self.early.borrow_mut().push(candidate);
                Ok(())
            }
            Step::Candidate(candidate) => self.add(&candidate).await,
            Step::IceServers(servers) => {
                // A browser that does not take them goes on with those it has.
                let _ = self.connection.set_configuration_with_configuration(&configuration(&servers));
                Ok(())
            }
            // Lanes have connections of their own.
            Step::Lane(..) => Ok(()),
        }
    }

    async fn describe(&self, description: JsValue) -> Result<(), Unusable> {
        self.connection.set_local_description(&description.into()).await?;
        let description = self.connection.local_description().ok_or(Unusable)?;
        let sdp = Sdp::parse(&description.sdp()).map_err(|_| Unusable)?;
        if !self.stopped.get() {
            self.teller.described(sdp);
        }
        Ok(())
    }

    async fn accept(&self, kind: RtcSdpType, sdp: &Sdp) -> Result<(), Unusable> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp.as_str());
        self.connection.set_remote_description(&description).await?;
        let early = core::mem::take(&mut *self.early.borrow_mut());
        for candidate in early {
            self.add(&candidate).await?;
        }
        Ok(())
    }

    async fn add(&self, candidate: &Candidate) -> Result<(), Unusable> {
        let init = RtcIceCandidateInit::new(candidate.as_str());
        init.set_sdp_mid(candidate.mid());
        init.set_sdp_m_line_index(candidate.line_index());
        match self.connection.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init)).await {
            // It belongs to a description that has been replaced meanwhile.
            Err(error) if error_name(&error) == "OperationError" => Ok(()),
            done => done.map(drop).map_err(Unusable::from),
        }
    }
}
