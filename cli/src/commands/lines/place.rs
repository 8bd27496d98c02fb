//! Where it is kept how far a run has come: a file that is written whole or not at all, and that never takes the place of one
//! that is somebody else's.

use crate::problem::Problem;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A place, by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    path: PathBuf,
    /// Where it is written before it has its name.
    partial: PathBuf,
}

impl Place {
    /// At `path`.
    pub(crate) fn at(path: PathBuf) -> Self {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".rtr-partial");
        Self { path, partial: partial.into() }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept there; none when there is nothing yet. `what` says what it should be.
    ///
    /// # Errors
    /// When it is something else: that is left to whoever has put it there.
    pub(crate) fn read<T: DeserializeOwned>(&self, what: &str) -> Result<Option<T>, Problem> {
        let name = self.path.display();
        let foreign = |why: String| {
            Problem::usage(format!("{name} is not {what}, and is left as it is: {why}"))
                .hint("move it elsewhere, or remove it if nobody needs it")
        };
        let about = match std::fs::metadata(&self.path) {
            Ok(about) => about,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(super::unreadable(&self.path, &error)),
        };
        if !about.is_file() {
            return Err(foreign("it is no file".to_owned()));
        }
        // Whoever asked for a name of his own was given an empty file with it.
        if about.len() == 0 {
            return Ok(None);
        }
        let file = File::open(&self.path).map_err(|error| super::unreadable(&self.path, &error))?;
        serde_json::from_reader(BufReader::new(file)).map(Some).map_err(|error| foreign(error.to_string()))
    }

    /// Whether `file` would be lost by what is written and removed here, by whatever name it goes.
    pub(crate) fn is(&self, file: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let file = real(file);
        file.is_some() && [&self.path, &self.partial].into_iter().any(|path| real(path) == file)
    }

    /// That it can be written, which leaves nothing behind.
    pub(crate) fn probe(&self) -> std::io::Result<()> {
        self.begin()?;
        std::fs::remove_file(&self.partial)
    }

    /// Writes `text`.
    pub(crate) fn write(&self, text: &[u8]) -> std::io::Result<()> {
        self.begin()?.write_all(text)?;
        std::fs::rename(&self.partial, &self.path)
    }

    /// Removes it.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// A file of its own: through a link that lies there it would be another that is written.
    fn begin(&self) -> std::io::Result<File> {
        match std::fs::remove_file(&self.partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).open(&self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn given_names_of_a_file_when_compared_then_each_is_it_and_no_link_is_written_through() {
        let folder = std::env::temp_dir().join(format!("rtr-place-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("events.jsonl");
        std::fs::write(&file, "{}\n").unwrap();
        let place = |name: &str| Place::at(folder.join(name));
        symlink(&file, folder.join("link")).unwrap();
        symlink(&file, folder.join("half.rtr-partial")).unwrap();
        for same in ["events.jsonl", "./events.jsonl", "link", "half"] {
            assert!(place(same).is(&file), "{same}");
        }
        assert!(!place("other").is(&file));
        std::fs::hard_link(&file, folder.join("state.rtr-partial")).unwrap();
        for name in ["half", "state"] {
            place(name).write(b"7").unwrap();
            assert_eq!(place(name).read::<u64>("a number"), Ok(Some(7)));
            assert_eq!(std::fs::read(&file).unwrap(), b"{}\n", "{name}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn given_what_is_no_place_of_ours_when_read_then_it_is_refused_and_what_is_empty_is_nothing() {
        let file = std::env::temp_dir().join(format!("rtr-place-foreign-{}", std::process::id()));
        let place = Place::at(file.clone());
        std::fs::write(&file, "").unwrap();
        assert_eq!(place.read::<u64>("a number"), Ok(None));
        std::fs::write(&file, "precious").unwrap();
        let refused = place.read::<u64>("a number").unwrap_err();
        assert!(refused.what.contains("is not a number, and is left as it is"), "{refused}");
        place.remove();
        assert_eq!(place.read::<u64>("a number"), Ok(None));
        assert!(Place::at("/dev/null".into()).read::<u64>("a number").is_err());
        assert_eq!((place.probe().is_ok(), file.exists(), place.partial.exists()), (true, false, false));
        assert!(Place::at(file.join("x")).probe().is_err());
    }
}
