//! How long a département's directory takes from its files into force, and how much memory. Run with
//! `cargo bench --bench directory`. The directory of state is a temporary one; `TMPDIR` chooses the disk.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use jiff::civil::date;
use preau::{
    identity::{
        feed,
        register::{Handover, Intent, Register, Staged, Terms},
    },
    model::{Moment, Uai},
    policy::{SchoolCalendar, SchoolZone},
};
use tokio::time::Instant;

/// Persons of the delivery: fifty large schools, all of them ours.
const PERSONS: u32 = 100_000;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (files, state) = (dir.path().join("files"), dir.path().join("state"));
    fs::create_dir_all(&files).expect("a directory");
    fs::create_dir_all(&state).expect("a directory");
    let here = Uai::new("0809999Z").expect("a code");
    let register = Register::open(&state).expect("a register");
    let terms = Terms { calendar: SchoolCalendar::shipped().clone(), zone: Some(SchoolZone::B) };
    for day in [20, 21] {
        let path = files.join(format!("ENT_0809999Z_Complet_202611{day}_Eleve_0000.xml"));
        write(&path, day).expect("a file");
        let bytes = path.metadata().expect("the file").len();
        let now = Moment::from_unix_seconds(1_795_420_800);
        let today = terms.today(now, true);
        assert_eq!(today.date, date(2026, 11, 23));
        let feed = feed::open(&[path], None, None).expect("a feed").at(here.clone());
        let head = feed.head().clone();
        let handover = Handover {
            head: &head,
            here: &here,
            now,
            today,
            due: None,
            intent: Intent::Keep,
            sequence: None,
        };
        let begun = Instant::now();
        let staged = register.stage(handover, |take| feed.read(take), None).expect("staging");
        let Staged::Waiting { number, preview } = staged else { panic!("{staged:?}") };
        println!(
            "feed {number}, {} MB, {PERSONS} persons: read, staged and previewed in {:.1?}; {:?}",
            bytes / 1_000_000,
            begun.elapsed(),
            preview.counts
        );
        let begun = Instant::now();
        register.preview(number, today).expect("a preview");
        println!("  previewed again in {:.1?}", begun.elapsed());
        let begun = Instant::now();
        register.apply_due(now, today, &|_| false).expect("applying");
        println!("  in force in {:.1?}; memory at most {}", begun.elapsed(), peak());
    }
    let begun = Instant::now();
    let directory = register.snapshot(&here).expect("a snapshot");
    println!(
        "{} persons given to the daemon in {:.1?}; memory at most {}",
        directory.count(),
        begun.elapsed(),
        peak()
    );
}

/// The most memory the process had.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").expect("proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().to_owned()
}

/// Writes an AAF of one school; from one day to the next a seventh of its people change their class.
fn write(path: &Path, day: u32) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ficAlimMENESR>")?;
    let attributes =
        |out: &mut BufWriter<File>, category: &str, kind: &str, id: &str, values: &[(&str, String)]| {
            write!(
                out,
                "<addRequest>\n<operationalAttributes><attr name=\"{category}\"><value>{kind}</value></attr>\
             </operationalAttributes>\n<identifier><id>{id}</id></identifier>\n<attributes>\n"
            )?;
            for (name, value) in values {
                writeln!(out, "<attr name=\"{name}\"><value>{value}</value></attr>")?;
            }
            writeln!(out, "</attributes>\n</addRequest>")
        };
    let school = [
        ("ENTStructureJointure", "1".to_owned()),
        ("ENTStructureUAI", "0809999Z".to_owned()),
        ("ENTStructureNomCourant", "CLG-EXEMPLE-ac-AMIENS".to_owned()),
    ];
    attributes(&mut out, "categorieStructure", "EtabEducNat", "1", &school)?;
    for number in 0..PERSONS {
        let class = if number % 7 == 0 { (number + day) % 40 } else { number % 40 };
        let person = [
            ("ENTPersonJointure", (9_000_000 + number).to_string()),
            ("ENTPersonDateNaissance", format!("{:02}/0{}/2014", number % 28 + 1, number % 9 + 1)),
            ("sn", format!("EXEMPLE{}", number % 5003)),
            ("givenName", format!("Prénom{}", number % 997)),
            ("ENTPersonStructRattach", "1".to_owned()),
            ("ENTEleveClasses", format!("1$6E{class}")),
            ("ENTEleveGroupes", format!("1$GR{}", class / 2)),
            ("ENTPersonAdresse", "non repris".to_owned()),
        ];
        attributes(&mut out, "categoriePersonne", "Eleve", &(9_000_000 + number).to_string(), &person)?;
    }
    writeln!(out, "</ficAlimMENESR>")
}
