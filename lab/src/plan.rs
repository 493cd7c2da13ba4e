//! The plan of the school: which machines there are, how they are wired, and every address that is not given by DHCP.
//!
//! All public addresses come from the documentation ranges (RFC 5737, RFC 3849), the school's line from the range that
//! providers use between themselves and their customers (RFC 6598).

/// The machine that plays the whole Internet.
pub const INTERNET: &str = "internet";
/// The machine that plays the académie's web site, a host of its own behind the Internet.
pub const ACADEMIE: &str = "academie";
/// The machine of a pupil's friend, somewhere on the Internet: far ends of tunnels run there.
pub const FAR: &str = "loin";
/// The school's ENT, a host of its own behind the Internet; its server runs where it was asked for.
pub const ENT: &str = "ent";
/// The machine that runs the box.
pub const BOX: &str = "box";

/// The machine of the académie's central, a host of its own behind the Internet; it runs where it was asked for.
pub const CENTRAL: &str = "dsi";

/// The box's side of the school's line, and the Internet's.
pub const LINE_INTERFACE: &str = "wan0";
/// The box's address on the line, then its way out.
pub const LINE_V4: (&str, &str) = ("100.64.0.2/30", "100.64.0.1");
/// As [`LINE_V4`], in IPv6.
pub const LINE_V6: (&str, &str) = ("2001:db8:1::2/64", "2001:db8:1::1");

/// The addresses of the Internet's resolver that the school's provider gives out.
pub const RESOLVERS: [&str; 2] = ["198.51.100.53", "2001:db8:ffff::53"];
/// A second resolver, the kind pupils write into their settings.
pub const OTHER_RESOLVERS: [&str; 2] = ["203.0.113.253", "2001:db8:a::253"];
/// A web server that has no name.
pub const NAMELESS_SERVERS: [&str; 2] = ["203.0.113.250", "2001:db8:a::250"];
/// The addresses of `echo.exemple.net` and `ntp.exemple.net`, which send UDP packets back.
pub const ECHO_SERVERS: [&str; 2] = ["203.0.113.251", "2001:db8:a::251"];
/// Networks of which every address is the Internet machine.
pub const INTERNET_NETWORKS: [&str; 3] = ["192.0.2.0/24", "203.0.113.0/24", "2001:db8:a::/48"];
/// The addresses of `www.ac-exemple.fr`.
pub const ACADEMIE_SITE: [&str; 2] = ["198.51.100.66", "2001:db8:ac::2"];
/// The addresses of [`FAR`], where [`FAR_NAMES`] and every name below `loin.example` lead.
pub const FAR_ADDRESSES: [&str; 2] = ["198.51.100.70", "2001:db8:fa::2"];
/// The zone whose resolver, UDP 53, is at [`FAR`]: tunnels inside DNS have one.
pub const FAR_ZONE: &str = "t.loin.example";
/// Names that lists know and that lead to [`FAR`].
pub const FAR_NAMES: [&str; 3] = ["mandataire.example", "tor.example", "vpn.example"];

/// The ENT's name.
pub const ENT_NAME: &str = "ent.exemple.fr";
/// The addresses of the ENT's host; the server listens on the first, and the name has no other.
pub const ENT_ADDRESSES: [&str; 2] = ["198.51.100.74", "2001:db8:e::2"];

/// The site with the ENT's lessons, which the box fronts where it is told to.
pub const LESSONS_NAME: &str = "lecons.exemple.fr";

/// The site with updates of systems, which the box keeps where it is told to.
pub const UPDATES_NAME: &str = "maj.exemple.net";

/// What boxes call central, and what people call its console.
pub const CENTRAL_NAMES: [&str; 2] = ["central.ac-exemple.fr", "console.ac-exemple.fr"];
/// The addresses of central's host.
pub const CENTRAL_ADDRESSES: [&str; 2] = ["198.51.100.78", "2001:db8:d::2"];

/// The académie's concentrators, the preferred one first: each one's machine (there where it was asked for), name, and
/// addresses on the Internet.
pub const CONCENTRATORS: [(&str, &str, [&str; 2]); 2] = [
    ("conc1", "vpn1.ac-exemple.fr", ["198.51.100.82", "2001:db8:c1::2"]),
    ("conc2", "vpn2.ac-exemple.fr", ["198.51.100.86", "2001:db8:c2::2"]),
];
/// The machine behind them, with the académie's application and its DNS server.
pub const APPLICATION: &str = "appli";
/// The application's name, which only that DNS server knows, and the addresses of both.
pub const APPLICATION_NAME: &str = "appli.intra.ac-exemple.fr";
/// As [`APPLICATION_NAME`].
pub const APPLICATION_ADDRESSES: [&str; 2] = ["10.200.0.10", "fd00:200::10"];
/// The box's addresses in the tunnel.
pub const TUNNEL_ADDRESSES: [&str; 2] = ["10.128.0.2", "fd00:80::2"];

/// The school's code in the national register.
pub const UAI: &str = "0809999Z";

/// The name of the portal inside the school.
pub const PORTAL: &str = "portail.college.exemple";
/// The fields of its sign-in form: the login, then the password.
pub const SIGN_IN_FIELDS: [&str; 2] = ["identifiant", "mot_de_passe"];
/// The password of every account of the lab. The accounts are fictitious and exist nowhere else.
pub const PASSWORD: &str = "preau-2026";

/// A machine that a person uses, plugged into the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The machine's name in commands.
    pub name: &'static str,
    /// Who uses it, for people to read.
    pub user: &'static str,
    /// The account of its user, if it has one.
    pub login: Option<&'static str>,
    /// The box's port it is plugged into, by the kernel's name.
    pub port: &'static str,
    /// The hardware address of its network card.
    pub mac: &'static str,
    /// The box's addresses in its zone.
    pub gateways: [&'static str; 2],
}

/// The box's addresses in the zone `pedagogique`.
pub const PEDAGOGIQUE: [&str; 2] = ["10.10.0.1", "fd00:10::1"];
/// The box's addresses in the zone `administration`.
pub const ADMINISTRATION: [&str; 2] = ["10.20.0.1", "fd00:20::1"];
/// The box's addresses in the zone `invites`.
pub const INVITES: [&str; 2] = ["10.30.0.1", "fd00:30::1"];
/// The box's addresses in the zone `equipements`.
pub const EQUIPEMENTS: [&str; 2] = ["10.40.0.1", "fd00:40::1"];

/// Every machine plugged into the box, in the order of documents.
pub const POSTS: [Post; 7] = [
    Post {
        name: "eleve",
        user: "a pupil of 6A",
        login: Some("alix.exemple"),
        port: "port1",
        mac: "02:00:5e:00:01:01",
        gateways: PEDAGOGIQUE,
    },
    Post {
        name: "eleve2",
        user: "a pupil of 6B",
        login: Some("camille.exemple"),
        port: "port2",
        mac: "02:00:5e:00:01:02",
        gateways: PEDAGOGIQUE,
    },
    Post {
        name: "enseignant",
        user: "a teacher",
        login: Some("dominique.modele"),
        port: "port3",
        mac: "02:00:5e:00:01:03",
        gateways: PEDAGOGIQUE,
    },
    Post {
        name: "poste",
        user: "the digital referent, at a shared computer of room 12",
        login: Some("robin.modele"),
        port: "port4",
        mac: "02:00:5e:10:00:02",
        gateways: PEDAGOGIQUE,
    },
    Post {
        name: "bureau",
        user: "the office",
        login: Some("sacha.bureau"),
        port: "adm0",
        mac: "02:00:5e:00:02:01",
        gateways: ADMINISTRATION,
    },
    Post {
        name: "invite",
        user: "a visitor",
        login: Some("charlie.visiteur"),
        port: "inv0",
        mac: "02:00:5e:00:03:01",
        gateways: INVITES,
    },
    Post {
        name: "tableau",
        user: "an interactive whiteboard",
        login: None,
        port: "equ0",
        mac: "02:00:5e:10:00:01",
        gateways: EQUIPEMENTS,
    },
];

/// The machine called `name`, if people use it.
#[must_use]
pub fn post(name: &str) -> Option<&'static Post> {
    POSTS.iter().find(|post| post.name == name)
}

/// The names of all machines of the lab.
pub fn machines() -> impl Iterator<Item = &'static str> {
    [INTERNET, ACADEMIE, FAR, ENT, CENTRAL, BOX].into_iter().chain(POSTS.iter().map(|post| post.name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_machine_has_its_own_name_port_and_card() {
        let distinct = |word: fn(&Post) -> &str| POSTS.iter().map(word).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|post| post.port), POSTS.len());
        assert_eq!(distinct(|post| post.mac), POSTS.len());
        assert_eq!(machines().collect::<HashSet<_>>().len(), POSTS.len() + 6);
    }
}
