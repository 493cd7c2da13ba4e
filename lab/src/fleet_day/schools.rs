//! The schools of the day, and what the box of each says of itself.

use std::{collections::HashMap, fmt::Write as _};

use preau::protocol::line::{Figures, Finding, InForce, PassedOn, Refused, Report, Shelved};

/// Town and département. A school's name follows from its place in the list.
const TOWNS: [(&str, &str); 50] = [
    ("Amiens", "80"),
    ("Amiens", "80"),
    ("Abbeville", "80"),
    ("Albert", "80"),
    ("Péronne", "80"),
    ("Montdidier", "80"),
    ("Doullens", "80"),
    ("Corbie", "80"),
    ("Ham", "80"),
    ("Roye", "80"),
    ("Friville-Escarbotin", "80"),
    ("Longueau", "80"),
    ("Villers-Bretonneux", "80"),
    ("Rue", "80"),
    ("Moreuil", "80"),
    ("Ailly-sur-Noye", "80"),
    ("Poix-de-Picardie", "80"),
    ("Flixecourt", "80"),
    ("Beauvais", "60"),
    ("Beauvais", "60"),
    ("Compiègne", "60"),
    ("Creil", "60"),
    ("Nogent-sur-Oise", "60"),
    ("Senlis", "60"),
    ("Crépy-en-Valois", "60"),
    ("Méru", "60"),
    ("Noyon", "60"),
    ("Pont-Sainte-Maxence", "60"),
    ("Chantilly", "60"),
    ("Clermont", "60"),
    ("Chambly", "60"),
    ("Gouvieux", "60"),
    ("Bresles", "60"),
    ("Grandvilliers", "60"),
    ("Saint-Quentin", "02"),
    ("Saint-Quentin", "02"),
    ("Soissons", "02"),
    ("Laon", "02"),
    ("Château-Thierry", "02"),
    ("Tergnier", "02"),
    ("Chauny", "02"),
    ("Hirson", "02"),
    ("Bohain-en-Vermandois", "02"),
    ("Guise", "02"),
    ("Vervins", "02"),
    ("La Fère", "02"),
    ("Fère-en-Tardenois", "02"),
    ("Villers-Cotterêts", "02"),
    ("Anizy-le-Grand", "02"),
    ("Marle", "02"),
];

/// Whom schools are called after.
const PATRONS: [&str; 25] = [
    "Jules Verne",
    "Marie Curie",
    "Anne Frank",
    "Jean Moulin",
    "Louise Michel",
    "Victor Hugo",
    "Rosa Parks",
    "Jacques Prévert",
    "George Sand",
    "Arthur Rimbaud",
    "Simone Veil",
    "Édouard Lucas",
    "Joséphine Baker",
    "Jean Rostand",
    "Germaine Tillion",
    "Gaston Ramon",
    "Olympe de Gouges",
    "Alfred Manessier",
    "Émilie du Châtelet",
    "Henri Baumont",
    "Madeleine Michelis",
    "Charles Péguy",
    "Sophie Germain",
    "Albert Camus",
    "Camille Claudel",
];

/// What boxes of schools in trouble say: the school's place in the list, then each finding with its severity.
const FINDINGS: &[(usize, &[(&str, &str)])] = &[
    (1, &[("lists-old", "notice")]),
    (4, &[("journal-silent", "wrong"), ("disk-nearly-full", "wrong")]),
    (9, &[("certificate-ends", "warning")]),
    (13, &[("clock-in-doubt", "warning")]),
    (20, &[("ent-away", "wrong")]),
    (24, &[("feeds-held", "warning"), ("records-quarantined", "notice")]),
    (29, &[("machines-doubled", "warning"), ("tunnels-held", "warning")]),
    (33, &[("configuration-refused", "warning"), ("restart-wanted", "notice")]),
    (37, &[("disk-nearly-full", "warning")]),
];

/// What schools ask for: the school's place in the list, class, site, wish, askers, word.
const PASSED_ON: &[(usize, &str, &str, &str, u64, &str)] = &[
    (0, "5B", "geoguessr.example", "open", 3, "Pour la séance de géographie de mardi."),
    (0, "", "canva.example", "open", 7, "Affiches du club journal."),
    (2, "3C", "geoguessr.example", "open", 2, ""),
    (5, "4A", "videos.example", "open", 1, "Le documentaire sur les volcans."),
    (6, "", "pari-en-ligne.example", "close", 1, "Un élève l’a trouvé ouvert."),
    (11, "6A", "geoguessr.example", "open", 5, "Jeu de cartes du manuel."),
    (18, "", "canva.example", "open", 4, ""),
    (21, "3A", "forum-stage.example", "open", 12, "Recherche de stages de troisième."),
    (26, "", "mandataire.example", "close", 2, "Sert à contourner le filtrage."),
    (35, "5C", "videos.example", "open", 6, ""),
];

/// The one whose box does not take the rules it is given.
pub(super) const REFUSING: usize = 19;

/// The one whose box two persons revoke.
pub(super) const REVOKED: usize = 41;

/// From here on, boxes were enrolled and never came; then schools have none.
const AWAITED: usize = 43;
const WITHOUT: usize = 46;

/// How many boxes were enrolled and never came.
pub(super) const AWAITED_COUNT: usize = WITHOUT - AWAITED;

/// How many schools have a token.
pub(super) const ENROLLED: usize = WITHOUT;

/// The code of the school at that place in the list.
pub(super) fn code(place: usize) -> String {
    let letter = b"ABCDEFGHJK"[place % 10];
    format!("0{}9{:02}{}{}", TOWNS[place].1, place, place % 7, char::from(letter))
}

/// The list of schools, as a DASEN imports it.
pub(super) fn list() -> anyhow::Result<String> {
    let mut list = String::from("uai,nom,type,commune,departement,groupe\n");
    for (place, (town, departement)) in TOWNS.iter().enumerate() {
        let kind = if place % 9 == 8 { "Lycée" } else { "Collège" };
        let group = if place % 6 == 0 { "rep-plus" } else { "" };
        let patron = PATRONS[place % PATRONS.len()];
        writeln!(list, "{},{kind} {patron},{kind},{town},{departement},{group}", code(place))?;
    }
    Ok(list)
}

/// What each box says of itself, by its school's code; nothing of those that never come.
pub(super) fn said(now: i64) -> HashMap<String, Option<Report>> {
    (0..ENROLLED).map(|place| (code(place), (place < AWAITED).then(|| report(place, now)))).collect()
}

/// What the school has of the packages that `day` offers: most have both, some wait for the second.
fn library(nth: u64) -> Vec<Shelved> {
    let shelved = |id: &str, version, missing_bytes| Shelved { id: id.into(), version, missing_bytes };
    let second = if nth.is_multiple_of(5) { shelved("atlas", 1, 600_000) } else { shelved("atlas", 2, 0) };
    vec![shelved("manuel", 1, 0), second]
}

fn report(place: usize, now: i64) -> Report {
    let found = FINDINGS.iter().find(|(of, _)| *of == place).map_or(&[][..], |(_, found)| found);
    let finding =
        |(code, severity): &(&str, &str)| Finding { code: (*code).into(), severity: (*severity).into() };
    let passed_on = (1..).zip(PASSED_ON.iter().filter(|(of, ..)| *of == place)).map(|(number, asked)| {
        let (_, class, site, wish, askers, word) = *asked;
        let (class, site, wish, word) = (class.into(), site.into(), wish.into(), word.into());
        PassedOn { number, site, wish, class, askers, word, at: now - 3600 }
    });
    let nth = u64::try_from(place).unwrap_or(0);
    let is_full = found.iter().any(|(code, _)| *code == "disk-nearly-full");
    Report {
        version: if place % 7 == 3 { "0.1.0" } else { "0.2.0" }.into(),
        clock_trusted: !found.iter().any(|(code, _)| *code == "clock-in-doubt"),
        up_seconds: 86_400 * (3 + nth % 20) + 3_700 * nth,
        open: !found.iter().any(|(code, _)| *code == "journal-silent"),
        in_force: InForce {
            refused: (place == REFUSING).then(|| Refused {
                what: "policy".into(),
                number: 2,
                why: "unreadable".into(),
                sentence: "rule `reseaux`: this version of the program does not know the field `during`"
                    .into(),
            }),
            lists: 1,
            ..InForce::default()
        },
        findings: found.iter().map(finding).collect(),
        figures: Figures {
            disk_free_bytes: if is_full { 9_000_000_000 } else { 131_000_000_000 + nth * 870_000_000 },
            disk_bytes: 240_000_000_000,
            memory_bytes: 61_000_000 + nth * 700_000,
            signed_in: 40 + nth * 13 % 170,
            machines: 90 + nth * 17 % 240,
            sign_ins_refused: nth * 3 % 11,
            allowed: 412_000 + nth * 9_731,
            refused: 6_200 + nth * 411,
            certificate_days: if place == 9 { 6 } else { 55 },
            library: library(nth),
            tunnel: None,
        },
        passed_on: passed_on.collect(),
        ..Report::default()
    }
}
