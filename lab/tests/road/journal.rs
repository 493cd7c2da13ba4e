//! What is remembered of a pupil's visits, and what happens when nothing can be.

use std::fs;

use preau::journal::{Record, Segment, SeriesName};
use preau_lab::{
    Lab,
    plan::{PORTAL, post},
};

use crate::asking::{CLOSED, OPEN, Stage, box_status, dig, get, on_the_box, page, until};

static STAGE: Stage = Stage::new();

/// The bytes of every segment of a series, and its records.
pub(crate) fn series(lab: &Lab, name: SeriesName) -> (Vec<u8>, Vec<Record>) {
    let (mut all, mut records) = (Vec::new(), Vec::new());
    let dir = lab.door().file_path("box/state/journal");
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with(name.word()) && file.ends_with(".journal") {
            let bytes = fs::read(entry.path()).unwrap();
            let segment = Segment::read(&bytes).unwrap();
            assert_eq!(segment.series, name);
            records.extend(segment.records().map(|record| record.expect("a whole record")));
            all.extend_from_slice(&bytes);
        }
    }
    (all, records)
}

pub(crate) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn decisions_hold_sites_and_no_person_and_presences_hold_persons_and_no_site() {
    STAGE.play(|lab| {
        page(lab, "eleve", &format!("https://{OPEN}/"), &["-4"]);
        page(lab, "eleve", &format!("https://{OPEN}/"), &["-6"]);
        page(lab, "eleve", &format!("http://{CLOSED}/"), &[]);
        let (decision_bytes, decisions) = series(lab, SeriesName::Decisions);
        let (presence_bytes, presences) = series(lab, SeriesName::Presences);
        assert!(decisions.iter().all(|record| matches!(record, Record::Decision(_))));
        assert!(presences.iter().all(|record| matches!(record, Record::Presence(_))));
        assert!(!presences.is_empty());
        for site in [OPEN, CLOSED] {
            assert!(holds(&decision_bytes, site.as_bytes()), "no decision about {site}");
            assert!(!holds(&presence_bytes, site.as_bytes()), "a presence names {site}");
        }
        // The pupil, by every word the box knows them by.
        assert!(holds(&presence_bytes, b"e-0001"), "the sign-in is not written down");
        for word in ["e-0001", "alix", "Alix", "6A"] {
            assert!(!holds(&decision_bytes, word.as_bytes()), "a decision names `{word}`");
        }
        let mac: Vec<u8> =
            post("eleve").unwrap().mac.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert!(holds(&presence_bytes, &mac) && !holds(&decision_bytes, &mac), "a decision names a machine");
        for address in lab.addresses("eleve").unwrap() {
            assert!(!holds(&decision_bytes, address.as_bytes()));
            let bytes = match address.parse().unwrap() {
                std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
                std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            assert!(!holds(&decision_bytes, &bytes), "a decision names {address}");
        }
    });
}

#[test]
fn a_full_disk_closes_the_box_says_so_and_opens_again_with_room() {
    STAGE.play(|lab| {
        lab.stop_box().unwrap();
        let state = "/run/preau-lab/box/state";
        let small = format!("mount -t tmpfs -o size=2m,mode=0700 tmpfs {state}; mkdir -p {state}/journal");
        lab.door().script(&small).unwrap();
        lab.restart_box().unwrap();
        lab.sign_in_user("eleve").unwrap();
        assert!(get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        on_the_box(lab, &format!("cat /dev/zero > {state}/full 2>/dev/null || true"));
        until(15, "the journal refuses", || {
            get(lab, "eleve", "https://plein.exemple.fr/", &["--max-time", "2"]);
            box_status(lab)["journal_open"] == false
        });
        assert!(!get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded(), "the web is open");
        let answer = lab.run("eleve", &["dig", "+time=3", "+tries=1", "neuf.exemple.fr", "A"]).unwrap();
        assert!(!answer.stdout.contains("status: NOERROR"), "{}", answer.stdout);
        // The portal still speaks, and says that nothing can be written down.
        assert!(page(lab, "eleve", &format!("https://{PORTAL}/"), &[]).contains("Alix Exemple"));
        let why = page(lab, "eleve", &format!("https://{PORTAL}/bloque?u={OPEN}"), &[]);
        assert!(why.contains("registre"), "{why}");
        until(6, "forwarding stops", || {
            !on_the_box(lab, "nft list set inet preau alive").contains("elements")
        });
        on_the_box(lab, &format!("rm {state}/full"));
        until(15, "the web opens again", || get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        assert_eq!(box_status(lab)["journal_open"], true);
        until(5, "forwarding opens again", || {
            on_the_box(lab, "nft list set inet preau alive").contains("elements")
        });
        assert_ne!(dig(lab, "eleve", &["neuf.exemple.fr", "A"]), "");
        series(lab, SeriesName::Decisions);
        lab.stop_box().unwrap();
        lab.door().script(&format!("umount {state}")).unwrap();
        lab.restart_box().unwrap();
        lab.sign_in_user("eleve").unwrap();
    });
}
