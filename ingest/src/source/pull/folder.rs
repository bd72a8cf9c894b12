//! A folder of finished lives: which file is next.

use std::{
    cmp::Ordering,
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{FILE_ENDINGS, LOCAL_ENDINGS};

/// A media file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Name, length and time of change: another file of the same name is another file.
    pub mark: String,
}

/// The media files of `folder` in the order in which people count: `live2` before `live10`. Hidden files, other
/// files and folders inside are left out.
pub fn scan(folder: &Path) -> io::Result<Vec<FolderFile>> {
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let ending = name.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase());
        let is_media = FILE_ENDINGS.contains(&ending.as_str()) || LOCAL_ENDINGS.contains(&ending.as_str());
        // It may be gone again, or a link to nowhere.
        let Ok(meta) = fs::metadata(entry.path()) else { continue };
        if name.starts_with('.') || !is_media || !meta.is_file() {
            continue;
        }
        let changed = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let mark = format!("{name} {} {}", meta.len(), changed.unwrap_or_default().as_millis());
        found.push(FolderFile { path: entry.path(), name, mark });
    }
    found.sort_by(|a, b| natural(&a.name, &b.name));
    Ok(found)
}

/// Compares text with the numbers in it as numbers.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (take_digits(&mut left), take_digits(&mut right));
            // Without leading zeros the longer number is the larger.
            m.len().cmp(&n.len()).then_with(|| m.cmp(n))
        } else {
            left = &left[x.len_utf8()..];
            right = &right[y.len_utf8()..];
            x.to_lowercase().cmp(y.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn take_digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_come_in_the_order_people_count_and_others_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["live10.mp4", "live2.MP4", "Live1.flv", "notes.txt", ".hidden.mp4", "products.jsonl"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        fs::create_dir(dir.path().join("more.mp4")).unwrap();
        let names: Vec<_> = scan(dir.path()).unwrap().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["Live1.flv", "live2.MP4", "live10.mp4"]);
        assert!(scan(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_file_written_anew_has_another_mark() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        fs::write(&path, "x").unwrap();
        let before = scan(dir.path()).unwrap();
        fs::write(&path, "longer").unwrap();
        assert_ne!(scan(dir.path()).unwrap()[0].mark, before[0].mark);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a-b0-2]{0,6}", b in "[a-b0-2]{0,6}", c in "[a-b0-2]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
