//! Signing in at a real ENT: LemonLDAP::NG somewhere on the lab's Internet, by CAS and by OpenID Connect, with the line up,
//! cut, and coming and going.

use std::sync::{Mutex, PoisonError};

use preau_lab::{
    Browser, EntProtocol, Lab,
    plan::{BOX, ENT, ENT_NAME, PORTAL, SIGN_IN_FIELDS},
};

use crate::asking::{OPEN, beside_others, get, page, run, sign_out, status, until};

/// The school for these stories: its box knows the ENT, which runs; the line is up and nobody has signed in.
static LAB: Mutex<Option<(EntProtocol, Lab)>> = Mutex::new(None);

/// Plays a story in the school. A story that fails takes the school with it.
fn play(protocol: EntProtocol, story: impl FnOnce(&mut Lab)) {
    let mut stage = LAB.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = beside_others();
    let (known, mut lab) = stage.take().unwrap_or_else(|| {
        let mut lab = Lab::start().expect("the lab must start");
        lab.start_ent().expect("the ENT must start");
        lab.tell_box_of_ent(protocol).expect("the box must start with the ENT");
        (protocol, lab)
    });
    if known != protocol {
        lab.tell_box_of_ent(protocol).expect("the box must start with the ENT");
    }
    until(20, "the box sees the ENT", || departs(&lab, "eleve"));
    story(&mut lab);
    for who in ["eleve", "eleve2"] {
        sign_out(&lab, who);
        forget(&lab, who);
    }
    *stage = Some((protocol, lab));
}

/// Whether the portal sends somebody to the ENT. It looks at it first where its last look is old.
pub(crate) fn departs(lab: &Lab, who: &str) -> bool {
    let answer = status(lab, who, &format!("https://{PORTAL}/connexion/ent"), &["--max-time", "20"]);
    answer.starts_with(&format!("303 https://{ENT_NAME}/"))
}

/// Empties the browser of a machine.
fn forget(lab: &Lab, who: &str) {
    run(lab, who, &["rm", "-f", "jar"]);
}

/// The page that `who` gets who is refused on the way to or from the ENT.
fn told(lab: &Lab, who: &str, url: &str) -> (String, String) {
    let url = if url.starts_with('/') { format!("https://{PORTAL}{url}") } else { url.to_owned() };
    let text = page(
        lab,
        who,
        &url,
        &["--max-time", "25", "--cookie", "jar", "--cookie-jar", "jar", "--write-out", "\n%{http_code}"],
    );
    let (text, code) = text.rsplit_once('\n').unwrap();
    let title = text.split("<h1").nth(1).and_then(|rest| rest.split(['>', '<']).nth(1)).unwrap_or_default();
    (code.to_owned(), title.to_owned())
}

/// The value of the hidden field `name` on a page of the ENT.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split("<input").find(|field| field.contains(&format!("name=\"{name}\"")));
    let value = field.and_then(|field| field.split("value=\"").nth(1)?.split('"').next());
    value.unwrap_or_default().replace("&amp;", "&")
}

/// Goes to the ENT from the portal's `path` and signs in there as `login`, up to where the ENT sends the browser back to.
#[track_caller]
pub(crate) fn sign_in_there(lab: &Lab, who: &str, path: &str, login: &str) -> String {
    let jar = ["--cookie", "jar", "--cookie-jar", "jar"];
    let left = status(lab, who, &format!("https://{PORTAL}{path}"), &jar);
    let url = left.strip_prefix("303 ").unwrap_or_else(|| panic!("{left}"));
    assert!(url.starts_with(&format!("https://{ENT_NAME}/")), "{url}");
    let form = page(lab, who, url, &jar);
    let action = url.split('?').next().unwrap();
    let fields = [
        format!("user={login}"),
        format!("password={login}"),
        format!("token={}", hidden(&form, "token")),
        format!("url={}", hidden(&form, "url")),
    ];
    let fields = fields.each_ref().map(|field| ["--data-urlencode", field.as_str()]);
    let back = status(lab, who, action, &[&jar[..], &fields.concat()].concat());
    let url = back.split_once(' ').unwrap().1;
    assert!(url.starts_with(&format!("https://{PORTAL}/connexion/ent/retour?")), "{back}\n{form}");
    url.to_owned()
}

/// Comes back to the portal at `url`; the answer's status and where it leads.
pub(crate) fn come_back(lab: &Lab, who: &str, url: &str) -> String {
    status(lab, who, url, &["--cookie", "jar", "--cookie-jar", "jar", "--max-time", "25"])
}

fn reads(lab: &Lab, who: &str) -> bool {
    get(lab, who, &format!("https://{OPEN}/"), &[]).succeeded()
}

fn a_pupil_signs_in(protocol: EntProtocol) {
    play(protocol, |lab| {
        assert!(!reads(lab, "eleve"), "nobody has signed in");
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        let answer = come_back(lab, "eleve", &url);
        assert!(answer.starts_with(&format!("303 https://{PORTAL}/")), "{answer}");
        let home = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
        assert!(home.contains("Alix Exemple"), "{home}");
        until(5, "the web is open", || reads(lab, "eleve"));
    });
}

#[test]
fn a_pupil_signs_in_by_cas_of_a_real_lemonldap_ng() {
    a_pupil_signs_in(EntProtocol::Cas);
}

#[test]
fn a_pupil_signs_in_by_openid_connect_of_a_real_lemonldap_ng() {
    a_pupil_signs_in(EntProtocol::Oidc);
}

#[test]
fn before_sign_in_the_ent_is_open_and_nothing_else() {
    play(EntProtocol::Cas, |lab| {
        assert!(get(lab, "eleve", &format!("https://{ENT_NAME}/"), &[]).succeeded());
        for site in [OPEN, "exemple.fr", "autre.exemple.fr"] {
            assert!(!get(lab, "eleve", &format!("https://{site}/"), &[]).succeeded(), "{site}");
        }
        let probe = status(lab, "eleve", "http://connectivitycheck.gstatic.com/generate_204", &[]);
        assert!(probe.starts_with(&format!("302 https://{PORTAL}/")), "phones still see a portal: {probe}");
    });
}

#[test]
fn whom_the_ent_knows_and_the_school_does_not_stays_out() {
    play(EntProtocol::Cas, |lab| {
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "dehors.exemple");
        let (code, title) = told(lab, "eleve", &url);
        assert_eq!(
            (code.as_str(), title.as_str()),
            ("403", "Votre compte de l’ENT n’est pas de cet établissement")
        );
        assert!(!reads(lab, "eleve"));
        let again = status(lab, "eleve", &format!("https://{PORTAL}/connexion/ent?autre=1"), &[]);
        assert!(again.ends_with("&renew=true"), "{again}");
    });
}

#[test]
fn a_ticket_is_good_once_and_in_the_browser_it_was_given_to() {
    play(EntProtocol::Cas, |lab| {
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        // Somebody else follows the link, with a departure of their own or none.
        let strange = ("400".to_owned(), "Recommencez la connexion".to_owned());
        assert_eq!(told(lab, "eleve2", &url), strange);
        assert!(!reads(lab, "eleve2"));
        assert!(come_back(lab, "eleve", &url).starts_with("303 "));
        sign_out(lab, "eleve");
        assert_eq!(told(lab, "eleve", &url), strange, "a second time");
        // With a departure of their own the ENT itself says that the ticket is spent.
        let left = status(
            lab,
            "eleve2",
            &format!("https://{PORTAL}/connexion/ent"),
            &["--cookie", "jar", "--cookie-jar", "jar"],
        );
        assert!(left.starts_with("303 "), "{left}");
        let (code, title) = told(lab, "eleve2", &url);
        assert_eq!((code.as_str(), title.as_str()), ("403", "L’ENT n’a pas confirmé la connexion"));
        assert!(!reads(lab, "eleve2"));
    });
}

#[test]
fn an_ent_that_is_down_is_told_within_seconds_and_so_is_its_return() {
    play(EntProtocol::Cas, |lab| {
        lab.stop_ent();
        until(20, "nobody is sent there", || !departs(lab, "eleve"));
        let (code, title) = told(lab, "eleve", "/connexion/ent");
        assert_eq!((code.as_str(), title.as_str()), ("503", "L’ENT ne répond pas"));
        let form = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
        assert!(form.contains("name=\"mot_de_passe\""), "{form}");
        lab.start_ent().unwrap();
        until(20, "the ENT is found again", || departs(lab, "eleve"));
    });
}

#[test]
fn somebody_who_comes_back_when_the_ent_has_gone_is_told_so() {
    play(EntProtocol::Cas, |lab| {
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        lab.stop_ent();
        let (code, title) = told(lab, "eleve", &url);
        assert_eq!((code.as_str(), title.as_str()), ("503", "L’ENT ne répond pas"));
        assert!(!reads(lab, "eleve"));
        lab.start_ent().unwrap();
        until(20, "the ENT is found again", || departs(lab, "eleve"));
    });
}

#[test]
fn a_line_that_comes_and_goes_is_followed() {
    play(EntProtocol::Cas, |lab| {
        for _ in 0..2 {
            lab.cut_line().unwrap();
            until(25, "nobody is sent into the void", || !departs(lab, "eleve"));
            let begun = tokio::time::Instant::now();
            lab.sign_in_user("eleve").expect("an account of the school's own signs in without a line");
            assert!(begun.elapsed().as_secs() < 5, "the form waits for nothing");
            sign_out(lab, "eleve");
            lab.restore_line().unwrap();
            until(25, "the ENT is found again", || departs(lab, "eleve"));
        }
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        assert!(come_back(lab, "eleve", &url).starts_with("303 "));
        until(5, "the web is open", || reads(lab, "eleve"));
    });
}

/// Delivers Sasha, whom the ENT knows and the school's own file does not, to the box's directory.
fn deliver(lab: &Lab) {
    let description = "[columns]\nid = \"id\"\nfamily_name = \"nom\"\ngiven_name = \"prenom\"\nrole = \"profil\"\n\
                       classes = \"classes\"\n\n[roles]\n\"eleve\" = \"eleve\"\n";
    lab.write_box_file("livraison.toml", &format!("separator = \";\"\n\n{description}")).unwrap();
    let table = "id;nom;prenom;profil;classes\ne-0101;Livraison;Sasha;eleve;6A\n";
    lab.write_box_file("livraison.csv", table).unwrap();
    let inside = |name: &str| format!("/run/preau-lab/{BOX}/{name}");
    let (description, table) = (inside("livraison.toml"), inside("livraison.csv"));
    let import = ["accounts", "import", "--described-by", &description, "--effective", "now", &table];
    lab.preau(&import).and_then(preau_lab::Output::checked).expect("the delivery must be taken");
    until(10, "the delivery takes effect", || {
        let status = lab.preau(&["status"]).map(|output| output.stdout).unwrap_or_default();
        status.contains("directory 1 persons")
    });
}

#[test]
fn a_password_chosen_after_the_ent_signs_in_while_the_line_is_down_and_only_then() {
    play(EntProtocol::Cas, |lab| {
        deliver(lab);
        let (login, password) = ("sasha.livraison", "un mot pour les pannes");
        let url = sign_in_there(lab, "eleve", "/connexion/ent", login);
        assert!(come_back(lab, "eleve", &url).starts_with("303 "));
        until(5, "the web is open", || reads(lab, "eleve"));
        let home = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
        assert!(home.contains("Sasha") && !home.contains("hors ligne"), "{home}");
        let fields = [format!("nouveau={password}"), format!("encore={password}")];
        let fields = fields.each_ref().map(|field| ["--data-urlencode", field.as_str()]).concat();
        // In the browser that signed in at the ENT: another one chooses no password.
        let fields = [&["--cookie", "jar"], fields.as_slice()].concat();
        let chosen = status(lab, "eleve", &format!("https://{PORTAL}/mot-de-passe"), &fields);
        assert_eq!(chosen, format!("303 https://{PORTAL}/mot-de-passe?fait=1"));
        sign_out(lab, "eleve");
        assert!(lab.sign_in("eleve", login, password).is_err(), "the ENT is there");
        for _ in 0..2 {
            lab.cut_line().unwrap();
            until(25, "the ENT is seen to be away", || !departs(lab, "eleve"));
            let form = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
            assert!(form.contains("name=\"mot_de_passe\""), "{form}");
            assert!(lab.sign_in("eleve", login, "un autre mot").is_err());
            lab.sign_in("eleve", login, password).expect("the password is for such days");
            let home = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
            assert!(home.contains("Sasha") && home.contains("hors ligne"), "{home}");
            sign_out(lab, "eleve");
            lab.restore_line().unwrap();
            until(25, "the ENT is found again", || departs(lab, "eleve"));
            let [login_field, password_field] = SIGN_IN_FIELDS;
            let typed = [format!("{login_field}={login}"), format!("{password_field}={password}")];
            let typed = typed.each_ref().map(|field| ["--data-urlencode", field.as_str()]).concat();
            let refused = page(lab, "eleve", &format!("https://{PORTAL}/connexion"), &typed);
            assert!(refused.contains("href=\"/connexion/ent"), "{refused}");
            assert!(!reads(lab, "eleve"));
        }
        forget(lab, "eleve");
        let url = sign_in_there(lab, "eleve", "/connexion/ent", login);
        let back = come_back(lab, "eleve", &url);
        assert!(back.starts_with("303 "), "{back}");
        until(5, "the web is open", || reads(lab, "eleve"));
    });
}

#[test]
fn whoever_signs_out_at_the_ent_is_signed_out_here() {
    play(EntProtocol::Cas, |lab| {
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        assert!(come_back(lab, "eleve", &url).starts_with("303 "));
        until(5, "the web is open", || reads(lab, "eleve"));
        let ticket = url.split("ticket=").nth(1).unwrap();
        let post = |ticket: &str| {
            let request = format!(
                "logoutRequest=<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"x\" \
                 Version=\"2.0\"><saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alix.exemple</saml:NameID>\
                 <samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
            );
            let url = format!("https://{PORTAL}/connexion/ent/retour");
            status(lab, "enseignant", &url, &["--data-urlencode", &request])
        };
        assert!(post("ST-de-personne").starts_with("200"));
        assert!(reads(lab, "eleve"));
        assert!(post(ticket).starts_with("200"));
        until(5, "the web is closed", || !reads(lab, "eleve"));
    });
}

#[test]
fn the_handover_of_a_shared_computer_ends_the_session_at_the_ent_too() {
    play(EntProtocol::Cas, |lab| {
        let url = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        assert!(come_back(lab, "eleve", &url).starts_with("303 "));
        let jar = ["--cookie", "jar", "--cookie-jar", "jar"];
        let handed = status(
            lab,
            "eleve",
            &format!("https://{PORTAL}/deconnexion/suivant"),
            &[&jar[..], &["--request", "POST"]].concat(),
        );
        assert_eq!(handed, format!("303 https://{PORTAL}/connexion/ent/fin"));
        let text = page(
            lab,
            "eleve",
            &format!("https://{PORTAL}/connexion/ent/fin"),
            &[&jar[..], &["--include"]].concat(),
        );
        let logout = text.lines().find_map(|line| line.strip_prefix("refresh: 0; url=")).unwrap().trim();
        assert!(logout.starts_with(&format!("https://{ENT_NAME}/cas/logout?")), "{logout}");
        page(lab, "eleve", logout, &jar);
        // The ENT asks for a password again.
        let left = status(lab, "eleve", &format!("https://{PORTAL}/connexion/ent"), &jar);
        let form = page(lab, "eleve", left.strip_prefix("303 ").unwrap(), &jar);
        assert!(form.contains("name=\"password\""), "{form}");
    });
}

#[test]
fn a_person_goes_to_the_ent_and_back_in_chromium() {
    play(EntProtocol::Cas, |lab| {
        if !lab.has_browser().unwrap() {
            eprintln!("no Chromium on this machine: this story is told by curl alone");
            return;
        }
        let browser = Browser::open(lab, "eleve", (412, 915)).unwrap();
        browser.go(&format!("https://{PORTAL}/")).unwrap();
        browser.click("a[href^='/connexion/ent']").unwrap();
        browser.type_into("user", "alix.exemple").unwrap();
        browser.type_into("password", "alix.exemple").unwrap();
        browser.click("#lform button[type=submit]").unwrap();
        until(10, "the browser is back on the portal", || {
            browser.current_url().is_ok_and(|url| url.starts_with(&format!("https://{PORTAL}/")))
        });
        // The portal's page also says why nobody is signed in, where that is so.
        let shown = browser.text().unwrap_or_default();
        until(15, &format!("the web is open behind the page {shown:?}"), || reads(lab, "eleve"));
    });
}

#[test]
fn the_ent_of_the_lab_is_the_real_thing() {
    play(EntProtocol::Cas, |lab| {
        let version = run(lab, ENT, &["dpkg-query", "-W", "-f", "${Version}", "liblemonldap-ng-portal-perl"]);
        assert!(version.starts_with("2."), "{version}");
    });
}
