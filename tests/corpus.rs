//! Replays every fuzz corpus in the ordinary build: nothing in it may panic, hang, or be forgotten by a target.

use std::{cell::Cell, fs, path::Path};

use preau::{
    config, enforce,
    enforce::proxy::http::{Chunked, Framing, read_request},
    ent,
    identity::feed,
    journal::{Record, Segment},
    library, lists,
    model::{Moment, UrlPath},
    policy::{RuleFile, category},
    portal,
    protocol::{
        self, Token,
        counts::DayCounts,
        delivery,
        relay::{Frame, Frames, is_wireguard},
    },
    system::synchronisation::Synchronisation,
};

/// Runs `target` on each file of `fuzz/corpus/<name>/`, at least one.
fn replay(name: &str, target: impl Fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("cannot read {}: {error}", dir.display())) {
        target(&fs::read(entry.expect("a readable entry").path()).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", dir.display());
}

#[test]
fn dns_messages_are_answered_or_refused() {
    replay("dns_message", enforce::dns::exercise);
}

#[test]
fn lists_of_pieces_are_read_or_refused() {
    replay("chunk_list", |bytes| {
        if let Ok(list) = protocol::chunks::read(bytes) {
            assert_eq!(protocol::chunks::write(&list), bytes);
        }
    });
}

#[test]
fn frames_of_the_tunnels_way_through_tcp_are_read_or_refused() {
    let whole = Cell::new(0);
    replay("relay", |bytes| {
        let mut frames = Frames::default();
        frames.feed(bytes);
        let mut held = 0;
        while let Ok(Some(frame)) = frames.take() {
            held += 2;
            if let Frame::Datagram(datagram) = frame {
                assert!(is_wireguard(&datagram));
                held += datagram.len();
                whole.set(whole.get() + 1);
            }
        }
        assert!(held <= bytes.len());
    });
    assert_eq!(whole.get(), 8, "the datagrams that WireGuard could have sent");
}

#[test]
fn packages_of_web_pages_are_read_or_refused() {
    replay("web_package", |bytes| {
        let length = u64::try_from(bytes.len()).expect("a file's length");
        if let Ok(table) = library::web::Table::read(&mut &*bytes, length) {
            let (_, first) = table.find("").expect("a package has a first page");
            assert!(first.start <= first.end && first.end <= length);
        }
    });
}

#[test]
fn lists_of_what_is_fetched_ahead_are_read_or_refused() {
    replay("warm_list", ent::warm::exercise);
}

#[test]
fn hellos_are_read_or_refused() {
    replay("client_hello", |bytes| {
        let _ = enforce::proxy::client_hello::read(bytes);
    });
}

#[test]
fn first_flights_of_quic_are_read_or_refused() {
    replay("quic_initial", enforce::quic::exercise);
}

#[test]
fn heads_are_read_or_refused() {
    replay("http_head", |bytes| {
        if let Ok(Some((head, length))) = read_request(bytes)
            && head.framing == Framing::Chunked
        {
            let _ = Chunked::default().read(&bytes[length..]);
        }
    });
}

#[test]
fn configurations_are_read_or_refused() {
    replay("configuration", |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = config::check_form(Path::new("preau.toml"), text);
        }
    });
}

#[test]
fn rules_files_are_read_or_refused() {
    replay("rules", |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = RuleFile::parse(text);
        }
    });
}

#[test]
fn paths_have_one_form() {
    replay("url_path", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let path = UrlPath::from(&*text);
        assert_eq!(UrlPath::from(path.as_str()), path);
        assert!(path.prefixes().count() <= UrlPath::SEGMENTS_MAX);
        let _ = UrlPath::climbs(&text);
    });
}

#[test]
fn category_tables_are_opened_or_refused() {
    replay("category_table", category::exercise);
}

#[test]
fn journal_segments_are_read_or_refused() {
    replay("journal_record", |bytes| {
        if let Ok(segment) = Segment::read(bytes) {
            assert!(segment.records().count() <= bytes.len());
        }
        let _ = Record::decode(bytes);
    });
}

#[test]
fn lists_are_read_or_refused_line_by_line() {
    replay("lists", lists::exercise);
}

#[test]
fn questions_for_the_time_get_no_more_than_they_bring() {
    let now = Moment::from_unix_seconds(1_795_439_100);
    replay("ntp", |bytes| {
        if let Some(answer) = enforce::ntp::reply(bytes, now, now, Synchronisation::Unsynchronised) {
            assert!(answer.len() <= bytes.len());
        }
    });
}

#[test]
fn directories_in_xml_are_read_or_refused_record_by_record() {
    replay("aaf", feed::exercise_xml);
}

#[test]
fn lists_of_people_are_read_or_refused_line_by_line() {
    replay("people_csv", feed::exercise_csv);
}

#[test]
fn counts_of_a_day_are_read_as_they_were_written_or_refused() {
    replay("day_counts", |bytes| {
        if let Ok(counts) = DayCounts::read(bytes) {
            let again = serde_json::to_vec(&counts).unwrap();
            assert_eq!(DayCounts::read(&again), Ok(counts));
        }
    });
}

#[test]
fn answers_of_ents_are_read_or_refused() {
    replay("cas_answer", enforce::ent::exercise);
}

#[test]
fn requests_to_the_cas_server_are_read_or_refused() {
    replay("cas_request", portal::exercise_cas);
}

#[test]
fn tokens_are_read_as_they_were_written_or_refused() {
    replay("enrolment_token", |bytes| {
        if let Ok(token) = Token::read(&String::from_utf8_lossy(bytes)) {
            assert_eq!(Token::read(&token.text()), Ok(token));
        }
    });
}

#[test]
fn deliveries_of_accounts_are_read_as_they_were_written_or_refused() {
    replay("delivery", |bytes| {
        if let Ok(read) = delivery::read(bytes) {
            let lines: Vec<String> = read.lines.iter().filter_map(|line| line.text().ok()).collect();
            if let Ok(again) = delivery::write(&read.header, lines.iter().map(String::as_str)) {
                assert_eq!(delivery::read(&again), Ok(read));
            }
        }
    });
}

#[test]
fn heads_of_kept_responses_are_read_as_they_were_written_or_refused() {
    replay("cache_head", ent::exercise_head);
}
