//! Whether the machine's clock is held to others, as the kernel knows it from whatever sets the clock (chrony,
//! systemd-timesyncd, ntpd).

use std::{io, mem::MaybeUninit, time::Duration};

/// How far the machine's clock can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronisation {
    /// Nobody holds it to anything.
    Unsynchronised,
    /// It is held to other clocks.
    Synchronised {
        /// How far it may be wrong. Grows while nobody corrects it.
        error_max: Duration,
        /// The leap second at the end of this day.
        leap: Leap,
    },
}

/// What the last minute of a day has more or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leap {
    /// Nothing.
    None,
    /// A second more.
    Inserted,
    /// A second less.
    Deleted,
}

/// What the kernel says of the clock (adjtimex(2), without changing anything).
///
/// # Errors
/// When the kernel refuses, which it does nobody who only asks; a filter of system calls may.
pub fn synchronisation() -> io::Result<Synchronisation> {
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    #[expect(unsafe_code, reason = "no crate in the tree wraps this system call")]
    // SAFETY: every field of `timex` is a number, for which zero is a value; with `modes` 0 the call changes nothing and
    // only fills the structure, which lives throughout it.
    let (state, timex) = unsafe { (libc::adjtimex(timex.as_mut_ptr()), timex.assume_init()) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    // The state is also TIME_ERROR for a fault of a pulse-per-second source; only the flag is about the clock itself.
    if timex.status & libc::STA_UNSYNC != 0 {
        return Ok(Synchronisation::Unsynchronised);
    }
    let microseconds = u64::try_from(timex.maxerror).unwrap_or(0);
    let leap = match state {
        libc::TIME_INS => Leap::Inserted,
        libc::TIME_DEL => Leap::Deleted,
        _ => Leap::None,
    };
    Ok(Synchronisation::Synchronised { error_max: Duration::from_micros(microseconds), leap })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anybody_may_ask_how_far_the_clock_can_be_trusted() {
        if let Synchronisation::Synchronised { error_max, .. } = synchronisation().unwrap() {
            assert!(error_max < Duration::from_secs(3600));
        }
    }
}
