//! The data folder: one process at a time, the master key, the replica's identity.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use domain::ids::ReplicaId;
use domain::time::Ambient;

/// Why the folder cannot be used; one line for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FolderError(String);

/// Holds the folder for this process until dropped.
pub struct DataFolder {
    _lock: File,
    /// The identity that the folder gives to the process that holds it.
    pub replica_id: ReplicaId,
}

/// Makes the folder if needed, readable by its owner alone.
///
/// # Errors
/// When it cannot be made.
pub fn prepare(path: &Path) -> Result<(), FolderError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| FolderError(format!("data folder {}: {error}", path.display())))
}

/// Takes the folder for this process.
///
/// # Errors
/// When another process holds it, or it cannot be written.
pub fn hold(path: &Path, ambient: &dyn Ambient) -> Result<DataFolder, FolderError> {
    prepare(path)?;
    let wrong = |error: std::io::Error| FolderError(format!("data folder {}: {error}", path.display()));
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(wrong)?;
    lock.try_lock().map_err(|_| {
        FolderError(format!(
            "data folder {}: another `bailiwick serve` runs on it; stop that one or choose another folder with --data",
            path.display()
        ))
    })?;
    let identity = path.join("replica");
    let replica_id = match fs::read_to_string(&identity) {
        Ok(text) => {
            text.trim().parse().map_err(|_| FolderError(format!("{} is damaged", identity.display())))?
        }
        Err(_) => {
            let id = ReplicaId::mint(ambient);
            write_private(&identity, &id.to_string()).map_err(wrong)?;
            id
        }
    };
    Ok(DataFolder { _lock: lock, replica_id })
}

/// Reads the master key, making it first where there is none yet and `may_create`.
///
/// # Errors
/// When the file cannot be read, or does not hold 64 hexadecimal digits.
pub fn master_key(path: &Path, may_create: bool, ambient: &dyn Ambient) -> Result<[u8; 32], FolderError> {
    if may_create && !path.exists() {
        let mut key = [0; 32];
        ambient.fill_random(&mut key);
        let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(path, &text).map_err(|error| FolderError(format!("{}: {error}", path.display())))?;
    }
    let text = fs::read_to_string(path)
        .map_err(|error| FolderError(format!("master key {}: {error}", path.display())))?;
    let text = text.trim();
    let byte =
        |index: usize| text.get(2 * index..2 * index + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let mut key = [0; 32];
    let sound =
        text.len() == 64 && (0..32).all(|index| byte(index).map(|value| key[index] = value).is_some());
    sound
        .then_some(key)
        .ok_or_else(|| FolderError(format!("master key {}: not 64 hexadecimal digits", path.display())))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;

    #[test]
    fn one_process_holds_a_folder_and_its_identity_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = hold(folder.path(), &System).unwrap();
        assert!(hold(folder.path(), &System).is_err());
        let id = first.replica_id;
        drop(first);
        assert_eq!(hold(folder.path(), &System).unwrap().replica_id, id);
    }

    #[test]
    fn the_master_key_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(master_key(&path, false, &System).is_err());
        let key = master_key(&path, true, &System).unwrap();
        assert_eq!(master_key(&path, true, &System).unwrap(), key);
        std::fs::write(&path, "00").unwrap();
        assert!(master_key(&path, true, &System).is_err());
    }
}
