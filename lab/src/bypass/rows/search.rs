//! Search engines and YouTube without the modes that a school sets for pupils.

use anyhow::bail;

use super::super::{
    Expected::{Closed, Open},
    Row, Scene, Seen, policy,
    scene::{shows, shows_address_of, v4, v6},
};

/// A row that asks DNS for one of the hosts.
const fn asked(id: &'static str, lesson: u8, play: fn(&mut Scene<'_>) -> anyhow::Result<Seen>) -> Row {
    Row {
        id,
        lesson,
        tools: &["dig"],
        attempt: "be given the host's own address, IPv4, IPv6 or as a hint",
        pupil: Closed,
        teacher: Open,
        play,
    }
}

pub(super) const ROWS: &[Row] = &[
    asked("search-google", 23, |scene| ask(scene, "www.google.com")),
    asked("search-google-fr", 23, |scene| ask(scene, "www.google.fr")),
    asked("search-bing", 23, |scene| ask(scene, "www.bing.com")),
    asked("search-duckduckgo", 23, |scene| ask(scene, "duckduckgo.com")),
    Row {
        id: "search-address",
        lesson: 23,
        tools: &["curl"],
        attempt: "write Google's own address into the hosts file",
        pupil: Closed,
        teacher: Open,
        play: |scene| at_own_address(scene, "www.google.com"),
    },
    asked("youtube-www", 24, |scene| ask(scene, "www.youtube.com")),
    asked("youtube-m", 24, |scene| ask(scene, "m.youtube.com")),
    asked("youtube-api", 24, |scene| ask(scene, "youtubei.googleapis.com")),
    asked("youtube-api-old", 24, |scene| ask(scene, "youtube.googleapis.com")),
    asked("youtube-nocookie", 24, |scene| ask(scene, "www.youtube-nocookie.com")),
    Row {
        id: "youtube-address",
        lesson: 24,
        tools: &["curl"],
        attempt: "write YouTube's own address into the hosts file",
        pupil: Closed,
        teacher: Open,
        play: |scene| at_own_address(scene, "www.youtube.com"),
    },
];

fn ask(scene: &mut Scene<'_>, name: &str) -> anyhow::Result<Seen> {
    set_modes(scene)?;
    let mut seen = Seen::Stopped(String::new());
    for kind in ["A", "AAAA", "HTTPS"] {
        let question = ["dig", "+short", "+time=2", "+tries=1", name, kind];
        seen = shows_address_of(&scene.run(&question)?, name);
        if let Seen::Reached(_) = seen {
            break;
        }
    }
    Ok(seen)
}

/// The lab's servers say the address that a connection came to.
fn at_own_address(scene: &mut Scene<'_>, name: &str) -> anyhow::Result<Seen> {
    set_modes(scene)?;
    let mut seen = Seen::Stopped(String::new());
    for (address, shown) in [(v4(name), v4(name)), (format!("[{}]", v6(name)), format!("[{}]", v6(name)))] {
        let place = format!("{name}:443:{address}");
        let page = scene.get(&format!("https://{name}/echo"), &["--resolve", &place])?;
        seen = shows(&page, &format!("to {shown}:443"));
        if let Seen::Reached(_) = seen {
            break;
        }
    }
    Ok(seen)
}

fn set_modes(scene: &Scene<'_>) -> anyhow::Result<()> {
    if scene.subject.is_behind_the_box() && !policy::set_search_modes(scene.lab, scene.subject.machine())? {
        bail!("the box takes no search modes");
    }
    Ok(())
}
