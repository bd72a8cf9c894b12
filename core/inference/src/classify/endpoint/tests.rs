//! Against a service that misbehaves on demand.

use std::sync::Arc;

use clipmill_domain::taxonomy::Label;
use serde_json::json;

use super::{
    simulator::{Act, Simulator},
    *,
};

const KEY: &str = "sk-hush-0123456789";

fn options(base: &Url) -> ServiceOptions {
    ServiceOptions {
        key: Some(SecretString::from(KEY)),
        first_pause: Duration::from_millis(1),
        ..ServiceOptions::new(base.clone(), "large")
    }
}

fn service(simulator: &Simulator) -> Service {
    Service::new(options(&simulator.base)).unwrap()
}

fn ask(service: &Service, texts: &[&str]) -> Vec<Result<Opinion, NoAnswer>> {
    service.ask(&texts.iter().map(|t| Talk::alone(t)).collect::<Vec<_>>(), Live { recording: "r", hour: 2 })
}

fn label(outcome: &Result<Opinion, NoAnswer>) -> Result<Label, NoAnswer> {
    outcome.as_ref().map(|o| o.probs.best().0).map_err(|e| *e)
}

/// Asks once about one text, of a service that does `acts`: what comes of it, and the requests it took.
fn once(acts: &[Act]) -> (Result<Label, NoAnswer>, usize) {
    let simulator = Simulator::start(acts);
    let got = ask(&service(&simulator), &["只要九元"]);
    (label(&got[0]), simulator.asked())
}

#[test]
fn a_question_is_as_documented_and_its_answers_come_in_order() {
    let simulator = Simulator::start(&[Act::Answer]);
    let service = service(&simulator);
    let before = ["前面一句"];
    let talk = [Talk { text: "纯棉的", before: &before, on_sale: Some("亚麻衬衫") }, Talk::alone("只要九元")];
    let got = service.ask(&talk, Live::UNKNOWN);
    assert_eq!(got.iter().map(label).collect::<Vec<_>>(), [Ok(Label::Fabric), Ok(Label::Promo)]);
    assert_eq!(got[1].as_ref().unwrap().quotes, ["只要九"]);
    let request = simulator.requests.lock().unwrap()[0].clone();
    assert!(request.head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{}", request.head);
    assert!(request.head.contains(&format!("authorization: Bearer {KEY}")));
    let body = &request.body;
    assert_eq!((&body["model"], &body["stream"]), (&json!("large"), &json!(false)));
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    let asked = body["messages"][1]["content"].as_str().unwrap();
    assert!(asked.contains("前面一句") && asked.contains("亚麻衬衫"), "{asked}");
    assert_eq!(service.id(), "large@127.0.0.1/q1");
}

#[test]
fn many_are_asked_in_batches_and_what_was_asked_before_is_not_asked_again() {
    let simulator = Simulator::start(&[Act::Answer]);
    let service = service(&simulator);
    let texts: Vec<String> = (0..20).map(|i| format!("第{i}件纯棉")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let first = ask(&service, &texts);
    assert!(first.iter().all(Result::is_ok));
    assert_eq!(simulator.asked(), 2);
    assert_eq!(ask(&service, &texts), first);
    assert_eq!(simulator.asked(), 2);
    ask(&service, &["别的", texts[3]]);
    let last =
        simulator.requests.lock().unwrap()[2].body["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(last.contains("别的") && !last.contains(texts[3]), "only what is new: {last}");
}

#[test]
fn passing_trouble_is_tried_again() {
    let busy = |headers| Act::Status("429 Too Many Requests", headers, "slow down".into());
    let broken = Act::Status("500 Internal Server Error", "", "oops".into());
    for trouble in
        [busy(""), busy("retry-after: 0\r\n"), busy("retry-after: soon\r\n"), broken, Act::BreaksOff]
    {
        assert_eq!(
            once(&[trouble.clone(), trouble.clone(), Act::Answer]),
            (Ok(Label::Promo), 3),
            "{trouble:?}"
        );
        assert_eq!(once(std::slice::from_ref(&trouble)), (Err(NoAnswer::Down), 4), "{trouble:?}");
    }
}

#[test]
fn a_service_that_asks_for_more_time_than_there_is_is_not_asked_again() {
    let wait = Act::Status("429 Too Many Requests", "retry-after: 3600\r\n", String::new());
    assert_eq!(once(&[wait, Act::Answer]), (Err(NoAnswer::Down), 1));
}

#[test]
fn what_another_try_cannot_mend_is_not_tried_again_and_never_followed() {
    let elsewhere = Simulator::start(&[Act::Answer]);
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "307 Temporary Redirect"] {
        let to: &'static str =
            Box::leak(format!("location: {}chat/completions\r\n", elsewhere.base).into_boxed_str());
        let simulator = Simulator::start(&[Act::Status(status, to, String::new())]);
        let service = service(&simulator);
        assert_eq!(label(&ask(&service, &["只要九元"])[0]), Err(NoAnswer::Down));
        assert_eq!(label(&ask(&service, &["只要九元"])[0]), Err(NoAnswer::Down));
        assert_eq!(simulator.asked(), 1, "{status}: it is left alone");
    }
    assert_eq!(elsewhere.asked(), 0, "the key stays with its host");
}

#[test]
fn silence_and_trickles_end_at_the_deadline() {
    for act in [Act::Hang, Act::Drip] {
        let simulator = Simulator::start(std::slice::from_ref(&act));
        let mut options = options(&simulator.base);
        options.deadline = Duration::from_millis(400);
        let service = Service::new(options).unwrap();
        assert_eq!(label(&ask(&service, &["只要九元"])[0]), Err(NoAnswer::Late), "{act:?}");
        assert_eq!(simulator.asked(), 1);
    }
}

#[test]
fn answers_that_are_none_are_left_out() {
    let html = Act::Status("200 OK", "content-type: text/html\r\n", "<html>please sign in</html>".into());
    let refusal =
        json!({"choices": [{"message": {"content": null, "refusal": "I cannot help"}}]}).to_string();
    let refusal = Act::Status("200 OK", "", refusal);
    let half = r#"{"answers":[{"n":1,"label":"promo","confid"#;
    let wrong = r#"{"labels":["promo"]}"#;
    let unknown = r#"{"answers":[{"n":1,"label":"bargain","confidence":0.9}]}"#;
    let other = r#"{"answers":[{"n":7,"label":"promo","confidence":0.9}]}"#;
    let none = r#"{"answers":[]}"#;
    let long = format!("{{\"answers\":[], \"a\":\"{}\"}}", "a".repeat(500_000));
    for (act, outcome) in [
        (html, NoAnswer::Unreadable),
        (refusal, NoAnswer::Refused),
        (Act::Long(10 << 20), NoAnswer::Unreadable),
        (Act::Says(half.into()), NoAnswer::Unreadable),
        (Act::Says(wrong.into()), NoAnswer::Unreadable),
        (Act::Says(unknown.into()), NoAnswer::Unreadable),
        (Act::Says(other.into()), NoAnswer::Unreadable),
        (Act::Says(none.into()), NoAnswer::Unreadable),
        (Act::Says("Sorry, I can't label that.".into()), NoAnswer::Unreadable),
        (Act::Says(long), NoAnswer::Unreadable),
        (Act::Says(String::new()), NoAnswer::Unreadable),
    ] {
        assert_eq!(once(std::slice::from_ref(&act)), (Err(outcome), 1), "{act:?}");
    }
}

#[test]
fn invented_quotes_do_not_come_through() {
    let says = r#"{"answers":[{"n":1,"label":"promo","confidence":0.9,"quotes":["只要九元","原价一百","买一送一"]}]}"#;
    let simulator = Simulator::start(&[Act::Says(says.into())]);
    let got = ask(&service(&simulator), &["今天只要九元"]);
    assert_eq!(got[0].as_ref().unwrap().quotes, ["只要九元"]);
}

#[test]
fn a_service_is_held_to_the_strictest_form_that_it_takes() {
    for (refused, why, form, max_tokens) in [
        (&["json_schema"][..], "response_format type is unavailable", Some("json_object"), true),
        (&["json_schema", "json_object"], "response_format is not supported", None, true),
        (&["temperature"], "'temperature' does not support 0 with this model", Some("json_schema"), false),
    ] {
        let simulator = Simulator::start(&[Act::RefusesForm(refused, why)]);
        let service = service(&simulator);
        assert_eq!(label(&ask(&service, &["只要九元"])[0]), Ok(Label::Promo), "{why}");
        let after_first = simulator.asked();
        ask(&service, &["纯棉"]);
        assert_eq!(simulator.asked(), after_first + 1, "what it takes is remembered");
        let last = simulator.requests.lock().unwrap().last().unwrap().body.clone();
        assert_eq!(last["response_format"]["type"].as_str(), form);
        assert_eq!(last.get("max_tokens").is_some(), max_tokens);
    }
    let always = Act::Status("400 Bad Request", "", "no such model".into());
    assert_eq!(once(&[always]), (Err(NoAnswer::Down), 3));
}

#[test]
fn a_failing_service_is_left_alone() {
    let simulator = Simulator::start(&[Act::Says("no".into())]);
    let service = service(&simulator);
    let outcomes: Vec<_> = (0..6).map(|_| label(&ask(&service, &["只要九元"])[0])).collect();
    assert_eq!(outcomes[..3], [Err(NoAnswer::Unreadable); 3]);
    assert_eq!(outcomes[3..], [Err(NoAnswer::Down); 3]);
    assert_eq!(simulator.asked(), 3);
}

#[test]
fn the_budget_of_an_hour_ends_the_asking_in_that_hour() {
    let simulator = Simulator::start(&[Act::Answer]);
    let mut options = options(&simulator.base);
    options.prices = Prices { input: 1000.0, output: 10_000.0 };
    // A question is estimated at some thousand tokens in and 224 out, about 6; it then says 1000 and 100: 2.
    options.budget = Budget { per_live_hour: Some(9.0), per_day: None };
    let service = Service::new(options).unwrap();
    let texts: Vec<String> = (0..9).map(|i| format!("{i}元")).collect();
    let live = |hour| Live { recording: "r", hour };
    let answered = |hour| {
        texts
            .iter()
            .filter(|t| service.ask(&[Talk::alone(t)], live(hour))[0] != Err(NoAnswer::OverBudget))
            .count()
    };
    let first = answered(0);
    assert!((1..5).contains(&first), "{first}");
    let usage = service.usage(live(0)).unwrap();
    assert_eq!(usage.calls as usize, first);
    assert!((usage.cost - 2.0 * first as f64).abs() < 1e-6 && usage.cost <= 9.0, "{usage:?}");
    // What is known already costs nothing; the next hour has its own money.
    assert!(service.ask(&[Talk::alone(&texts[0])], live(0))[0].is_ok());
    assert!(service.ask(&[Talk::alone("新的一元")], live(1))[0].is_ok());
    assert!(service.ask(&[Talk::alone("又一元")], live(0))[0].is_err());
}

#[test]
fn an_answer_without_usage_counts_with_an_estimate() {
    let simulator = Simulator::start(&[Act::WithoutUsage]);
    let service = service(&simulator);
    ask(&service, &["只要九元"]);
    let usage = service.usage(Live { recording: "r", hour: 2 }).unwrap();
    assert_eq!((usage.calls, usage.estimated), (1, 1));
    assert!(usage.input_tokens > 500 && usage.output_tokens > 100, "{usage:?}");
}

#[test]
fn the_pace_is_kept() {
    let simulator = Simulator::start(&[Act::Answer]);
    let mut options = options(&simulator.base);
    options.deadline = Duration::from_secs(5);
    options.requests_per_minute = NonZeroU32::new(2);
    let service = Service::new(options).unwrap();
    let got: Vec<_> = ["一元", "二元", "三元"].map(|t| label(&ask(&service, &[t])[0])).to_vec();
    assert_eq!(got, [Ok(Label::Promo), Ok(Label::Promo), Err(NoAnswer::Busy)]);
    assert_eq!(simulator.asked(), 2);
}

#[test]
fn a_check_says_what_is_wrong() {
    assert_eq!(service(&Simulator::start(&[Act::Answer])).check(), Ok("large@127.0.0.1/q1".into()));
    let poor = service(&Simulator::start(&[Act::Says("promo".into())])).check().unwrap_err();
    assert!(poor.contains("larger model"), "{poor}");
    let denied = Act::Status("401 Unauthorized", "", format!("no such key: {KEY}"));
    let denied = service(&Simulator::start(&[denied])).check().unwrap_err();
    assert!(
        denied.contains("classify.api_key_file") && denied.contains("***") && !denied.contains(KEY),
        "{denied}"
    );
    let closed = "http://127.0.0.1:9/v1?token=hunter2".parse().unwrap();
    let closed = Service::new(options(&closed)).unwrap().check().unwrap_err();
    assert!(!closed.contains("hunter2") && !closed.contains(KEY), "{closed}");
}

#[test]
fn addresses_that_cannot_be_used_are_refused() {
    for (address, says) in [("ftp://host/v1", "http"), ("http://me:hunter2@host/v1", "use a key")] {
        let e = Service::new(options(&address.parse().unwrap())).unwrap_err().to_string();
        assert!(e.contains(says) && !e.contains("hunter2"), "{e}");
    }
}

/// Whatever happens, at the finest level of logging and of every library.
#[test]
fn the_key_is_in_no_log() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let echo = format!("your key {KEY} is not known");
        for act in [
            Act::Answer,
            Act::Says(echo.clone()),
            Act::Status("401 Unauthorized", "", echo.clone()),
            Act::Status("400 Bad Request", "", echo.clone()),
            Act::Status("500 Internal Server Error", "", echo),
            Act::BreaksOff,
        ] {
            let simulator = Simulator::start(&[act]);
            let service = service(&simulator);
            assert!(!format!("{service:?}").contains(KEY));
            for text in ["一元", "二元", "三元", "四元"] {
                ask(&service, &[text]);
            }
        }
    });
    let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("left alone") && said.contains("so far"), "{said}");
    assert!(!said.contains(KEY) && !said.contains("hush"), "{said}");
}
