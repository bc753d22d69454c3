//! Compressed copies beside the files of the web app, `name.br` and `name.gz`, as small as they can be.
//!
//! What an earlier build compressed is taken from there. What would hardly be smaller has no copy.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use brotlic::{BrotliEncoderOptions, CompressorWriter, Quality};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A suffix, and what makes a file of it.
type Encoding = (&'static str, fn(&[u8]) -> io::Result<Vec<u8>>);

const ENCODINGS: [Encoding; 2] = [("br", brotli), ("gz", gzip)];

/// Puts compressed copies beside all files of `folder` that become at least a tenth smaller; `earlier` is what the folder
/// became the last time.
pub(crate) fn compress(folder: &Path, earlier: &Path) -> io::Result<()> {
    // Listed whole before the first copy is added.
    for entry in fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()? {
        let (path, before) = (entry.path(), earlier.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            compress(&path, &before)?;
        } else {
            compress_file(&path, &before)?;
        }
    }
    Ok(())
}

fn compress_file(path: &Path, before: &Path) -> io::Result<()> {
    let body = fs::read(path)?;
    let is_same = fs::read(before).is_ok_and(|before| before == body);
    for (suffix, encode) in ENCODINGS {
        let known = is_same.then(|| fs::read(with(before, suffix)).ok()).flatten();
        let encoded = known.map_or_else(|| encode(&body), Ok)?;
        if encoded.len() * 10 <= body.len() * 9 {
            fs::write(with(path, suffix), encoded)?;
        }
    }
    Ok(())
}

/// `name` with `.suffix` behind it.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// By the reference encoder: what others make is half a kilobyte larger.
fn brotli(body: &[u8]) -> io::Result<Vec<u8>> {
    let best = BrotliEncoderOptions::new().quality(Quality::best()).build().map_err(io::Error::other)?;
    let mut encoder = CompressorWriter::with_encoder(best, Vec::new());
    encoder.write_all(body)?;
    encoder.into_inner().map_err(|error| error.into_error())
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use brotlic::DecompressorReader;
    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_becomes_smaller_has_copies_that_hold_the_same_and_the_rest_has_none() {
        let top = std::env::temp_dir().join(format!("privydrop-compress-{}", std::process::id()));
        let (built, earlier) = (top.join("built"), top.join("earlier"));
        let text = "very repetitive ".repeat(200);
        for folder in [&built, &earlier] {
            fs::create_dir_all(folder.join("deep")).unwrap();
        }
        fs::write(built.join("deep/page.html"), &text).unwrap();
        fs::write(built.join("logo.png"), [0x89, b'P', b'N', b'G']).unwrap();
        fs::write(built.join("known.js"), "the same").unwrap();
        fs::write(earlier.join("known.js"), "the same").unwrap();
        fs::write(earlier.join("known.js.br"), "kept").unwrap();

        compress(&built, &earlier).unwrap();
        let (mut brotli, mut gzip) = (String::new(), String::new());
        let copy = fs::read(built.join("deep/page.html.br")).unwrap();
        DecompressorReader::new(&copy[..]).read_to_string(&mut brotli).unwrap();
        let copy = fs::read(built.join("deep/page.html.gz")).unwrap();
        GzDecoder::new(&copy[..]).read_to_string(&mut gzip).unwrap();
        assert!(brotli == text && gzip == text);
        assert!(!built.join("logo.png.br").exists() && !built.join("logo.png.gz").exists());
        assert_eq!(fs::read(built.join("known.js.br")).unwrap(), b"kept");
        fs::remove_dir_all(top).unwrap();
    }
}
