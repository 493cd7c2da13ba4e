//! What happens before anybody looks.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use preau::system::clock::Clock;

use super::schools::{AWAITED_COUNT, ENROLLED, REFUSING, REVOKED, code, list, said};
use crate::{
    Browser, Lab, Output, Running,
    enclosure::LAB_DIR,
    gateway::program_path,
    plan::{CENTRAL, CENTRAL_NAMES, RESOLVERS},
    wait_for,
};

/// How long the boxes may take to come, or a release to do what it will do.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Rules, by the path of the place that decides them: the first ones, then what some of them are changed to.
const ACADEMIE: &str = include_str!("../../data/fleet/academie.toml");
const SOMME: &str = include_str!("../../data/fleet/somme.toml");
const SOMME_LATER: &str = include_str!("../../data/fleet/somme-later.toml");
const OISE: &str = include_str!("../../data/fleet/oise.toml");
const GROUP: &str = include_str!("../../data/fleet/rep-plus.toml");

/// A working day.
#[derive(Debug)]
pub struct FleetDay {
    /// The cookies of somebody with every right, who came in.
    cookies: String,
    /// The paths of what stands on its way.
    ways: Ways,
    _boxes: Running,
}

/// What stands on its way, each by its path in the console.
#[derive(Debug)]
struct Ways {
    /// A draft that somebody writes at.
    draft: String,
    /// A draft that waits for a second person.
    proposed: String,
    /// A release that halted by itself.
    halted: String,
    /// A release whose first stage is watched.
    watched: String,
}

impl FleetDay {
    /// Lets the day come so far in `lab`, whose central was not started yet.
    ///
    /// # Errors
    /// When central does not start, a form is refused, or the boxes do not come.
    pub fn begin(lab: &mut Lab) -> anyhow::Result<Self> {
        lab.start_central()?;
        furnish(lab)?;
        let cookies = office(lab, &["persons"])?;
        let mut cookies = cookies.lines().map(str::to_owned);
        let [first, second] = [cookies.next(), cookies.next()].map(Option::unwrap_or_default);
        let by = |cookies: &str, path: &str, fields: &[&str]| act(lab, cookies, path, fields);
        lab.write_central_file("schools.csv", &list()?)?;
        by(&first, "/import/entrer", &[&from_file("liste", "schools.csv")])?;
        decide(lab, (&first, &second))?;
        lists(lab)?;
        packages(lab)?;
        let tokens = tokens(lab, &first)?;
        lab.write_central_file("tokens", &tokens)?;
        let now = Clock::of_the_machine().now();
        lab.write_central_file("said.json", &serde_json::to_string(&said(now.unix_seconds()))?)?;
        let boxes = boxes(lab)?;
        until("all boxes are heard", || {
            let awaited = show(lab, &first, "/?etat=attendu").ok()?;
            (awaited.matches("href=\"/etablissement/").count() == AWAITED_COUNT + 1).then_some(())
        })
        .with_context(|| boxes.log())?;
        let ways = happen(lab, (&first, &second))?;
        Ok(Self { cookies: first, ways, _boxes: boxes })
    }

    /// Has the pages of `browser` be those of somebody with every right who came in, in the language of that tag.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn come_in(&self, browser: &Browser<'_>, tag: &str) -> anyhow::Result<()> {
        let (name, value) = self.cookies.split_once('=').context("a cookie has a name")?;
        browser.keep_cookie(&Self::url("/"), name, value)?;
        browser.keep_cookie(&Self::url("/"), "__Host-langue", tag)
    }

    /// The address of a page of the console. In `path`, `{brouillon}`, `{propose}`, `{arretee}` and `{suivie}` are what stands
    /// on its way, `{etablissement:4}` is a school by its place in the list.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        let Ways { draft, proposed, halted, watched } = &self.ways;
        let named =
            [("{brouillon}", draft), ("{propose}", proposed), ("{arretee}", halted), ("{suivie}", watched)];
        let mut path = named.iter().fold(path.to_owned(), |path, (name, way)| path.replace(name, way));
        if let Some((before, rest)) = path.clone().split_once("{etablissement:") {
            let (place, after) = rest.split_once('}').unwrap_or((rest, ""));
            path = format!("{before}/etablissement/{}{after}", code(place.parse().unwrap_or_default()));
        }
        Self::url(&path)
    }

    /// The address of a path in the console.
    #[must_use]
    pub fn url(path: &str) -> String {
        format!("https://{}{path}", CENTRAL_NAMES[1])
    }

    /// The link under which somebody who was invited chooses their password: their address in the console.
    ///
    /// # Errors
    /// When nobody can be invited any more.
    pub fn invite(&self, lab: &Lab, login: &str, name: &str) -> anyhow::Result<String> {
        let page =
            act(lab, &self.cookies, "/personnes", &[&format!("nom={name}"), &format!("login={login}")])?;
        let link = page.split(&Self::url("/")).nth(1).and_then(|rest| rest.split('<').next());
        Ok(format!("/{}", link.context("the page shows no link")?))
    }

    /// The code that the telephone of whoever holds a link shows.
    ///
    /// # Errors
    /// When the link is not good any more.
    pub fn code(&self, lab: &Lab, link: &str) -> anyhow::Result<String> {
        let secret = link.rsplit('/').next().unwrap_or_default();
        Ok(office(lab, &["code", secret])?.trim().to_owned())
    }
}

/// Gives central's host what a machine with a browser has: names, and trust in the lab's authority.
fn furnish(lab: &Lab) -> anyhow::Result<()> {
    lab.write_central_file(
        "resolv.conf",
        &RESOLVERS.map(|address| format!("nameserver {address}\n")).concat(),
    )?;
    let trust =
        format!("mkdir -p {LAB_DIR}/{CENTRAL}/.pki && cp -r {LAB_DIR}/trust {LAB_DIR}/{CENTRAL}/.pki/nssdb");
    lab.run(CENTRAL, &["sh", "-c", &trust])?.checked().map(drop)
}

/// A token for each school that gets a box, one a line.
fn tokens(lab: &Lab, cookies: &str) -> anyhow::Result<String> {
    let mut tokens = String::new();
    for place in 0..ENROLLED {
        let page = act(lab, cookies, &format!("{}/jeton", school(place)), &["remplace="])?;
        let token = page.split("name=\"jeton\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        tokens.push_str(token.context("the page shows no token")?);
        tokens.push('\n');
    }
    Ok(tokens)
}

/// Runs `preau-lab office ARGUMENTS` on central's host, beside its database.
fn office(lab: &Lab, arguments: &[&str]) -> anyhow::Result<String> {
    let program = program_path("preau-lab")?;
    let program = program.to_str().context("the path of `preau-lab` is not UTF-8")?;
    let config = format!("{LAB_DIR}/{CENTRAL}/central.toml");
    lab.run(CENTRAL, &[&[program, "office", &config], arguments].concat())?.checked()
}

/// The first rules, in force everywhere: those of the académie need two persons.
fn decide(lab: &Lab, (first, second): (&str, &str)) -> anyhow::Result<()> {
    let places = [("academie", ACADEMIE), ("departement/80", SOMME), ("groupe/rep-plus", GROUP)];
    let mut versions = vec!["plan=tout".to_owned(), "appliquee=90".to_owned(), "motif=Rentrée".to_owned()];
    for (place, text) in places {
        let draft = draft(lab, first, place, text)?;
        act(lab, first, &format!("{draft}/publier"), &["revision=2", "motif=Rentrée de septembre"])?;
        if place == "academie" {
            act(lab, second, &format!("{draft}/approuver"), &["revision=2"])?;
        }
        versions.push(format!("version={place}:1"));
    }
    let versions: Vec<_> = versions.iter().map(String::as_str).collect();
    act(lab, first, "/filtrage/livraison", &versions).map(drop)
}

/// A draft of a place with these words, begun upon its latest version; gives its path.
fn draft(lab: &Lab, cookies: &str, place: &str, text: &str) -> anyhow::Result<String> {
    let version = if text == SOMME_LATER { "version=1" } else { "nom=x" };
    let draft = act(lab, cookies, &format!("/filtrage/document/{place}"), &[version])?;
    lab.write_central_file("draft.toml", text)?;
    act(lab, cookies, &format!("{draft}/texte"), &["revision=1", &from_file("texte", "draft.toml")])?;
    Ok(draft)
}

/// The lab's lists become the first edition.
fn lists(lab: &Lab) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lists");
    let folder = folder.to_str().context("the path of the lists is not UTF-8")?;
    lab.central(&["lists", "add", folder])?.checked().map(drop)
}

/// Offers packages of the library to schools, one of them in a second version, and adds one that nobody has approved yet.
fn packages(lab: &Lab) -> anyhow::Result<()> {
    let approval = ["--by", "Comité d’éthique de l’académie", "--date", "2026-11-20"];
    for (id, title, cycle, versions, is_approved) in [
        ("atlas", "Atlas de l’Europe", "3", 2, true),
        ("manuel", "Manuel de sciences", "4", 1, true),
        ("calcul", "Exercices de calcul", "2", 1, false),
    ] {
        for version in 1..=versions {
            let file = format!("{id}.pdf");
            lab.write_central_file(&file, &format!("{title}, {version}"))?;
            let file = format!("{LAB_DIR}/{CENTRAL}/{file}");
            let add = ["content", "add", &file, "--id", id, "--title", title, "--cycle", cycle];
            lab.central(&[&add[..], &["--licence", "CC BY-SA 4.0", "--subject", "Sciences"]].concat())?
                .checked()?;
        }
        if is_approved {
            lab.central(&[&["content", "approve", id][..], &approval].concat())?.checked()?;
        }
    }
    Ok(())
}

/// Starts the boxes, which stay until they are dropped.
fn boxes(lab: &Lab) -> anyhow::Result<Running> {
    let program = program_path("preau-lab")?;
    let program = program.to_str().context("the path of `preau-lab` is not UTF-8")?;
    let inside = |name: &str| format!("{LAB_DIR}/{CENTRAL}/{name}");
    let (count, tokens, said, folder) =
        (ENROLLED.to_string(), inside("tokens"), inside("said.json"), inside("boxes"));
    let arguments = [
        &[program, "fleet", &count, "--central", "127.0.0.1:8443", "--return-at-once", "--minutes", "600"][..],
        &["--token-file", &tokens, "--said", &said, "--folder", &folder],
    ];
    lab.spawn(CENTRAL, "boxes", &arguments.concat())
}

/// What the morning brings: rules on their way and halted, drafts, answers, orders, a box that is revoked, persons.
fn happen(lab: &Lab, (first, second): (&str, &str)) -> anyhow::Result<Ways> {
    let by_first = |path: &str, fields: &[&str]| act(lab, first, path, fields);
    let somme = draft(lab, first, "departement/80", SOMME_LATER)?;
    by_first(
        &format!("{somme}/publier"),
        &["revision=2", "motif=Les messageries ferment pendant les cours"],
    )?;
    let oise = draft(lab, first, "departement/60", OISE)?;
    by_first(&format!("{oise}/publier"), &["revision=2", "motif=Demande des collèges de l’Oise"])?;
    let stages = ["plan=etapes", "parts=25 50", "minutes=30", "appliquee=90"];
    let pilot = format!("pilotes=etablissement/{}", code(REFUSING));
    let halts = ["version=departement/60:1", &pilot, "motif=D’abord un collège"];
    let halted = by_first("/filtrage/livraison", &[&stages[..], &halts].concat())?;
    let goes = ["version=departement/80:2", "pilotes=groupe/rep-plus", "motif=Messageries"];
    let watched = by_first("/filtrage/livraison", &[&stages[..], &goes].concat())?;
    let proposed = draft(lab, second, "academie", &format!("{ACADEMIE}{PROPOSED}"))?;
    act(lab, second, &format!("{proposed}/publier"), &["revision=2", "motif=Circulaire du 12 novembre"])?;
    let draft = draft(lab, first, "departement/02", OISE)?;
    by_first("/demandes/2/repondre", &["reponse=accorder", "phrase=Ouvert dès demain."])?;
    by_first("/demandes/4/transmettre", &["mot=Avis favorable de la principale."])?;
    for (place, order) in [(0, "diagnostic"), (4, "chercher"), (4, "diagnostic"), (44, "diagnostic")] {
        by_first(&format!("{}/ordre", school(place)), &[&format!("ordre={order}")])?;
    }
    for (place, reason) in [(REVOKED, "Volé dans la nuit de dimanche."), (12, "Ne démarre plus, remplacé.")]
    {
        by_first(&format!("{}/revoquer", school(place)), &[&format!("raison={reason}")])?;
    }
    act(lab, second, "/propositions/1/approuver", &["ok=1"])?;
    for (name, login, rights) in [
        (
            "Dominique Essai",
            "dominique.essai",
            &["see academie", "write departement/80", "answer departement/80"][..],
        ),
        (
            "Andréa Modèle",
            "andrea.modele",
            &["see departement/60", "enrol departement/60", "order departement/60"],
        ),
        ("Principale du collège", "principale", &["answer groupe/rep-plus"]),
    ] {
        let page = by_first("/personnes", &[&format!("nom={name}"), &format!("login={login}")])?;
        let person = page.split("href=\"/personnes/").nth(1).and_then(|rest| rest.split('"').next());
        let person = person.context("the page names nobody")?;
        for right in rights {
            let (right, place) = right.split_once(' ').context("a right has a place")?;
            let fields = [format!("droit={right}"), format!("lieu={place}")];
            by_first(&format!("/personnes/{person}/donner"), &fields.each_ref().map(String::as_str))?;
        }
    }
    until("a release halts by itself and another is watched", || {
        let page = show(lab, first, "/filtrage").ok()?;
        (page.contains("Arrêtée") && page.contains("En observation")).then_some(())
    })?;
    Ok(Ways { draft, proposed, halted, watched })
}

/// A rule that the académie is proposed.
const PROPOSED: &str = "\n[[rule]]\nid = \"ia\"\neffect = \"block\"\nlocked = true\nsites = [\"assistant-ia.example\"]\n\
                          roles = [\"eleve\"]\nreason = \"Les assistants attendent un avis.\"\n";

/// The path of the school at that place in the list.
fn school(place: usize) -> String {
    format!("/etablissement/{}", code(place))
}

/// A field whose value is a file of central's directory, in the words of curl.
fn from_file(field: &str, name: &str) -> String {
    format!("{field}@{LAB_DIR}/{CENTRAL}/{name}")
}

/// Sends a form of the console as a browser would that has `cookies`; returns the path that the answer leads to, or the page
/// it is.
fn act(lab: &Lab, cookies: &str, path: &str, fields: &[&str]) -> anyhow::Result<String> {
    let (url, cookies) = (FleetDay::url(path), format!("Cookie: {cookies}"));
    let mut arguments = vec!["curl", "--silent", "--show-error", "--max-time", "60", "--header", &cookies];
    arguments.extend([
        "--header",
        "Sec-Fetch-Site: same-origin",
        "--write-out",
        "\n%{http_code} %{redirect_url}",
    ]);
    arguments.extend(["--insecure"]);
    for field in fields {
        arguments.extend(["--data-urlencode", field]);
    }
    arguments.push(&url);
    let answer = lab.run(CENTRAL, &arguments).and_then(Output::checked)?;
    let (page, status) = answer.trim_end().rsplit_once('\n').context("curl tells no status")?;
    match status.split_once(' ').map_or((status, ""), |parts| parts) {
        ("200", _) => Ok(page.to_owned()),
        ("303", leads_to) => Ok(leads_to.strip_prefix(&FleetDay::url("")).unwrap_or(leads_to).to_owned()),
        _ => bail!("{path} answers {status}:\n{page}"),
    }
}

fn show(lab: &Lab, cookies: &str, path: &str) -> anyhow::Result<String> {
    let (url, cookies) = (FleetDay::url(path), format!("Cookie: {cookies}"));
    let arguments =
        ["curl", "--silent", "--insecure", "--fail", "--max-time", "20", "--header", &cookies, &url];
    lab.run(CENTRAL, &arguments)?.checked()
}

fn until(what: &str, look: impl FnMut() -> Option<()>) -> anyhow::Result<()> {
    wait_for(WAIT_MAX, look).with_context(|| format!("not in time: {what}"))
}
