//! A list of establishments as CSV: with the headers of the ministry's open data (`fr-en-annuaire-education` and
//! `fr-en-adresse-et-geolocalisation-etablissements-premier-et-second-degre`), or with `uai,nom,type,commune,departement`;
//! commas, semicolons or tabulators; UTF-8, or else ISO 8859-1 as spreadsheets of the administration write it (read as
//! windows-1252, its superset). One bad line never loses the others.

use csv::StringRecord;
use encoding_rs::WINDOWS_1252;
use preau::model::Uai;

use crate::{
    fleet::schools::School,
    words::{DepartementCode, GroupName},
};

/// Lines that are read at most: every school of France.
const LINES_MAX: usize = 100_000;

/// The longest name, type or town, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;

/// The headers of each field, in small letters, the first found counts.
const UAI: &[&str] = &["identifiant_de_l_etablissement", "numero_uai", "uai", "code uai", "rne"];
const NAME: &[&str] = &["nom_etablissement", "appellation_officielle", "nom", "name"];
const KIND: &[&str] = &["type_etablissement", "nature_uai_libe", "type", "nature"];
const TOWN: &[&str] = &["nom_commune", "libelle_commune", "commune", "ville", "town"];
const DEPARTEMENT: &[&str] = &["code_departement", "departement", "département"];

/// A line that can be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::console) struct Read {
    /// The school.
    pub(in crate::console) school: School,
    /// The group that a column puts it into.
    pub(in crate::console) group: Option<GroupName>,
}

/// Why a line, or a list, is not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Fault {
    /// The columns of code, name or département are missing, or that of groups.
    Columns,
    /// More lines than there are schools.
    TooLong,
    /// The code is not seven digits and a letter.
    Uai,
    /// The code stands on a line before.
    Twice,
    /// There is no name, or one that is too long.
    Name,
    /// The département is none.
    Departement,
    /// The visitor may not enter schools there.
    NotGranted,
}

/// A line that cannot be entered: its number in the file, its code as written, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::console) struct Unread {
    pub(in crate::console) line: u64,
    pub(in crate::console) code: String,
    pub(in crate::console) fault: Fault,
}

/// Reads a list; `group_column` is the header of the column that tells groups, empty for none.
pub(super) fn read(bytes: &[u8], group_column: &str) -> Result<Vec<Result<Read, Unread>>, Fault> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    };
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or("");
    let delimiter =
        [b';', b'\t', b','].into_iter().max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count());
    let mut csv = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers = csv.headers().map_err(|_| Fault::Columns)?.clone();
    let place = |names: &[&str]| {
        names.iter().find_map(|name| headers.iter().position(|header| header.trim().to_lowercase() == *name))
    };
    let (Some(uai), Some(name), Some(departement)) = (place(UAI), place(NAME), place(DEPARTEMENT)) else {
        return Err(Fault::Columns);
    };
    let (kind, town) = (place(KIND), place(TOWN));
    let sought = group_column.trim().to_lowercase();
    let group = place(&[&sought]).filter(|_| !sought.is_empty());
    if !sought.is_empty() && group.is_none() {
        return Err(Fault::Columns);
    }
    let mut lines = Vec::new();
    for record in csv.records() {
        if lines.len() >= LINES_MAX {
            return Err(Fault::TooLong);
        }
        let Ok(record) = record else { continue };
        let at = |place: Option<usize>| place.and_then(|place| record.get(place)).unwrap_or("").trim();
        let read =
            Read::fields(at(Some(uai)), at(Some(name)), at(kind), at(town), at(Some(departement)), at(group));
        lines.push(read.map_err(|fault| Unread {
            line: line_of(&record),
            code: at(Some(uai)).to_owned(),
            fault,
        }));
    }
    Ok(lines)
}

impl Read {
    /// Reads the fields of one line.
    ///
    /// # Errors
    /// The first that is wrong.
    pub(in crate::console) fn fields(
        uai: &str,
        name: &str,
        kind: &str,
        town: &str,
        departement: &str,
        group: &str,
    ) -> Result<Self, Fault> {
        let plain = |text: &str| -> String {
            text.trim().chars().filter(|letter| !letter.is_control()).take(TEXT_CHARACTERS_MAX).collect()
        };
        let name = plain(name);
        let school = School {
            uai: Uai::new(&uai.trim().to_uppercase()).ok_or(Fault::Uai)?,
            name: if name.is_empty() { return Err(Fault::Name) } else { name },
            kind: plain(kind),
            town: plain(town),
            departement: code_of(departement).ok_or(Fault::Departement)?,
        };
        Ok(Self { school, group: group_of(group) })
    }
}

/// The ministry writes `080`, `02A` and `974` where people write `80`, `2A` and `974`.
fn code_of(text: &str) -> Option<DepartementCode> {
    let text = text.trim().to_uppercase();
    let short = text.strip_prefix('0').filter(|rest| rest.len() == 2).unwrap_or(&text);
    let long = if short.len() == 1 { format!("0{short}") } else { short.to_owned() };
    DepartementCode::new(&long)
}

/// A group's name from what stands in a column: `Réseau REP+` is `reseau-rep-plus`.
fn group_of(text: &str) -> Option<GroupName> {
    let mut name = String::new();
    for letter in text.trim().to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            'à' | 'â' => name.push('a'),
            'é' | 'è' | 'ê' | 'ë' => name.push('e'),
            'î' | 'ï' => name.push('i'),
            'ô' => name.push('o'),
            'ù' | 'û' => name.push('u'),
            'ç' => name.push('c'),
            '+' => name.push_str("-plus"),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name: String = name.trim_matches('-').chars().take(40).collect();
    GroupName::new(name.trim_end_matches('-'))
}

fn line_of(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ministrys_lists_are_read_in_either_encoding() {
        let text = "Identifiant_de_l_etablissement;Nom_etablissement;Type_etablissement;Nom_commune;Code_departement;ppe\n\
            0800001A;Collège Anne Frank;Collège;Amiens;080;REP+\n\
            7200002B;École de l'Étang;Ecole;Ajaccio;02A;\n";
        let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        for bytes in [text.as_bytes(), &latin, format!("\u{feff}{text}").as_bytes()] {
            let lines = read(bytes, "PPE").unwrap();
            let first = lines[0].as_ref().unwrap();
            assert_eq!(first.school.name, "Collège Anne Frank");
            assert_eq!(first.school.departement.as_str(), "80");
            assert_eq!(first.group.as_ref().unwrap().as_str(), "rep-plus");
            let second = lines[1].as_ref().unwrap();
            assert_eq!((second.school.departement.as_str(), &second.group), ("2A", &None));
        }
    }

    #[test]
    fn one_bad_line_never_loses_the_others() {
        let text = "uai,nom,departement\n0800001A,Un,80\nxyz,Deux,80\n0800003C,,80\n0800004D,Quatre,Somme\n0800005e,Cinq,1\n";
        let lines = read(text.as_bytes(), "").unwrap();
        let faults: Vec<_> =
            lines.iter().map(|line| line.as_ref().err().map(|unread| (unread.line, unread.fault))).collect();
        let expected =
            [None, Some((3, Fault::Uai)), Some((4, Fault::Name)), Some((5, Fault::Departement)), None];
        assert_eq!(faults, expected);
        assert_eq!(lines[4].as_ref().unwrap().school.departement.as_str(), "01");
    }

    #[test]
    fn a_list_without_its_columns_is_refused() {
        for text in ["", "nom,departement\nUn,80\n", "\u{0}\u{1}", "uai,nom,departement"] {
            let told = read(text.as_bytes(), "");
            assert!(
                told.as_ref().is_err_and(|fault| *fault == Fault::Columns) || told == Ok(Vec::new()),
                "{text:?}"
            );
        }
        assert_eq!(read(b"uai,nom,departement\n", "ppe"), Err(Fault::Columns));
    }
}
