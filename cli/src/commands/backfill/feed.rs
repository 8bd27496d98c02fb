//! Where a backfill's lines come from: a file, an object of S3, or stdin; compressed or not, as the first bytes say.

use crate::aws::{Aws, problem};
use crate::commands::lines::{NumberedLine, numbered, unreadable};
use crate::problem::Problem;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// How much of an object is fetched at a time: a connection that is left open while the queue is full would be closed.
const PART_BYTES: u64 = 8 * 1_024 * 1_024;
/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum From {
    /// `-`
    Stdin,
    /// A file.
    File(PathBuf),
    /// An object of S3.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// Lines, and how far the source is read.
pub(in crate::commands) struct Feed {
    /// The lines.
    pub(in crate::commands) lines: mpsc::Receiver<Result<NumberedLine, Problem>>,
    /// Bytes of the source, as it lies there.
    pub(in crate::commands) size: Option<u64>,
    read: Arc<AtomicU64>,
}

/// What an object is, beside its name: it must not change while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Version {
    /// Its entity tag.
    pub(in crate::commands) etag: String,
    /// Its size.
    pub(in crate::commands) bytes: u64,
}

impl From {
    /// What `text` names.
    pub(in crate::commands) fn parse(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let Some(object) = text.strip_prefix("s3://") else { return Ok(Self::File(PathBuf::from(text))) };
        match object.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err("an object of S3 is named s3://bucket/key".to_owned()),
        }
    }

    /// Its name in messages.
    pub(in crate::commands) fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Object { bucket, key } => format!("s3://{bucket}/{key}"),
        }
    }

    /// That it is there to be read, as far as that shows without AWS and without reading: whoever reads a pipe empties it.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub(in crate::commands) fn is_there(&self) -> Result<(), Problem> {
        let Self::File(path) = self else { return Ok(()) };
        let wrong = |error| {
            unreadable(path, &error).hint("--from names a file, an object as s3://bucket/key, or - for stdin")
        };
        let about = std::fs::metadata(path).map_err(wrong)?;
        if about.is_dir() {
            return Err(wrong(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        if about.is_file() {
            File::open(path).map_err(wrong)?;
        }
        Ok(())
    }

    /// The version of the object, if it is one.
    pub(in crate::commands) async fn version(&self, aws: Option<&Aws>) -> Result<Option<Version>, Problem> {
        let (Self::Object { bucket, key }, Some(aws)) = (self, aws) else { return Ok(None) };
        let asked = aws.clients.s3.head_object().bucket(bucket).key(key).send();
        let head = Box::pin(asked).await.map_err(|error| {
            let missing = error.as_service_error().is_some_and(|error| error.is_not_found());
            let found = problem("HeadObject", &aws.place, &error);
            if missing { Problem::not_found(format!("there is no {}", self.name())) } else { found }
        })?;
        let etag = head.e_tag().unwrap_or_default().to_owned();
        let bytes = head.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok(Some(Version { etag, bytes }))
    }

    /// Begins to read.
    pub(in crate::commands) fn open(
        &self,
        aws: Option<&Aws>,
        version: Option<Version>,
    ) -> Result<Feed, Problem> {
        let read = Arc::new(AtomicU64::new(0));
        let (source, size): (Box<dyn Read + Send>, Option<u64>) = match (self, aws, version) {
            (Self::Object { bucket, key }, Some(aws), Some(version)) => {
                let (sender, parts) = mpsc::channel(2);
                let size = version.bytes;
                let fetching = fetch(
                    aws.clients.s3.clone(),
                    aws.place.clone(),
                    (bucket.clone(), key.clone()),
                    version,
                    sender,
                );
                tokio::spawn(fetching);
                (Box::new(Parts { parts, rest: std::io::Cursor::new(Vec::new()) }), Some(size))
            }
            (Self::File(path), ..) => {
                let file = File::open(path).map_err(|error| unreadable(path, &error))?;
                let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
                (Box::new(file), size)
            }
            _ => (Box::new(std::io::stdin()), None),
        };
        let counted = Counted { source, read: read.clone() };
        let (name, plain) = (PathBuf::from(self.name()), BufReader::with_capacity(64 * 1_024, counted));
        let shown = name.clone();
        Ok(Feed { lines: numbered(move || unpacked(plain, &name), shown), size, read })
    }
}

impl Feed {
    /// How much of the source is read, in thousandths.
    pub(in crate::commands) fn read_milli(&self) -> Option<u64> {
        let size = u128::from(self.size.filter(|size| *size > 0)?);
        let read = u128::from(self.read.load(Ordering::Relaxed));
        u64::try_from((read * 1_000 / size).min(1_000)).ok()
    }
}

/// `plain`, unpacked if it is packed.
fn unpacked(
    mut plain: BufReader<impl Read + Send + 'static>,
    name: &Path,
) -> Result<Box<dyn BufRead + Send>, Problem> {
    let first = plain.fill_buf().map_err(|error| unreadable(name, &error))?;
    Ok(if first.starts_with(&GZIP) {
        // Files are packed in parts, and put one behind the other.
        Box::new(BufReader::new(MultiGzDecoder::new(plain)))
    } else {
        Box::new(plain)
    })
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// An object, part by part.
struct Parts {
    parts: mpsc::Receiver<Result<Vec<u8>, Problem>>,
    rest: std::io::Cursor<Vec<u8>>,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.rest.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            match self.parts.blocking_recv() {
                Some(Ok(part)) => self.rest = std::io::Cursor::new(part),
                Some(Err(problem)) => return Err(std::io::Error::other(problem.what)),
                None => return Ok(0),
            }
        }
    }
}

/// Fetches the object in parts, until nobody wants any more.
async fn fetch(
    s3: aws_sdk_s3::Client,
    place: String,
    (bucket, key): (String, String),
    version: Version,
    to: mpsc::Sender<Result<Vec<u8>, Problem>>,
) {
    let mut from = 0;
    while from < version.bytes {
        let last = (from + PART_BYTES).min(version.bytes) - 1;
        let asked = s3.get_object().bucket(&bucket).key(&key).range(format!("bytes={from}-{last}"));
        let asked = if version.etag.is_empty() { asked } else { asked.if_match(&version.etag) };
        let part = match Box::pin(asked.send()).await {
            Ok(part) => part.body.collect().await.map(|bytes| bytes.to_vec()).map_err(|error| {
                Problem::unreachable(format!("GetObject at {place}: the answer broke off: {error}"))
            }),
            Err(error) => Err(problem("GetObject", &place, &error)),
        };
        let failed = part.is_err();
        if to.send(part).await.is_err() || failed {
            return;
        }
        from = last + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn given_names_when_parsed_then_each_is_what_it_says() {
        let object = From::Object { bucket: "b".to_owned(), key: "k/x.jsonl.gz".to_owned() };
        assert_eq!(From::parse("s3://b/k/x.jsonl.gz"), Ok(object));
        assert_eq!(From::parse("-"), Ok(From::Stdin));
        assert_eq!(From::parse("a/b"), Ok(From::File(PathBuf::from("a/b"))));
        assert!(From::parse("s3://b").is_err() && From::parse("s3:///k").is_err());
    }

    #[test]
    fn given_what_is_not_there_or_is_a_folder_when_looked_for_then_it_is_said() {
        let look = |text: &str| From::parse(text).unwrap().is_there();
        let missing = look("/none/at/all").unwrap_err();
        assert_eq!(missing.exit, Exit::NotFound);
        assert!(missing.what.starts_with("/none/at/all cannot be read"), "{}", missing.what);
        assert_eq!(look(std::env::temp_dir().to_str().unwrap()).unwrap_err().exit, Exit::Usage);
        assert_eq!(look("-"), Ok(()));
        assert_eq!(look("s3://bucket/key"), Ok(()), "that is asked of S3");
    }

    #[test]
    fn given_a_file_packed_in_parts_when_read_then_all_its_lines_come_and_it_is_read_to_the_end() {
        let pack = |text: &str| {
            let mut packer = GzEncoder::new(Vec::new(), Compression::default());
            packer.write_all(text.as_bytes()).unwrap();
            packer.finish().unwrap()
        };
        let file = std::env::temp_dir().join(format!("rtr-feed-{}.gz", std::process::id()));
        std::fs::write(&file, [pack("one\ntwo\nthr"), pack("ee\nfour")].concat()).unwrap();
        let mut feed = From::File(file.clone()).open(None, None).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = feed.lines.blocking_recv() {
            let (number, bytes, _) = line.unwrap();
            seen.push((number, String::from_utf8(bytes).unwrap()));
        }
        assert_eq!(
            seen.iter().map(|(_, text)| text.trim()).collect::<Vec<_>>(),
            ["one", "two", "three", "four"]
        );
        assert_eq!(feed.read_milli(), Some(1_000));
        // One that breaks off is told, whatever came before.
        std::fs::write(&file, &pack(&"x\n".repeat(9_000))[..30]).unwrap();
        let mut feed = From::File(file.clone()).open(None, None).unwrap();
        let mut last = None;
        while let Some(line) = feed.lines.blocking_recv() {
            last = Some(line);
        }
        assert!(last.unwrap().is_err());
        std::fs::remove_file(&file).unwrap();
    }
}
