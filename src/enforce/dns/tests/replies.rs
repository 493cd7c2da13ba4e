//! What is read from an asker's question, and what goes back.

use std::net::IpAddr;

use domain::{
    base::{
        Message,
        iana::{ExtendedErrorCode, OptRcode, Rcode, Rtype},
        opt::AllOptData,
    },
    rdata::AllRecordData,
};
use proptest::prelude::*;

use super::scene::*;
use crate::enforce::dns::{
    answer::Answer,
    limits::EXPLANATION_BYTES_MAX,
    private::Inside,
    query::{Carrier, Query, Unfit},
    reply::{self, Age, Explanation},
};

fn unfit(datagram: &[u8]) -> Option<Rcode> {
    match Query::parse(datagram).unwrap_err() {
        Unfit::Silence => None,
        Unfit::Error { rcode, .. } => Some(rcode),
    }
}

fn answer(draft: &Draft, name: &str, rtype: Rtype) -> Answer {
    Answer::read(&draft.0, &question(name, rtype), &Inside::of(&[])).unwrap()
}

/// The explanations of a message, by a reader that is not ours.
fn explanations(message: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let message = Message::from_octets(message).unwrap();
    let Some(opt) = message.opt() else {
        return Vec::new();
    };
    opt.opt()
        .iter::<AllOptData<_, _>>()
        .filter_map(|option| match option.unwrap() {
            AllOptData::ExtendedError(error) => {
                Some((error.code().to_int(), error.text_slice().unwrap_or_default().to_vec()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_no_question_gets_an_error_or_silence() {
    let draft = || Draft::query("a.fr", Rtype::A);
    assert_eq!(unfit(b""), None);
    assert_eq!(unfit(&draft().0[..11]), None);
    assert_eq!(unfit(&draft().flags(0x81, 0).0), None, "an answer is not answered");
    assert_eq!(unfit(&draft().flags(0x28, 0).0), Some(Rcode::NOTIMP), "update");
    assert_eq!(unfit(&draft().flags(0x10, 0).0), Some(Rcode::NOTIMP), "status");
    for (at, value) in [(5, 0), (5, 2), (7, 1), (9, 1), (11, 5)] {
        let mut counted = draft().0;
        counted[at] = value;
        assert_eq!(unfit(&counted), Some(Rcode::FORMERR), "{at} {value}");
    }
    for end in 12..draft().0.len() {
        assert_eq!(unfit(&draft().0[..end]), Some(Rcode::FORMERR), "{end}");
    }
    let mut pointing = draft().0;
    pointing.splice(12..18, [0xc0, 12]);
    assert_eq!(unfit(&pointing), Some(Rcode::FORMERR), "a name that points at itself");
    assert_eq!(unfit(&draft().opt(false, b"").opt(false, b"").0), Some(Rcode::FORMERR), "two opt");
    assert_eq!(unfit(&draft().opt(false, b"\0\x0a\0\x09abc").0), Some(Rcode::FORMERR), "cut option");
    let long_name = [b'\x3f'; 4 * 64].into_iter().chain([0, 0, 1, 0, 1]).collect::<Vec<_>>();
    assert_eq!(unfit(&[&draft().0[..12], &long_name].concat()), Some(Rcode::FORMERR), "long name");
}

#[test]
fn a_question_for_every_type_gets_one_record_that_says_nothing() {
    let draft = Draft::query("a.fr", Rtype::ANY).opt(false, b"");
    let mut out = Vec::new();
    reply::minimal(&mut out, &Query::parse(&draft.0).unwrap(), 60);
    let message = Message::from_octets(&*out).unwrap();
    let records: Vec<_> = message.answer().unwrap().map(|record| record.unwrap().rtype()).collect();
    assert_eq!(records, [Rtype::HINFO]);
    assert!(message.opt().is_some());
}

#[test]
fn a_question_no_forwarder_answers_gets_its_error() {
    let fault = |message: &[u8]| Query::parse(message).unwrap().fault();
    assert_eq!(fault(&Draft::query("a.fr", Rtype::A).opt(true, b"").0), None);
    assert_eq!(fault(&Draft::query("a.fr", Rtype::ANY).0), None);
    assert_eq!(fault(&Draft::query("a.fr", Rtype::AXFR).0), Some(OptRcode::NOTIMP));
    assert_eq!(fault(&Draft::query("a.fr", Rtype::IXFR).0), Some(OptRcode::NOTIMP));
    assert_eq!(fault(&Draft::query("a.fr", Rtype::NULL).0), Some(OptRcode::REFUSED));
    assert_eq!(fault(&Draft::query("a.fr", Rtype::from_int(65_399)).0), Some(OptRcode::REFUSED), "private");
    assert_eq!(fault(&Draft::query("a.fr", Rtype::OPT).0), Some(OptRcode::FORMERR));
    let mut chaos = Draft::query("version.bind", Rtype::TXT).0;
    *chaos.last_mut().unwrap() = 3;
    assert_eq!(fault(&chaos), Some(OptRcode::REFUSED));
    let mut version_1 = Draft::query("a.fr", Rtype::A).opt(false, b"").0;
    let version_at = version_1.len() - 5;
    version_1[version_at] = 1;
    assert_eq!(fault(&version_1), Some(OptRcode::BADVERS));
    let mut out = Vec::new();
    reply::error(&mut out, &Query::parse(&version_1).unwrap(), OptRcode::BADVERS, None);
    assert_eq!(Message::from_octets(&out[..]).unwrap().opt_rcode(), OptRcode::BADVERS);
}

#[test]
fn a_reply_has_the_askers_id_and_letters_and_the_time_left() {
    let upstream = Draft::answer_to("www.exemple.fr", Rtype::A)
        .answer(ASKED, Rtype::A, 60, &[192, 0, 2, 1])
        .answer(ASKED, Rtype::A, 10, &[192, 0, 2, 2]);
    let answer = answer(&upstream, "www.exemple.fr", Rtype::A);
    let asked = Draft::query("wWw.exemple.FR", Rtype::A);
    let query = Query::parse(&asked.0).unwrap();
    let mut out = Vec::new();
    for (age, left) in [
        (Age::Fresh(0), [60, 10]),
        (Age::Fresh(7), [53, 3]),
        (Age::Fresh(20), [40, 0]),
        (Age::Stale, [30, 30]),
    ] {
        reply::forwarded(&mut out, &query, Carrier::Udp, &answer, age);
        let expected = Draft::query("wWw.exemple.FR", Rtype::A)
            .flags(0x81, 0x80)
            .answer(ASKED, Rtype::A, left[0], &[192, 0, 2, 1])
            .answer(ASKED, Rtype::A, left[1], &[192, 0, 2, 2]);
        assert_eq!(out, expected.0, "{age:?}");
    }
}

#[test]
fn records_of_unknown_types_pass_untouched_to_the_asker() {
    let unknown = Rtype::from_int(65_280);
    let draft = |high, low| {
        Draft::query("a.fr", unknown).flags(high, low).record(1, ASKED, 65_280, 60, b"\xc0\x0c\xffraw")
    };
    let answer = answer(&draft(0x81, 0x80).opt(false, b""), "a.fr", unknown);
    let mut out = Vec::new();
    let asked = Draft::query("a.fr", unknown).opt(false, b"");
    reply::forwarded(&mut out, &Query::parse(&asked.0).unwrap(), Carrier::Udp, &answer, Age::Fresh(0));
    assert_eq!(out, draft(0x81, 0x80).opt(false, b"").0);
}

#[test]
fn ad_is_given_to_those_who_ask_for_it_and_bits_come_back() {
    let upstream =
        Draft::answer_to("a.fr", Rtype::A).flags(0x85, 0xa0).answer(ASKED, Rtype::A, 60, &[192, 0, 2, 1]);
    let answer = answer(&upstream, "a.fr", Rtype::A);
    for (asked, flags) in [
        (Draft::query("a.fr", Rtype::A).flags(1, 0), [0x81, 0x80]),
        (Draft::query("a.fr", Rtype::A).flags(0, 0), [0x80, 0x80]),
        (Draft::query("a.fr", Rtype::A).flags(1, 0x20), [0x81, 0xa0]),
        (Draft::query("a.fr", Rtype::A).flags(1, 0x10), [0x81, 0x90]),
        (Draft::query("a.fr", Rtype::A).opt(true, b""), [0x81, 0xa0]),
    ] {
        let mut out = Vec::new();
        reply::forwarded(&mut out, &Query::parse(&asked.0).unwrap(), Carrier::Udp, &answer, Age::Fresh(0));
        assert_eq!(out[2..4], flags);
    }
}

#[test]
fn an_answer_larger_than_the_asker_takes_is_cut_whole_and_says_so() {
    let mut upstream = Draft::answer_to("a.fr", Rtype::TXT);
    for _ in 0..4 {
        upstream = upstream.answer(ASKED, Rtype::TXT, 60, &[b"\xf0"[..].to_vec(), vec![b'x'; 240]].concat());
    }
    let answer = answer(&upstream, "a.fr", Rtype::TXT);
    let mut out = Vec::new();
    let plain = Draft::query("a.fr", Rtype::TXT);
    reply::forwarded(&mut out, &Query::parse(&plain.0).unwrap(), Carrier::Udp, &answer, Age::Fresh(0));
    assert_eq!(out, Draft::query("a.fr", Rtype::TXT).flags(0x83, 0x80).0);
    reply::forwarded(&mut out, &Query::parse(&plain.0).unwrap(), Carrier::Tcp, &answer, Age::Fresh(0));
    assert_eq!(out.len(), upstream.0.len());
    let edns = plain.opt(false, b"");
    reply::forwarded(&mut out, &Query::parse(&edns.0).unwrap(), Carrier::Udp, &answer, Age::Fresh(0));
    assert_eq!(out.len(), upstream.0.len() + 11);
}

#[test]
fn an_explanation_goes_to_those_who_speak_edns() {
    let explanation = Explanation { code: ExtendedErrorCode::FILTERED, text: "filtré" };
    let mut out = Vec::new();
    let asked = Draft::query("a.fr", Rtype::A);
    reply::address(&mut out, &Query::parse(&asked.0).unwrap(), [10, 0, 0, 1].into(), 10, Some(explanation));
    assert_eq!(explanations(&out), []);
    let asked = asked.opt(false, b"");
    reply::address(&mut out, &Query::parse(&asked.0).unwrap(), [10, 0, 0, 1].into(), 10, Some(explanation));
    assert_eq!(explanations(&out), [(17, "filtré".as_bytes().to_vec())]);
    assert!(out.ends_with("\0\x0f\0\x09\0\x11filtré".as_bytes()));
}

#[test]
fn an_expired_answer_says_so_and_passes_the_upstreams_explanation_on() {
    let mut out = Vec::new();
    let asked = Draft::query("a.fr", Rtype::A).opt(false, b"");
    let query = Query::parse(&asked.0).unwrap();
    let upstream = Draft::answer_to("a.fr", Rtype::A).answer(ASKED, Rtype::A, 60, &[192, 0, 2, 1]);
    let answer_ = answer(&upstream.opt(false, b"\0\x0f\0\x02\0\x16"), "a.fr", Rtype::A);
    reply::forwarded(&mut out, &query, Carrier::Udp, &answer_, Age::Stale);
    assert_eq!(explanations(&out), [(22, vec![]), (3, vec![])]);
    let missing = answer(&Draft::answer_to("a.fr", Rtype::A).soa(60, 60).flags(0x81, 0x83), "a.fr", Rtype::A);
    reply::forwarded(&mut out, &query, Carrier::Udp, &missing, Age::Stale);
    assert_eq!(explanations(&out), [(19, vec![])]);
}

proptest! {
    #[test]
    fn replies_of_our_own_read_back_as_composed(
        name in "([a-z0-9_-]{1,60}\\.){1,4}[a-z]{2,8}",
        text in ".{0,300}",
        ttl in any::<u32>(),
        edns in any::<bool>(),
        v6 in any::<bool>(),
    ) {
        let rtype = if v6 { Rtype::AAAA } else { Rtype::A };
        let mut asked = Draft::query(&name, rtype);
        if edns {
            asked = asked.opt(true, b"");
        }
        let query = Query::parse(&asked.0).unwrap();
        let explanation = Explanation { code: ExtendedErrorCode::BLOCKED, text: &text };
        let address = if v6 { "fd00:10::1".parse().unwrap() } else { IpAddr::from([10, 10, 0, 1]) };
        let mut out = Vec::new();
        for negative in [false, true] {
            if negative {
                reply::nothing(&mut out, &query, Rcode::NXDOMAIN, ttl, Some(explanation));
            } else {
                reply::address(&mut out, &query, address, ttl, Some(explanation));
            }
            prop_assert!(out.len() <= 512);
            let message = Message::from_octets(&out[..]).unwrap();
            prop_assert_eq!(message.header().id(), 0x1234);
            prop_assert_eq!(message.first_question().unwrap().qname().to_string(), name.clone());
            let mut records = 0;
            for record in message.iter() {
                let (record, _) = record.unwrap();
                let whole = record.to_any_record::<AllRecordData<_, _>>().unwrap();
                if record.rtype() != Rtype::OPT {
                    prop_assert_eq!(record.ttl().as_secs(), ttl);
                    prop_assert_eq!(record.owner().to_string(), name.clone());
                }
                if let AllRecordData::A(a) = whole.data() {
                    prop_assert_eq!(IpAddr::V4(a.addr()), address);
                }
                records += 1;
            }
            prop_assert_eq!(records, if edns { 2 } else { 1 });
            for (code, said) in explanations(&out) {
                prop_assert_eq!(code, 15);
                prop_assert!(said.len() <= EXPLANATION_BYTES_MAX && text.as_bytes().starts_with(&said));
                prop_assert!(std::str::from_utf8(&said).is_ok());
            }
        }
    }
}

/// The alias of `www.google.fr` at these addresses, as text by a reader that is not ours.
fn shown_alias(asked: &Draft, addresses: &[&str]) -> (Vec<String>, Vec<u8>) {
    let query = Query::parse(&asked.0).unwrap();
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let target = "forcesafesearch.google.com".parse().unwrap();
    let mut out = Vec::new();
    reply::alias(&mut out, &query, &target, &addresses, 42);
    let message = Message::from_octets(&out[..]).unwrap();
    let records = message.answer().unwrap().map(|record| {
        let record = record.unwrap().into_record::<AllRecordData<_, _>>().unwrap().unwrap();
        format!("{} {} {}", record.owner(), record.ttl().as_secs(), record.data())
    });
    (records.collect(), out.clone())
}

#[test]
fn a_site_under_another_name_is_an_alias_with_the_other_names_addresses() {
    for (rtype, addresses) in
        [(Rtype::A, ["216.239.38.120", "192.0.2.7"]), (Rtype::AAAA, ["2001:4860:4802:32::78", "2001:db8::7"])]
    {
        let (records, message) =
            shown_alias(&Draft::query("WWW.google.fr", rtype).opt(true, b""), &addresses);
        let expected = [
            "WWW.google.fr 42 forcesafesearch.google.com.".to_owned(),
            format!("forcesafesearch.google.com 42 {}", addresses[0]),
            format!("forcesafesearch.google.com 42 {}", addresses[1]),
        ];
        assert_eq!(records, expected);
        assert_eq!(explanations(&message), [(4, "recherche protégée".as_bytes().to_vec())]);
    }
}

#[test]
fn an_alias_without_addresses_says_for_how_long_there_are_none() {
    let (records, message) = shown_alias(&Draft::query("www.google.fr", Rtype::AAAA), &[]);
    assert_eq!(records.len(), 1);
    let message = Message::from_octets(&message[..]).unwrap();
    assert_eq!(message.header_counts().nscount(), 1);
    assert_eq!(message.header().rcode(), Rcode::NOERROR);
}

#[test]
fn an_alias_fits_every_asker() {
    let long = format!("{0}.{0}.{0}.{1}.www.google.com", "a".repeat(63), "b".repeat(46));
    let addresses = ["2001:db8::1"; 20];
    for asked in [Draft::query(&long, Rtype::AAAA), Draft::query(&long, Rtype::AAAA).opt(true, b"")] {
        let (records, message) = shown_alias(&asked, &addresses);
        assert!(
            records.len() > 1 && message.len() <= 512,
            "{} records, {} bytes",
            records.len(),
            message.len()
        );
    }
}
