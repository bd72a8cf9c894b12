//! Real child processes: restarted when killed, stopped by the end of their standard input.
#![cfg(unix)]

mod rig;

use std::{
    ffi::OsString,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use clipmill_worker::supervise::{
    ChildEvent, ChildSpec, RestartPolicy, Stream, SuperviseError, Supervisor, stop_on_stdin_eof, supervised,
};
use rig::{flagged, until};
use tokio_util::sync::CancellationToken;

/// What the children of these tests do. Alone it does nothing, which is why it is ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of other tests"]
async fn child() {
    match rig::told(rig::ROLE).as_str() {
        "obeys the pipe" => {
            assert!(supervised());
            let stop = CancellationToken::new();
            stop_on_stdin_eof(stop.clone());
            println!("ready");
            stop.cancelled().await;
            println!("stopped gracefully");
        }
        "supervises" => {
            let script = "touch \"$0-up\"; cat >/dev/null; touch \"$0\"";
            let flag = rig::flag(camino::Utf8Path::new(&rig::told(rig::DIR)), "orphan-stopped");
            let family = supervisor(&Seen::default());
            family.run(vec![shell("orphan", script, flag.as_str())], CancellationToken::new()).await.unwrap();
        }
        other => panic!("no such role: {other:?}"),
    }
}

#[derive(Clone, Default)]
struct Seen {
    lines: Arc<Mutex<Vec<(String, Stream, String)>>>,
    events: Arc<Mutex<Vec<ChildEvent>>>,
}

impl Seen {
    fn said(&self, name: &str, line: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|l| l.0 == name && l.2 == line).count()
    }

    fn pids(&self, child: &str) -> Vec<u32> {
        let events = self.events.lock().unwrap();
        let started = events.iter().filter_map(|e| match e {
            ChildEvent::Started { name, pid } if name == child => Some(*pid),
            _ => None,
        });
        started.collect()
    }
}

fn supervisor(seen: &Seen) -> Supervisor {
    let (lines, events) = (seen.lines.clone(), seen.events.clone());
    Supervisor {
        restart: RestartPolicy { first: Duration::from_millis(50), ..RestartPolicy::default() },
        grace: Duration::from_secs(5),
        events: Arc::new(move |event| events.lock().unwrap().push(event.clone())),
        ..Supervisor::new(Arc::new(move |name, stream, line| {
            lines.lock().unwrap().push((name.to_owned(), stream, line.to_owned()));
        }))
    }
}

fn shell(name: &str, script: &str, arg: &str) -> ChildSpec {
    let args = ["-c", script, arg].map(OsString::from).to_vec();
    ChildSpec { name: name.to_owned(), program: "/bin/sh".into(), args, env: Vec::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_child_comes_back_and_the_end_of_the_pipe_stops_all() {
    let seen = Seen::default();
    let script = "echo up $0; echo warn >&2; cat >/dev/null; echo bye";
    let obedient = ChildSpec {
        name: "obedient".into(),
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "child", "--ignored", "--nocapture"].map(OsString::from).to_vec(),
        env: vec![(rig::ROLE.into(), "obeys the pipe".into())],
    };
    let children = vec![shell("a", script, "A"), shell("b", script, "B"), obedient];
    let stop = CancellationToken::new();
    let family = tokio::spawn({
        let (family, stop) = (supervisor(&seen), stop.clone());
        async move { family.run(children, stop).await }
    });
    until("all are up", async || {
        (seen.said("a", "up A") == 1 && seen.said("b", "up B") == 1 && seen.said("obedient", "ready") == 1)
            .then_some(())
    })
    .await;
    rig::signal(seen.pids("a")[0], "KILL");
    until("a comes back", async || (seen.said("a", "up A") == 2).then_some(())).await;
    let pids = seen.pids("a");
    assert!(pids.len() == 2 && pids[0] != pids[1]);
    assert_eq!(seen.pids("b").len(), 1, "the others are left alone");

    let began = Instant::now();
    stop.cancel();
    tokio::time::timeout(rig::PATIENCE, family).await.expect("it stops").unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "within the grace, unkilled");
    assert_eq!((seen.said("a", "bye"), seen.said("b", "bye")), (1, 1));
    assert_eq!(seen.said("obedient", "stopped gracefully"), 1);
    assert!(seen.lines.lock().unwrap().contains(&("b".into(), Stream::Err, "warn".into())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_error_stops_all_and_is_told() {
    let seen = Seen::default();
    let children = vec![
        shell("works", "echo up; cat >/dev/null; echo bye", ""),
        shell("picky", "sleep 0.3; echo 'unknown key publsh; did you mean publish?' >&2; exit 78", ""),
    ];
    let family = supervisor(&seen);
    let end = family.run(children, CancellationToken::new());
    let error = tokio::time::timeout(rig::PATIENCE, end).await.expect("it ends").unwrap_err();
    let text = error.to_string();
    assert_eq!(text, "picky refuses its configuration: unknown key publsh; did you mean publish?");
    assert_eq!(seen.said("works", "bye"), 1, "the other was stopped gracefully");
    assert_eq!(seen.pids("picky").len(), 1, "not started again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_does_not_stop_is_killed_after_the_grace() {
    let seen = Seen::default();
    let family = Supervisor { grace: Duration::from_millis(300), ..supervisor(&seen) };
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { family.run(vec![shell("deaf", "echo up; exec sleep 1000", "")], stop).await }
    });
    until("it is up", async || (seen.said("deaf", "up") == 1).then_some(())).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), running).await.expect("it is killed").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let mut missing = shell("ghost", "", "");
    missing.program = "/nowhere/ghost".into();
    let end = supervisor(&Seen::default()).run(vec![missing], CancellationToken::new()).await;
    assert!(matches!(&end, Err(SuperviseError::Spawn { name, .. }) if name == "ghost"));
    assert!(end.unwrap_err().to_string().starts_with("cannot start ghost (/nowhere/ghost): "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_of_a_killed_supervisor_stop_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let dir = camino::Utf8Path::from_path(dir.path()).unwrap();
    let mut command = rig::child("supervises", &[(rig::DIR, dir.as_str())]);
    let supervisor = rig::Killed(command.stdin(Stdio::null()).spawn().unwrap());
    flagged(dir, "orphan-stopped-up").await;
    assert!(!rig::flag(dir, "orphan-stopped").exists(), "it runs as long as its supervisor");
    supervisor.kill();
    flagged(dir, "orphan-stopped").await;
}
