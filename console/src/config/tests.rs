use std::path::PathBuf;

use super::*;

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn refused(text: &str, vars: &[(&str, &str)]) -> String {
    let (_dir, path) = file(text);
    Config::load_from(Some(&path), env(vars)).unwrap_err().to_string()
}

#[test]
fn defaults_alone_are_a_usable_configuration() {
    let c = Config::load_from(None, []).unwrap();
    assert_eq!(c.serve.bind.to_string(), "127.0.0.1:8600");
    assert_eq!(c.record.free_space_floor_bytes, 2 * 1024 * 1024 * 1024);
    assert!((c.record.part_seconds - 2.0).abs() < f64::EPSILON);
    assert_eq!(c.database_url().expose_secret(), "sqlite:data/clipmill.db");
    assert_eq!(c.models_dir(), "data/models");
    assert!(c.auth_token().unwrap().is_none());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let (_dir, path) = file("data_dir = \"/srv/c\"\n[record]\npart_seconds = 4\nstall_seconds = 9\n");
    let vars = env(&[
        ("CLIPMILL__RECORD__STALL_SECONDS", "11"),
        ("CLIPMILL__TRANSCRIBE__MODEL", "2024"),
        ("CLIPMILL__SERVE__HOSTS", "[\"a.example\"]"),
        ("CLIPMILL_OTHER", "ignored"),
        ("HOME", "/root"),
    ]);
    let c = Config::load_from(Some(&path), vars).unwrap();
    assert_eq!(
        (c.record.part_seconds as i64, c.record.stall_seconds, c.record.quiet_end_seconds),
        (4, 11, 300)
    );
    assert_eq!(c.transcribe.model, "2024");
    assert_eq!(c.serve.hosts, ["a.example"]);
    let shown = c.show();
    assert!(shown.contains(&format!("part_seconds = 4  # {}", path.display())), "{shown}");
    assert!(
        shown.contains("stall_seconds = 11  # environment variable CLIPMILL__RECORD__STALL_SECONDS"),
        "{shown}"
    );
    assert!(shown.contains("quiet_end_seconds = 300  # default"), "{shown}");
    assert!(shown.contains("folder = \"/srv/c/published\"  # default, follows data_dir"), "{shown}");
}

#[test]
fn what_show_prints_is_a_configuration_that_means_the_same() {
    let (_dir, path) =
        file("[serve]\nbind = \"127.0.0.1:9000\"\nhosts = [\"x\"]\n[cut]\nmax_seconds = 30.5\n");
    let first = Config::load_from(Some(&path), []).unwrap();
    let (_dir, again) = file(&first.show());
    let second = Config::load_from(Some(&again), []).unwrap();
    let values = |c: &Config| -> Vec<String> {
        c.show().lines().filter_map(|l| Some(l.split_once("  #")?.0.to_owned())).collect()
    };
    assert_eq!(values(&first), values(&second));
    assert!((second.cut.max_seconds - 30.5).abs() < f64::EPSILON);
}

#[test]
fn an_unknown_key_names_the_nearest_one_and_where_it_stands() {
    let e = refused("[serve]\nbnid = \"127.0.0.1:1\"\n", &[]);
    assert!(e.contains("my.toml: unknown key `serve.bnid`; did you mean `serve.bind`?"), "{e}");
    let e = refused("rtmp_bind = \"127.0.0.1:1\"\n", &[]);
    assert!(e.contains("did you mean `record.rtmp_bind`?"), "{e}");
    let e = refused("[transcrib]\nmodel = \"x\"\n", &[]);
    assert!(e.contains("unknown key `transcrib`; did you mean section [transcribe]?"), "{e}");
    let e = refused("serve = 3\n", &[]);
    assert!(e.contains("write [serve]"), "{e}");
    let e = refused("", &[("CLIPMILL__RECORD__QUIET_END_SECOND", "3")]);
    assert!(e.contains("environment variable CLIPMILL__RECORD__QUIET_END_SECOND: unknown key"), "{e}");
    assert!(e.contains("`record.quiet_end_seconds`"), "{e}");
}

#[test]
fn a_bad_value_names_key_value_place_and_what_to_do() {
    let e = refused("[transcribe]\nthreads = \"many\"\n", &[]);
    assert!(e.contains("transcribe.threads = \"many\"") && e.contains("my.toml"), "{e}");
    let e = refused("[serve]\nbind = \"localhost\"\n", &[]);
    assert!(e.contains("serve.bind = \"localhost\""), "{e}");
    let e = refused("[render]\nwidth = 721\n[telemetry]\nlog = \"a=b=c\"\n", &[]);
    assert!(e.contains("render.width = 721") && e.contains("even number"), "{e}");
    assert!(e.contains("telemetry.log"), "every problem is reported at once: {e}");
    let e = refused("this is not toml", &[]);
    assert!(e.contains("is not valid TOML"), "{e}");
    let e = Config::load_from(Some(Path::new("/nowhere/c.toml")), []).unwrap_err().to_string();
    assert!(e.contains("/nowhere/c.toml"), "{e}");
}

#[test]
fn a_public_console_needs_a_token_and_a_public_listener_does_not() {
    let e = refused("[serve]\nbind = \"0.0.0.0:8600\"\n", &[]);
    assert!(e.contains("serve.bind = \"0.0.0.0:8600\"") && e.contains("serve.auth_token_file"), "{e}");
    let ok =
        "[serve]\nbind = \"0.0.0.0:8600\"\nauth_token_file = \"t\"\n[record]\nrtmp_bind = \"0.0.0.0:1935\"\n";
    let (_dir, path) = file(ok);
    Config::load_from(Some(&path), []).unwrap();
}

#[test]
fn a_token_file_must_hold_a_token() {
    let (dir, path) = file("");
    let token = dir.path().join("token");
    let vars = env(&[("CLIPMILL__SERVE__AUTH_TOKEN_FILE", token.to_str().unwrap())]);
    let c = Config::load_from(Some(&path), vars).unwrap();
    assert!(c.auth_token().unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&token, "short\n").unwrap();
    let e = c.auth_token().unwrap_err().to_string();
    assert!(e.contains("shorter than 16") && !e.contains("short\n"), "{e}");
    std::fs::write(&token, "  0123456789abcdef  \nsecond line\n").unwrap();
    assert_eq!(c.auth_token().unwrap().unwrap().expose_secret(), "0123456789abcdef");
}

#[test]
fn a_transcription_service_needs_a_model_and_its_key_lies_in_a_file() {
    let service = "[transcribe]\nendpoint = \"http://127.0.0.1:8000/v1\"\n";
    for (text, key, says) in [
        (service, "transcribe.endpoint_model", "needs the name of a model"),
        ("[transcribe]\nendpoint_model = \"large\"\n", "transcribe.endpoint_model", "transcribe.endpoint"),
        ("[transcribe]\napi_key_file = \"key\"\n", "transcribe.api_key_file", "transcribe.endpoint"),
        ("[transcribe]\nendpoint = \"speech\"\n", "transcribe.endpoint = ", "/v1"),
        (
            "[transcribe]\nendpoint = \"http://a/v1/audio/transcriptions\"\n",
            "transcribe.endpoint",
            "leave out",
        ),
        ("[transcribe]\nendpoint = \"https://me:hunter2@a/v1\"\n", "transcribe.endpoint", "api_key_file"),
    ] {
        let e = refused(text, &[]);
        assert!(e.contains(key) && e.contains(says) && !e.contains("hunter2"), "{e}");
    }

    let (dir, path) = file(&format!("{service}endpoint_model = \"large\"\n"));
    let key = dir.path().join("key");
    let c = Config::load_from(Some(&path), []).unwrap();
    assert!(c.transcription_key().unwrap().is_none(), "a service of one's own may need none");
    let vars = [
        ("CLIPMILL__TRANSCRIBE__API_KEY_FILE", key.to_str().unwrap()),
        ("CLIPMILL__TRANSCRIBE__ENDPOINT", "http://a/v1?key=hunter2"),
    ];
    let c = Config::load_from(Some(&path), env(&vars)).unwrap();
    assert!(c.transcription_key().unwrap_err().to_string().contains("transcribe.api_key_file"));
    for bad in ["", "\nsk-hunter2", "sk hunter2"] {
        std::fs::write(&key, bad).unwrap();
        let e = c.transcription_key().unwrap_err().to_string();
        assert!(e.contains("first line") && !e.contains("hunter2"), "{e}");
    }
    std::fs::write(&key, " sk-hunter2 \n").unwrap();
    assert_eq!(c.transcription_key().unwrap().unwrap().expose_secret(), "sk-hunter2");
    let shown = format!("{} {:?}", c.show(), c.transcription_key().unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("http://a/v1?key=***"), "{shown}");
}

#[test]
fn a_language_model_service_is_checked_before_it_is_asked() {
    let service = "[classify]\nendpoint = \"http://127.0.0.1:8000/v1\"\nendpoint_model = \"m\"\n";
    for (text, key, says) in [
        ("[classify]\nendpoint = \"http://a/v1\"\n".to_owned(), "classify.endpoint_model", "name of a model"),
        ("[classify]\nendpoint_model = \"m\"\n".into(), "classify.endpoint_model", "classify.endpoint"),
        ("[classify]\nendpoint = \"models\"\n".into(), "classify.endpoint", "/v1"),
        (
            "[classify]\nendpoint = \"http://a/v1/chat/completions\"\n".into(),
            "classify.endpoint",
            "leave out",
        ),
        ("[classify]\nendpoint = \"http://me:hunter2@a/v1\"\n".into(), "classify.endpoint", "api_key_file"),
        (format!("{service}llm = \"m.gguf\"\n"), "classify.llm", "choose one"),
        (format!("{service}endpoint_extra = \"[]\"\n"), "classify.endpoint_extra", "JSON object"),
        (format!("{service}budget_per_day = 1\n"), "classify.budget_per_day", "needs prices"),
        ("[classify]\ncascade_below = 1.5\n".into(), "classify.cascade_below", "0 to 1"),
        ("[classify]\nrequests_per_minute = 0\n".into(), "classify.requests_per_minute", "at least 1"),
        (
            "[classify]\nprice_per_million_input = -1\n".into(),
            "classify.price_per_million_input",
            "0 or more",
        ),
    ] {
        let e = refused(&text, &[]);
        assert!(e.contains(key) && e.contains(says) && !e.contains("hunter2"), "{e}");
    }
    let (dir, path) = file(&format!(
        "{service}endpoint_extra = '{{\"a\": 1}}'\nprice_per_million_output = 2.5\nbudget_per_live_hour = 0.5\n"
    ));
    let key = dir.path().join("key");
    std::fs::write(&key, "sk-hunter2\n").unwrap();
    let vars = [
        ("CLIPMILL__CLASSIFY__API_KEY_FILE", key.to_str().unwrap()),
        ("CLIPMILL__CLASSIFY__ENDPOINT", "http://a/v1?key=hunter2"),
    ];
    let c = Config::load_from(Some(&path), env(&vars)).unwrap();
    assert_eq!(c.classify.endpoint_fields().unwrap()["a"], 1);
    assert_eq!(c.language_model_key().unwrap().unwrap().expose_secret(), "sk-hunter2");
    let shown = format!("{} {:?}", c.show(), c.language_model_key().unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("http://a/v1?key=***"), "{shown}");
}

#[test]
fn no_password_is_ever_shown() {
    let (_dir, path) = file("[database]\nurl = \"postgres://clip:hunter2@db/clip?sslpassword=hunter2\"\n");
    let c = Config::load_from(Some(&path), []).unwrap();
    assert!(!c.show().contains("hunter2") && c.show().contains("clip:***@db"), "{}", c.show());
    assert!(!format!("{c:?}").contains("hunter2"));
    let e = refused("[database]\nurl = \"mysql://clip:hunter2@db/clip\"\n", &[]);
    assert!(e.contains("database.url") && !e.contains("hunter2"), "{e}");
    let e = refused("[database]\nurl = \"clip:hunter2@db\"\n", &[]);
    assert!(!e.contains("hunter2"), "{e}");
    let e = refused("[telemetry]\notlp_endpoint = \"http://u:hunter2@h\"\n", &[]);
    assert!(e.contains("OTEL_EXPORTER_OTLP_HEADERS") && !e.contains("hunter2"), "{e}");
}

#[test]
fn reference_page_is_the_one_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ref/config.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, reference_markdown()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == reference_markdown(),
        "docs/ref/config.md is out of date: UPDATE=1 cargo test -p clipmill reference"
    );
}

#[test]
fn every_key_is_documented() {
    for key in known_keys() {
        assert!(key.doc.trim().len() > 10, "{} has no meaning", key.path());
    }
    assert!(known_keys().iter().any(|k| k.path() == "data_dir"));
}
