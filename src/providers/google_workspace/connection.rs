//! Whether the tenant is connected, and to what. <https://developers.google.com/identity/protocols/oauth2>

use std::sync::Arc;

use super::{
    GoogleWorkspace, GoogleWorkspaceConfig,
    define::{long, object, operation},
    wire::host,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::{AccessToken, Call},
    transport::{Repeat, Response, oauth::Wanted},
};

object! {
    /// What the tenant's consent opens.
    Connection {
        /// The scopes that were granted.
        scopes: Vec<String>,
        /// Whose consent it is, or for whom the service account stands in, where a scope lets that be seen.
        email: String,
        /// Whether the address is verified.
        #[serde(alias = "verified_email")]
        verified_email: bool,
        /// Google's id of that user.
        #[serde(alias = "user_id")]
        user_id: String,
        /// The OAuth client that was consented to.
        audience: String,
        /// How many seconds the present access token holds; the library gets the next by itself.
        #[serde(alias = "expires_in", deserialize_with = "long")]
        expires_in: u64,
    }
}

operation! {
    /// Tells whether Google accepts the tenant's credentials, on whose behalf, and what was consented to. It works with any
    /// consent, and uses no product's quota.
    ///
    /// <https://developers.google.com/identity/protocols/oauth2>. Access `read`. Errors: `needs_reconnect`.
    ///
    /// Example: `{}`
    CheckConnection = "checkConnection", Read, Always -> Connection,
    scopes &[],
    discloses {}
    path {}
    required {}
    optional {}
    run |_this, call| { check(call).await }
}

/// Why a service account gets no token: no person has consented, and none has to again. Anybody else's refusal as it is.
pub(super) fn denied(config: &GoogleWorkspaceConfig, wanted: &Wanted, error: Error) -> Error {
    let Some(told) = error.vendor().cloned().filter(|_| config.service_account_key.is_some()) else { return error };
    let words = told.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    let own = |code, field: &str, why: String| Error::new(code, why).with_field(field);
    let explained = match told.code.as_deref() {
        Some("invalid_grant") if words.contains("email or user id") => {
            let (code, field) = match wanted.subject {
                Some(_) => (ErrorCode::InvalidArgument, "asUser"),
                None => (ErrorCode::NotConfigured, "config.subject"),
            };
            let why = "Google has no such user, or has suspended them: nobody can be acted for by this address";
            own(code, field, why.to_owned())
        }
        Some("invalid_grant" | "invalid_client") => own(
            ErrorCode::NeedsReconnect,
            "config.service_account_key",
            "Google does not accept the service account's key: it was deleted, the account is gone, or the clock here is wrong. \
             An administrator has to make a new key in Google's console and enter it"
                .to_owned(),
        ),
        Some("unauthorized_client" | "access_denied") => {
            let asked = config.grant(wanted).ok().and_then(|grant| grant.scope).unwrap_or_default();
            let why = format!(
                "the service account is not allowed all that this needs: {asked}. An administrator of the school's Google \
                 Workspace has to allow its client id these scopes for the whole domain (domain-wide delegation)"
            );
            own(ErrorCode::NeedsReconnect, "config.scopes", why)
        }
        _ => return error,
    };
    explained.with_vendor(told)
}

async fn check(call: &Call<'_, GoogleWorkspace>) -> Result<Connection> {
    let first = ask(call, None).await?;
    let (token, response) = match first {
        // The token was withdrawn though its time was not up: another shows whether the consent was, too.
        (token, response) if matches!(response.status, 400 | 401) => ask(call, Some(&token)).await?,
        fine => fine,
    };
    if !(200..300).contains(&response.status) {
        return Err(call.refusal(&response).map_text(|text| token.redactor.clean(text)));
    }
    let mut connection: Connection = call.read(&response, Repeat::Always)?;
    let granted = connection.more.remove("scope");
    let granted = granted.as_ref().and_then(serde_json::Value::as_str).or(token.scope.as_deref()).unwrap_or_default();
    connection.scopes = Some(granted.split_whitespace().map(str::to_owned).collect());
    Ok(connection)
}

/// Asks with the token in the body: an address is written into logs on its way.
async fn ask(call: &Call<'_, GoogleWorkspace>, refused: Option<&AccessToken>) -> Result<(Arc<AccessToken>, Response)> {
    let token = call.token(refused).await?;
    let token = token.ok_or_else(|| Error::new(ErrorCode::Internal, "Google Workspace is used without a token"))?;
    let url = call.url(host::MAIN, &["oauth2", "v2", "tokeninfo"])?;
    let request = call.post(url).form([("access_token", token.value.expose().as_str())]);
    let response = call.exchange_bare(request, Repeat::Always).await?;
    Ok((token, response))
}
