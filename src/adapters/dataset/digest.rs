//! SHA-256 of files, read in constant memory, and of bytes on their way to a file.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use sha2::Digest as _;

use super::discover::SourceFile;
use super::error::DatasetError;
use crate::domain::identity::Sha256;

/// How much of a file is in memory at a time.
const BUFFER_BYTES: usize = 1 << 17;

/// The SHA-256 of the file at `path` and its size in bytes.
pub fn file_sha256(path: &Path) -> io::Result<(Sha256, u64)> {
    sha256_while(&mut File::open(path)?, || true)
}

impl SourceFile {
    /// The SHA-256 of the file that was found, and its size in bytes; an error if another file stands at its path, or
    /// if it has changed, before or meanwhile: whoever reads the file makes sure of the same, so that both have seen
    /// the same bytes. `is_wanted` is asked many times a second, and it is an error once it says no.
    pub fn sha256_while(
        &self,
        is_wanted: impl Fn() -> bool,
    ) -> Result<(Sha256, u64), DatasetError> {
        let mut file = self.open()?;
        let found =
            sha256_while(&mut file, is_wanted).map_err(DatasetError::io("read", &self.path))?;
        self.check_same(&file)?;
        Ok(found)
    }
}

fn sha256_while(file: &mut File, is_wanted: impl Fn() -> bool) -> io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size_bytes = 0_u64;
    loop {
        if !is_wanted() {
            return Err(io::Error::other("nobody waits for its digest any more"));
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Sha256(hasher.finalize().into()), size_bytes)),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                size_bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Passes bytes on, and counts and hashes those that were taken.
pub(super) struct HashingWriter<W> {
    inner: W,
    hasher: sha2::Sha256,
    size_bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), size_bytes: 0 }
    }

    /// The inner writer, the digest, and the number of bytes.
    pub(super) fn finish(self) -> (W, Sha256, u64) {
        (self.inner, Sha256(self.hasher.finalize().into()), self.size_bytes)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.size_bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::dataset::fixture::Folder;

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_and_a_stream_have_the_published_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let (sha256, size_bytes) = file_sha256(&path).unwrap();
        assert_eq!((sha256.to_string().as_str(), size_bytes), (ABC, 3));

        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"a").unwrap();
        writer.write_all(b"bc").unwrap();
        let (bytes, sha256, size_bytes) = writer.finish();
        assert_eq!((bytes.as_slice(), size_bytes), (b"abc".as_slice(), 3));
        assert_eq!(sha256.to_string(), ABC);
    }

    #[test]
    fn a_file_is_read_for_as_long_as_its_digest_is_wanted() {
        let asked = std::cell::Cell::new(0);
        let is_wanted = || asked.replace(asked.get() + 1) < 3;
        let mut endless = File::open("/dev/zero").unwrap();
        let told = sha256_while(&mut endless, is_wanted).unwrap_err().to_string();
        assert_eq!((told.as_str(), asked.get()), ("nobody waits for its digest any more", 4));
    }

    #[test]
    fn a_digest_is_of_the_file_that_was_found_or_an_error() {
        let folder = Folder::with(&[("a.csv", "x\n1\n"), ("b.csv", "x\n2\n")]);
        let find = || folder.files("a.csv").remove(0);
        let replace = || {
            folder.write("new", b"x\n3\n");
            #[expect(clippy::disallowed_methods, reason = "as whoever delivers files does it")]
            std::fs::rename(folder.path("new"), folder.path("a.csv")).unwrap();
        };
        let found = find();
        let (sha256, size_bytes) = found.sha256_while(|| true).unwrap();
        assert_eq!((sha256, size_bytes), file_sha256(&folder.path("a.csv")).unwrap());
        replace();
        assert!(matches!(found.sha256_while(|| true), Err(DatasetError::Changed { .. })));
        // Meanwhile: another file at its path, and more in the file itself.
        let changes: [&dyn Fn(); 2] = [&replace, &|| folder.write("a.csv", b"x\n1\n2\n")];
        for change in changes {
            let is_wanted = || {
                change();
                true
            };
            let told = find().sha256_while(is_wanted);
            assert!(matches!(told, Err(DatasetError::Changed { .. })), "{told:?}");
        }
    }

    #[test]
    fn only_what_was_taken_is_hashed() {
        struct Grudging(Vec<u8>);
        impl Write for Grudging {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let taken = bytes.len().min(2);
                self.0.extend_from_slice(&bytes[..taken]);
                Ok(taken)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = HashingWriter::new(Grudging(Vec::new()));
        writer.write_all(b"abc").unwrap();
        let (_, sha256, size_bytes) = writer.finish();
        assert_eq!((sha256.to_string().as_str(), size_bytes), (ABC, 3));
    }
}
