//! Tokens: given, narrowed, rotated, revoked, run out, acted with.

use std::time::Duration;

use reqwest::Method;
use sandbox::google_workspace::{
    CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, SERVICE_ACCOUNT, SERVICE_ACCOUNT_KEY, STUDENT, TEACHER,
};
use serde_json::{Value, json};
use url::Url;

use crate::school::{Reply, School, reason, reply};

const ABOUT: &str = "/drive/v3/about?fields=user";

#[tokio::test]
async fn a_refresh_token_opens_and_is_revoked() {
    let school = School::start().await;
    let about = school.get(ABOUT).await;
    assert_eq!(about["user"]["emailAddress"], "admin@yourschool.example");
    let info = school.bare(Method::POST, &format!("/oauth2/v2/tokeninfo?access_token={}", school.token));
    let info = reply(info).await.body;
    assert_eq!((&info["audience"], &info["email"]), (&json!(CLIENT_ID), &about["user"]["emailAddress"]));
    assert!(info["scope"].as_str().unwrap().contains("auth/drive"));
    assert_eq!(school.form("/revoke", &[("token", REFRESH_TOKEN)]).await.status, 200);
    assert_eq!(school.form("/revoke", &[("token", REFRESH_TOKEN)]).await.body["error"], "invalid_token");
    let refused = school.refresh(REFRESH_TOKEN).await;
    assert_eq!((refused.status, &refused.body["error"]), (400, &json!("invalid_grant")));
    let refused = school.send(&school.token, Method::GET, ABOUT, None).await;
    assert_eq!((refused.status, reason(&refused.body)), (401, "authError".to_owned()));
    assert!(refused.headers.contains_key("www-authenticate"));
    assert_eq!(school.google().token_requests(), 2);
}

#[tokio::test]
async fn an_access_token_lives_an_hour() {
    let school = School::start().await;
    school.sandbox.clock().advance(Duration::from_secs(3590));
    school.get(ABOUT).await;
    school.sandbox.clock().advance(Duration::from_secs(20));
    assert_eq!(school.refused(&school.token, Method::GET, ABOUT, None).await, (401, "authError".to_owned()));
    let newer = school.refused(&school.token, Method::GET, "/v1/documents/x", None).await;
    assert_eq!(newer, (401, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test]
async fn rotation_ends_the_old_token() {
    let school = School::start().await;
    school.google().rotate_refresh_tokens(true);
    let first = school.refresh(REFRESH_TOKEN).await;
    let next = first.body["refresh_token"].as_str().unwrap();
    assert_eq!(school.refresh(REFRESH_TOKEN).await.body["error"], "invalid_grant");
    assert!(school.refresh(next).await.body["refresh_token"].is_string());
}

#[tokio::test]
async fn what_is_wrong_with_a_client_is_said() {
    let school = School::start().await;
    let ask = async |id: &str, secret: &str, token: &str| {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id), ("client_secret", secret)];
        let Reply { status, body, .. } = school.form("/token", &form).await;
        (status, body["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(ask("nobody", "x", REFRESH_TOKEN).await, (401, "invalid_client".to_owned()));
    assert_eq!(ask(CLIENT_ID, "wrong", REFRESH_TOKEN).await, (401, "invalid_client".to_owned()));
    assert_eq!(ask(CLIENT_ID, CLIENT_SECRET, "wrong").await, (400, "invalid_grant".to_owned()));
    school.google().add_client("99-other.apps.googleusercontent.com", "s");
    let other = ask("99-other.apps.googleusercontent.com", "s", REFRESH_TOKEN).await;
    assert_eq!(other, (401, "unauthorized_client".to_owned()));
    let unknown = school.form("/token", &[("grant_type", "password")]).await;
    assert_eq!(unknown.body["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn scopes_are_asked_for() {
    let school = School::start().await;
    let token = school.token_of(TEACHER, &["drive.readonly"]).await;
    let made = school.refused(&token, Method::POST, "/drive/v3/files", Some(json!({ "name": "x" }))).await;
    assert_eq!(made, (403, "insufficientPermissions".to_owned()));
    let made = school.refused(&token, Method::POST, "/v1/documents", Some(json!({ "title": "x" }))).await;
    assert_eq!(made, (403, "PERMISSION_DENIED".to_owned()));
    school.google().enable("drive", false);
    let off = school.refused(&school.token, Method::GET, ABOUT, None).await;
    assert_eq!(off, (403, "accessNotConfigured".to_owned()));
}

#[tokio::test]
async fn consent_gives_a_code_for_one_try() {
    let school = School::start().await;
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let back = "http://127.0.0.1:9/back";
    let code = async || {
        let at = format!(
            "/o/oauth2/v2/auth?client_id={CLIENT_ID}&redirect_uri={back}&response_type=code&state=s%26&access_type=offline\
             &scope=https://www.googleapis.com/auth/drive&code_challenge={challenge}&code_challenge_method=S256\
             &login_hint={TEACHER}"
        );
        let answer = reply(school.bare(Method::GET, &at)).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        let to = Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
        let pairs: Vec<(String, String)> = to.query_pairs().into_owned().collect();
        assert!(pairs.contains(&("state".to_owned(), "s&".to_owned())));
        pairs.into_iter().find(|(name, _)| name == "code").unwrap().1
    };
    let change = async |code: &str, verifier: &str, back: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("redirect_uri", back),
            ("code_verifier", verifier),
        ];
        school.form("/token", &form).await.body
    };
    let one = code().await;
    let tokens = change(&one, verifier, back).await;
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    let about = school.send(tokens["access_token"].as_str().unwrap(), Method::GET, ABOUT, None).await.body;
    assert_eq!(about["user"]["emailAddress"], TEACHER);
    assert_eq!(change(&one, verifier, back).await["error"], "invalid_grant", "a code is good once");
    assert_eq!(change(&code().await, "wrong", back).await["error"], "invalid_grant");
    assert_eq!(change(&code().await, verifier, "http://localhost/x").await["error"], "redirect_uri_mismatch");
    let again = change(&code().await, verifier, back).await;
    assert!(again["access_token"].is_string() && again["refresh_token"].is_null(), "the consent is known already");
}

#[tokio::test]
async fn a_service_account_acts_for_a_user() {
    let school = School::start().await;
    let drive = "https://www.googleapis.com/auth/drive";
    let now = school.sandbox.clock().now() / 1000;
    let ask = async |change: Value| {
        let mut claims = json!({
            "iss": SERVICE_ACCOUNT, "scope": drive, "aud": "https://oauth2.googleapis.com/token",
            "iat": now, "exp": now + 3600, "sub": STUDENT,
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let assertion = signed(&claims);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &*assertion)];
        school.form("/token", &form).await
    };
    let tokens = ask(json!({})).await.body;
    let about = school.send(tokens["access_token"].as_str().unwrap(), Method::GET, ABOUT, None).await.body;
    assert_eq!(about["user"]["emailAddress"], STUDENT);
    assert!(tokens["refresh_token"].is_null());
    let error = async |change: Value| ask(change).await.body["error"].as_str().unwrap().to_owned();
    assert_eq!(error(json!({ "iss": "x@y.example" })).await, "invalid_grant");
    assert_eq!(error(json!({ "aud": "https://elsewhere.example" })).await, "invalid_grant");
    assert_eq!(error(json!({ "exp": now + 3601 })).await, "invalid_grant");
    assert_eq!(error(json!({ "iat": now - 9000, "exp": now - 6000 })).await, "invalid_grant");
    assert_eq!(error(json!({ "sub": "nobody@yourschool.example" })).await, "invalid_grant");
    let own = format!("{}/token", school.google().url());
    assert!(ask(json!({ "aud": own })).await.body["access_token"].is_string());
    school.google().delegate(&["https://www.googleapis.com/auth/calendar"]);
    let refused = ask(json!({})).await;
    assert_eq!((refused.status, &refused.body["error"]), (401, &json!("unauthorized_client")));
    let mut forged = signed(&json!({ "iss": SERVICE_ACCOUNT, "aud": own, "iat": now, "exp": now + 60 }));
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &*forged)];
    assert_eq!(school.form("/token", &form).await.body["error"], "invalid_grant");
}

#[tokio::test]
async fn a_pushed_message_can_be_checked_with_the_published_key() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};
    let school = School::start().await;
    let certs = reply(school.bare(Method::GET, "/oauth2/v3/certs")).await.body;
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(certs["keys"][0][name].as_str().unwrap()).unwrap();
        rsa::BoxedUint::from_be_slice_vartime(&bytes)
    };
    let key = rsa::PublicKey::new(number("n"), number("e")).expect("a public key");
    let token = school.google().push_token("https://school.example/push", "pusher@school.example");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(rsa::Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(signed), &signature).expect("the signature holds");
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (&claims["aud"], &claims["iss"]),
        (&json!("https://school.example/push"), &json!("https://accounts.google.com"))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
}

/// An assertion signed with the key file's key.
fn signed(claims: &Value) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use rsa::pkcs8::DecodePrivateKey;
    use sha2::{Digest, Sha256};
    let key: Value = serde_json::from_str(SERVICE_ACCOUNT_KEY).expect("the key file is JSON");
    let pem = key["private_key"].as_str().expect("a key");
    let private = rsa::PrivateKey::from_pkcs8_pem(pem).expect("a PKCS#8 key");
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key["private_key_id"] });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(claims));
    let signature =
        private.sign(rsa::Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(input.as_bytes())).expect("signed");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
