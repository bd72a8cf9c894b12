//! Who may ask: with a token configured, nobody without it.

use std::{hint::black_box, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{
    App,
    error::ApiError,
    extract::Body,
    view::{ErrorBody, LoggedIn, Login},
};

/// Name of the session cookie.
pub(crate) const COOKIE: &str = "clipmill_session";

/// A login lasts 30 days, or until the token changes.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;

/// What a request must present. Holds digests of the token, not the token.
pub(crate) struct Gate {
    token: [u8; 32],
    session: SecretString,
    session_digest: [u8; 32],
}

impl Gate {
    pub(crate) fn new(token: &SecretString) -> Self {
        let session = hex(&digest(&[b"clipmill console session\0", token.expose_secret().as_bytes()]));
        Self {
            token: digest(&[token.expose_secret().as_bytes()]),
            session_digest: digest(&[session.as_bytes()]),
            session: SecretString::from(session),
        }
    }

    fn knows(&self, token: &str) -> bool {
        equal(&self.token, &digest(&[token.as_bytes()]))
    }

    /// Whether the headers carry the token (`Authorization: Bearer …`) or a session cookie made from it.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .is_some_and(|(_, token)| self.knows(token.trim()));
        bearer
            || headers
                .get_all(header::COOKIE)
                .iter()
                .filter_map(|v| v.to_str().ok())
                .flat_map(|v| v.split(';'))
                .filter_map(|pair| pair.trim().split_once('='))
                .any(|(name, value)| {
                    name == COOKIE && equal(&self.session_digest, &digest(&[value.trim().as_bytes()]))
                })
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    sha.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Takes the same time wherever the two differ.
fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    black_box(a.iter().zip(b).fold(0u8, |differ, (x, y)| differ | black_box(x ^ y))) == 0
}

/// Lets a request pass if it may ask.
pub(crate) async fn require(State(gate): State<Option<Arc<Gate>>>, req: Request, next: Next) -> Response {
    match gate {
        Some(gate) if !gate.admits(req.headers()) => {
            ApiError::new(StatusCode::UNAUTHORIZED, "login_needed", "this console asks for its token")
                .hint("log in, or send the header authorization: Bearer TOKEN")
                .into_response()
        }
        _ => next.run(req).await,
    }
}

/// Exchanges the token for a session cookie.
#[utoipa::path(post, path = "/api/login", tag = "access", request_body = Login, responses(
    (status = 200, body = LoggedIn, description = "The session cookie is set. Without a configured token any login succeeds."),
    (status = 401, body = ErrorBody, description = "A wrong token."),
))]
pub(crate) async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    let Some(gate) = &app.gate else { return Ok(Json(LoggedIn { ok: true }).into_response()) };
    if !gate.knows(login.token.expose_secret().trim()) {
        tracing::warn!("a login with a wrong token was refused");
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            "this is not the token of this console",
        )
        .hint("it is the first line of the file named by serve.auth_token_file"));
    }
    let tls = headers.get("x-forwarded-proto").is_some_and(|v| v.as_bytes() == b"https");
    let secure = if tls { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Strict{secure}",
        gate.session.expose_secret()
    );
    let mut response = Json(LoggedIn { ok: true }).into_response();
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_the_token_and_its_session_open_the_gate() {
        let gate = Gate::new(&SecretString::from("0123456789abcdef"));
        let session = gate.session.expose_secret().to_owned();
        assert!(!session.contains("0123456789abcdef"));
        assert!(gate.admits(&with(header::AUTHORIZATION, "Bearer 0123456789abcdef")));
        assert!(gate.admits(&with(header::AUTHORIZATION, "bearer 0123456789abcdef")));
        assert!(gate.admits(&with(header::COOKIE, &format!("a=b; {COOKIE}={session}"))));
        for (name, value) in [
            (header::AUTHORIZATION, "Bearer 0123456789abcdeF"),
            (header::AUTHORIZATION, "Bearer "),
            (header::AUTHORIZATION, "Basic 0123456789abcdef"),
            (header::COOKIE, "clipmill_session=0123456789abcdef"),
            (header::COOKIE, "clipmill_session="),
            (header::COOKIE, "other=1"),
        ] {
            assert!(!gate.admits(&with(name, value)), "{value}");
        }
        let other = Gate::new(&SecretString::from("0123456789abcdeg"));
        assert!(
            !other.admits(&with(header::COOKIE, &format!("{COOKIE}={session}"))),
            "a new token ends sessions"
        );
    }
}
