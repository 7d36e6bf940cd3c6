//! A store that goes back in time, as an operator restores it from a backup, and one that is founded anew.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tempfile::TempDir;

use super::Server;

/// The data of a server as they once were.
#[derive(Debug)]
pub struct Backup(TempDir);

impl Server {
    /// Kills it if it runs, and copies its data. [`restart`](Server::restart) goes on with them.
    ///
    /// # Panics
    /// When they cannot be copied.
    pub fn back_up(&mut self) -> Backup {
        self.kill();
        let backup = tempfile::Builder::new().prefix("gocore-etcd-backup-").tempdir().expect("a directory");
        copy(&self.data(), &backup.path().join("data"));
        Backup(backup)
    }

    /// Kills it if it runs, and puts data back in place of its own. [`restart`](Server::restart) goes on with them: the
    /// same cluster, at the revision of then.
    ///
    /// # Panics
    /// When they cannot be put back.
    pub fn put_back(&mut self, backup: Backup) {
        self.empty();
        copy(&backup.0.path().join("data"), &self.data());
    }

    /// Kills it if it runs, and takes its data away: after a [`restart`](Server::restart) it is another cluster, empty and
    /// at its first revision.
    ///
    /// # Panics
    /// When they cannot be taken away.
    pub fn found_anew(&mut self) {
        self.empty();
        // The cluster's id is made of it.
        self.options.flags.push("--initial-cluster-token=anew".to_owned());
    }

    fn empty(&mut self) {
        self.kill();
        fs::remove_dir_all(self.data()).expect("the server's data can be removed");
    }
}

fn copy(from: &Path, to: &Path) {
    // etcd complains about any other mode.
    DirBuilder::new().mode(0o700).create(to).expect("a directory for the data");
    for entry in fs::read_dir(from).expect("the data can be listed") {
        let entry = entry.expect("the data can be listed");
        let to = to.join(entry.file_name());
        match entry.file_type().expect("a kind of file").is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a file of the data can be copied")),
        }
    }
}
