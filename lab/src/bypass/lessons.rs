//! The 34 ways round school filters that the field knows, and for those that no row plays, why.

/// One way round.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Its number in docs/bypass.md.
    pub number: u8,
    /// What it is.
    pub title: &'static str,
    /// What there is to say of it beside its rows; where it has none, why.
    pub note: Option<&'static str>,
}

const fn lesson(number: u8, title: &'static str) -> Lesson {
    Lesson { number, title, note: None }
}

const fn noted(number: u8, title: &'static str, note: &'static str) -> Lesson {
    Lesson { number, title, note: Some(note) }
}

/// All of them.
pub const LESSONS: [Lesson; 34] = [
    lesson(1, "Another resolver"),
    lesson(2, "DNS over TLS and over QUIC"),
    lesson(3, "Firefox's own resolver"),
    lesson(4, "Resolvers that announce their encrypted form"),
    lesson(5, "DNS over HTTPS by a known name"),
    lesson(6, "DNS over HTTPS by a bare address"),
    lesson(7, "DNS over HTTPS on a shared or unknown server"),
    lesson(8, "Apple's Private Relay"),
    lesson(9, "Encrypted hellos"),
    lesson(10, "Hellos that only pretend to be encrypted"),
    lesson(11, "QUIC"),
    lesson(12, "Addresses written out"),
    lesson(13, "Hellos in pieces"),
    lesson(14, "A name that is not the destination's"),
    lesson(15, "No name at all"),
    lesson(16, "Tunnel protocols on open ports"),
    lesson(17, "Anything over port 53"),
    noted(
        18,
        "Tunnels inside DNS",
        "iodine is held by its budget: below one name a machine tells and is told 16 KiB that are new, then 24 bytes a \
         second. dns2tcp does not come that far: the box asks in small letters, and dns2tcp's names mean something else \
         then.",
    ),
    lesson(19, "Tunnels inside ICMP and NTP"),
    noted(
        20,
        "IPv6, false routers, false addresses",
        "The box hears what passes from one port of its bridge to another. Machines behind one port, on a switch or an \
         access point of the school's own, are for that to guard (RA guard, DHCP snooping, client isolation); a false \
         router opens nothing to anybody, because what it passes on is judged as its own.",
    ),
    lesson(21, "Web proxies"),
    lesson(22, "Tor"),
    lesson(23, "Search without SafeSearch"),
    lesson(24, "YouTube without its restricted mode"),
    noted(
        25,
        "Pictures, translations and answers inside an allowed engine",
        "Out of reach: what an allowed site shows inside its own pages cannot be seen without decrypting it (D1). \
         SafeSearch and a rule against the engine are what there is.",
    ),
    noted(
        26,
        "Another machine's hardware address",
        "A hardware address behind two ports at once is noticed when both machines have worked for four to eight seconds, \
         and within a minute where one hardly speaks; until then the double has the session of its owner.",
    ),
    noted(
        27,
        "A new hardware address for a new quota",
        "No row: quotas do not exist; what is allowed hangs on the account, and a machine nobody knows starts at the \
         portal.",
    ),
    noted(
        28,
        "A teacher's password in a pupil's hands",
        "Out of reach of the network: whoever signs in as a teacher is one for the box. Sign-in attempts are limited, \
         so it cannot be guessed.",
    ),
    lesson(29, "A connection older than the timetable"),
    lesson(30, "The box starting, or dead"),
    noted(
        31,
        "A false clock",
        "No row: the box's clock asks the school's network nothing, and machines that ask for the time are told the box's. \
         Timetables in doubt fall to their stricter side.",
    ),
    lesson(32, "Names that lead inside"),
    noted(
        33,
        "The missing block page of HTTPS",
        "Not a way round: a TLS connection to a closed site ends with an alert at once, and the portal says why. The \
         rows above show the alert.",
    ),
    noted(
        34,
        "A telephone as a modem, a program from a USB stick",
        "Out of reach: what does not go through the box is not seen by it. A program from a stick is held to the rules \
         as any other.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bypass::rows::all;

    #[test]
    fn every_lesson_has_a_row_or_says_why_it_has_none() {
        for (number, lesson) in (1..).zip(&LESSONS) {
            assert_eq!(lesson.number, number, "{}", lesson.title);
            let played = all().any(|row| row.lesson == lesson.number);
            assert!(played || lesson.note.is_some(), "no row and no reason: {number} {}", lesson.title);
        }
    }
}
