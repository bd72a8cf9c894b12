//! Whether a pickle is safe to be read: by the reader used, a few bytes can ask for gigabytes, or for more nesting than a
//! stack holds. The machine of the pickle is run here on sizes alone.

/// Objects that may be made in all, copies counted.
const OBJECTS_MAX: u64 = 1 << 22;
/// How deep they may be nested.
const DEPTH_MAX: u32 = 64;

/// How large an object is.
#[derive(Debug, Clone, Copy)]
struct Size {
    objects: u64,
    depth: u32,
}

const ONE: Size = Size { objects: 1, depth: 1 };

#[derive(Default)]
struct Machine {
    /// `None` is a mark.
    stack: Vec<Option<Size>>,
    memo: std::collections::HashMap<u32, Size>,
    made: u64,
}

/// Checks the pickle that `bytes` begin with; the error says what is wrong with it.
pub(super) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let (mut rest, mut machine) = (bytes, Machine::default());
    loop {
        let code = take::<1>(&mut rest)?[0];
        match code {
            b'.' => return Ok(()),
            0x80 => drop(take::<1>(&mut rest)?),
            b'c' => {
                line(&mut rest)?;
                line(&mut rest)?;
                machine.push(ONE)?;
            }
            b'K' => machine.push_after(take::<1>(&mut rest))?,
            b'M' => machine.push_after(take::<2>(&mut rest))?,
            b'J' => machine.push_after(take::<4>(&mut rest))?,
            b'G' => machine.push_after(take::<8>(&mut rest))?,
            b'X' => {
                let length = u32::from_le_bytes(take(&mut rest)?);
                skip(&mut rest, length as usize)?;
                machine.push(ONE)?;
            }
            0x8a => {
                let length = take::<1>(&mut rest)?[0];
                if length > 8 {
                    return Err("it holds a number of more than 64 bits");
                }
                skip(&mut rest, usize::from(length))?;
                machine.push(ONE)?;
            }
            0x88 | 0x89 | b'N' | b')' | b']' | b'}' => machine.push(ONE)?,
            b'(' => machine.stack.push(None),
            b'Q' | 0x85 => machine.join(1)?,
            0x86 | b'R' | b'b' | 0x81 | b'a' => machine.join(2)?,
            0x87 | b's' => machine.join(3)?,
            b't' | b'd' => {
                let inside = machine.up_to_mark()?;
                machine.push(inside)?;
            }
            b'e' | b'u' => {
                let inside = machine.up_to_mark()?;
                machine.push(inside)?;
                machine.join(2)?;
            }
            b'h' => {
                let [n] = take(&mut rest)?;
                machine.get(u32::from(n))?;
            }
            b'j' => machine.get(u32::from_le_bytes(take(&mut rest)?))?,
            b'q' => {
                let [n] = take(&mut rest)?;
                machine.put(u32::from(n))?;
            }
            b'r' => machine.put(u32::from_le_bytes(take(&mut rest)?))?,
            _ => return Err("it is built in another way"),
        }
    }
}

impl Machine {
    fn push(&mut self, size: Size) -> Result<(), &'static str> {
        self.count(size)?;
        self.stack.push(Some(size));
        Ok(())
    }

    fn push_after<const N: usize>(
        &mut self,
        taken: Result<[u8; N], &'static str>,
    ) -> Result<(), &'static str> {
        taken.and_then(|_| self.push(ONE))
    }

    fn count(&mut self, size: Size) -> Result<(), &'static str> {
        self.made = self.made.saturating_add(size.objects);
        if self.made > OBJECTS_MAX || size.depth > DEPTH_MAX {
            return Err("it is larger or deeper than a checkpoint is");
        }
        Ok(())
    }

    /// Makes one object of the `n` at the top.
    fn join(&mut self, n: usize) -> Result<(), &'static str> {
        let mut all = Size { objects: 1, depth: 0 };
        for _ in 0..n {
            let one = self.stack.pop().flatten().ok_or("it takes what it has not made")?;
            all = Size { objects: all.objects.saturating_add(one.objects), depth: all.depth.max(one.depth) };
        }
        all.depth += 1;
        self.count(Size { objects: 1, ..all })?;
        self.stack.push(Some(all));
        Ok(())
    }

    /// One object of all above the last mark.
    fn up_to_mark(&mut self) -> Result<Size, &'static str> {
        let mut all = Size { objects: 1, depth: 0 };
        while let Some(one) = self.stack.pop().ok_or("it takes what it has not made")? {
            all = Size { objects: all.objects.saturating_add(one.objects), depth: all.depth.max(one.depth) };
        }
        Ok(Size { depth: all.depth + 1, ..all })
    }

    fn get(&mut self, n: u32) -> Result<(), &'static str> {
        let size = *self.memo.get(&n).ok_or("it takes what it has not made")?;
        self.push(size)
    }

    fn put(&mut self, n: u32) -> Result<(), &'static str> {
        let size = self.stack.last().copied().flatten().ok_or("it takes what it has not made")?;
        self.count(size)?;
        self.memo.insert(n, size);
        Ok(())
    }
}

const SHORT: &str = "it is cut short";

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(SHORT)?;
    *rest = after;
    Ok(*taken)
}

fn skip(rest: &mut &[u8], n: usize) -> Result<(), &'static str> {
    *rest = rest.get(n..).ok_or(SHORT)?;
    Ok(())
}

fn line(rest: &mut &[u8]) -> Result<(), &'static str> {
    let end = rest.iter().position(|b| *b == b'\n').ok_or(SHORT)?;
    skip(rest, end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_reader_is_refused() {
        let doubling = [b"]q\0".as_slice(), &b"h\0h\0\x86q\0".repeat(60), b"."].concat();
        let deep = [b"N".as_slice(), &[0x85].repeat(100_000), b"."].concat();
        for (what, bytes) in [
            ("text of four gigabytes", b"X\xff\xff\xff\xff.".as_slice()),
            ("a number of 200 bytes", &[&b"\x8a\xc8"[..], &[1; 200], b"."].concat()),
            ("doubling", &doubling),
            ("deep", &deep),
            ("no end", b"K\x01"),
            ("nothing to take", b"\x86."),
            ("no mark", b"Nt."),
        ] {
            assert!(check(bytes).is_err(), "{what}");
        }
        check(b"\x80\x02}X\x01\0\0\0aca\nb\n)Rq\x01s(K\x01h\x01t\x86.").unwrap();
    }
}
