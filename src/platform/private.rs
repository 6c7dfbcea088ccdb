//! Folders and files that only the user of the server may read: databases, keys, mails.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::Path,
};

use crate::base::error::Error;

/// What to say when a file of the data folder cannot be used.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Error {
    let advice = "set DATA_DIR (or DATABASE_URL) to a place this user may read and write";
    Error::internal(format!("cannot use {}: {error}; {advice}", path.display()))
}

/// Makes a folder, and those it is in, for its owner only. One that is there keeps its rights.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // A path without a folder is in the one we stand in.
    if path.as_os_str().is_empty() { Ok(()) } else { builder.create(path) }
}

/// Opens a file for writing, or makes it, empty and for its owner only.
pub(super) fn file(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

/// Writes a file for its owner only, in place of one that was there.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    options().create(true).truncate(true).open(path)?.write_all(content)
}

/// Reads a file; where there is none, writes it whole or not at all. Of several processes that try at once one writes, and all
/// read the same.
pub(super) fn read_or_write_once(path: &Path, content: impl FnOnce() -> String) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = options().create(true).truncate(true).open(&draft)?;
    let written = file.write_all(content().as_bytes()).and_then(|()| file.sync_all());
    // Unlike a rename, a link never replaces what another process has written meanwhile.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(path),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
