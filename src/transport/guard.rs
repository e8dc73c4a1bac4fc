use std::net::IpAddr;

use url::{Host, Url};

use crate::error::{Error, ErrorCode, Result};

/// Where requests of one provider may go: its hosts over https, and the tenant's `base_url`.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The provider's own hosts.
    pub hosts: &'static [&'static str],
    /// An address the tenant configured instead.
    pub base_url: Option<Url>,
    /// Whether the host application lets a `base_url` be plain http or a private address.
    pub allow_private: bool,
}

impl Outbound {
    /// Refuses a `base_url` that is not https, or points into a private network, unless the host application allows it.
    pub fn check_base_url(url: &Url, allow_private: bool) -> Result<()> {
        let refuse = |why: &str| Err(Error::new(ErrorCode::OutboundForbidden, why).with_field("base_url"));
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return refuse("must be scheme, host, port and path alone");
        }
        if allow_private {
            return if matches!(url.scheme(), "http" | "https") {
                Ok(())
            } else {
                refuse("must be an http or https address")
            };
        }
        if url.scheme() != "https" {
            return refuse("must be an https address; the host application can allow others");
        }
        let private = match url.host() {
            Some(Host::Ipv4(ip)) => is_private(ip.into()),
            Some(Host::Ipv6(ip)) => is_private(ip.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost"
                    || name.ends_with(".localhost")
                    || name.ends_with(".internal")
                    || !name.contains('.')
            }
            None => true,
        };
        if private { refuse("must not be a private address; the host application can allow it") } else { Ok(()) }
    }

    /// Refuses a request to anywhere else.
    pub fn check(&self, url: &Url) -> Result<()> {
        let own = url.scheme() == "https"
            && url.port_or_known_default() == Some(443)
            && url.host_str().is_some_and(|host| self.hosts.iter().any(|own| fits(own, host)));
        let configured = self.base_url.as_ref().is_some_and(|base| base.origin() == url.origin());
        if own || configured {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::OutboundForbidden,
            format!("{} is not one of the provider's hosts", url.host_str().unwrap_or("the address")),
        ))
    }
}

/// `*.sharepoint.com` stands for every name below it, not for `sharepoint.com` itself.
fn fits(own: &str, host: &str) -> bool {
    match own.strip_prefix('*') {
        Some(below) => host.len() > below.len() && host.ends_with(below),
        None => own == host,
    }
}

/// Addresses that are not on the public Internet: loopback, private, link-local, shared, reserved, multicast (IANA
/// special-purpose registries, RFC 6890).
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_unspecified()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
        }
        IpAddr::V6(ip) => {
            let embedded = ip.to_ipv4_mapped().or_else(|| {
                // NAT64 (RFC 6052) carries an IPv4 address in its last 32 bits.
                let segments = ip.segments();
                (segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0])
                    .then(|| std::net::Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7])))
            });
            if let Some(ip) = embedded {
                return is_private(ip.into());
            }
            let first = ip.segments()[0];
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first == 0x2001 && ip.segments()[1] == 0x0db8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for good in ["https://api.example.com", "https://8.8.8.8/path/"] {
            Outbound::check_base_url(&good.parse().unwrap(), false).unwrap();
        }
        for bad in [
            "http://api.example.com",
            "https://127.0.0.1",
            "https://10.1.2.3",
            "https://169.254.169.254",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[fd00::1]",
            "https://[64:ff9b::7f00:1]",
            "https://100.64.0.1",
            "https://0x7f.1",
            "https://localhost",
            "https://metadata.internal",
            "https://intranet",
            "https://user:pw@example.com",
            "https://example.com/?key=1",
            "ftp://example.com",
        ] {
            let error = Outbound::check_base_url(&bad.parse().unwrap(), false).unwrap_err();
            assert_eq!(error.code(), ErrorCode::OutboundForbidden, "{bad}");
        }
        Outbound::check_base_url(&"http://127.0.0.1:4010".parse().unwrap(), true).unwrap();
        assert!(Outbound::check_base_url(&"file:///etc".parse().unwrap(), true).is_err());
    }

    #[test]
    fn requests_go_to_the_providers_hosts_alone() {
        let outbound = Outbound {
            hosts: &["api.twilio.com", "*.sharepoint.com"],
            base_url: Some("http://127.0.0.1:4010".parse().unwrap()),
            allow_private: true,
        };
        for good in [
            "https://api.twilio.com/x",
            "https://api.twilio.com:443/x",
            "http://127.0.0.1:4010/y",
            "https://school.sharepoint.com/z",
        ] {
            outbound.check(&good.parse().unwrap()).unwrap();
        }
        for bad in [
            "http://api.twilio.com/x",
            "https://api.twilio.com:8443/",
            "https://api.twilio.com.evil.example/",
            "https://evil.example/",
            "https://sharepoint.com/",
            "https://evilsharepoint.com/",
            "https://school.sharepoint.com.evil.example/",
            "http://127.0.0.1:4011/",
        ] {
            assert!(outbound.check(&bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}
