//! Certificate and key: they can be read, fit together, name the host, and last.

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::Report;
use crate::config::Config;
use crate::tls::Certificate;

/// Days before its end at which a certificate should have been renewed.
const SOON: i64 = 14;

pub(super) fn check(config: &Config) -> Report {
    let mut report = Report::new("tls");
    let (Some(chain), Some(key)) = (&config.tls_cert, &config.tls_key) else { return report };
    let chain = match Certificate::load(chain, key) {
        Ok(certificate) => certificate.chain(),
        Err(error) => {
            report.wrong(format!("{error}: --tls-cert and --tls-key are PEM files that belong together"));
            return report;
        }
    };
    report.ok("certificate and key belong together");
    match chain.first().map(|first| X509Certificate::from_der(first)) {
        Some(Ok((_, certificate))) => look_at(&certificate, config, &mut report),
        _ => report.wrong("the certificate cannot be read: is it X.509?"),
    }
    report
}

fn look_at(certificate: &X509Certificate<'_>, config: &Config, report: &mut Report) {
    let until = certificate.validity().not_after;
    match certificate.validity().time_to_expiration() {
        _ if !certificate.validity().is_valid() && certificate.validity().not_before > until => {
            report.wrong("the certificate ends before it begins");
        }
        None => report
            .wrong(format!("the certificate is not valid now, it ends {until}: renew it, or set the clock")),
        Some(left) if left.whole_days() < SOON => {
            report.warning(format!(
                "the certificate ends {until}: renew it; the server takes the new one by itself"
            ));
        }
        Some(_) => report.ok(format!("the certificate ends {until}")),
    }
    let Some(host) = config.public_url.as_deref().and_then(host) else { return };
    let names = certificate.subject_alternative_name().ok().flatten();
    let covered = names.is_some_and(|names| {
        names.value.general_names.iter().any(|name| match name {
            GeneralName::DNSName(name) => covers(name, host),
            GeneralName::IPAddress(bytes) => is_address(bytes, host),
            _ => false,
        })
    });
    match covered {
        true => report.ok(format!("the certificate is for {host}")),
        false => report
            .wrong(format!("the certificate is not for {host}, which --public-url names: get one that is")),
    }
}

/// The host in `https://host:port`.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => rest.split_once(':').map_or(rest, |(host, _)| host),
    };
    Some(host)
}

fn covers(name: &str, host: &str) -> bool {
    let below = name.strip_prefix("*.").zip(host.split_once('.'));
    name.eq_ignore_ascii_case(host) || below.is_some_and(|(name, (_, host))| name.eq_ignore_ascii_case(host))
}

fn is_address(bytes: &[u8], host: &str) -> bool {
    match host.parse() {
        Ok(std::net::IpAddr::V4(ip)) => bytes == ip.octets(),
        Ok(std::net::IpAddr::V6(ip)) => bytes == ip.octets(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_star_covers_one_level() {
        assert!(covers("*.example.org", "drop.example.org") && covers("drop.example", "Drop.Example"));
        assert!(!covers("*.example.org", "example.org") && !covers("*.example.org", "a.b.example.org"));
        assert_eq!(
            [host("https://drop.example:444"), host("https://[::1]:1")],
            [Some("drop.example"), Some("::1")]
        );
        assert!(is_address(&[127, 0, 0, 1], "127.0.0.1") && !is_address(&[127, 0, 0, 1], "127.0.0.2"));
    }
}
