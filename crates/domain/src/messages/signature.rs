//! How a webhook proves where it comes from: the headers of Standard Webhooks
//! (<https://www.standardwebhooks.com>): HMAC-SHA-256 over id, time and body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api_keys::Secret;
use crate::error::Error;
use crate::time::{Ambient, Timestamp};

const PREFIX: &str = "whsec_";
/// How many random bytes a secret has.
const LENGTH: usize = 32;

/// The secret of one endpoint.
#[derive(Clone, Debug)]
pub struct WebhookSecret(Secret);

impl WebhookSecret {
    /// Draws one.
    pub fn draw(ambient: &dyn Ambient) -> Self {
        let mut bytes = [0; LENGTH];
        ambient.fill_random(&mut bytes);
        Self(Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes))))
    }

    /// Reads one in its text form.
    ///
    /// # Errors
    /// `invalid_webhook_secret`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let secret = Self(Secret::new(text.to_owned()));
        let length = secret.key().map(|key| key.len());
        if length.is_some_and(|length| (24..=64).contains(&length)) {
            return Ok(secret);
        }
        let sentence = "A webhook secret is whsec_ and 24 to 64 bytes in base64.";
        Err(Error::invalid_param("invalid_webhook_secret", "secret", sentence))
    }

    /// Its text form, for the one place that shows it and for sealing.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.reveal().strip_prefix(PREFIX)?).ok()
    }

    /// The signature of one message, with its version.
    fn sign(&self, id: &str, at: Timestamp, body: &str) -> Option<String> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key()?);
        let tag = hmac::sign(&key, format!("{id}.{}.{body}", at.unix_seconds()).as_bytes());
        Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
    }
}

/// The headers of one message; while a secret is being rotated it is signed with both.
pub fn headers(
    secrets: &[WebhookSecret],
    id: &str,
    at: Timestamp,
    body: &str,
) -> [(&'static str, String); 3] {
    let signatures: Vec<String> = secrets.iter().filter_map(|secret| secret.sign(id, at, body)).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.unix_seconds().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // Key, message and result of the standard's reference implementation.
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_unix_seconds(1_614_265_330);
        let body = "{\"test\": 2432232314}";
        let headers = headers(&[secret.clone(), secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers[2].1, format!("{signature} {signature}"));
        assert_eq!(headers[1].1, "1614265330");
    }

    #[test]
    fn secrets_are_long_enough_and_not_printed() {
        assert!(WebhookSecret::parse("whsec_c2hvcnQ=").is_err() && WebhookSecret::parse("plain").is_err());
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert!(!format!("{secret:?}").contains("MfKQ9"));
    }
}
