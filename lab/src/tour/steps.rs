//! The steps of the tour, in their order: later ones rely on who signed in before.

use anyhow::{Context as _, bail, ensure};

use super::Step;
use crate::{
    browser::Browser,
    lab::Lab,
    plan::{OTHER_RESOLVERS, PASSWORD, PEDAGOGIQUE, PORTAL, SIGN_IN_FIELDS},
    process::Output,
};

/// A site everybody may read.
const OPEN: &str = "fr.vikidia.example";
/// A site pupils may not.
const CLOSED: &str = "jeux-en-ligne.example";
/// What the rule says that closes it.
const REASON: &str = "Les jeux en ligne sont fermés aux élèves.";

/// The tour.
pub const STEPS: [Step; 18] = [
    step("dhcp", "eleve", "gets an IPv4 address by DHCP, and the portal's address with it", dhcp),
    step("ra", "eleve", "gets an IPv6 address by router advertisement", router_advertisement),
    step("closed-before", "eleve", "before signing in, finds nothing of the web", closed_before_sign_in),
    step(
        "probe",
        "eleve",
        "before signing in, the system's probe leads to the portal",
        probe_leads_to_portal,
    ),
    step("sign-in-browser", "eleve", "signs in on the portal, in Chromium", sign_in_in_chromium),
    step("open-site", "eleve", "reads an allowed site, its certificate verified end to end", open_site),
    step("open-site-v6", "eleve", "reads it over IPv6 too", open_site_over_ipv6),
    step("blocked-dns", "eleve", "is told by DNS that a game site is closed (EDE 17)", blocked_by_dns),
    step("blocked-page", "eleve", "is told why on a page", blocked_with_a_reason),
    step("blocked-alias", "eleve", "finds no way round by an alias of that site", blocked_behind_an_alias),
    step("blocked-sni", "eleve", "finds no way round by its address", blocked_by_server_name),
    step("own-resolver", "eleve", "finds no way round by a resolver of their own", blocked_at_own_resolver),
    step(
        "forged-address",
        "eleve",
        "with a forged address, still reaches the named site only",
        forged_address,
    ),
    step("teacher", "enseignant", "signs in and reads the game site", teacher_reads_it),
    step("office", "bureau", "sees no pupil's machine, nor a pupil the office", office_is_apart),
    step("whiteboard", "tableau", "works without sign-in, with its narrow rules", whiteboard),
    step("line-cut", "eleve", "has the portal while the line is cut, and the web after", line_cut),
    step("box-killed", "eleve", "is still signed in after the box was killed and came back", box_killed),
];

const fn step(
    name: &'static str,
    who: &'static str,
    expectation: &'static str,
    play: fn(&mut Lab) -> anyhow::Result<String>,
) -> Step {
    Step { name, who, expectation, play }
}

fn dhcp(lab: &mut Lab) -> anyhow::Result<String> {
    let addresses = lab.addresses("eleve")?;
    let address =
        addresses.iter().find(|address| address.starts_with("10.10.")).context("no IPv4 address")?;
    let lease = lab.run("eleve", &["cat", "lease"])?.checked()?;
    let portal = lease.lines().find_map(|line| line.strip_prefix("opt114=")).context("no DHCP option 114")?;
    let url = String::from_utf8(hexadecimal(portal).context("option 114 is not hexadecimal")?)?;
    ensure!(url.starts_with(&format!("https://{PORTAL}/")), "option 114 is `{url}`");
    Ok(format!("{address}, {url}"))
}

fn router_advertisement(lab: &mut Lab) -> anyhow::Result<String> {
    let addresses = lab.addresses("eleve")?;
    addresses.into_iter().find(|address| address.starts_with("fd00:10:")).context("no IPv6 address")
}

fn closed_before_sign_in(lab: &mut Lab) -> anyhow::Result<String> {
    let secure = get(lab, "eleve", &format!("https://{OPEN}/"), &[])?;
    ensure!(!secure.succeeded(), "https://{OPEN} answers before sign-in");
    let direct = get(lab, "eleve", "https://203.0.113.250/", &["--insecure"])?;
    ensure!(!direct.succeeded(), "a bare address answers before sign-in");
    let portal = get(lab, "eleve", &format!("https://{PORTAL}/"), &["--location"])?.checked()?;
    ensure!(portal.contains(SIGN_IN_FIELDS[1]), "the portal shows no sign-in page");
    Ok(format!("the portal only; {}", last_line(&secure.stderr)))
}

fn probe_leads_to_portal(lab: &mut Lab) -> anyhow::Result<String> {
    for url in [
        "http://connectivitycheck.gstatic.com/generate_204",
        "http://captive.apple.com/hotspot-detect.html",
        "http://www.msftconnecttest.com/connecttest.txt",
        "http://detectportal.firefox.com/canonical.html",
    ] {
        let seen = get(
            lab,
            "eleve",
            url,
            &["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"],
        )?;
        let seen = seen.checked()?;
        ensure!(seen.starts_with("30") && seen.contains(PORTAL), "{url} answers `{seen}`");
    }
    Ok("four systems' probes are sent to the portal".to_owned())
}

fn sign_in_in_chromium(lab: &mut Lab) -> anyhow::Result<String> {
    if !lab.has_browser()? {
        lab.sign_in_user("eleve")?;
        return Ok("signed in with curl: no Chromium and chromium-driver here".to_owned());
    }
    let browser = Browser::open(lab, "eleve", (480, 640))?;
    browser.go("http://connectivitycheck.gstatic.com/generate_204")?;
    let sign_in_url = browser.current_url()?;
    ensure!(sign_in_url.starts_with(&format!("https://{PORTAL}/")), "the probe leads to {sign_in_url}");
    let [login_field, password_field] = SIGN_IN_FIELDS;
    browser.type_into(login_field, "alix.exemple")?;
    browser.type_into(password_field, PASSWORD)?;
    browser.click("[type=submit]")?;
    browser.go(&format!("https://{OPEN}/"))?;
    Ok(format!("the probe led to the portal, then: {}", browser.title()?))
}

fn open_site(lab: &mut Lab) -> anyhow::Result<String> {
    let page = get(lab, "eleve", &format!("https://{OPEN}/"), &[])?.checked()?;
    title_of(&page)
}

fn open_site_over_ipv6(lab: &mut Lab) -> anyhow::Result<String> {
    let page = get(lab, "eleve", &format!("https://{OPEN}/"), &["-6"])?.checked()?;
    title_of(&page)
}

fn blocked_by_dns(lab: &mut Lab) -> anyhow::Result<String> {
    let answer = lab.run("eleve", &["dig", CLOSED, "A"])?.checked()?;
    ensure!(answer.contains("EDE: 17"), "the answer carries no EDE 17:\n{answer}");
    ensure!(answer.contains(PEDAGOGIQUE[0]), "the answer does not lead to the block page:\n{answer}");
    let error = answer.lines().find(|line| line.contains("EDE: 17")).unwrap_or_default();
    Ok(error.trim_start_matches("; ").to_owned())
}

fn blocked_with_a_reason(lab: &mut Lab) -> anyhow::Result<String> {
    let page = get(lab, "eleve", &format!("http://{CLOSED}/"), &["--location"])?.checked()?;
    ensure!(page.contains(REASON), "the page does not say the reason");
    Ok(REASON.to_owned())
}

fn blocked_behind_an_alias(lab: &mut Lab) -> anyhow::Result<String> {
    // Asked twice: the second answer could come from a cache that forgot to judge.
    for _ in 0..2 {
        let answer = lab.run("eleve", &["dig", "+short", "alias.exemple.fr", "A"])?.checked()?;
        ensure!(answer.trim() == PEDAGOGIQUE[0], "the alias leads to `{}`", answer.trim());
    }
    // With an address of their own, the pupil has nobody to ask but the proxy.
    let place = format!("alias.exemple.fr:443:{}", crate::internet::names::addresses(CLOSED).0);
    let page = get(lab, "eleve", "https://alias.exemple.fr/", &["--resolve", &place])?;
    ensure!(!page.succeeded(), "the alias answers at an address that the pupil chose");
    Ok("an alias leads to the block page, from the cache too, and nowhere at an own address".to_owned())
}

fn blocked_by_server_name(lab: &mut Lab) -> anyhow::Result<String> {
    let (v4, v6) = crate::internet::names::addresses(CLOSED);
    let mut seen = String::new();
    for address in [v4.to_string(), format!("[{v6}]")] {
        let place = format!("{CLOSED}:443:{address}");
        let page = get(lab, "eleve", &format!("https://{CLOSED}/"), &["--resolve", &place])?;
        ensure!(!page.succeeded(), "{CLOSED} answers at {address}");
        ensure!(page.elapsed.as_secs() < 3, "the refusal takes {:.1} s", page.elapsed.as_secs_f32());
        seen = last_line(&page.stderr);
    }
    Ok(seen)
}

fn blocked_at_own_resolver(lab: &mut Lab) -> anyhow::Result<String> {
    for resolver in OTHER_RESOLVERS {
        let server = format!("@{resolver}");
        let answer = lab.run("eleve", &["dig", "+short", "+time=3", &server, CLOSED, "A"])?;
        let (real, _) = crate::internet::names::addresses(CLOSED);
        ensure!(!answer.stdout.contains(&real.to_string()), "{resolver} answers the pupil");
    }
    Ok("the box answers in place of the other resolver".to_owned())
}

fn forged_address(lab: &mut Lab) -> anyhow::Result<String> {
    let (forged, _) = crate::internet::names::addresses(CLOSED);
    let place = format!("{OPEN}:443:{forged}");
    let page = get(lab, "eleve", &format!("https://{OPEN}/echo"), &["--resolve", &place])?.checked()?;
    let first = page.lines().next().unwrap_or_default();
    let (real, real_v6) = crate::internet::names::addresses(OPEN);
    ensure!(
        first.contains(&format!("to {real}:443")) || first.contains(&format!("to [{real_v6}]:443")),
        "the server sees `{first}`"
    );
    Ok(format!("asked for {forged}, led to {real}"))
}

fn teacher_reads_it(lab: &mut Lab) -> anyhow::Result<String> {
    lab.sign_in_user("enseignant")?;
    let page = get(lab, "enseignant", &format!("https://{CLOSED}/"), &[])?.checked()?;
    title_of(&page)
}

fn office_is_apart(lab: &mut Lab) -> anyhow::Result<String> {
    for (from, to) in [("bureau", "eleve"), ("eleve", "bureau")] {
        for address in lab.addresses(to)? {
            let reply = lab.run(from, &["ping", "-c", "1", "-W", "1", &address])?;
            ensure!(!reply.succeeded(), "`{from}` reaches `{to}` at {address}");
        }
    }
    Ok("no packet passes, in IPv4 or IPv6".to_owned())
}

fn whiteboard(lab: &mut Lab) -> anyhow::Result<String> {
    let page = get(lab, "tableau", "https://tableau.exemple.fr/", &[])?.checked()?;
    let other = get(lab, "tableau", &format!("https://{OPEN}/"), &[])?;
    ensure!(!other.succeeded(), "the whiteboard reaches {OPEN}");
    title_of(&page)
}

fn line_cut(lab: &mut Lab) -> anyhow::Result<String> {
    lab.cut_line()?;
    let portal = get(lab, "eleve", &format!("https://{PORTAL}/"), &["--location"]);
    lab.restore_line()?;
    portal?.checked().context("the portal does not answer without the line")?;
    let page = get(lab, "eleve", &format!("https://{OPEN}/"), &["--retry", "5", "--retry-all-errors"])?;
    title_of(&page.checked().context("the web does not come back")?)
}

fn box_killed(lab: &mut Lab) -> anyhow::Result<String> {
    lab.kill_box()?;
    let closed = get(lab, "eleve", &format!("https://{OPEN}/"), &["--max-time", "1.5"])?;
    ensure!(!closed.succeeded(), "the web answers without the box");
    let back = lab.restart_box()?;
    let page = get(lab, "eleve", &format!("https://{OPEN}/"), &[])?;
    title_of(&page.checked().context("the session is lost")?)?;
    Ok(format!("closed while it was dead; back after {:.1} s", back.as_secs_f32()))
}

/// A page by curl, as the machine's user would get it; 8 s at most unless `more` says otherwise.
fn get(lab: &Lab, who: &str, url: &str, more: &[&str]) -> anyhow::Result<Output> {
    let usual = ["curl", "--silent", "--show-error", "--max-time", "8"];
    lab.run(who, &[&usual, more, &[url]].concat())
}

fn title_of(page: &str) -> anyhow::Result<String> {
    let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    let Some((title, _)) = title else { bail!("the page has no title") };
    Ok(title.to_owned())
}

fn last_line(text: &str) -> String {
    text.trim().lines().last().unwrap_or_default().to_owned()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own_and_a_machine_of_the_plan() {
        let names: HashSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
        assert!(STEPS.iter().all(|step| crate::plan::post(step.who).is_some()));
    }

    #[test]
    fn option_114_reads_as_text() {
        assert_eq!(hexadecimal("68747470").unwrap(), b"http");
        assert_eq!(hexadecimal("zz"), None);
    }
}
