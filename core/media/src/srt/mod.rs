//! An SRT listener: many publishers on one UDP port, each with a stream id and a passphrase of its own.
//!
//! libsrt does the work (handshake, encryption, retransmission); this wraps what a recorder needs of it. Nothing
//! here blocks: the owner polls. Packets are handed out as soon as they are in order, not at their play-out time
//! (there is nobody to watch), so a lost packet is asked for again for as long as it takes instead of being
//! skipped, and the end of a stream is not cut off by the latency.

mod ffi;

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    io,
    net::{SocketAddr, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, Once, PoisonError, Weak},
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};

/// Bytes of the largest packet a sender may choose; one read never returns more.
pub const SRT_PACKET_BYTES_MAX: usize = 1456;
/// Handshakes that may be under way at once, of which the outcome is followed.
const KNOCKS_MAX: usize = 64;
/// After so long a handshake that was let in and did not finish has failed.
const KNOCK_OVER: Duration = Duration::from_secs(3);
const BACKLOG: c_int = 32;

/// The version of libsrt that is in use: major, minor, patch.
pub fn srt_version() -> (u32, u32, u32) {
    // SAFETY: it only answers with a number.
    let v = unsafe { ffi::srt_getversion() };
    (v >> 16, (v >> 8) & 0xff, v & 0xff)
}

/// Why a caller is turned away, as a code that its library shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum SrtReject {
    /// The stream id cannot be read.
    BadRequest = 1400,
    /// There is such a stream, but not for this caller, or not now.
    Forbidden = 1403,
    /// Nothing of that name.
    NotFound = 1404,
    /// It wants to play, not to publish.
    BadMode = 1405,
    /// Somebody else is publishing.
    Conflict = 1409,
    /// The service cannot say.
    Failed = 1500,
    /// The disk is too full.
    NoRoom = 1507,
}

/// Who knows the passphrases.
pub trait SrtGate: Send + Sync + 'static {
    /// The passphrase (10 to 79 bytes) that a caller with this stream id must have. Called on the network thread of
    /// all streams: it must not wait.
    ///
    /// # Errors
    /// The code to turn the caller away with.
    fn passphrase(&self, stream_id: &str, peer: Option<SocketAddr>) -> Result<SecretString, SrtReject>;
}

/// A caller that was asked for its passphrase and did not finish the handshake: most likely it had a wrong one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtGivenUp {
    /// Where it called from.
    pub peer: Option<SocketAddr>,
    /// What it asked for.
    pub stream_id: String,
}

struct Knock {
    socket: c_int,
    at: Instant,
    who: SrtGivenUp,
}

/// What the hook of a listener works with.
struct Porch {
    gate: Arc<dyn SrtGate>,
    knocks: Mutex<Vec<Knock>>,
}

/// A bound listener. Dropping it closes the port; accepted connections go on.
pub struct SrtListener {
    socket: Socket,
    addr: SocketAddr,
    porch: Arc<Porch>,
}

/// One publisher. Dropping it closes the connection.
pub struct SrtConnection {
    socket: Socket,
    peer: SocketAddr,
    stream_id: String,
}

/// What a look at a connection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtRead {
    /// So many bytes of one packet.
    Data(usize),
    /// Nothing at the moment.
    Nothing,
    /// The connection is over, and everything that came has been read.
    Over,
}

/// Closes itself.
struct Socket(c_int);

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: the socket is ours and open; libsrt ignores one that it has closed itself.
        unsafe { ffi::srt_close(self.0) };
    }
}

impl SrtListener {
    /// Binds. Callers are asked for what `gate` says, from now on.
    ///
    /// # Errors
    /// What the system said of the port (`AddrInUse`: another program has it), or what libsrt said.
    pub fn bind(addr: SocketAddr, gate: Arc<dyn SrtGate>) -> io::Result<Self> {
        // The system says why it refuses a port; libsrt does not.
        drop(UdpSocket::bind(addr)?);
        start();
        // SAFETY: takes nothing.
        let socket = Socket(check(unsafe { ffi::srt_create_socket() })?);
        socket.set(ffi::RCVSYN, &0i32.to_ne_bytes())?;
        socket.set(ffi::TSBPDMODE, &0i32.to_ne_bytes())?;
        if addr.is_ipv6() {
            socket.set(ffi::IPV6ONLY, &0i32.to_ne_bytes())?;
        }
        let (raw, len) = ffi::RawAddr::of(addr);
        // SAFETY: `raw` is a whole `sockaddr` of `len` bytes and outlives the call.
        check(unsafe { ffi::srt_bind(socket.0, raw.0.as_ptr().cast(), len) })?;
        let porch = Arc::new(Porch { gate, knocks: Mutex::default() });
        // The hook may outlive the listener by a moment, so it holds a weak pointer that is never freed.
        let opaque = Box::into_raw(Box::new(Arc::downgrade(&porch)));
        // SAFETY: `hook` is static and takes back exactly this pointer, which stays valid for ever.
        check(unsafe { ffi::srt_listen_callback(socket.0, hook, opaque.cast()) })?;
        // SAFETY: the socket is bound.
        check(unsafe { ffi::srt_listen(socket.0, BACKLOG) })?;
        let (mut raw, mut len) = (ffi::RawAddr::empty(), 128);
        // SAFETY: `raw` has room for `len` bytes.
        check(unsafe { ffi::srt_getsockname(socket.0, raw.0.as_mut_ptr().cast(), &raw mut len) })?;
        let addr = raw.addr().ok_or_else(|| io::Error::other("libsrt gave no address"))?;
        Ok(Self { socket, addr, porch })
    }

    /// The address bound, with the port that the system chose if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next caller that finished its handshake with the right passphrase, if there is one.
    pub fn accept(&self) -> Option<SrtConnection> {
        let (mut raw, mut len) = (ffi::RawAddr::empty(), 128);
        // SAFETY: `raw` has room for `len` bytes. The listener does not block.
        let accepted = unsafe { ffi::srt_accept(self.socket.0, raw.0.as_mut_ptr().cast(), &raw mut len) };
        if accepted == ffi::INVALID {
            return None;
        }
        let socket = Socket(accepted);
        lock(&self.porch.knocks).retain(|k| k.socket != accepted);
        // The accepted socket takes the listener's way of reading over, unless told otherwise.
        socket.set(ffi::RCVSYN, &0i32.to_ne_bytes()).ok()?;
        let (peer, stream_id) = (raw.addr()?, socket.stream_id());
        Some(SrtConnection { socket, peer, stream_id })
    }

    /// The callers that gave up, or were turned away for their passphrase, since the last call.
    pub fn given_up(&self) -> Vec<SrtGivenUp> {
        let mut knocks = lock(&self.porch.knocks);
        let over: Vec<_> = knocks.extract_if(.., |k| k.at.elapsed() >= KNOCK_OVER).map(|k| k.who).collect();
        over
    }
}

impl SrtConnection {
    /// Where it comes from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The stream id, as the caller gave it.
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Reads one packet, if one is there. `buf` must hold [`SRT_PACKET_BYTES_MAX`].
    pub fn read(&self, buf: &mut [u8]) -> SrtRead {
        let len = c_int::try_from(buf.len()).unwrap_or(c_int::MAX);
        // SAFETY: `buf` has room for `len` bytes; the socket does not block.
        let read = unsafe { ffi::srt_recvmsg(self.socket.0, buf.as_mut_ptr().cast(), len) };
        match usize::try_from(read) {
            Ok(0) => SrtRead::Over,
            Ok(read) => SrtRead::Data(read.min(buf.len())),
            // SAFETY: a null pointer is allowed: the system's own error number is not asked for.
            Err(_) => match unsafe { ffi::srt_getlasterror(std::ptr::null_mut()) } {
                ffi::NOTHING_NOW => SrtRead::Nothing,
                _ => SrtRead::Over,
            },
        }
    }
}

impl Socket {
    fn set(&self, option: c_int, value: &[u8]) -> io::Result<()> {
        let len = c_int::try_from(value.len()).unwrap_or(0);
        // SAFETY: `value` has `len` bytes; libsrt copies it.
        check(unsafe { ffi::srt_setsockflag(self.0, option, value.as_ptr().cast(), len) }).map(drop)
    }

    fn stream_id(&self) -> String {
        let mut text = [0u8; 513];
        let mut len = 513;
        // SAFETY: `text` has room for `len` bytes; a stream id has at most 512.
        let got =
            unsafe { ffi::srt_getsockflag(self.0, ffi::STREAMID, text.as_mut_ptr().cast(), &raw mut len) };
        let len = if got == ffi::INVALID { 0 } else { usize::try_from(len).unwrap_or(0).min(512) };
        String::from_utf8_lossy(&text[..len]).into_owned()
    }
}

/// Starts libsrt once; it is never stopped, since FFmpeg uses it as well.
fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // SAFETY: may be called at any time and more than once; the level is a plain global.
        unsafe {
            ffi::srt_startup();
            ffi::srt_setloglevel(ffi::LOG_CRITICAL);
        }
    });
}

fn check(result: c_int) -> io::Result<c_int> {
    if result != ffi::INVALID {
        return Ok(result);
    }
    // SAFETY: the text is static or belongs to this thread.
    let text = unsafe { CStr::from_ptr(ffi::srt_getlasterror_str()) };
    Err(io::Error::other(text.to_string_lossy().into_owned()))
}

/// Asks the gate about a caller; libsrt goes on to check the passphrase itself. Called on libsrt's thread.
unsafe extern "C" fn hook(
    opaque: *mut c_void,
    socket: c_int,
    _version: c_int,
    peer: *const c_void,
    stream_id: *const c_char,
) -> c_int {
    let decided = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: this is the pointer that `bind` gave, which is never freed.
        let porch = unsafe { &*opaque.cast::<Weak<Porch>>() }.upgrade().ok_or(SrtReject::Failed)?;
        // SAFETY: libsrt passes the address of the caller, whole.
        let peer = unsafe { ffi::RawAddr::copy(peer) };
        if stream_id.is_null() {
            return Err(SrtReject::BadRequest);
        }
        // SAFETY: libsrt passes a C string.
        let text = unsafe { CStr::from_ptr(stream_id) }.to_str().map_err(|_| SrtReject::BadRequest)?;
        let passphrase = porch.gate.passphrase(text, peer)?;
        // Borrowed: libsrt closes it when the handshake fails.
        let socket = std::mem::ManuallyDrop::new(Socket(socket));
        let secret = passphrase.expose_secret().as_bytes();
        socket.set(ffi::PASSPHRASE, secret).map_err(|_| SrtReject::Failed)?;
        let who = SrtGivenUp { peer, stream_id: text.to_owned() };
        let mut knocks = lock(&porch.knocks);
        if knocks.len() < KNOCKS_MAX && !knocks.iter().any(|k| k.who == who && k.socket == socket.0) {
            knocks.push(Knock { socket: socket.0, at: Instant::now(), who });
        }
        Ok(())
    }));
    match decided.unwrap_or(Err(SrtReject::Failed)) {
        Ok(()) => 0,
        Err(code) => {
            // SAFETY: the socket is the one under negotiation.
            unsafe { ffi::srt_setrejectreason(socket, code as c_int) };
            ffi::INVALID
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
