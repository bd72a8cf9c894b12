//! What stands in the files: their length, words that must not appear, links that lead nowhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// A Rust file longer than this must be split.
const LINES_MAX: usize = 800;

/// Words that may not stand in Rust sources, with the reason.
const BANNED: [(&str, &str); 4] = [
    (concat!("todo", "!("), "a stub is not done"),
    (concat!("unimplemented", "!("), "a stub is not done"),
    (concat!("dbg", "!("), "left over from debugging"),
    (concat!("mod ", "utils"), "name it after what it does"),
];

/// `unsafe` may stand only below these.
const UNSAFE_IN: [&str; 2] = ["core/media", "core/inference"];

/// Every broken rule, in words.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = vec![];
    for path in tracked(root)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !matches!(extension, "rs" | "md") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if extension == "rs" {
            rust_file(&shown, &text, &mut problems);
        } else {
            links(&path, &shown, &text, &mut problems);
        }
    }
    Ok(problems)
}

fn tracked(root: &Path) -> Result<Vec<PathBuf>> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("run git ls-files")?;
    let names =
        String::from_utf8_lossy(&out.stdout).lines().map(|l| root.join(l)).filter(|p| p.exists()).collect();
    Ok(names)
}

fn rust_file(shown: &str, text: &str, problems: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        problems.push(format!("{shown} has {lines} lines: past {LINES_MAX}, find a second name"));
    }
    for (word, why) in BANNED {
        if text.contains(word) {
            problems.push(format!("{shown} holds `{word}`: {why}"));
        }
    }
    let fenced = UNSAFE_IN.iter().any(|dir| shown.starts_with(dir)) || shown.starts_with("xtask/");
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if !fenced
            && (code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl"))
        {
            problems.push(format!("{shown}:{} has unsafe outside media and inference", number + 1));
        }
        if code.contains(concat!("#[ign", "ore]")) {
            problems.push(format!("{shown}:{} ignores a test without a reason", number + 1));
        }
    }
}

/// Relative links of a Markdown file must lead to a file.
fn links(path: &Path, shown: &str, text: &str, problems: &mut Vec<String>) {
    for (i, _) in text.match_indices("](") {
        let target = text[i + 2..].split([')', '#', ' ']).next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        if !path.parent().is_some_and(|dir| dir.join(target).exists()) {
            problems.push(format!("{shown} links to {target}, which is not there"));
        }
    }
}
