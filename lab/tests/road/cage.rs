//! The cage of the library's packages, in a real Chromium: a package whose pages try everything against the portal and the
//! people at it gets nothing.

use preau_lab::{Browser, plan::PORTAL};

use crate::{
    asking::{page, until},
    library::{library, make_site, offer, play, until_here},
};

/// A package that tries everything. Each line it writes says what it got, or by what it was refused.
const HOSTILE: &str = "
const told = [];
const say = (what, got) => {
  told.push(what + ' : ' + got);
  document.getElementById('dit').textContent = told.join('\\n');
};
const attempt = async (what, act) => {
  try { say(what, 'OBTENU ' + await act()); } catch (cause) { say(what, 'refusé, ' + cause.name); }
};
const portal = location.href.split('/bibliotheque/')[0];
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const refused = [];
document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
const form = (action, fields, target) => {
  const form = document.createElement('form');
  form.method = 'post'; form.action = portal + action; form.target = target;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement('input');
    field.name = name; field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
};
(async () => {
  await attempt('son propre fichier', async () => (await fetch('voisin.json')).text());
  await attempt('les cookies', () => document.cookie);
  await attempt('le stockage', () => localStorage.length);
  await attempt('une base', () => new Promise((done, fail) => {
    const asked = indexedDB.open('x'); asked.onsuccess = () => done('base'); asked.onerror = () => fail(asked.error);
  }));
  const who = { credentials: 'include' };
  await attempt('une page du portail', async () => (await fetch(portal + '/', who)).text());
  await attempt('une page sans la lire', async () => (await fetch(portal + '/', { mode: 'no-cors', ...who })).type);
  await attempt('un autre paquet', async () => (await fetch(portal + '/bibliotheque/lire/geometrie/', who)).text());
  await attempt('un acte', async () => (await fetch(portal + '/deconnexion', { method: 'POST', mode: 'no-cors', ...who })).type);
  navigator.sendBeacon(portal + '/deconnexion', '');
  await attempt('un autre site', async () => (await fetch('https://fr.vikidia.example/', { mode: 'no-cors' })).type);
  await attempt('un service worker', async () => (await navigator.serviceWorker.register('travail.js')).scope);
  await attempt('le portail dans un cadre', async () => {
    const frame = document.createElement('iframe');
    frame.src = portal + '/'; document.body.append(frame);
    await wait(1000);
    return frame.contentWindow.document.body.innerText;
  });
  await attempt('le portail dans une fenêtre', async () => {
    const opened = open(portal + '/');
    await wait(1500);
    return opened.document.body.innerText;
  });
  form('/deconnexion', {}, '_blank');
  form('/enseignant/decider', { pour: 'classe', nom: '6A', acte: 'examen', sites: 'fr.vikidia.example', duree: '55' }, '_blank');
  await wait(1500);
  say('formulaires', refused.filter((rule) => rule === 'form-action').length + ' refusés');
  say('fini', 'oui');
})();
";

/// What the frame inside the hostile package does: it takes the place of the whole page, if it can.
const FRAMED: &str = "<!doctype html><html lang=fr><title>Cadre</title><script>
try { top.location = location.href.split('/bibliotheque/')[0] + '/?prise=1'; } catch (cause) {}
</script></html>";

#[test]
fn a_hostile_package_gets_nothing_of_the_portal_in_a_real_browser() {
    play(|lab| {
        if !lab.has_browser().unwrap() {
            assert!(std::env::var_os("CI").is_none(), "CI must have chromium and chromium-driver");
            return;
        }
        let first = "<!doctype html><html lang=fr><meta charset=utf-8><title>Piège</title><h1>Piège</h1>\
                     <pre id=dit></pre><iframe src=cadre.html></iframe><script src=mal.js></script></html>";
        let files = [
            ("index.html", first),
            ("mal.js", HOSTILE),
            ("cadre.html", FRAMED),
            ("travail.js", "self.addEventListener('fetch', () => {});"),
            ("voisin.json", "{\"voisin\": true}"),
        ];
        offer(lab, &make_site(lab, "piege", &files), "piege", &["--title", "Piège", "--cycle", "3"]);
        until_here(lab, "piege");
        lab.sign_in_user("enseignant").expect("the teacher must be able to sign in");
        let browser = Browser::open(lab, "enseignant", (1280, 800)).unwrap();
        browser.go(&format!("https://{PORTAL}/")).unwrap();
        assert!(browser.text().unwrap().contains("Dominique"), "the teacher's page is there to be stolen");
        browser.go(&library("/lire/piege/")).unwrap();
        until(40, "the package has tried everything", || {
            browser.text_at("#dit").is_ok_and(|told| told.contains("fini"))
        });
        let told = browser.text_at("#dit").unwrap();
        eprintln!("{told}");
        // Its script runs, and reads its own files: the refusals are the cage's.
        assert!(told.contains("son propre fichier : OBTENU {\"voisin\": true}"), "{told}");
        assert_eq!(told.matches("OBTENU").count(), 1, "{told}");
        assert_eq!(told.matches("refusé,").count(), 11, "{told}");
        assert!(told.contains("formulaires : 2 refusés"), "{told}");
        assert!(browser.current_url().unwrap().ends_with("/lire/piege/"), "nothing took the page's place");
        // Nothing was done in the teacher's name.
        let home = page(lab, "enseignant", &format!("https://{PORTAL}/"), &[]);
        assert!(home.contains("Dominique"), "the teacher is still signed in: {home}");
        let class = page(lab, "enseignant", &format!("https://{PORTAL}/enseignant/classe/6A"), &[]);
        assert!(!class.contains("/enseignant/annuler"), "nothing was decided for the class: {class}");
    });
}
