//! OAuth 1.0a: a request signed with HMAC-SHA1, as RFC 5849 says.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    transport::Request,
};

/// Everything but the unreserved characters (RFC 5849, 3.6).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Who signs: the client, and the user it acts for.
pub(super) struct Signer<'a> {
    pub(super) consumer_key: &'a str,
    pub(super) consumer_secret: &'a str,
    pub(super) token: &'a str,
    pub(super) token_secret: &'a str,
}

impl Signer<'_> {
    /// Puts the `Authorization` header on a request; each request has a nonce of its own.
    pub(super) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<()> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|_| Error::internal("the operating system's random number generator failed"))?;
        let seconds = now.as_micros().div_euclid(1_000_000).to_string();
        let header = self.header(request, &seconds, &hex::encode(nonce), Some("1.0"));
        request.headers.set("authorization", header);
        Ok(())
    }

    fn header(&self, request: &Request, timestamp: &str, nonce: &str, version: Option<&str>) -> String {
        let mut protocol = vec![
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_token", self.token),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", timestamp),
            ("oauth_nonce", nonce),
        ];
        protocol.extend(version.map(|version| ("oauth_version", version)));
        let base = base_string(request, &protocol);
        let signature = self.signature(&base);
        protocol.push(("oauth_signature", &signature));
        let pairs: Vec<_> = protocol.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
        format!("OAuth {}", pairs.join(", "))
    }

    fn signature(&self, base: &str) -> String {
        let key = Zeroizing::new(format!("{}&{}", encode(self.consumer_secret), encode(self.token_secret)));
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(base.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// What is signed (3.4.1): the method, the address without its query, and every parameter in order.
fn base_string(request: &Request, protocol: &[(&str, &str)]) -> String {
    let mut parameters: Vec<(String, String)> =
        protocol.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    let mut add = |encoded: &[u8]| {
        parameters.extend(form_urlencoded::parse(encoded).map(|(name, value)| (encode(&name), encode(&value))));
    };
    add(request.url.query().unwrap_or_default().as_bytes());
    let form = "application/x-www-form-urlencoded";
    if request.headers.get("content-type").is_some_and(|kind| kind.starts_with(form)) {
        add(&request.body);
    }
    parameters.sort();
    let parameters: Vec<_> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}&{}&{}", request.method.name(), encode(&address(&request.url)), encode(&parameters.join("&")))
}

/// Scheme, host and port, where it is not the scheme's own, and path (3.4.1.2); `Url` has put host and scheme in lower
/// case and left a default port out.
fn address(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Method;

    fn request(method: Method, url: &str) -> Request {
        Request::new(method, url.parse().unwrap())
    }

    /// RFC 5849, 1.2: the request for the photograph, with the signature that is printed there.
    #[test]
    fn the_photograph_of_the_rfc() {
        let signer = Signer {
            consumer_key: "dpf43f3p2l4k3l03",
            consumer_secret: "kd94hf93k423kf44",
            token: "nnch734d00sl2jdk",
            token_secret: "pfkkdhi9sl3r4s00",
        };
        let request = request(Method::Get, "http://photos.example.net/photos?file=vacation.jpg&size=original");
        let header = signer.header(&request, "137131202", "chapoH", None);
        assert_eq!(
            header,
            "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"nnch734d00sl2jdk\", \
             oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131202\", oauth_nonce=\"chapoH\", \
             oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""
        );
    }

    /// RFC 5849, 3.4.1.1: a name and a value that are encoded already, a name twice, a form in the body, and the base
    /// string that is printed there. The signature over it is python's: `hmac.new(b"j49sk3j29djd&dh893hdasih9", base,
    /// "sha1")`.
    #[test]
    fn the_base_string_of_the_rfc() {
        let request = request(Method::Post, "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
            .form([("c2", ""), ("a3", "2 q")]);
        let protocol = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        let base = base_string(&request, &protocol);
        assert_eq!(
            base,
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
             %26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
             %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
        let signer = Signer {
            consumer_key: "9djdj82h48djs9d2",
            consumer_secret: "j49sk3j29djd",
            token: "kkk9d7dh3k39sjv7",
            token_secret: "dh893hdasih9",
        };
        assert_eq!(signer.signature(&base), "r6/TJjbCOr97/+UU0NsvSne7s5g=");
    }

    #[test]
    fn each_request_has_its_own_nonce_and_no_secret_in_it() {
        let signer =
            Signer { consumer_key: "k", consumer_secret: "first-s3cret", token: "t", token_secret: "second-s3cret" };
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let mut request = request(Method::Get, "https://proxy.example/api/v1/user");
            signer.sign(&mut request, Timestamp::from_micros(1_700_000_000_999_999)).unwrap();
            let header = request.headers.get("authorization").unwrap().to_owned();
            assert!(header.contains("oauth_timestamp=\"1700000000\"") && !header.contains("s3cret"), "{header}");
            assert!(seen.insert(header));
        }
    }
}
