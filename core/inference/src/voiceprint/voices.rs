//! The voices of one recording, numbered in the order of first speaking. Pure; what it knows can be stored.

use serde::{Deserialize, Serialize};

use super::Print;

/// A print this like a known voice is that voice's. Of the fixtures' sentences, 95 in 100 pairs of one voice are liker than
/// 0.77, and 95 in 100 pairs of two voices are less like than 0.61.
const SAME: f32 = 0.70;
/// Only a print less like every known voice than this is another voice's; in between, it is named after the likest,
/// which does not learn from it.
const OTHER: f32 = 0.64;
/// Speech that makes a new voice lasts at least so long, in seconds.
const NEW_SECONDS: f64 = 1.5;
/// A voice learns from so many seconds of its speech as if all had been said just now: a live lasts for hours, and a
/// voice tires.
const MEMORY_SECONDS: f32 = 60.0;
/// More voices than this are no longer told apart.
const VOICES_MAX: usize = 8;

/// What is known of the voices so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Voices {
    known: Vec<Known>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    /// A direction in thousandths, so that little has to be stored.
    direction: Vec<i16>,
    seconds: f32,
}

impl Known {
    fn print(&self) -> Option<Print> {
        Print::new(self.direction.iter().map(|v| f32::from(*v)).collect())
    }

    fn learn(&mut self, print: &Print, seconds: f32) {
        let known = self.seconds.min(MEMORY_SECONDS);
        let Some(now) = self.print() else { return };
        let both = now.values().iter().zip(print.values()).map(|(a, b)| a * known + b * seconds);
        if let Some(next) = Print::new(both.collect()) {
            self.direction = thousandths(&next);
            self.seconds += seconds;
        }
    }
}

fn thousandths(print: &Print) -> Vec<i16> {
    #[expect(clippy::cast_possible_truncation, reason = "within -1000 to 1000")]
    print.values().iter().map(|v| (v * 1000.0).round() as i16).collect()
}

impl Voices {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Whose speech of so many seconds this is: a known voice's, a new one's, or nobody can tell.
    pub fn tell(&mut self, print: &Print, seconds: f64) -> Option<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a sentence")]
        let length = seconds as f32;
        let alike = self.known.iter().map(|k| k.print().map_or(-1.0, |known| known.likeness(print)));
        let likest = alike.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match likest {
            Some((n, likeness)) if likeness >= OTHER => {
                if likeness >= SAME {
                    self.known.get_mut(n)?.learn(print, length);
                }
                u32::try_from(n).ok()
            }
            _ if seconds < NEW_SECONDS || self.known.len() >= VOICES_MAX => None,
            _ => {
                self.known.push(Known { direction: thousandths(print), seconds: length });
                u32::try_from(self.known.len() - 1).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direction in the plane, by its angle: two are as alike as the cosine of the angle between them.
    fn print(degrees: f32) -> Print {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mut values = vec![0.0; super::super::PRINT];
        (values[0], values[1]) = (cos, sin);
        Print::new(values).unwrap()
    }

    #[test]
    fn voices_are_numbered_as_they_first_speak_and_a_doubtful_one_makes_none() {
        let mut voices = Voices::default();
        assert_eq!(voices.tell(&print(0.0), 1.2), None, "too short to make a voice of");
        assert_eq!(voices.tell(&print(0.0), 3.0), Some(0));
        assert_eq!(voices.tell(&print(80.0), 2.0), Some(1));
        assert_eq!(voices.tell(&print(10.0), 1.0), Some(0));
        assert_eq!(voices.tell(&print(75.0), 1.0), Some(1));
        // Between both (cosine 0.67 or so to either): the nearer one, and nothing is learnt from it.
        let before = voices.clone();
        assert_eq!(voices.tell(&print(-45.0), 9.0), Some(0));
        assert_eq!((voices.count(), &voices), (2, &before));
        assert_eq!(voices.tell(&print(180.0), 1.4), None);
        assert_eq!(voices.tell(&print(180.0), 1.6), Some(2));
    }

    #[test]
    fn a_voice_that_changes_slowly_stays_the_same() {
        let mut voices = Voices::default();
        for degrees in 0u8..120 {
            assert_eq!(voices.tell(&print(f32::from(degrees)), 20.0), Some(0), "at {degrees}");
        }
    }

    #[test]
    fn stored_voices_go_on_as_they_were_and_strangers_do_not_pile_up() {
        let mut voices = Voices::default();
        for n in 0u8..5 {
            voices.tell(&print(f32::from(n) * 70.0), 2.0);
            let stored = serde_json::to_string(&voices).unwrap();
            assert_eq!(serde_json::from_str::<Voices>(&stored).unwrap(), voices);
        }
        let mut many = Voices::default();
        for n in 0..40 {
            let mut values = vec![0.0; super::super::PRINT];
            values[n] = 1.0;
            many.tell(&Print::new(values).unwrap(), 3.0);
        }
        assert_eq!(many.count(), VOICES_MAX);
        assert!(Print::new(vec![0.0; 4]).is_none() && Print::new(vec![f32::NAN; 4]).is_none());
    }
}
