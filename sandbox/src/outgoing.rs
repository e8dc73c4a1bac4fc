//! Requests that the sandbox itself makes, as vendors call their customers' addresses: to loopback and nowhere else.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HOST, HeaderMap};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Whether the sandbox may call this address: plain HTTP on loopback. Nobody else ever hears from it.
pub(crate) fn is_local(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        url.scheme() == "http"
            && match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                None => false,
            }
    })
}

/// Posts to such an address, and gives the whole answer.
pub(crate) async fn post(address: &str, headers: HeaderMap, body: String) -> Result<Response<Bytes>, Failure> {
    // An address may carry user and password or a fragment: the parsed form has the parts that go on the wire.
    let parsed = url::Url::parse(address)?;
    let host = parsed.host_str().ok_or("no host")?;
    let port = parsed.port_or_known_default().ok_or("no port")?;
    let target: Uri = parsed[url::Position::BeforePath..url::Position::AfterQuery].parse()?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request =
        Request::post(target).header(HOST, format!("{host}:{port}")).body(Full::new(Bytes::from(body)))?;
    request.headers_mut().extend(headers);
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    };
    let answer = answer.await;
    // Dropping the sender ends the connection once the receiver has answered.
    drop(sender);
    connection.abort();
    answer
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_plain_loopback_addresses_are_called() {
        for local in ["http://127.0.0.1:8080/x?y=1", "http://localhost/x", "http://[::1]:1/"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "https://127.0.0.1/x",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "x",
            "ftp://localhost/",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
