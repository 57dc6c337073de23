//! `demo`: a sample organization with believable history, for looking around. Nothing to configure, nothing spent.

mod company;
mod history;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use control::{Control, NoFollowers};

use crate::ambient::System;
use crate::cli::serve::{control_settings, open, serve as serve_instance};
use crate::cli::{Failed, print};
use crate::config::Config;

/// The data folder of a demo; one that was made for it is removed at the end.
pub struct Place {
    path: PathBuf,
    is_own: bool,
}

impl Place {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_own {
            // What cannot be removed stays for the operating system to clear.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// The folder that was named, or a fresh one among the system's temporary files.
///
/// # Errors
/// When none can be made.
pub fn place(named: Option<PathBuf>) -> Result<Place, Failed> {
    if let Some(path) = named {
        return Ok(Place { path, is_own: false });
    }
    let path = std::env::temp_dir().join(format!("bailiwick-demo-{}", std::process::id()));
    crate::data_folder::prepare(&path)?;
    Ok(Place { path, is_own: true })
}

/// Fills the folder if it is empty, tells how to sign in, and serves.
///
/// # Errors
/// As `serve`.
pub async fn serve(config: Config) -> Result<(), Failed> {
    let opened = open(&config).await?;
    let settings = control_settings(&config, config.listen);
    let control =
        Control::new(opened.store, Arc::new(System), opened.secrets, Arc::new(NoFollowers), settings)
            .map_err(|failure| Failed(failure.to_string()))?;
    let is_empty = control.store.feed_position().await.map_err(crate::cli::serve::told)? == 0;
    if is_empty {
        let key = company::found(&control).await.map_err(|failure| Failed(failure.to_string()))?;
        print(&format!("a key of the project \"Support Assistant\": {}", key.reveal()))?;
    }
    control.store.close().await;
    print(&format!(
        "sign in as {} (Admin) or {} (Project Owner), password: {}",
        company::ADMIN,
        company::OWNER,
        company::PASSWORD
    ))?;
    serve_instance(config).await
}
