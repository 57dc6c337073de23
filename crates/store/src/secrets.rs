//! Secrets at rest: AES-256-GCM-SIV under the instance's master key, bound to the place where they stand.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad as AeadAad, RandomizedNonceKey};
use aws_lc_rs::hmac;
use domain::api_keys::Pepper;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Where a sealed secret stands. A ciphertext moved to another place does not open.
#[derive(Clone, Copy, Debug)]
pub struct Aad<'a> {
    /// The organization.
    pub organization: &'a str,
    /// The table.
    pub table: &'a str,
    /// The row.
    pub row: &'a str,
    /// The version of the row's secret.
    pub version: i64,
}

impl Aad<'_> {
    fn bytes(&self) -> Vec<u8> {
        format!("{}\n{}\n{}\n{}", self.organization, self.table, self.row, self.version).into_bytes()
    }
}

/// What is derived from the instance's master key.
pub struct Secrets {
    pepper: Pepper,
    sealing: RandomizedNonceKey,
}

impl Secrets {
    /// Derives the pepper and the sealing key, each by HMAC-SHA-256 of its name.
    ///
    /// # Errors
    /// `Corrupt` when the library refuses the derived key, which it does not for 32 bytes.
    pub fn from_master(master: &[u8; 32]) -> Result<Self> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM_SIV, derive(master, "sealing").as_ref())
            .map_err(|_| Error::Corrupt("the sealing key cannot be made".to_owned()))?;
        Ok(Self { pepper: Pepper::new(&derive(master, "pepper")), sealing })
    }

    /// Under which keys and tokens are hashed.
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    /// Encrypts for one place: nonce, ciphertext, tag.
    ///
    /// # Errors
    /// `Unavailable` when the random source fails.
    pub fn seal(&self, aad: Aad<'_>, plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut body = plaintext.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(AeadAad::from(aad.bytes()), &mut body)
            .map_err(|_| Error::Unavailable("sealing failed".to_owned()))?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Decrypts what was sealed for this place.
    ///
    /// # Errors
    /// `Corrupt` when it was not sealed for this place, under this master key, or was changed.
    pub fn open(&self, aad: Aad<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let refused = || Error::Corrupt(format!("a secret of {} {} does not open", aad.table, aad.row));
        let (nonce, body) = sealed.split_at_checked(12).ok_or_else(refused)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .sealing
            .open_in_place(nonce, AeadAad::from(aad.bytes()), &mut body)
            .map_err(|_| refused())?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

fn derive(master: &[u8; 32], name: &str) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), name.as_bytes());
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(tag.as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_place_and_under_its_key() {
        let secrets = Secrets::from_master(&[7; 32]).unwrap();
        let here = Aad { organization: "o", table: "providers", row: "1", version: 1 };
        let sealed = secrets.seal(here, b"credential").unwrap();
        assert_eq!(secrets.open(here, &sealed).unwrap().as_slice(), b"credential");
        for there in [Aad { organization: "p", ..here }, Aad { row: "2", ..here }, Aad { version: 2, ..here }]
        {
            assert!(secrets.open(there, &sealed).is_err());
        }
        assert!(Secrets::from_master(&[8; 32]).unwrap().open(here, &sealed).is_err());
        assert!(secrets.open(here, &sealed[..11]).is_err());
    }
}
