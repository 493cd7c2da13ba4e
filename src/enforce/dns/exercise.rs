//! Runs everything that reads foreign bytes over one message: the entry of the fuzz target and of its corpus.

use super::{
    answer::Answer,
    key::Key,
    name::Judged,
    private::Inside,
    query::{Carrier, Query},
    reply::{self, Age},
    svcb,
    wire::HEADER_BYTES,
};

/// Reads `message` as an asker's question and as an upstream's answer, and composes what would go back.
///
/// # Panics
/// When a reply breaks a promise: longer than the asker takes, another question than asked, an `ech` left in it.
pub fn exercise(message: &[u8]) {
    let mut out = Vec::new();
    match Query::parse(message) {
        Ok(query) => {
            drop((query.key(), query.fault(), Judged::read(query.name.iter())));
            reply::nothing(&mut out, &query, domain::base::iana::Rcode::NXDOMAIN, 1, None);
            check(&out, &query, Carrier::Udp);
        }
        Err(unfit) => drop(reply::unfit(&mut out, unfit)),
    }
    let Some((question, answer)) = read_answer(message) else {
        return;
    };
    for edns in [&b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"[..], b""] {
        let asked = asked(&question, edns);
        let Ok(query) = Query::parse(&asked) else {
            continue;
        };
        for (carrier, age) in
            [(Carrier::Udp, Age::Fresh(0)), (Carrier::Tcp, Age::Fresh(u32::MAX)), (Carrier::Tcp, Age::Stale)]
        {
            reply::forwarded(&mut out, &query, carrier, &answer, age);
            check(&out, &query, carrier);
        }
    }
}

/// The message as an answer to the question it repeats.
fn read_answer(message: &[u8]) -> Option<(Vec<u8>, Answer)> {
    let mut as_query = message.get(..HEADER_BYTES)?.to_vec();
    as_query.splice(2.., [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    as_query.extend_from_slice(message.get(HEADER_BYTES..)?);
    let key: Key = Query::parse(&as_query).ok()?.key();
    let question = key.question();
    let answer = Answer::read(message, &question, &Inside::of(&[])).ok()?;
    Some((question, answer))
}

/// A query for `question`, with the OPT record `edns` if that is not empty.
fn asked(question: &[u8], edns: &[u8]) -> Vec<u8> {
    let additional = u8::from(!edns.is_empty());
    [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, additional][..], question, edns].concat()
}

fn check(reply: &[u8], query: &Query<'_>, carrier: Carrier) {
    assert!(reply.len() <= query.answer_bytes_max(carrier), "reply too long");
    let question = query.question();
    assert_eq!(reply.get(..2), Some(&query.id.to_be_bytes()[..]), "another id");
    assert_eq!(reply.get(HEADER_BYTES..HEADER_BYTES + question.len()), Some(question), "another question");
    assert!(!matches!(svcb::without_ech(reply), Ok(Some(_))), "ech left in the reply");
}
