//! `privydrop-server check`: looks whether everything that the settings name works, and says what does not and what
//! to do about it.
//!
//! Changes nothing: what it writes into Redis or takes from a TURN server it gives back. Never shows a secret.

mod redis;
mod running;
mod settings;
mod tls;
mod turn;

use std::fmt;

use crate::config::Config;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works, and will not for everybody or not for long.
    Warning,
    /// It does not work.
    Wrong,
}

/// One line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it was found.
    pub verdict: Verdict,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

/// What was found about one subject.
#[derive(Debug)]
struct Report {
    subject: &'static str,
    findings: Vec<Finding>,
}

impl Report {
    fn new(subject: &'static str) -> Self {
        Self { subject, findings: Vec::new() }
    }

    fn ok(&mut self, text: impl Into<String>) {
        self.add(Verdict::Ok, text.into());
    }

    fn warning(&mut self, text: impl Into<String>) {
        self.add(Verdict::Warning, text.into());
    }

    fn wrong(&mut self, text: impl Into<String>) {
        self.add(Verdict::Wrong, text.into());
    }

    fn add(&mut self, verdict: Verdict, text: String) {
        self.findings.push(Finding { verdict, subject: self.subject, text });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Wrong => "wrong",
        };
        write!(f, "{verdict:<8}{:<10}{}", self.subject, self.text)
    }
}

/// Asks the server that should already serve at `--listen` whether it lives, and looks at nothing else.
pub async fn health(config: &Config) -> Vec<Finding> {
    let mut report = Report::new("health");
    match running::ask_health(config).await {
        Ok(()) => report.ok(format!("the server at {} lives", config.listen)),
        Err(unwell) => {
            report.wrong(format!("--listen {}: {unwell}. Look into the server's log", config.listen))
        }
    }
    report.findings
}

/// Looks at everything.
pub async fn check(config: &Config) -> Vec<Finding> {
    let reports = [
        settings::check(config).await,
        tls::check(config),
        redis::check(config).await,
        turn::check(config).await,
    ];
    reports.into_iter().flat_map(|report| report.findings).collect()
}
