//! The plan on made-up worlds: what must never go never goes, and what is asked for goes.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Id, MediaTime};

const NOW: WallTime = WallTime::from_millis(1_790_000_000_000);
const SECOND_US: i64 = 1_000_000;

/// One recording with everything about it. Parts are two seconds long.
#[derive(Debug, Clone)]
struct Rec {
    facts: RecordingFacts,
    media: Media,
}

/// A part of a recording, by its place in the world and its number.
type Place = (usize, i64);

fn span(from_us: i64, to_us: i64) -> Span {
    Span::new(MediaTime::from_micros(from_us), MediaTime::from_micros(to_us)).unwrap()
}

fn rec(days_ago: Option<i64>, part_bytes: &[i64], clips: &[(i64, i64, Review)]) -> Rec {
    let parts: Vec<PartFacts> = (0i64..)
        .zip(part_bytes)
        .map(|(seq, &bytes)| PartFacts {
            seq,
            span: span(seq * 2 * SECOND_US, (seq * 2 + 2) * SECOND_US),
            bytes,
        })
        .collect();
    let clips = clips
        .iter()
        .map(|&(from, long, review)| ClipFacts {
            span: span(from * SECOND_US, (from + long) * SECOND_US),
            review,
        })
        .collect();
    let facts = RecordingFacts {
        id: RecordingId::new_at(NOW),
        source_id: SourceId::new_at(NOW),
        ended_at: days_ago.map(|d| NOW.plus_millis(-d * DAY_MS)),
        held: false,
        keep_days: None,
        followed: true,
        uncut: false,
        parts: i64::try_from(parts.len()).unwrap(),
        bytes: part_bytes.iter().sum(),
    };
    Rec { facts, media: Media { parts, clips } }
}

fn rules() -> Rules {
    Rules {
        keep_days: None,
        keep_unreviewed_days: 0,
        max_bytes: None,
        free_bytes: None,
        clip_margin_us: 10 * SECOND_US,
    }
}

const DISK: DiskFacts = DiskFacts { free_bytes: 1000, pending_bytes: 0 };

fn plan(world: &[Rec], rules: &Rules, disk: DiskFacts, now: WallTime) -> Plan {
    let facts = world.iter().map(|r| r.facts.clone()).collect();
    let mut planner = Planner::new(rules.clone(), facts, disk, now);
    while let Some(id) = planner.next() {
        planner.look(&world.iter().find(|r| r.facts.id == id).unwrap().media);
    }
    planner.finish()
}

/// The parts that a plan removes.
fn gone(world: &[Rec], plan: &Plan) -> BTreeSet<Place> {
    let mut gone = BTreeSet::new();
    for removal in &plan.removals {
        let at = world.iter().position(|r| r.facts.id == removal.recording_id).unwrap();
        for part in &world[at].media.parts {
            if removal.runs.iter().any(|run| (run.first..=run.last).contains(&part.seq)) {
                gone.insert((at, part.seq));
            }
        }
    }
    gone
}

/// The world after a plan.
fn after(world: &[Rec], gone: &BTreeSet<Place>) -> Vec<Rec> {
    let mut world = world.to_vec();
    for (at, r) in world.iter_mut().enumerate() {
        r.media.parts.retain(|p| !gone.contains(&(at, p.seq)));
        r.facts.parts = i64::try_from(r.media.parts.len()).unwrap();
        r.facts.bytes = r.media.parts.iter().map(|p| p.bytes).sum();
    }
    world
}

fn total(world: &[Rec]) -> i64 {
    world.iter().map(|r| r.facts.bytes).sum()
}

fn why_kept(world: &[Rec], plan: &Plan, at: usize) -> Option<Kept> {
    plan.kept.iter().find(|k| k.recording_id == world[at].facts.id).map(|k| k.why)
}

#[test]
fn without_a_rule_nothing_goes() {
    let world = [rec(Some(9999), &[5; 4], &[]), rec(None, &[5; 4], &[])];
    let plan = plan(&world, &rules(), DISK, NOW);
    assert_eq!(plan.removals, []);
    assert_eq!(
        (why_kept(&world, &plan, 0), why_kept(&world, &plan, 1)),
        (Some(Kept::NotDue), Some(Kept::Live))
    );
}

#[test]
fn age_takes_what_is_older_than_its_days_and_a_source_may_have_its_own() {
    let mut world = [rec(Some(8), &[5; 3], &[]), rec(Some(6), &[5; 3], &[]), rec(Some(8), &[5; 3], &[])];
    world[2].facts.keep_days = Some(30);
    let rules = Rules { keep_days: Some(7), ..rules() };
    let plan = plan(&world, &rules, DISK, NOW);
    assert_eq!(gone(&world, &plan), BTreeSet::from([(0, 0), (0, 1), (0, 2)]));
    assert_eq!(plan.removals[0].why, Why::Age { days: 7 });
    assert_eq!(
        (plan.removals[0].runs.as_slice(), plan.bytes()),
        ([Run { first: 0, last: 2 }].as_slice(), 15)
    );
}

#[test]
fn parts_of_a_clip_and_its_margin_stay() {
    // The clip plays 20 s to 24 s; with 4 s before and after, parts 8 to 13 (16 s to 28 s) are used.
    let world = [rec(Some(8), &[1; 20], &[(20, 4, Review::Decided)])];
    let rules = Rules { keep_days: Some(7), clip_margin_us: 4 * SECOND_US, ..rules() };
    let plan = plan(&world, &rules, DISK, NOW);
    let removal = &plan.removals[0];
    assert_eq!(removal.runs, [Run { first: 0, last: 7 }, Run { first: 14, last: 19 }]);
    assert_eq!((removal.parts, removal.parts_for_clips, removal.bytes_for_clips), (14, 6, 6));
}

#[test]
fn a_clip_that_nobody_decided_on_makes_its_recording_wait_but_not_for_ever() {
    let world = [rec(Some(8), &[1; 20], &[(20, 4, Review::Open)])];
    let wait = Rules { keep_days: Some(7), keep_unreviewed_days: 9, max_bytes: Some(1), ..rules() };
    let until = NOW.plus_millis(DAY_MS);
    let waits = plan(&world, &wait, DISK, NOW);
    assert_eq!((why_kept(&world, &waits, 0), waits.parts()), (Some(Kept::Unreviewed { until }), 0));
    assert_eq!(waits.size_short_bytes, 19);
    assert_eq!(plan(&world, &wait, DISK, until).removals.len(), 1);
    let full = Rules { free_bytes: Some(1001), ..wait };
    assert_eq!(plan(&world, &full, DISK, NOW).removals[0].why, Why::Room, "a full disk would end recording");
}

#[test]
fn room_is_made_oldest_first_and_undecided_ones_last() {
    let world = [
        rec(Some(3), &[10; 10], &[]),
        rec(Some(9), &[10; 10], &[(0, 1, Review::Open)]),
        rec(Some(5), &[10; 10], &[]),
    ];
    let rules = |free| Rules {
        free_bytes: Some(free),
        keep_unreviewed_days: 90,
        clip_margin_us: 0,
        ..super::tests::rules()
    };
    let order = |free| -> Vec<usize> {
        let plan = plan(&world, &rules(free), DISK, NOW);
        plan.removals
            .iter()
            .map(|r| world.iter().position(|w| w.facts.id == r.recording_id).unwrap())
            .collect()
    };
    assert_eq!(order(1000), [0; 0]);
    assert_eq!(order(1001), [2]);
    assert_eq!(order(1101), [2, 0]);
    assert_eq!(order(1201), [2, 0, 1]);
    let all = plan(&world, &rules(2000), DISK, NOW);
    assert_eq!((all.bytes(), all.room_short_bytes), (290, 710));
    let pending = DiskFacts { free_bytes: 900, pending_bytes: 100 };
    assert_eq!(plan(&world, &rules(1000), pending, NOW).removals, [], "what is being deleted counts as free");
}

#[test]
fn a_clip_is_decided_when_all_its_posts_are_over() {
    use PostState as S;
    for (posts, review_is) in [
        (vec![], Review::Open),
        (vec![S::Planned], Review::Open),
        (vec![S::Live, S::OutcomeUnknown], Review::Open),
        (vec![S::Live, S::Publishing], Review::Open),
        (vec![S::Live, S::Failed], Review::Decided),
    ] {
        assert_eq!(review(&posts), review_is, "{posts:?}");
    }
}

fn worlds() -> impl Strategy<Value = Vec<Rec>> {
    let clip = (0i64..60, 1i64..15, prop_oneof![Just(Review::Open), Just(Review::Decided)]);
    let one = (
        prop_oneof![8 => (0i64..40).prop_map(Some), 1 => Just(None)],
        prop::collection::vec(1i64..100, 0..30),
        prop::collection::vec(clip, 0..4),
        (prop::bool::weighted(0.15), prop::bool::weighted(0.85), prop::bool::weighted(0.1)),
        prop::option::weighted(0.2, 1u32..40),
    );
    let one = one.prop_map(|(days_ago, bytes, clips, (held, followed, uncut), keep_days)| {
        let mut r = rec(days_ago, &bytes, &clips);
        r.facts = RecordingFacts { held, followed, uncut, keep_days, ..r.facts };
        r
    });
    prop::collection::vec(one, 0..8)
}

fn any_rules() -> impl Strategy<Value = Rules> {
    (
        prop::option::of(1u32..40),
        0u32..40,
        prop::option::of(0i64..5000),
        prop::option::of(0i64..5000),
        0i64..20,
    )
        .prop_map(|(keep_days, keep_unreviewed_days, max_bytes, free_bytes, margin)| Rules {
            keep_days,
            keep_unreviewed_days,
            max_bytes,
            free_bytes,
            clip_margin_us: margin * SECOND_US,
        })
}

proptest! {
    /// Written without the planner's own helpers.
    #[test]
    fn nothing_protected_ever_goes_and_the_sums_are_right(world in worlds(), rules in any_rules()) {
        let plan = plan(&world, &rules, DISK, NOW);
        let gone = gone(&world, &plan);
        for (at, seq) in &gone {
            let r = &world[*at];
            prop_assert!(!r.facts.held && r.facts.ended_at.is_some() && r.facts.followed && !r.facts.uncut);
            let part = r.media.parts.iter().find(|p| p.seq == *seq).unwrap();
            for clip in &r.media.clips {
                let apart = part.span.end().as_micros() <= clip.span.start().as_micros() - rules.clip_margin_us
                    || part.span.start().as_micros() >= clip.span.end().as_micros() + rules.clip_margin_us;
                prop_assert!(apart, "part {part:?} is used by {clip:?}");
            }
        }
        prop_assert_eq!(i64::try_from(gone.len()).unwrap(), plan.parts());
        prop_assert_eq!(total(&world) - total(&after(&world, &gone)), plan.bytes());
        let said = plan.removals.len() + plan.kept.len();
        prop_assert_eq!(said, world.iter().filter(|r| r.facts.parts > 0).count(), "each recording is named once");
    }

    #[test]
    fn a_second_plan_finds_nothing_more_to_do(world in worlds(), rules in any_rules()) {
        let first = plan(&world, &rules, DISK, NOW);
        let left = after(&world, &gone(&world, &first));
        for disk in [
            DiskFacts { free_bytes: DISK.free_bytes + first.bytes(), ..DISK },
            DiskFacts { pending_bytes: first.bytes(), ..DISK },
        ] {
            prop_assert_eq!(plan(&left, &rules, disk, NOW).removals, vec![]);
        }
    }

    /// Size is met, or all that may go is gone; and the last one to go was needed.
    #[test]
    fn size_is_met_where_it_can_be_and_no_more_goes_than_needed(world in worlds(), max in 0i64..3000, wait in 0u32..40) {
        let rules = Rules { max_bytes: Some(max), keep_unreviewed_days: wait, ..rules() };
        let first = plan(&world, &rules, DISK, NOW);
        let left = total(&world) - first.bytes();
        prop_assert_eq!((left - max).max(0), first.size_short_bytes);
        if left > max {
            prop_assert!(first.kept.iter().all(|k| k.why != Kept::NotDue));
        }
        if let Some(last) = first.removals.last().filter(|r| r.why == Why::Size) {
            prop_assert!(left + last.bytes > max);
        }
    }

    #[test]
    fn a_smaller_limit_takes_what_a_larger_one_takes_and_more(world in worlds(), rules in any_rules(), less in 0i64..3000) {
        let at = |max_bytes| gone(&world, &plan(&world, &Rules { max_bytes, free_bytes: None, ..rules.clone() }, DISK, NOW));
        let larger = at(rules.max_bytes);
        let smaller = at(Some(rules.max_bytes.unwrap_or(5000) - less));
        prop_assert!(larger.is_subset(&smaller));
    }

    #[test]
    fn what_age_takes_today_it_takes_tomorrow(world in worlds(), rules in any_rules(), later_ms in 0..60 * DAY_MS) {
        let rules = Rules { max_bytes: None, free_bytes: None, ..rules };
        let at = |now| gone(&world, &plan(&world, &rules, DISK, now));
        prop_assert!(at(NOW).is_subset(&at(NOW.plus_millis(later_ms))));
    }

    #[test]
    fn a_wider_margin_keeps_more(world in worlds(), rules in any_rules(), more in 0i64..20) {
        let rules = Rules { max_bytes: None, free_bytes: None, ..rules };
        let wide = Rules { clip_margin_us: rules.clip_margin_us + more * SECOND_US, ..rules.clone() };
        let at = |rules: &Rules| gone(&world, &plan(&world, rules, DISK, NOW));
        prop_assert!(at(&wide).is_subset(&at(&rules)));
    }
}
