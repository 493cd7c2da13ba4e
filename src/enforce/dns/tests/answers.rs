//! What is read from an upstream's answer, and what is stripped from it.

use std::{net::IpAddr, time::Duration};

use domain::base::{
    Message,
    iana::{Rcode, Rtype},
};
use proptest::prelude::*;

use super::scene::*;
use crate::enforce::dns::{
    answer::{Answer, Unusable},
    exercise, news,
    outer::tests::CLOUDFLARE,
    private::Inside,
    svcb,
};

const RRSIG_OVER_HTTPS: [u8; 25] =
    [0, 65, 13, 2, 0, 0, 1, 44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, b'f', b'r', 0, 1, 2, 3];

fn read(draft: &Draft, name: &str, rtype: Rtype) -> Result<Answer, Unusable> {
    Answer::read(&draft.0, &question(name, rtype), &Inside::of(&[]))
}

/// SVCB parameters: key, value.
fn service(parameters: &[(u16, &[u8])]) -> Vec<u8> {
    let mut data = vec![0, 1, 0];
    for (key, value) in parameters {
        data.extend(key.to_be_bytes());
        data.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        data.extend(*value);
    }
    data
}

#[test]
fn the_least_ttl_of_the_answer_is_its_lifetime() {
    let draft = Draft::answer_to("a.fr", Rtype::A).answer(ASKED, Rtype::CNAME, 300, &wire("b.fr")).answer(
        &wire("b.fr"),
        Rtype::A,
        20,
        &[192, 0, 2, 1],
    );
    let answer = read(&draft, "a.fr", Rtype::A).unwrap();
    assert_eq!(answer.lifetime(), Duration::from_secs(20));
    assert_eq!(answer.addresses(), [IpAddr::from([192, 0, 2, 1])]);
    assert_eq!(answer.chain().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["b.fr"]);
    assert!(!answer.points_inside);
}

#[test]
fn lifetimes_are_clamped_and_a_ttl_with_its_highest_bit_is_zero() {
    for (ttl, kept) in [(0, 0), (1, 1), (86_400, 86_400), (604_800, 86_400), (1 << 31, 0), (u32::MAX, 0)] {
        let draft = Draft::answer_to("a.fr", Rtype::A).answer(ASKED, Rtype::A, ttl, &[192, 0, 2, 1]);
        assert_eq!(read(&draft, "a.fr", Rtype::A).unwrap().lifetime(), Duration::from_secs(kept), "{ttl}");
    }
}

#[test]
fn a_negative_answer_lives_as_long_as_its_soa_says_and_not_at_all_without() {
    let empty = Draft::answer_to("a.fr", Rtype::A);
    assert_eq!(read(&empty, "a.fr", Rtype::A).unwrap().lifetime(), Duration::ZERO);
    assert_eq!(
        read(&empty.clone().soa(900, 60), "a.fr", Rtype::A).unwrap().lifetime(),
        Duration::from_secs(60)
    );
    let missing = read(&empty.soa(50, 86_400).flags(0x81, 0x83), "a.fr", Rtype::A).unwrap();
    assert_eq!((missing.lifetime(), missing.rcode), (Duration::from_secs(50), Rcode::NXDOMAIN));
}

#[test]
fn every_name_of_a_chain_is_found_once_in_whatever_order_it_stands() {
    let draft = Draft::answer_to("a.fr", Rtype::A)
        .answer(&wire("c.fr"), Rtype::A, 60, &[192, 0, 2, 1])
        .answer(&wire("b.fr"), Rtype::CNAME, 60, &wire("C.fr"))
        .answer(ASKED, Rtype::CNAME, 60, &wire("b.fr"))
        .answer(ASKED, Rtype::CNAME, 60, &wire("B.FR"));
    let answer = read(&draft, "a.fr", Rtype::A).unwrap();
    assert_eq!(answer.chain().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["c.fr", "b.fr"]);
}

#[test]
fn a_chain_too_long_or_through_no_name_is_unusable() {
    let mut long = Draft::answer_to("a.fr", Rtype::A);
    for link in 0..17 {
        long = long.answer(ASKED, Rtype::CNAME, 60, &wire(&format!("n{link}.fr")));
    }
    assert_eq!(read(&long, "a.fr", Rtype::A).unwrap_err(), Unusable::Chain);
    let nameless = Draft::answer_to("a.fr", Rtype::A).answer(ASKED, Rtype::CNAME, 60, &[0]);
    assert_eq!(read(&nameless, "a.fr", Rtype::A).unwrap_err(), Unusable::Chain);
}

#[test]
fn an_address_inside_the_school_is_seen_wherever_it_stands() {
    let inside_hint = service(&[(4, &[192, 0, 2, 1, 192, 168, 1, 1])]);
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1];
    for (rtype, data) in [
        (Rtype::A, &[10, 0, 0, 1][..]),
        (Rtype::A, &[127, 0, 0, 1]),
        (Rtype::AAAA, &mapped),
        (Rtype::AAAA, &[0xfd; 16]),
        (Rtype::HTTPS, &inside_hint),
    ] {
        let draft = Draft::answer_to("a.fr", rtype).answer(ASKED, rtype, 60, data);
        assert!(read(&draft, "a.fr", rtype).unwrap().points_inside, "{rtype}");
        let beside = Draft::answer_to("a.fr", Rtype::MX).record(3, ASKED, rtype.to_int(), 60, data);
        assert!(read(&beside, "a.fr", Rtype::MX).unwrap().points_inside, "{rtype} beside");
    }
}

#[test]
fn an_answer_to_another_question_is_unusable() {
    let draft = Draft::answer_to("a.fr", Rtype::A).answer(ASKED, Rtype::A, 60, &[192, 0, 2, 1]);
    assert!(read(&draft, "A.fr", Rtype::A).is_ok());
    assert!(read(&draft, "b.fr", Rtype::A).is_err());
    assert!(read(&draft, "a.fr", Rtype::AAAA).is_err());
    assert!(read(&draft.flags(0x01, 0x80), "a.fr", Rtype::A).is_err());
}

#[test]
fn records_of_unknown_types_stay_byte_for_byte_and_opt_goes_with_what_follows() {
    let draft = Draft::answer_to("a.fr", Rtype::from_int(65_280))
        .record(1, ASKED, 65_280, 60, b"\xc0\x0c\xffraw")
        .record(3, &wire("x.fr"), 65_281, 60, b"");
    let whole =
        draft.clone().opt(false, b"\0\x0f\0\x02\0\x16").record(3, &wire("late.fr"), 1, 60, &[10, 0, 0, 1]);
    let answer = read(&whole, "a.fr", Rtype::from_int(65_280)).unwrap();
    assert_eq!(answer.message(), draft.0);
    assert_eq!(answer.explanations(), b"\0\x0f\0\x02\0\x16");
    assert!(!answer.points_inside);
}

#[test]
fn only_ech_is_stripped_from_a_service_record() {
    let kept: [(u16, &[u8]); 3] = [(1, b"\x02h3"), (4, &[192, 0, 2, 1]), (65_400, b"other")];
    let given: [(u16, &[u8]); 4] = [kept[0], kept[1], (5, b"secret"), kept[2]];
    let late = wire("cible.exemple.fr");
    let draft = |parameters: &[(u16, &[u8])]| {
        Draft::answer_to("a.fr", Rtype::HTTPS)
            .flags(0x81, 0xa0)
            .answer(ASKED, Rtype::HTTPS, 60, &service(parameters))
            .answer(ASKED, Rtype::CNAME, 60, &late)
            .record(1, ASKED, 65_280, 60, b"raw")
    };
    let given = svcb::without_ech(&draft(&given).0).unwrap().unwrap().message;
    let clean = draft(&kept);
    assert!(svcb::without_ech(&clean.0).unwrap().is_none());
    let records = |message: &[u8]| {
        let message = Message::from_octets(message.to_vec()).unwrap();
        let answers = message.answer().unwrap();
        let text = |record: Result<domain::base::ParsedRecord<'_, _>, _>| {
            let record = record.unwrap();
            let data = record.to_any_record::<domain::rdata::AllRecordData<_, _>>().unwrap();
            format!("{} {} {}", record.owner(), record.ttl().as_secs(), data.data())
        };
        answers.map(text).collect::<Vec<_>>()
    };
    assert_eq!(records(&given), records(&clean.0));
    assert_eq!(given[3] & 0x20, 0, "AD does not stay");
}

#[test]
fn ech_is_not_left_mandatory_nor_signed() {
    let stripped = |mandatory: &[u8]| {
        let data = service(&[(0, mandatory), (1, b"\x02h2"), (5, b"secret")]);
        let draft = Draft::answer_to("a.fr", Rtype::HTTPS).answer(ASKED, Rtype::HTTPS, 60, &data).answer(
            ASKED,
            Rtype::RRSIG,
            60,
            &RRSIG_OVER_HTTPS,
        );
        svcb::without_ech(&draft.0).unwrap().unwrap().message
    };
    for (mandatory, left) in
        [(&[0, 1, 0, 5][..], service(&[(0, &[0, 1]), (1, b"\x02h2")])), (&[0, 5], service(&[(1, b"\x02h2")]))]
    {
        let message = stripped(mandatory);
        assert_eq!(message[7], 1, "the signature over the record is gone");
        assert!(message.ends_with(&left));
    }
}

#[test]
fn what_a_stripped_key_says_is_kept_but_for_a_name_that_hides_behind_itself() {
    let found = |owner: &str| {
        let data = service(&[(5, CLOUDFLARE)]);
        let draft = Draft::answer_to(owner, Rtype::HTTPS).answer(ASKED, Rtype::HTTPS, 60, &data);
        let answer = read(&draft, owner, Rtype::HTTPS).unwrap();
        answer.outer_names().iter().map(|outer| (outer.name.to_string(), outer.number)).collect::<Vec<_>>()
    };
    assert_eq!(found("www.exemple.fr"), [("cloudflare-ech.com".to_owned(), 0x87)]);
    assert_eq!(found("cloudflare-ech.com"), []);
}

#[test]
fn names_that_point_in_a_circle_or_forward_make_an_answer_unusable() {
    // The owner of the first record stands behind the question, at 22.
    assert_eq!(Draft::answer_to("a.fr", Rtype::A).0.len(), 22);
    for (fact, owner) in [
        ("at itself", &[0xc0, 22][..]),
        ("at the label before the pointer", &[1, b'a', 0xc0, 22]),
        ("forward", &[0xc0, 26]),
        ("beyond the end", &[0xff, 0xff]),
        ("into the header", &[0xc0, 2]),
    ] {
        let draft = Draft::answer_to("a.fr", Rtype::A).answer(owner, Rtype::A, 60, &[192, 0, 2, 1]);
        assert_eq!(read(&draft, "a.fr", Rtype::A).unwrap_err(), Unusable::Malformed, "{fact}");
    }
}

#[test]
fn an_answer_of_64_kib_is_read_whole_and_all_of_it_counts_as_brought() {
    let mut draft = Draft::answer_to("a.fr", Rtype::TXT);
    for number in 0..199_u8 {
        let data = [&[255][..], &[number; 255], &[59], &[number; 59]].concat();
        draft = draft.answer(ASKED, Rtype::TXT, 0, &data);
    }
    assert!((65_000..=65_535).contains(&draft.0.len()), "{}", draft.0.len());
    let answer = read(&draft, "a.fr", Rtype::TXT).unwrap();
    let brought = news::records(answer.message());
    assert_eq!(brought.iter().map(|record| record.bytes()).sum::<u64>(), 199 * 316);
}

#[test]
fn a_broken_service_record_is_unusable() {
    for data in [&[0][..], &[0, 1], &[0, 1, 0, 0], &[0, 1, 0, 0, 5, 0, 9, 1], &[0, 1, 0xc0, 12]] {
        let draft = Draft::answer_to("a.fr", Rtype::HTTPS).answer(ASKED, Rtype::HTTPS, 60, data);
        assert_eq!(read(&draft, "a.fr", Rtype::HTTPS).unwrap_err(), Unusable::Malformed, "{data:?}");
    }
}

#[test]
fn every_prefix_of_an_answer_is_read_without_harm() {
    let draft = Draft::answer_to("a.fr", Rtype::HTTPS)
        .answer(ASKED, Rtype::CNAME, 60, &wire("b.fr"))
        .answer(&wire("b.fr"), Rtype::HTTPS, 60, &service(&[(0, &[0, 5]), (5, b"secret")]))
        .answer(ASKED, Rtype::RRSIG, 60, &RRSIG_OVER_HTTPS)
        .soa(60, 60)
        .opt(true, b"\0\x0f\0\x02\0\x16");
    for end in 0..=draft.0.len() {
        exercise(&draft.0[..end]);
    }
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
    }

    #[test]
    fn no_changed_byte_does_harm(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut message = Draft::answer_to("www.exemple.fr", Rtype::HTTPS)
            .answer(ASKED, Rtype::CNAME, 60, &wire("b.fr"))
            .answer(&wire("b.fr"), Rtype::HTTPS, 60, &service(&[(1, b"\x02h2"), (5, b"secret")]))
            .soa(60, 60)
            .opt(true, b"\0\x0f\0\x02\0\x16").0;
        let at = at.index(message.len());
        message[at] = value;
        exercise(&message);
    }
}
