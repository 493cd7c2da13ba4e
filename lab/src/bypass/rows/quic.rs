//! QUIC: refused at once where the zone does not filter it, so that browsers fall back to what can be judged.

use super::{
    super::{Expected::Closed, Row},
    dns::datagrams,
};

pub(super) const ROWS: &[Row] = &[Row {
    id: "udp-443",
    lesson: 11,
    tools: &["socat"],
    attempt: "send datagrams of any kind to UDP 443",
    pupil: Closed,
    teacher: Closed,
    play: |scene| datagrams(scene, 443),
}];
