//! Lines of a file or of stdin, read by a thread of their own: a pipe that is silent holds up nothing that is under way.

use super::unreadable;
use crate::problem::Problem;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Lines read ahead.
const READ_AHEAD: usize = 1_024;
/// The longest line that is kept; a longer one is nothing that we know, whatever it holds. SQS takes 1 MiB.
const MAX_LINE_BYTES: usize = 4 * 1_024 * 1_024;

/// Whether a line goes on beyond its `bytes`, perhaps: whoever writes the file may not have come to its end.
pub(crate) fn is_open(bytes: &[u8]) -> bool {
    !bytes.ends_with(b"\n") && bytes.len() < MAX_LINE_BYTES
}

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `-`
    Stdin,
    /// A file.
    File(PathBuf),
    /// Lines at hand.
    Lines(Vec<Vec<u8>>),
}

/// One line: its number from 1, its bytes, and the bytes read so far.
pub(crate) type NumberedLine = (u64, Vec<u8>, u64);

impl Source {
    /// `-` is stdin.
    pub(crate) fn new(name: &Path) -> Self {
        if name.as_os_str() == "-" { Self::Stdin } else { Self::File(name.to_owned()) }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin | Self::Lines(_) => None,
        }
    }

    /// The same in a form that can be read twice: a pipe can be read once only, so its lines are kept.
    pub(crate) async fn kept(self) -> Result<Self, Problem> {
        if self != Self::Stdin {
            return Ok(self);
        }
        let (mut kept, mut lines) = (Vec::new(), self.lines()?);
        while let Some(next) = lines.recv().await {
            kept.push(next?.1);
        }
        Ok(Self::Lines(kept))
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> String {
        self.file().map_or_else(|| "stdin".to_owned(), |path| path.display().to_string())
    }

    /// The size of the file, if it is one.
    pub(crate) fn size(&self) -> Option<u64> {
        std::fs::metadata(self.file()?).ok().filter(std::fs::Metadata::is_file).map(|about| about.len())
    }

    /// Begins to read; a reading error ends the lines and is their last word.
    pub(crate) fn lines(self) -> Result<mpsc::Receiver<Result<NumberedLine, Problem>>, Problem> {
        let name = PathBuf::from(self.name());
        let reader: Box<dyn BufRead + Send> = match self {
            Self::Stdin => Box::new(BufReader::new(std::io::stdin())),
            Self::File(path) => {
                Box::new(BufReader::new(File::open(&path).map_err(|error| unreadable(&path, &error))?))
            }
            Self::Lines(lines) => Box::new(std::io::Cursor::new(lines.concat())),
        };
        Ok(numbered(move || Ok(reader), name))
    }
}

/// The lines of what `open` opens, which is called `name` where it cannot be read. It is opened by the thread that reads.
pub(crate) fn numbered(
    open: impl FnOnce() -> Result<Box<dyn BufRead + Send>, Problem> + Send + 'static,
    name: PathBuf,
) -> mpsc::Receiver<Result<NumberedLine, Problem>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    std::thread::spawn(move || match open() {
        Ok(reader) => read_all(reader, &name, &sender),
        Err(problem) => drop(sender.blocking_send(Err(problem))),
    });
    receiver
}

fn read_all(mut reader: impl BufRead, name: &Path, to: &mpsc::Sender<Result<NumberedLine, Problem>>) {
    let (mut number, mut bytes) = (0, 0);
    loop {
        let mut line = Vec::new();
        match read_line(&mut reader, &mut line) {
            Ok(0) => return,
            Ok(read) => bytes += read,
            Err(error) => return drop(to.blocking_send(Err(unreadable(name, &error)))),
        }
        number += 1;
        // Nobody listens any more: the run has stopped.
        if to.blocking_send(Ok((number, line, bytes))).is_err() {
            return;
        }
    }
}

/// Reads one line into `line`, at most [`MAX_LINE_BYTES`] of it; the bytes read are returned, 0 at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut read = 0;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(read);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(buffer.len());
        let room = MAX_LINE_BYTES.saturating_sub(line.len());
        line.extend_from_slice(&buffer[..taken.min(room)]);
        reader.consume(taken);
        read += taken as u64;
        if end.is_some() {
            return Ok(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_lines_with_and_without_an_end_when_read_then_each_has_its_number() {
        let mut lines = Source::Lines(vec![b"a\n".to_vec(), b"\n".to_vec(), b"b".to_vec()]).lines().unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.blocking_recv() {
            seen.push(line.unwrap());
        }
        assert_eq!(seen, [(1, b"a\n".to_vec(), 2), (2, b"\n".to_vec(), 3), (3, b"b".to_vec(), 4)]);
    }
}
