//! Passwords: argon2id off the async threads, a bounded number at a time, equal work for unknown users.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::time::Ambient;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::Failure;

/// How many passwords are hashed at once: each takes 19 MiB.
const AT_ONCE: usize = 2;

/// Hashes and checks passwords.
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// A hash that no password has, checked when there is no user, so that both answers take as long.
    nobody: String,
}

impl Passwords {
    pub(crate) fn new(ambient: &dyn Ambient) -> Result<Self, Failure> {
        let mut password = Zeroizing::new([0; 32]);
        ambient.fill_random(password.as_mut());
        let nobody = hash(password.as_ref(), &salt(ambient))?;
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody })
    }

    /// The hash to keep of a password.
    ///
    /// # Errors
    /// `internal_error` when the library refuses.
    pub async fn hash(&self, password: &str, ambient: &dyn Ambient) -> Result<String, Failure> {
        let (password, salt) = (Zeroizing::new(password.to_owned()), salt(ambient));
        self.in_turn(move || hash(password.as_bytes(), &salt)).await?
    }

    /// Whether a password fits a kept hash. Without a hash the same work is done and the answer is no.
    ///
    /// # Errors
    /// `internal_error` when the work cannot be done.
    pub async fn fits(&self, password: &str, kept: Option<&str>) -> Result<bool, Failure> {
        let password = Zeroizing::new(password.to_owned());
        let is_known = kept.is_some();
        let kept = kept.unwrap_or(&self.nobody).to_owned();
        self.in_turn(move || {
            let fits =
                hasher().is_ok_and(|argon| argon.verify_password(password.as_bytes(), &kept[..]).is_ok());
            fits && is_known
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| broken(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| broken(&error))
    }
}

fn salt(ambient: &dyn Ambient) -> [u8; 16] {
    let mut salt = [0; 16];
    ambient.fill_random(&mut salt);
    salt
}

/// 19 MiB, two passes, one lane: the first recommendation of the OWASP password storage sheet.
fn hasher() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, Failure> {
    let hash = hasher()?.hash_password_with_salt(password, salt);
    hash.map(|hash| hash.to_string()).map_err(|error| Failure::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    struct Fixed;
    impl Ambient for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(1)
        }
        fn fill_random(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new(&Fixed).unwrap();
        let kept = passwords.hash("correct horse battery", &Fixed).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.fits("correct horse battery", Some(&kept)).await.unwrap());
        assert!(!passwords.fits("correct horse batter", Some(&kept)).await.unwrap());
        assert!(!passwords.fits("anything", None).await.unwrap());
    }
}
