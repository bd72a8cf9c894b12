//! What a service costs, per hour of each live and per day, and when that is enough. The accounts lie in a file, so that a
//! restart does not hand out the day's money again.

use std::{collections::VecDeque, io::Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::wire::Tokens;

/// Hours of lives whose accounts are kept.
const HOURS_KEPT: usize = 512;

/// Price of a million tokens, in the currency that the operator thinks in.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices {
    /// Of questions.
    pub input: f64,
    /// Of answers.
    pub output: f64,
}

impl Prices {
    fn cost(self, tokens: Tokens) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "tokens of a call")]
        let (input, output) = (tokens.input as f64, tokens.output as f64);
        (self.input * input + self.output * output) / 1e6
    }
}

/// What may be spent, in the same currency; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// For an hour of one live.
    pub per_live_hour: Option<f64>,
    /// For a day (UTC), all lives together.
    pub per_day: Option<f64>,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Calls that may have cost something.
    pub calls: u64,
    /// Those of them of which the service did not say what they took; they count with an estimate.
    pub estimated: u64,
    /// Tokens of questions.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Money.
    pub cost: f64,
}

/// The accounts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    prices: Prices,
    budget: Budget,
    file: Option<Utf8PathBuf>,
    accounts: Accounts,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Accounts {
    /// Days since 1970.
    day: u64,
    today: Usage,
    /// Newest last.
    hours: VecDeque<(String, Usage)>,
}

/// Money laid aside for a call that is under way.
#[derive(Debug)]
#[must_use = "what was laid aside is to be settled"]
pub(super) struct Hold {
    hour: String,
    day: u64,
    tokens: Tokens,
}

/// How a call ended, as far as money goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bill {
    /// As the service counts.
    Stated(Tokens),
    /// It may have cost something; nobody says what.
    Unstated,
    /// It never came to an answer that is charged for.
    Nothing,
}

impl Ledger {
    /// Takes up the accounts in `file`. A file that cannot be read is begun anew, with a warning.
    pub(super) fn open(prices: Prices, budget: Budget, file: Option<Utf8PathBuf>) -> Self {
        let accounts = file.as_deref().map_or_else(Accounts::default, read);
        Self { prices, budget, file, accounts }
    }

    /// Lays aside what a call may cost; `None` when the budget has no room for it.
    pub(super) fn take(&mut self, hour: &str, day: u64, estimate: Tokens) -> Option<Hold> {
        if self.accounts.day != day {
            (self.accounts.day, self.accounts.today) = (day, Usage::default());
        }
        let cost = self.prices.cost(estimate);
        let spent = self.hour(hour).map_or(0.0, |u| u.cost);
        let fits = |spent: f64, limit: Option<f64>| limit.is_none_or(|limit| spent + cost <= limit);
        if !fits(spent, self.budget.per_live_hour) || !fits(self.accounts.today.cost, self.budget.per_day) {
            return None;
        }
        if self.hour(hour).is_none() {
            self.accounts.hours.push_back((hour.to_owned(), Usage::default()));
            if self.accounts.hours.len() > HOURS_KEPT {
                self.accounts.hours.pop_front();
            }
        }
        self.add(hour, day, cost, |_| {});
        Some(Hold { hour: hour.to_owned(), day, tokens: estimate })
    }

    /// Puts what a call took in the place of what was laid aside; what its hour of the live took so far.
    pub(super) fn settle(&mut self, hold: Hold, bill: Bill) -> Usage {
        let held = self.prices.cost(hold.tokens);
        let (tokens, estimated) = match bill {
            Bill::Stated(tokens) => (Some(tokens), 0),
            Bill::Unstated => (Some(hold.tokens), 1),
            Bill::Nothing => (None, 0),
        };
        let cost = tokens.map_or(0.0, |t| self.prices.cost(t)) - held;
        self.add(&hold.hour, hold.day, cost, |usage| {
            if let Some(tokens) = tokens {
                usage.calls += 1;
                usage.estimated += estimated;
                usage.input_tokens = usage.input_tokens.saturating_add(tokens.input);
                usage.output_tokens = usage.output_tokens.saturating_add(tokens.output);
            }
        });
        if let Some(file) = &self.file
            && let Err(error) = write(file, &self.accounts)
        {
            tracing::warn!(%file, %error, "the accounts of the language model service cannot be kept");
        }
        self.hour(&hold.hour).unwrap_or_default()
    }

    /// What this hour of a live took; money that is laid aside counts as spent.
    pub(super) fn hour(&self, hour: &str) -> Option<Usage> {
        self.accounts.hours.iter().rev().find(|(h, _)| h == hour).map(|(_, u)| *u)
    }

    fn add(&mut self, hour: &str, day: u64, cost: f64, change: impl Fn(&mut Usage)) {
        let today = (self.accounts.day == day).then_some(&mut self.accounts.today);
        let hour = self.accounts.hours.iter_mut().rev().find(|(h, _)| h == hour).map(|(_, u)| u);
        for usage in today.into_iter().chain(hour) {
            usage.cost = (usage.cost + cost).max(0.0);
            change(usage);
        }
    }
}

fn read(file: &Utf8Path) -> Accounts {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Accounts::default(),
        Err(error) => {
            tracing::warn!(%file, %error, "the accounts of the language model service are begun anew");
            return Accounts::default();
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::warn!(%file, %error, "the accounts of the language model service are begun anew");
        Accounts::default()
    })
}

/// Under another name first, so that the file is always whole.
fn write(file: &Utf8Path, accounts: &Accounts) -> std::io::Result<()> {
    let mut temp = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Utf8Path::new(".")))?;
    temp.write_all(&serde_json::to_vec(accounts)?)?;
    temp.persist(file).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICES: Prices = Prices { input: 1_000_000.0, output: 2_000_000.0 };

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output }
    }

    #[test]
    fn an_hour_has_its_limit_a_day_has_one_and_what_is_under_way_counts() {
        let budget = Budget { per_live_hour: Some(10.0), per_day: Some(15.0) };
        let mut l = Ledger::open(PRICES, budget, None);
        let first = l.take("a/0", 7, tokens(2, 2)).unwrap();
        assert!(l.take("a/0", 7, tokens(5, 0)).is_none(), "six are laid aside");
        let usage = l.settle(first, Bill::Stated(tokens(2, 1)));
        assert_eq!((usage.cost, usage.calls, usage.estimated), (4.0, 1, 0));
        let second = l.take("a/0", 7, tokens(6, 0)).unwrap();
        assert_eq!(l.settle(second, Bill::Unstated).estimated, 1);
        assert!(l.take("a/0", 7, tokens(1, 0)).is_none(), "the hour is spent");
        let other = l.take("b/0", 7, tokens(5, 0)).unwrap();
        assert!(l.take("a/1", 7, tokens(1, 0)).is_none(), "the day is spent");
        assert_eq!(l.settle(other, Bill::Nothing), Usage::default());
        let next = l.take("a/1", 7, tokens(5, 0)).unwrap();
        let tomorrow = l.take("a/2", 8, tokens(10, 0)).unwrap();
        assert_eq!(l.settle(next, Bill::Nothing).cost, 0.0);
        assert_eq!(l.settle(tomorrow, Bill::Unstated).cost, 10.0);
        assert!(l.take("a/3", 8, tokens(6, 0)).is_none(), "yesterday's call gives nothing back to today");
    }

    #[test]
    fn a_restart_knows_what_was_spent_and_a_broken_file_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(dir.path().join("usage.json")).unwrap();
        let open =
            || Ledger::open(PRICES, Budget { per_live_hour: None, per_day: Some(10.0) }, Some(file.clone()));
        let mut l = open();
        let hold = l.take("a/0", 7, tokens(9, 0)).unwrap();
        l.settle(hold, Bill::Unstated);
        assert!(open().take("a/0", 7, tokens(2, 0)).is_none());
        assert_eq!(open().hour("a/0"), l.hour("a/0"));
        for broken in ["", "{", "[]", "{\"day\":-1}"] {
            std::fs::write(&file, broken).unwrap();
            assert!(open().take("a/0", 7, tokens(2, 0)).is_some());
        }
    }

    proptest! {
        /// However calls overlap, and whatever they turn out to take, no call begins that does not fit the limits.
        #[test]
        fn the_limits_hold(calls in prop::collection::vec((0u8..3, 1u64..6, 0u64..6, 0u8..3, any::<bool>()), 1..60)) {
            let mut l = Ledger::open(PRICES, Budget { per_live_hour: Some(12.0), per_day: Some(20.0) }, None);
            let mut open = vec![];
            for (hour, estimate, actual, bill, settle_now) in calls {
                let hour = hour.to_string();
                if let Some(hold) = l.take(&hour, 1, tokens(estimate, 0)) {
                    let bill = match bill { 0 => Bill::Stated(tokens(actual.min(estimate), 0)), 1 => Bill::Unstated, _ => Bill::Nothing };
                    open.push((hold, bill));
                }
                prop_assert!(l.hour(&hour).is_none_or(|u| u.cost <= 12.0) && l.accounts.today.cost <= 20.0);
                if settle_now && let Some((hold, bill)) = open.pop() {
                    l.settle(hold, bill);
                }
            }
            for (hold, bill) in open {
                l.settle(hold, bill);
            }
            let hours: f64 = l.accounts.hours.iter().map(|(_, u)| u.cost).sum();
            prop_assert!((hours - l.accounts.today.cost).abs() < 1e-6);
        }
    }
}
