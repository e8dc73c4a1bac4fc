//! Signing in: secrets, certificates, refresh tokens, codes, and what each token may do.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Url;
use rsa::PrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use sandbox::microsoft365::{
    CERTIFICATE, CERTIFICATE_KEY, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TEACHER_ID, TENANT_ID,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::tenant::{Reply, Tenant, access, reply};

const DEFAULT: (&str, &str) = ("scope", "https://graph.microsoft.com/.default");
const AS_APP: (&str, &str) = ("grant_type", "client_credentials");
const REFRESH: (&str, &str) = ("grant_type", "refresh_token");
const SECRET: (&str, &str) = ("client_secret", CLIENT_SECRET);

/// What Entra called the refusal, and its number.
fn refusal(reply: &Reply) -> (&str, u64) {
    let number = reply.body["error_codes"][0].as_u64().unwrap_or_default();
    let text = reply.body["error_description"].as_str().unwrap_or_default();
    assert!(text.starts_with(&format!("AADSTS{number}: ")), "{reply:?}");
    (reply.body["error"].as_str().unwrap_or(""), number)
}

#[tokio::test]
async fn the_app_signs_in_with_its_secret() {
    let tenant = Tenant::start().await;
    let signed_in = tenant.token(&[AS_APP, DEFAULT, SECRET]).await;
    assert_eq!(signed_in.body["expires_in"], 3599);
    assert_eq!(signed_in.body["refresh_token"], Value::Null);
    assert_eq!(tenant.get(&access(&signed_in), "/users").await.status, 200);

    let wrong = tenant.token(&[AS_APP, DEFAULT, ("client_secret", "wrong")]).await;
    assert_eq!((wrong.status, refusal(&wrong)), (401, ("invalid_client", 7_000_215)));
    let unscoped = tenant.token(&[AS_APP, ("scope", "User.Read"), SECRET]).await;
    assert_eq!(refusal(&unscoped), ("invalid_scope", 1_002_012));
    for elsewhere in ["common", "elsewhere.example"] {
        let reply = tenant.token_at(elsewhere, &[AS_APP, DEFAULT, SECRET]).await;
        assert_eq!((reply.status, refusal(&reply)), (400, ("invalid_request", 90002)), "{elsewhere}");
    }
}

#[tokio::test]
async fn access_tokens_expire_by_the_clock() {
    let tenant = Tenant::start().await;
    tenant.sandbox.clock().freeze();
    let token = tenant.app_token().await;
    tenant.sandbox.clock().advance(Duration::from_secs(3598));
    assert_eq!(tenant.get(&token, "/organization").await.status, 200);
    tenant.sandbox.clock().advance(Duration::from_secs(1));
    let expired = tenant.get(&token, "/organization").await;
    assert_eq!(expired.code(), (401, "InvalidAuthenticationToken"));
    assert!(expired.header("www-authenticate").starts_with("Bearer"), "{expired:?}");
}

/// An assertion of the app, signed with the certificate's key.
fn assertion(audience: &str, id: &str, until: i64) -> String {
    let der: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(STANDARD.decode(der).expect("base64")));
    let header = json!({ "alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint });
    let claims = json!({ "aud": audience, "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": id, "exp": until });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let key = PrivateKey::from_pkcs8_pem(CERTIFICATE_KEY).expect("a key");
    let signature = key.pkcs1v15_sign::<Sha256>(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn the_app_signs_in_with_its_certificate_once_for_each_assertion() {
    let tenant = Tenant::start().await;
    let audience = tenant.at(&format!("/{TENANT_ID}/oauth2/v2.0/token"));
    let until = tenant.sandbox.clock().now() / 1000 + 300;
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let ask = async |assertion: &str| tenant.token(&[AS_APP, DEFAULT, kind, ("client_assertion", assertion)]).await;

    let good = assertion(&audience, "one", until);
    let signed_in = ask(&good).await;
    assert_eq!(tenant.get(&access(&signed_in), "/organization").await.status, 200);
    assert_eq!(refusal(&ask(&good).await).1, 700_024, "used twice");
    let vendors = format!("https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token");
    assert_eq!(ask(&assertion(&vendors, "two", until)).await.status, 200);

    assert_eq!(refusal(&ask(&assertion("https://elsewhere.example", "three", until)).await).1, 700_023);
    assert_eq!(refusal(&ask(&assertion(&audience, "four", until - 301)).await).1, 700_024, "expired");
    let mut forged = assertion(&audience, "five", until);
    forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
    assert_eq!(refusal(&ask(&forged).await), ("invalid_client", 700_027));
    assert_eq!(refusal(&ask("no.assertion").await).1, 50027);
}

#[tokio::test]
async fn every_refresh_gives_a_new_refresh_token() {
    let tenant = Tenant::start().await;
    let first = tenant.token(&[REFRESH, SECRET, ("refresh_token", REFRESH_TOKEN)]).await;
    let next = first.body["refresh_token"].as_str().expect("a refresh token");
    assert_ne!(next, REFRESH_TOKEN);
    assert_eq!(tenant.token(&[REFRESH, SECRET, ("refresh_token", REFRESH_TOKEN)]).await.status, 200, "still alive");

    tenant.graph().spend_refresh_tokens(true);
    assert_eq!(tenant.token(&[REFRESH, SECRET, ("refresh_token", next)]).await.status, 200);
    let spent = tenant.token(&[REFRESH, SECRET, ("refresh_token", next)]).await;
    assert_eq!((spent.status, refusal(&spent)), (400, ("invalid_grant", 700_082)));
    assert_eq!(
        refusal(&tenant.token(&[REFRESH, SECRET, ("refresh_token", "made up")]).await),
        ("invalid_grant", 70000)
    );
}

#[tokio::test]
async fn a_changed_password_ends_it_all() {
    let tenant = Tenant::start().await;
    tenant.graph().revoke(TEACHER_ID);
    assert_eq!(tenant.get(&tenant.teacher, "/me").await.status, 401);
    let refused = tenant.token(&[REFRESH, SECRET, ("refresh_token", REFRESH_TOKEN)]).await;
    assert_eq!(refusal(&refused), ("invalid_grant", 50173));
}

#[tokio::test]
async fn a_scripted_refusal_strikes_once() {
    let tenant = Tenant::start().await;
    tenant.graph().refuse_token(65001);
    tenant.graph().refuse_token(50076);
    let consent = tenant.token(&[AS_APP, DEFAULT, SECRET]).await;
    assert_eq!((refusal(&consent), &consent.body["suberror"]), (("invalid_grant", 65001), &json!("consent_required")));
    let second_factor = tenant.token(&[AS_APP, DEFAULT, SECRET]).await;
    assert_eq!(refusal(&second_factor), ("interaction_required", 50076));
    assert!(second_factor.body["claims"].is_string(), "{second_factor:?}");
    assert_eq!(tenant.token(&[AS_APP, DEFAULT, SECRET]).await.status, 200);
    assert_eq!(tenant.graph().token_requests().len(), 5);
}

#[tokio::test]
async fn a_challenge_is_answered_by_asking_with_its_claims() {
    let tenant = Tenant::start().await;
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1764100000"}}}"#;
    tenant.graph().require_claims(claims);
    let challenged = tenant.get(&tenant.teacher, "/me").await;
    assert_eq!(challenged.code(), (401, "InvalidAuthenticationToken"));
    let told = challenged.header("www-authenticate");
    let sent = told.split("claims=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("claims");
    assert_eq!(STANDARD.decode(sent).expect("base64"), claims.as_bytes());
    let plain = tenant.token_of(REFRESH_TOKEN).await;
    assert_eq!(tenant.get(&plain, "/me").await.status, 401);
    let asked = tenant.token(&[REFRESH, SECRET, ("refresh_token", REFRESH_TOKEN), ("claims", claims)]).await;
    assert_eq!(tenant.get(&access(&asked), "/me").await.status, 200);
}

#[tokio::test]
async fn a_reset_lets_in_again_what_stood_ready() {
    let tenant = Tenant::start().await;
    tenant.graph().revoke(TEACHER_ID);
    tenant.graph().grant_roles(&[]);
    tenant.graph().refuse_token(90033);
    tenant.graph().require_claims("{}");
    tenant.sandbox.reset();
    assert_eq!(tenant.get(&tenant.app, "/users").await.status, 401, "old tokens are gone");
    assert_eq!(tenant.get(&tenant.app_token().await, "/users").await.status, 200);
    assert_eq!(tenant.get(&tenant.token_of(REFRESH_TOKEN).await, "/me").await.status, 200);
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_whoever_knows_the_verifier() {
    let tenant = Tenant::start().await;
    let verifier = "correct-horse-battery-staple-correct-horse-battery";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let back = "https://sis.example/callback";
    let consent = async || {
        let mut url = Url::parse(&tenant.at("/common/oauth2/v2.0/authorize")).expect("an address");
        url.query_pairs_mut()
            .append_pair("client_id", CLIENT_ID)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", back)
            .append_pair("scope", "openid offline_access https://graph.microsoft.com/Mail.Read")
            .append_pair("state", "s&1")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("login_hint", "student@yourschool.example");
        let redirected = reply(tenant.http.get(url)).await;
        assert_eq!(redirected.status, 302, "{redirected:?}");
        let back = Url::parse(redirected.location()).expect("an address");
        let pair = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(pair("state").as_deref(), Some("s&1"));
        pair("code").expect("a code")
    };
    let redeem = async |code: &str, verifier: &str| {
        let kind = ("grant_type", "authorization_code");
        tenant.token(&[kind, SECRET, ("code", code), ("redirect_uri", back), ("code_verifier", verifier)]).await
    };

    let wrong = redeem(&consent().await, "guessed").await;
    assert_eq!(refusal(&wrong), ("invalid_grant", 501_481));
    let code = consent().await;
    let signed_in = redeem(&code, verifier).await;
    assert_eq!(signed_in.body["scope"], "Mail.Read");
    assert!(signed_in.body["refresh_token"].is_string(), "{signed_in:?}");
    assert_eq!(refusal(&redeem(&code, verifier).await), ("invalid_grant", 54005));

    let token = access(&signed_in);
    assert_eq!(tenant.get(&token, "/me/messages").await.status, 200);
    assert_eq!(tenant.get(&token, "/me/events").await.code(), (403, "ErrorAccessDenied"));
    assert_eq!(
        tenant.get(&token, "/users/teacher@yourschool.example/messages").await.code(),
        (403, "ErrorAccessDenied")
    );
}

#[tokio::test]
async fn an_administrator_consents_for_the_tenant() {
    let tenant = Tenant::start().await;
    let path = format!("/{TENANT_ID}/adminconsent?client_id={CLIENT_ID}&redirect_uri=https://sis.example/done&state=7");
    let redirected = reply(tenant.http.get(tenant.at(&path))).await;
    assert_eq!(
        redirected.location(),
        format!("https://sis.example/done?admin_consent=True&tenant={TENANT_ID}&state=7")
    );
}

#[tokio::test]
async fn roles_bound_what_the_app_may() {
    let tenant = Tenant::start().await;
    tenant.graph().grant_roles(&["User.Read.All", "Mail.ReadWrite"]);
    let token = tenant.app_token().await;
    assert_eq!(tenant.get(&token, "/users").await.status, 200);
    assert_eq!(tenant.get(&token, "/groups").await.code(), (403, "Authorization_RequestDenied"));
    let mailbox = format!("/users/{TEACHER_ID}");
    assert_eq!(tenant.get(&token, &format!("{mailbox}/messages")).await.status, 200, "writing includes reading");
    let mail = json!({ "message": { "toRecipients": [{ "emailAddress": { "address": "a@b.example" } }] } });
    assert_eq!(tenant.post(&token, &format!("{mailbox}/sendMail"), mail).await.code(), (403, "ErrorAccessDenied"));
    assert_eq!(tenant.get(&token, &format!("{mailbox}/drive")).await.code(), (403, "accessDenied"));
}
