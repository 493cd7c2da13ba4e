//! Files that are cut, broken, or made to do harm: what is good is taken, the rest refused, and memory has a bound.

use std::io::{self, Read};

use super::builder::{Outcome, pupil, read, read_requests, schools, xml};
use crate::identity::feed::{
    Extent, Format, Head, Totals, delivery::Out, delivery::read_xml, schools::Schools, seen::Seen,
};

const COMPLETE: &str = "ENT_Complet_20260901_Eleve_0000.xml";

fn read_file(file: &[u8]) -> Outcome {
    read(&[("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools()), (COMPLETE, file)])
}

/// Reads a stream, keeping nothing of it.
fn read_stream(stream: impl Read) -> (Totals, Vec<String>) {
    let head = Head { format: Format::Aaf, extent: Extent::Complete, date: None, source: String::new() };
    let mut reasons = Vec::new();
    let mut take = |item| {
        if let crate::identity::feed::Item::Refused(refused) = item {
            reasons.push(refused.reason.to_string());
        }
        Ok(())
    };
    let mut out = Out { take: &mut take, totals: Totals::default() };
    read_xml(stream, "flot.xml", &head, &mut Schools::default(), &mut Seen::default(), &mut out).unwrap();
    (out.totals, reasons)
}

/// `piece` for ever, up to `count` times, made while it is read.
struct Repeated<'a> {
    piece: &'a [u8],
    count: u64,
    at: usize,
}

impl Read for Repeated<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while self.count > 0 && length < into.len() {
            let rest = &self.piece[self.at..];
            let part = rest.len().min(into.len() - length);
            into[length..length + part].copy_from_slice(&rest[..part]);
            length += part;
            self.at += part;
            if self.at == self.piece.len() {
                self.at = 0;
                self.count -= 1;
            }
        }
        Ok(length)
    }
}

fn repeated(piece: &[u8], count: u64) -> Repeated<'_> {
    Repeated { piece, count, at: 0 }
}

#[test]
fn every_cut_of_a_file_gives_what_stands_before_it_and_says_so() {
    let whole = xml(&(pupil("1", &[]) + &pupil("2", &[("sn", "D&apos;ÉTÉ")])));
    let text = String::from_utf8_lossy(&whole);
    let ends: Vec<usize> = text.match_indices("</addRequest>").map(|(at, end)| at + end.len()).collect();
    let root_end = text.find("</ficAlimMENESR>").unwrap() + "</ficAlimMENESR>".len();
    for end in 0..root_end {
        let head = Head { format: Format::Aaf, extent: Extent::Complete, date: None, source: String::new() };
        let mut known = Schools::default();
        let school = crate::identity::feed::SchoolRecord {
            key: "52006".into(),
            uai: super::builder::uai("0809999Z"),
            name: String::new(),
        };
        known.add(&school).unwrap();
        let mut take = |_| Ok(());
        let mut out = Out { take: &mut take, totals: Totals::default() };
        read_xml(&whole[..end], COMPLETE, &head, &mut known, &mut Seen::default(), &mut out).unwrap();
        let expected = ends.iter().filter(|at| **at <= end).count();
        assert_eq!(out.totals.persons, u64::try_from(expected).unwrap(), "cut at {end}");
        assert_eq!((out.totals.refused, out.totals.cut), (1, true), "cut at {end}");
    }
    assert!(!read_file(&whole).totals.cut);
}

#[test]
fn a_cut_file_is_refused_with_its_line() {
    let mut file = xml(&pupil("1", &[]));
    file.truncate(file.len() - "</ficAlimMENESR>\n".len());
    let read = read_file(&file);
    assert_eq!(read.totals.persons, 1);
    assert_eq!(read.refusal(), (5, None, "le fichier est coupé : la suite manque".into()));
    let read = read_file(b"");
    assert_eq!(read.refusal().2, "le fichier est coupé : la suite manque");
}

#[test]
fn tags_that_do_not_match_end_the_file_there() {
    let requests =
        pupil("1", &[]) + &pupil("2", &[]).replace("</identifier>", "</identifiant>") + &pupil("3", &[]);
    let read = read_requests(&requests);
    assert_eq!(read.person().person.id.as_str(), "1");
    assert_eq!(read.refusal(), (5, None, "le fichier est mal formé : la suite n'est pas lue".into()));
    assert!(read.totals.cut);
}

#[test]
fn entities_of_the_file_s_own_are_refused_before_anything_is_read() {
    for doctype in [
        "<!DOCTYPE ficAlimMENESR [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
        "<!DOCTYPE ficAlimMENESR [<!ENTITY fichier SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE ficAlimMENESR SYSTEM \"ficAlimMENESR.dtd\" [<!ENTITY % x SYSTEM \"http://192.0.2.1/x\"> %x;]>",
        "<!DOCTYPE ficAlimMENESR []>",
    ] {
        let file =
            format!("{doctype}\n<ficAlimMENESR>{}</ficAlimMENESR>", pupil("1", &[("sn", "&b;&fichier;")]));
        let read = read_file(file.as_bytes());
        assert_eq!(read.totals.persons, 0, "{doctype}");
        let sentence = "le fichier déclare ses propres entités : par sûreté, rien n'en est pris";
        assert_eq!(read.refusal(), (1, None, sentence.into()), "{doctype}");
        assert!(read.totals.cut);
    }
}

#[test]
fn an_external_doctype_is_read_over() {
    let file = format!(
        "<!DOCTYPE ficAlimMENESR PUBLIC \"-//x//y\" \"http://192.0.2.1/ficAlimMENESR.dtd\">\n<ficAlimMENESR>{}</ficAlimMENESR>",
        pupil("1", &[])
    );
    assert_eq!(read_file(file.as_bytes()).totals.persons, 1);
}

#[test]
fn elements_nested_without_end_are_refused() {
    let (totals, reasons) = read_stream(repeated(b"<a>", 1_000_000));
    assert_eq!(totals.persons, 0);
    assert_eq!(
        reasons,
        ["les balises sont imbriquées plus que le format ne le permet : la suite n'est pas lue"]
    );
}

#[test]
fn a_flood_of_attributes_ends_the_file() {
    let flood = (&b"<ficAlimMENESR><addRequest "[..]).chain(repeated(b"a='b' ", 1_000_000));
    let (_, reasons) = read_stream(flood);
    assert_eq!(reasons, ["le fichier est mal formé : la suite n'est pas lue"]);
    let elements = (&b"<ficAlimMENESR><addRequest><attributes>"[..])
        .chain(repeated(b"<attr name='sn'><value/></attr>", 20_000))
        .chain(&b"</attributes></addRequest></ficAlimMENESR>"[..]);
    let (totals, reasons) = read_stream(elements);
    assert_eq!(reasons, ["la fiche est trop grosse pour être vraie"]);
    assert!(!totals.cut);
}

#[test]
fn a_value_of_a_hundred_megabytes_refuses_its_record_only() {
    let huge = pupil("1", &[("sn", "@")]);
    let (before, after) = huge.split_once('@').unwrap();
    let head = String::from_utf8(xml("")).unwrap().replace("</ficAlimMENESR>\n", "");
    let behind = format!("{after}{}</ficAlimMENESR>", pupil("", &[]));
    let stream = head
        .as_bytes()
        .chain(before.as_bytes())
        .chain(repeated(&[b'E'; 1 << 16], 1600))
        .chain(behind.as_bytes());
    let (totals, reasons) = read_stream(stream);
    assert_eq!(reasons, ["« sn » est trop long pour être vrai", "la fiche n'a pas d'identifiant"]);
    assert!(!totals.cut);
}

#[test]
fn comments_and_cdata_without_end_do_not_fill_the_memory() {
    for opening in ["<ficAlimMENESR><!-- ", "<ficAlimMENESR><addRequest><![CDATA["] {
        let (totals, reasons) = read_stream(opening.as_bytes().chain(repeated(b"<a", 5_000_000)));
        assert_eq!(reasons, ["le fichier est mal formé : la suite n'est pas lue"], "{opening}");
        assert!(totals.cut);
    }
}

#[test]
fn a_flood_of_unknown_names_is_counted_and_not_kept() {
    let names: String =
        (0..1000).map(|number| format!("<attr name=\"x{number}\"><value>y</value></attr>")).collect();
    let read = read_requests(&pupil("1", &[]).replace("<attributes>", &format!("<attributes>{names}")));
    assert_eq!(read.totals.persons, 1);
    assert!(read.totals.notes <= 201);
    let last = read.notes().last().unwrap().kind.to_string();
    assert_eq!(last, "d'autres remarques de ce fichier ne sont que comptées");
}

#[test]
fn a_stream_that_fails_is_told_from_one_that_ends() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk"))
        }
    }
    let long = format!("<ficAlimMENESR>{}", " ".repeat(1000));
    let (totals, reasons) = read_stream(long.as_bytes().chain(Failing));
    assert_eq!(reasons, ["le fichier ne se lit plus à partir d'ici"]);
    assert!(totals.cut);
}
