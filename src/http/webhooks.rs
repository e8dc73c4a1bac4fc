//! Where vendors' webhooks arrive. Nobody is asked who they are: the signature says it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::Url;

use super::{Api, Problem, asking, endpoints};
use crate::{
    error::{Error, Result},
    manager::{MAX_WEBHOOK, WebhookRequest},
};

pub(super) async fn receive(
    State(api): State<Arc<Api>>,
    provider: std::result::Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let Path(provider) = provider.map_err(|_| Error::invalid("path", "must be percent-encoded UTF-8"))?;
    let (parts, body) = request.into_parts();
    let url = address(&api, &parts)?;
    let body = asking::bytes(api.manager.runtime(), body, MAX_WEBHOOK).await?;
    let mut webhook = WebhookRequest::new(url, body);
    for (name, value) in &parts.headers {
        // What is no text cannot be a signature, nor the time of one.
        if let Ok(value) = value.to_str() {
            webhook = webhook.header(name.as_str(), value);
        }
    }
    let receipt = api.manager.receive_webhook(&provider, webhook).await?;
    if let Some(reply) = receipt.reply {
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
        let kind = HeaderValue::from_str(&reply.content_type);
        let kind = kind.unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8"));
        return Ok((status, [(header::CONTENT_TYPE, kind)], reply.body).into_response());
    }
    // The vendor learns that it may stop, and nothing about the school.
    let duplicates = receipt.events.iter().filter(|event| event.duplicate).count();
    Ok(endpoints::json(&json!({ "received": receipt.events.len(), "duplicates": duplicates })))
}

/// The address as the vendor called it: below the public address where the host has named one, else by what the request
/// and proxies of our own say.
fn address(api: &Api, parts: &Parts) -> Result<Url> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let text = |name: &str| parts.headers.get(name)?.to_str().ok();
    let base = match &api.public_url {
        Some(base) => base.as_str().trim_end_matches('/').to_owned(),
        None => {
            let first = |name| text(name).and_then(|list| list.split(',').next()).map(str::trim);
            let proxied = |name| if api.trusted_proxies > 0 { first(name) } else { None };
            let scheme = proxied("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
            let host = proxied("x-forwarded-host").or_else(|| text("host")).or(parts.uri.host());
            format!("{scheme}://{}", host.unwrap_or("localhost"))
        }
    };
    format!("{base}{path}").parse().map_err(|_| Error::invalid("Host", "must be a host's name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IntegrationManager, MasterKey, http::ApiKeys, storage::MemoryStorage};

    #[tokio::test]
    async fn the_address_is_the_one_the_vendor_called() {
        let manager = IntegrationManager::builder().storage(MemoryStorage::new()).master_key(MasterKey::random());
        let manager = manager.build().await.unwrap();
        let api = || Api::new(manager.clone(), ApiKeys::new(manager.clone()));
        let request = axum::http::Request::get("/hook?a=%20b")
            .header("host", "inside:8080")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "school.example");
        let (parts, _) = request.body(()).unwrap().into_parts();
        let of = |api: Api| address(&api, &parts).unwrap().to_string();
        assert_eq!(of(api()), "http://inside:8080/hook?a=%20b");
        assert_eq!(of(api().trusted_proxies(1)), "https://school.example/hook?a=%20b");
        let public = "https://sis.example/base/".parse().unwrap();
        assert_eq!(of(api().public_url(public)), "https://sis.example/base/hook?a=%20b");
    }
}
