//! The few functions and numbers of libsrt 1.5 that a listener needs, as its header `srt.h` has them.

use std::{
    ffi::{c_char, c_int, c_void},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

pub(super) const INVALID: c_int = -1;
pub(super) const RCVSYN: c_int = 2;
pub(super) const TSBPDMODE: c_int = 22;
pub(super) const PASSPHRASE: c_int = 26;
pub(super) const STREAMID: c_int = 46;
pub(super) const IPV6ONLY: c_int = 54;
/// Nothing to read at the moment.
pub(super) const NOTHING_NOW: c_int = 6002;
/// Only what nobody can go on from: the library writes to standard error.
pub(super) const LOG_CRITICAL: c_int = 2;

pub(super) type Hook = unsafe extern "C" fn(*mut c_void, c_int, c_int, *const c_void, *const c_char) -> c_int;

unsafe extern "C" {
    pub(super) fn srt_startup() -> c_int;
    pub(super) fn srt_getversion() -> u32;
    pub(super) fn srt_setloglevel(level: c_int);
    pub(super) fn srt_create_socket() -> c_int;
    pub(super) fn srt_bind(socket: c_int, addr: *const c_void, len: c_int) -> c_int;
    pub(super) fn srt_listen(socket: c_int, backlog: c_int) -> c_int;
    pub(super) fn srt_listen_callback(socket: c_int, hook: Hook, opaque: *mut c_void) -> c_int;
    pub(super) fn srt_accept(socket: c_int, addr: *mut c_void, len: *mut c_int) -> c_int;
    pub(super) fn srt_close(socket: c_int) -> c_int;
    pub(super) fn srt_recvmsg(socket: c_int, buf: *mut c_char, len: c_int) -> c_int;
    pub(super) fn srt_getsockname(socket: c_int, addr: *mut c_void, len: *mut c_int) -> c_int;
    pub(super) fn srt_setsockflag(socket: c_int, option: c_int, value: *const c_void, len: c_int) -> c_int;
    pub(super) fn srt_getsockflag(socket: c_int, option: c_int, value: *mut c_void, len: *mut c_int)
    -> c_int;
    pub(super) fn srt_setrejectreason(socket: c_int, code: c_int) -> c_int;
    pub(super) fn srt_getlasterror(errno: *mut c_int) -> c_int;
    pub(super) fn srt_getlasterror_str() -> *const c_char;
}

/// A `sockaddr` of either family, as Linux lays it out.
#[repr(C, align(8))]
pub(super) struct RawAddr(pub(super) [u8; 128]);

const INET: u16 = 2;
const INET6: u16 = 10;

impl RawAddr {
    pub(super) fn empty() -> Self {
        Self([0; 128])
    }

    /// The bytes and how many of them count.
    pub(super) fn of(addr: SocketAddr) -> (Self, c_int) {
        let mut raw = Self::empty();
        raw.0[2..4].copy_from_slice(&addr.port().to_be_bytes());
        match addr {
            SocketAddr::V4(v4) => {
                raw.0[..2].copy_from_slice(&INET.to_ne_bytes());
                raw.0[4..8].copy_from_slice(&v4.ip().octets());
                (raw, 16)
            }
            SocketAddr::V6(v6) => {
                raw.0[..2].copy_from_slice(&INET6.to_ne_bytes());
                raw.0[8..24].copy_from_slice(&v6.ip().octets());
                raw.0[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (raw, 28)
            }
        }
    }

    pub(super) fn addr(&self) -> Option<SocketAddr> {
        let port = u16::from_be_bytes([self.0[2], self.0[3]]);
        let ip = match u16::from_ne_bytes([self.0[0], self.0[1]]) {
            INET => IpAddr::from(<[u8; 4]>::try_from(&self.0[4..8]).ok().map(Ipv4Addr::from)?),
            INET6 => IpAddr::from(<[u8; 16]>::try_from(&self.0[8..24]).ok().map(Ipv6Addr::from)?),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Copies a `sockaddr` of whichever family it says it is.
    ///
    /// # Safety
    /// `addr` points at a whole `sockaddr_in` or `sockaddr_in6`, or is null.
    pub(super) unsafe fn copy(addr: *const c_void) -> Option<SocketAddr> {
        if addr.is_null() {
            return None;
        }
        let mut raw = Self::empty();
        // SAFETY: the family, the first two bytes, is there in every `sockaddr`.
        let family = unsafe { addr.cast::<[u8; 2]>().read_unaligned() };
        let len = if u16::from_ne_bytes(family) == INET6 { 28 } else { 16 };
        // SAFETY: both structures are at least as long as what is copied of them, by the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(addr.cast::<u8>(), raw.0.as_mut_ptr(), len) };
        raw.addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_value() {
        for text in ["127.0.0.1:8890", "[::1]:9", "0.0.0.0:65535", "[2001:db8::7]:1"] {
            let addr: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddr::of(addr).0.addr(), Some(addr));
        }
    }
}
