//! A school in the middle of its morning: people are signed in, a teacher has decided, pupils have asked, the referent has
//! printed codes. What the portal's pages look like is seen then, not in an empty school.

use std::fs;

use anyhow::Context as _;
use preau::protocol::content::{Approval, Kind, Package, chunk_list};

use crate::{
    Lab, Output,
    plan::{BOX, PORTAL},
};

/// Who is signed in; the teacher last, so that the list of pupils is whole.
const SIGNED_IN: [&str; 5] = ["eleve", "eleve2", "bureau", "poste", "enseignant"];

/// Applications of the school, as the box's configuration names them.
const APPLICATIONS: &str = "
[[application]]
name = \"Casier\"
service = [\"https://casier.exemple.net/*\"]

[[application]]
name = \"Conseil de classe\"
service = [\"https://conseil.exemple.net/*\"]
roles = [\"enseignant\"]
";

/// The school's library, which has a package already.
const LIBRARY: &str = "\n[library]\nquota_gb = 1\n";

/// What people send, in this order: machine, road, fields.
const SENT: &[(&str, &str, &[&str])] = &[
    (
        "enseignant",
        "/enseignant/decider",
        &["pour=classe", "nom=6B", "acte=examen", "sites=fr.vikidia.example", "duree=55"],
    ),
    (
        "enseignant",
        "/enseignant/decider",
        &["pour=classe", "nom=6A", "acte=site", "sites=reseau-social.example", "duree=30"],
    ),
    (
        "eleve",
        "/demander",
        &["site=jeux-en-ligne.example", "classe=6A", "raison=Pour l’exposé sur les échecs."],
    ),
    ("eleve", "/demander", &["site=casino.example", "classe=6A", "raison=Pour le cours de probabilités."]),
    ("eleve2", "/demander", &["site=videos.example", "classe=6B", "raison=La vidéo du volcan."]),
    (
        "poste",
        "/referent/codes/nouveaux",
        &["pour=Portes ouvertes", "nombre=8", "fin=2h", "appareils=1", "wifi=College"],
    ),
    (
        "poste",
        "/referent/annonces/nouvelle",
        &[
            "texte=Le brevet blanc a lieu mardi : les salles 11 et 12 sont en mode examen de 9 h à midi.",
            "fin={soon}",
        ],
    ),
];

/// The addresses of pages that are another each time.
#[derive(Clone, Debug)]
pub struct SchoolDay {
    /// The referent's sheet of codes.
    pub sheet: String,
    /// The codes that are on it.
    pub batch: String,
    /// The teacher's page of the pupil of 6A.
    pub pupil: String,
}

impl SchoolDay {
    /// Lets the morning happen in `lab`, whose box runs and where nobody is signed in yet.
    ///
    /// # Errors
    /// When somebody cannot sign in, or a form is refused.
    pub fn begin(lab: &mut Lab) -> anyhow::Result<Self> {
        let usual = lab.read_box_file("box.toml")?;
        lab.write_box_file("box.toml", &format!("{usual}{APPLICATIONS}{LIBRARY}"))?;
        put_on_the_shelf(lab, b"Carte de l'Europe")?;
        lab.stop_box()?;
        lab.restart_box()?;
        for who in SIGNED_IN {
            lab.sign_in_user(who)?;
        }
        let soon = lab.run("poste", &["sh", "-c", "TZ=Europe/Paris date -d '+6 hours' +%Y-%m-%dT%H:%M"])?;
        let soon = soon.checked()?;
        let mut sheet = None;
        for (who, road, fields) in SENT {
            let fields: Vec<_> = fields.iter().map(|field| field.replace("{soon}", soon.trim())).collect();
            let leads_to = send(lab, who, road, &fields)?;
            if leads_to.contains("/referent/codes/feuille") {
                sheet = Some(leads_to);
            }
        }
        let sheet = sheet.context("the codes have no sheet")?;
        let class = show(lab, "enseignant", "/enseignant/classe/6A")?;
        let pupil = class.split("href=\"").find(|rest| rest.starts_with("/enseignant/eleve/"));
        let pupil = pupil.and_then(|rest| rest.split('"').next()).context("the class has no pupil")?;
        let batch = sheet.replace("/feuille", "/lot");
        Ok(Self { sheet, batch, pupil: pupil.to_owned() })
    }

    /// `path`, with `{feuille}`, `{lot}` and `{eleve}` in it made out.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        path.replace("{feuille}", &self.sheet).replace("{lot}", &self.batch).replace("{eleve}", &self.pupil)
    }
}

/// Puts a package where the box keeps them, as one that came whole.
fn put_on_the_shelf(lab: &Lab, content: &[u8]) -> anyhow::Result<()> {
    let package = Package {
        id: String::from("atlas"),
        version: 1,
        title: String::from("Atlas de l’Europe"),
        description: String::from("Des cartes à imprimer : relief, fleuves, frontières."),
        subjects: vec![String::from("Histoire-géographie")],
        cycles: vec![3, 4],
        kind: Kind::File { name: String::from("atlas.pdf") },
        licence: String::from("CC BY-SA 4.0"),
        bytes: u64::try_from(content.len())?,
        digest: "00".repeat(32),
        chunks: chunk_list("atlas", 1),
        approved: Some(Approval {
            by: String::from("Comité d’éthique de l’académie"),
            date: String::from("2026-11-20"),
        }),
    };
    let dir = lab.door().file_path(BOX).join("state/library/packages/atlas-1");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("package.json"), serde_json::to_vec(&package)?)?;
    fs::write(dir.join("content"), content).context("cannot put a package into the library")
}

/// Sends a form of the portal as a browser on `who` would; returns the path that the answer leads to.
fn send(lab: &Lab, who: &str, road: &str, fields: &[String]) -> anyhow::Result<String> {
    let url = format!("https://{PORTAL}{road}");
    let mut arguments = vec!["curl", "--silent", "--show-error", "--max-time", "10"];
    arguments.extend(["--header", "Sec-Fetch-Site: same-origin", "--output", "/dev/null"]);
    arguments.extend(["--write-out", "%{http_code} %{redirect_url}"]);
    for field in fields {
        arguments.extend(["--data-urlencode", field]);
    }
    arguments.push(&url);
    let answer = lab.run(who, &arguments).and_then(Output::checked)?;
    let leads_to = answer.strip_prefix("303 ").with_context(|| format!("{road} answers {answer}"))?;
    Ok(leads_to.strip_prefix(&format!("https://{PORTAL}")).unwrap_or(leads_to).to_owned())
}

fn show(lab: &Lab, who: &str, path: &str) -> anyhow::Result<String> {
    let url = format!("https://{PORTAL}{path}");
    lab.run(who, &["curl", "--silent", "--show-error", "--fail", "--max-time", "10", &url])?.checked()
}
