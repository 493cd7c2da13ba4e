//! A school day without a line, from the morning on which it is cut to the moment it comes back: who signs in, what is read,
//! what teachers decide, what waits, what is written down, and what each page says that cannot do its work.

use std::{fs, path::Path, time::Duration};

use preau::{journal::SeriesName, model::Moment, system::clock::Clock};
use preau_lab::{
    Browser, EntProtocol, Lab, Output,
    plan::{BOX, INTERNET, LESSONS_NAME, PORTAL, UAI},
    view::View,
    wait_for,
};

use crate::{
    asking::{CLOSED, OPEN, beside_others, box_status, get, page, run, sign_out, status, until},
    ent::{come_back, departs, sign_in_there},
    journal::{holds, series},
    library::{make_archive, make_file, offer, read, tell_box_of_library, until_here},
    live::{block, every_day, next_minute},
};

/// People of the directory, who have no password but the ENT's: machine, login, what the box is to know them by, name.
const PEOPLE: [(&str, &str, &str, &str); 3] = [
    ("eleve", "alix.exemple", "e-0001", "Alix"),
    ("eleve2", "camille.exemple", "e-0002", "Camille"),
    ("enseignant", "dominique.modele", "p-0001", "Dominique"),
];

/// The password everybody chooses for such a day.
const FOR_SUCH_DAYS: &str = "un mot pour les pannes";

fn lesson(path: &str) -> String {
    format!("https://{LESSONS_NAME}{path}")
}

fn portal(path: &str) -> String {
    format!("https://{PORTAL}{path}")
}

/// What the origin of the lessons itself says of `path`.
fn at_the_origin(lab: &Lab, path: &str) -> String {
    let resolve = format!("{LESSONS_NAME}:443:203.0.113.250");
    run(lab, INTERNET, &["curl", "--silent", "--insecure", "--resolve", &resolve, &lesson(path)])
}

/// Sends a form as the browser at `who` would: the answer's text, then its status on a line of its own.
#[track_caller]
fn send(lab: &Lab, who: &str, url: &str, fields: &[&str], more: &[&str]) -> String {
    let mut arguments = vec!["--header", "Sec-Fetch-Site: same-origin", "--header", "Accept: text/html"];
    arguments.extend(["--max-time", "30", "--write-out", "\n%{http_code}"]);
    for field in fields {
        arguments.extend(["--data-urlencode", field]);
    }
    arguments.extend(more);
    page(lab, who, url, &arguments)
}

/// A page as a browser asks for it: its text, then its status on a line of its own.
#[track_caller]
fn see(lab: &Lab, who: &str, url: &str, more: &[&str]) -> String {
    let usual = ["--header", "Accept: text/html", "--max-time", "30", "--write-out", "\n%{http_code}"];
    page(lab, who, url, &[&usual, more].concat())
}

/// Whether the portal says that the site is open to whoever is at the machine: without a line, nothing else can.
#[track_caller]
fn is_open(lab: &Lab, who: &str, site: &str) -> bool {
    !page(lab, who, &portal(&format!("/bloque?u={site}")), &[]).contains("class=\"card closed\"")
}

/// A school whose people are the directory's, with the ENT, its lessons, a library and the académie.
fn school() -> Lab {
    let mut lab = Lab::start().expect("the lab must start");
    lab.start_ent().expect("the ENT must start");
    lab.start_central().expect("central must start");
    lab.tell_box_of_ent(EntProtocol::Cas).expect("the box must start with the ENT");
    // Only the referent, the office and the visitor have accounts of the school's own.
    let own = lab.read_box_file("accounts.csv").unwrap();
    let rest: Vec<_> =
        own.lines().filter(|line| !PEOPLE.iter().any(|(.., id, _)| line.starts_with(id))).collect();
    lab.write_box_file("accounts.csv", &(rest.join("\n") + "\n")).unwrap();
    tell_box_of_library(&mut lab, "");
    lab.tell_box_of_lessons().expect("the box must start with the lessons");
    lab.enrol_box().expect("the box must be enrolled");
    deliver(&lab);
    lab
}

/// Delivers the people to the box's directory.
fn deliver(lab: &Lab) {
    let description = "separator = \";\"\n\n[columns]\nid = \"id\"\nfamily_name = \"nom\"\ngiven_name = \"prenom\"\n\
                       role = \"profil\"\nclasses = \"classes\"\n\n[roles]\n\"eleve\" = \"eleve\"\n\
                       \"enseignant\" = \"enseignant\"\n";
    lab.write_box_file("annuaire.toml", description).unwrap();
    let table = "id;nom;prenom;profil;classes\ne-0001;Exemple;Alix;eleve;6A\ne-0002;Exemple;Camille;eleve;6B\n\
                 p-0001;Modele;Dominique;enseignant;6A\n";
    lab.write_box_file("annuaire.csv", table).unwrap();
    let inside = |name: &str| format!("/run/preau-lab/{BOX}/{name}");
    let (description, table) = (inside("annuaire.toml"), inside("annuaire.csv"));
    let import = ["accounts", "import", "--described-by", &description, "--effective", "now", &table];
    lab.preau(&import).and_then(Output::checked).expect("the delivery must be taken");
    until(15, "the delivery takes effect", || box_status(lab)["directory"]["persons"] == 3);
}

/// The morning on line: everybody signs in at the ENT and chooses a password for days without Internet, reads a lesson, and
/// a package comes.
fn morning(lab: &Lab) {
    until(30, "the box sees the ENT", || departs(lab, "eleve"));
    for (who, login, _, name) in PEOPLE {
        let url = sign_in_there(lab, who, "/connexion/ent", login);
        assert!(come_back(lab, who, &url).starts_with("303 "), "{who}");
        let chosen = [format!("nouveau={FOR_SUCH_DAYS}"), format!("encore={FOR_SUCH_DAYS}")];
        let fields = chosen.each_ref().map(String::as_str);
        let told = send(lab, who, &portal("/mot-de-passe"), &fields, &["--cookie", "jar"]);
        assert!(told.ends_with("303"), "{who}: {told}");
        assert!(page(lab, who, &portal("/"), &[]).contains(name));
        assert!(see(lab, who, &lesson("/lecon/7"), &[]).contains("Leçon /lecon/7"));
    }
    assert!(get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
    offer(
        lab,
        &make_archive(lab),
        "volcans",
        &["--title", "Les volcans", "--subject", "SVT", "--cycle", "4"],
    );
    until_here(lab, "volcans");
    let agenda = see(lab, "eleve", &lesson("/agenda"), &["--cookie", "session=alix"]);
    assert!(agenda.contains("agenda de alix"), "{agenda}");
}

/// The line is cut, and the box falls over and comes up again: nothing of what follows lived in memory.
fn cut(lab: &mut Lab) {
    lab.cut_line().unwrap();
    until(30, "the portal says so", || {
        page(lab, "eleve", &portal("/"), &[]).contains("La ligne Internet ne répond plus")
    });
    lab.kill_box().unwrap();
    lab.restart_box().unwrap();
}

/// Everybody signs in by the password of such days.
fn sign_in(lab: &Lab) {
    for (who, login, _, name) in PEOPLE {
        let home = page(lab, who, &portal("/"), &[]);
        assert!(home.contains(name), "the session outlives the fall: {home}");
        sign_out(lab, who);
        until(40, "the ENT is seen to be away", || !departs(lab, who));
        let form = page(lab, who, &portal("/"), &[]);
        assert!(form.contains("name=\"mot_de_passe\""), "{who}: {form}");
        assert!(lab.sign_in(who, login, "un autre mot").is_err(), "{who}");
        lab.sign_in(who, login, FOR_SUCH_DAYS).expect("the password is for such days");
        let home = page(lab, who, &portal("/"), &[]);
        assert!(home.contains(name) && home.contains("hors ligne"), "{home}");
        assert!(
            home.contains("La ligne Internet ne répond plus") && home.contains("/bibliotheque"),
            "{home}"
        );
        assert!(home.contains(&lesson("/")) && home.contains("/envois"), "{home}");
    }
}

/// What was read stays, as a copy with its date; what was not says so and offers what there is.
fn read_on(lab: &Lab) {
    let copy = see(lab, "eleve", &lesson("/lecon/7"), &[]);
    assert!(copy.contains("Leçon /lecon/7") && copy.contains("Copie du "), "{copy}");
    assert!(copy.contains("la ligne est coup&eacute;e"), "{copy}");
    let own = see(lab, "eleve", &lesson("/agenda"), &["--cookie", "session=alix"]);
    assert!(own.contains("agenda de alix"), "{own}");
    let others = see(lab, "eleve2", &lesson("/agenda"), &["--cookie", "session=camille"]);
    assert!(!others.contains("alix") && others.ends_with("504"), "{others}");
    let never = see(lab, "eleve", &lesson("/lecon/jamais"), &["--referer", &lesson("/lecon/7")]);
    assert!(never.ends_with("504") && never.contains("cette page n’a pas encore été gardée ici"), "{never}");
    for offered in ["href=\"/lecon/7\"", &portal("/bibliotheque"), &format!("href=\"{}\"", portal("/"))] {
        assert!(never.contains(offered), "{offered}: {never}");
    }
    assert!(!never.contains("href=\"/\""), "the site's first page was never kept: {never}");
    let (code, article) = read(lab, "eleve", "/zim/volcans/etna.html");
    assert!(code == 200 && article.contains("Un volcan de Sicile"), "{article}");
    assert!(read(lab, "eleve2", "?q=volcan").1.contains("/bibliotheque/paquet/volcans"));
}

/// A rule with a timetable changes at its minute.
fn keep_time(lab: &Lab) {
    let clock = Clock::of_the_machine();
    let usual = lab.read_box_file("etablissement.toml").unwrap();
    let (boundary, minute): (Moment, u16) = next_minute(clock.now());
    let slot = every_day("apres", minute, 24 * 60);
    let rules = usual.replace("[timetables]\n", &format!("[timetables]\n{slot}"))
        + &block("commence", "commence.exemple.fr", "during = \"apres\"");
    lab.write_box_file("etablissement.toml", &rules).unwrap();
    let closed = || page(lab, "eleve", &portal("/bloque?u=commence.exemple.fr"), &[]).contains("Fermé.");
    if clock.now() < boundary {
        assert!(!closed(), "closed before its minute");
    }
    until(80, "the rule begins", closed);
    assert!(clock.now() >= boundary, "closed before its minute");
    lab.write_box_file("etablissement.toml", &usual).unwrap();
    until(10, "the usual rules are back", || !closed());
}

/// A teacher opens a site, ends that, and holds an exam; the page says that it counts although the line is down.
fn decide(lab: &Lab) {
    let class = page(lab, "enseignant", &portal("/enseignant/classe/6A"), &[]);
    assert!(class.contains("compte tout de suite"), "{class}");
    let act = |fields: &[&str]| {
        let shown = ["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"];
        let fields = [&["pour=classe", "nom=6A", "duree=15"], fields].concat();
        let mut more = vec!["--header", "Sec-Fetch-Site: same-origin"];
        fields.iter().for_each(|field| more.extend(["--data-urlencode", field]));
        let answer = page(lab, "enseignant", &portal("/enseignant/decider"), &[&shown[..], &more].concat());
        assert!(answer.starts_with("303 "), "{fields:?}: {answer}");
        answer.split("fait=").nth(1).expect("the page says what was done").to_owned()
    };
    let undo = |number: &str| {
        let numero = format!("numero={number}");
        let told = send(lab, "enseignant", &portal("/enseignant/annuler"), &[&numero], &[]);
        assert!(told.ends_with("303"), "{told}");
    };
    assert!(!is_open(lab, "eleve", CLOSED));
    let site = format!("sites={CLOSED}");
    let opened = act(&["acte=site", &site]);
    until(5, "the site is open to the class", || is_open(lab, "eleve", CLOSED));
    assert!(!is_open(lab, "eleve2", CLOSED), "the other class has it, too");
    undo(&opened);
    until(5, "the site is closed again", || !is_open(lab, "eleve", CLOSED));
    let exam = act(&["acte=examen", "sites=fr.vikidia.example"]);
    until(5, "the exam closes everything else", || !is_open(lab, "eleve", "essai.exemple.fr"));
    assert!(is_open(lab, "eleve", OPEN) && is_open(lab, "eleve2", "essai.exemple.fr"));
    undo(&exam);
    until(5, "the exam is over", || is_open(lab, "eleve", "essai.exemple.fr"));
}

/// Homework gets a receipt, a message is refused; each person sees their own. Gives the receipt.
fn hand_in(lab: &Lab) -> String {
    let cookie = ["--cookie", "session=alix"];
    let told = send(lab, "eleve", &lesson("/devoirs"), &["texte=sans ligne"], &cookie);
    assert!(told.ends_with("202") && told.contains("votre envoi est gardé"), "{told}");
    let receipt = told.split("<strong>").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned();
    let refused = send(lab, "eleve", &lesson("/messages"), &["texte=perdu"], &cookie);
    assert!(refused.ends_with("503") && refused.contains("n’est pas parti"), "{refused}");
    let own = page(lab, "eleve", &portal("/envois"), &[]);
    assert!(own.contains(&receipt) && own.contains("Attend la ligne"), "{own}");
    let others = page(lab, "eleve2", &portal("/envois"), &[]);
    assert!(!others.contains(&receipt) && others.contains("rien envoyé"), "{others}");
    receipt
}

/// The line comes back: what was shown is fresh, what waited has arrived, what was published meanwhile is here.
fn come_back_on_line(lab: &Lab, receipt: &str) {
    lab.restore_line().unwrap();
    until(40, "the lesson is the origin's again", || {
        let text = see(lab, "eleve2", &lesson("/lecon/7"), &[]);
        text.contains("Leçon /lecon/7") && !text.contains("Copie du")
    });
    let line = format!("{receipt} texte=sans");
    until(90, "the homework arrives", || at_the_origin(lab, "/devoirs").contains(&line));
    let all = at_the_origin(lab, "/devoirs");
    assert_eq!(all.matches("texte=sans").count(), 1, "{all}");
    assert!(!all.contains("perdu"), "{all}");
    until(10, "the receipt says so", || page(lab, "eleve", &portal("/envois"), &[]).contains("Arrivé"));
    until_here(lab, "atlas");
    let shown = || lab.central(&["school", "show", UAI]).map(|output| output.stdout).unwrap_or_default();
    let is_told = || box_status(lab)["central"]["reached"] == true && !shown().contains("line-down");
    let told = wait_for(Duration::from_secs(30), || is_told().then_some(()));
    assert!(told.is_some(), "central is not told: {}\n{}\n{}", shown(), box_status(lab), lab.box_log());
    until(30, "the web is there", || get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
}

/// Looks at what people see who can do less than on other days, on a telephone and at a desk. With `PREAU_PAGES_DIR=DIR` it
/// writes pictures there.
fn look(lab: &Lab) {
    if !lab.has_browser().unwrap() {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium and chromium-driver");
        return;
    }
    let browser = Browser::open(lab, "eleve", (1280, 800)).unwrap();
    let pages = [
        ("accueil", portal("/"), "La ligne Internet ne répond plus"),
        ("envois", portal("/envois"), "Attend la ligne"),
        ("bibliotheque", portal("/bibliotheque"), "Les volcans"),
        ("article", portal("/bibliotheque/zim/volcans/etna.html"), "Un volcan de Sicile"),
        ("lecon-copie", lesson("/lecon/7"), "la ligne est coupée"),
        ("lecon-absente", lesson("/lecon/jamais"), "Ce qui s’ouvre sans la ligne"),
    ];
    for (name, url, text) in pages {
        browser.look_as(View::of(1280, 800)).unwrap();
        browser.go(&url).unwrap();
        let shown = browser.text().unwrap();
        assert!(shown.contains(text), "{name}: {shown}");
        let Some(dir) = std::env::var_os("PREAU_PAGES_DIR") else { continue };
        for view in [View::of(1280, 800), View::of(390, 844)] {
            browser.look_as(view).unwrap();
            let picture_path = Path::new(&dir).join(format!("sans-ligne-{name}-{}.png", view.width));
            fs::write(picture_path, browser.picture().unwrap()).unwrap();
        }
    }
}

#[test]
fn a_day_without_a_line_is_a_school_day() {
    let _shared = beside_others();
    let mut lab = school();
    morning(&lab);
    cut(&mut lab);
    sign_in(&lab);
    read_on(&lab);
    keep_time(&lab);
    decide(&lab);
    let receipt = hand_in(&lab);
    look(&lab);
    // The académie goes on meanwhile.
    let atlas = make_file(&lab, "atlas.pdf", b"%PDF paru pendant la coupure");
    offer(&lab, &atlas, "atlas", &["--title", "Atlas", "--cycle", "3"]);
    let (presences, _) = series(&lab, SeriesName::Presences);
    let (decisions, _) = series(&lab, SeriesName::Decisions);
    for (.., id, _) in PEOPLE {
        assert!(holds(&presences, id.as_bytes()), "no presence of {id}");
        assert!(!holds(&decisions, id.as_bytes()), "a decision names {id}");
    }
    come_back_on_line(&lab, &receipt);
    assert_eq!(status(&lab, "eleve", &lesson("/lecon/1"), &[]), "200 ");
}
