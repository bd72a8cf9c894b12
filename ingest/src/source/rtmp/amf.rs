//! A look at AMF0 values before they are handed to a parser that would follow any nesting.

/// Objects inside objects that a peer may send; encoders need two.
const DEPTH_MAX: u32 = 8;

/// Whether `data` is a row of whole AMF0 values, nested no deeper than any encoder nests them.
pub fn is_plain(mut data: &[u8]) -> bool {
    while !data.is_empty() {
        if value(&mut data, 0).is_none() {
            return false;
        }
    }
    true
}

fn value(data: &mut &[u8], depth: u32) -> Option<()> {
    if depth > DEPTH_MAX {
        return None;
    }
    match number(data, 1)? {
        0 => skip(data, 8),
        1 => skip(data, 1),
        2 => text(data).map(drop),
        3 => object(data, depth),
        5 | 6 => Some(()),
        8 => skip(data, 4).and_then(|()| object(data, depth)),
        10 => {
            let count = number(data, 4)?;
            (0..count).try_for_each(|_| value(data, depth + 1))
        }
        _ => None,
    }
}

fn object(data: &mut &[u8], depth: u32) -> Option<()> {
    while text(data)? > 0 {
        value(data, depth + 1)?;
    }
    (number(data, 1)? == 9).then_some(())
}

/// Skips a string; its length.
fn text(data: &mut &[u8]) -> Option<usize> {
    let len = number(data, 2)? as usize;
    skip(data, len).map(|()| len)
}

fn number(data: &mut &[u8], bytes: usize) -> Option<u32> {
    let (number, rest) = data.split_at_checked(bytes)?;
    *data = rest;
    Some(number.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
}

fn skip(data: &mut &[u8], bytes: usize) -> Option<()> {
    *data = data.get(bytes..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rml_rtmp::rml_amf0::{Amf0Value as V, serialize};

    use super::*;

    #[test]
    fn what_encoders_send_is_plain() {
        let inner = V::Object(HashMap::from([("app".to_owned(), V::Utf8String("live".into()))]));
        let list = V::StrictArray(vec![V::Number(1.0), V::Null, V::Boolean(true), inner.clone()]);
        let values = vec![V::Utf8String("connect".into()), V::Number(1.0), inner, list, V::Undefined];
        let bytes = serialize(&values).unwrap();
        assert!(is_plain(&bytes) && is_plain(&[]));
        assert!(!is_plain(&bytes[..bytes.len() - 9]), "cut short");
    }

    #[test]
    fn deep_nesting_and_noise_are_not() {
        let deep: Vec<u8> = [3, 0, 1, b'a'].repeat(16_000);
        assert!(!is_plain(&deep));
        assert!(!is_plain(&[10, 0xFF, 0xFF, 0xFF, 0xFF]) && !is_plain(&[0x47; 50]));
        assert!(!is_plain(&[[10u8, 0, 0, 0, 1].repeat(9), vec![5]].concat()));
    }
}
