//! What goes over the wire: OpenAI's `chat/completions`. Pure.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::answering::prompt;

/// Tokens that an item of the answer takes at most, with its quotes.
const TOKENS_PER_ITEM: u64 = 160;

/// How far a service can be held to a form; services differ, and say so by refusing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// How the form of the answer is asked for.
    pub form: Form,
    /// Whether temperature and length are set; some models take neither.
    pub tuned: bool,
}

/// How the form of the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// By its JSON schema.
    Schema,
    /// As some JSON object.
    Object,
    /// By the prompt alone.
    Words,
}

impl Manner {
    /// The strictest.
    pub(super) const FIRST: Self = Self { form: Form::Schema, tuned: true };

    /// What to try after a service refused this one, and said `why`; `None` when there is nothing left.
    pub(super) fn after_refusal(self, why: &str) -> Option<Self> {
        let about_tuning = why.contains("temperature") || why.contains("max_tokens");
        match self.form {
            _ if about_tuning && self.tuned => Some(Self { tuned: false, ..self }),
            Form::Schema => Some(Self { form: Form::Object, ..self }),
            Form::Object => Some(Self { form: Form::Words, ..self }),
            Form::Words => None,
        }
    }
}

/// The body of a question about `items` stretches of talk, written out in `lines`.
pub(super) fn question(
    model: &str,
    lines: &str,
    items: usize,
    manner: Manner,
    extra: &Map<String, Value>,
) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": &*prompt::SYSTEM},
            {"role": "user", "content": lines},
        ],
        "stream": false,
    });
    if manner.tuned {
        body["temperature"] = json!(0);
        body["max_tokens"] = json!(tokens_out(items));
    }
    match manner.form {
        Form::Schema => {
            let schema = json!({"name": "labels", "strict": true, "schema": prompt::schema()});
            body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        Form::Object => body["response_format"] = json!({"type": "json_object"}),
        Form::Words => {}
    }
    for (key, value) in extra {
        body[key] = value.clone();
    }
    body
}

/// Tokens that an answer about `items` stretches may take.
pub(super) fn tokens_out(items: usize) -> u64 {
    64 + TOKENS_PER_ITEM * items as u64
}

/// Tokens of the question, estimated: a Chinese character is about one, three Latin letters are about one.
pub(super) fn tokens_in(lines: &str) -> u64 {
    let count = |text: &str| {
        let ascii = text.bytes().filter(u8::is_ascii).count();
        (text.chars().count() - ascii + ascii.div_ceil(3)) as u64
    };
    count(&prompt::SYSTEM) + count(lines)
}

/// Tokens that a question and its answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tokens {
    pub input: u64,
    pub output: u64,
}

/// An answer of a service, before it is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Completion {
    /// What the model wrote.
    pub text: String,
    /// It declined instead.
    pub refused: bool,
    /// As the service counts; `None` where it says nothing.
    pub tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Body {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Option<String>,
}

/// Reads the body of a successful answer; `None` where it is not of the documented form.
pub(super) fn completion(body: &[u8]) -> Option<Completion> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let choice = body.choices.into_iter().next()?;
    let text = match choice.message.content {
        Value::String(text) => text,
        // A list of parts, of which some are text.
        Value::Array(parts) => parts.iter().filter_map(|p| p["text"].as_str()).collect(),
        _ => String::new(),
    };
    let refused = choice.message.refusal.is_some_and(|r| !r.is_empty())
        || choice.finish_reason.is_some_and(|r| r == "content_filter");
    let usage = body.usage.unwrap_or_default();
    let tokens = match (usage["prompt_tokens"].as_u64(), usage["completion_tokens"].as_u64()) {
        (Some(input), output) => Some(Tokens { input, output: output.unwrap_or(0) }),
        _ => None,
    };
    Some(Completion { text, refused, tokens })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_manner_asks_as_documented_and_refusals_lead_to_the_plainest() {
        let mut manner = Manner::FIRST;
        let extra: Map<_, _> = [("enable_thinking".to_owned(), json!(false))].into_iter().collect();
        let mut seen = vec![];
        loop {
            let body = question("m", "{}", 2, manner, &extra);
            seen.push(body["response_format"]["type"].as_str().map(str::to_owned));
            assert_eq!((&body["enable_thinking"], &body["stream"]), (&json!(false), &json!(false)));
            assert_eq!(body["max_tokens"], json!(384));
            let Some(next) = manner.after_refusal("unsupported response_format") else { break };
            manner = next;
        }
        assert_eq!(seen, [Some("json_schema".into()), Some("json_object".into()), None]);
        let untuned = Manner::FIRST.after_refusal("'temperature' does not support 0").unwrap();
        assert_eq!(untuned, Manner { form: Form::Schema, tuned: false });
        let body = question("m", "{}", 2, untuned, &Map::new());
        assert!(body.get("temperature").is_none() && body.get("max_tokens").is_none());
        assert_eq!(untuned.after_refusal("temperature").unwrap().form, Form::Object, "it goes on");
    }

    #[test]
    fn answers_are_read_in_the_forms_that_services_give() {
        let plain = br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
        let tokens = Some(Tokens { input: 7, output: 2 });
        assert_eq!(completion(plain), Some(Completion { text: "hi".into(), refused: false, tokens }));
        let parts = br#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"x"},{"text":"b"}]}}]}"#;
        assert_eq!(completion(parts).unwrap().text, "ab");
        let refusal = br#"{"choices":[{"message":{"content":null,"refusal":"I cannot"}}],"usage":{"prompt_tokens":-1}}"#;
        let refusal = completion(refusal).unwrap();
        assert!(refusal.refused && refusal.tokens.is_none());
        for bad in
            [&b"<html>"[..], b"", b"{}", br#"{"choices":[]}"#, br#"{"choices":[{}]}"#, br#"{"choices":7}"#]
        {
            assert_eq!(completion(bad), None);
        }
    }
}
