//! What is wrong, in plain words, and what to do about it.

use crate::{
    admin::{CalendarEnd, DirectoryFault, Download, Fault, Severity, TunnelDown, Until},
    model::Moment,
    portal::{language::Language, time_of_day},
};

/// The texts of the page of health.
#[derive(Debug)]
pub(in crate::portal) struct HealthWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) sound: &'static str,
    pub(in crate::portal) sound_text: &'static str,
    pub(in crate::portal) next: &'static str,
    pub(in crate::portal) where_to: &'static str,
    pub(in crate::portal) machines: &'static str,
    pub(in crate::portal) codes: &'static str,
    pub(in crate::portal) announcements: &'static str,
    pub(in crate::portal) sessions: &'static str,
    pub(in crate::portal) directory: &'static str,
    pub(in crate::portal) trail: &'static str,
}

impl HealthWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// How soon somebody must look.
    pub(in crate::portal) const fn severity(self, severity: Severity) -> &'static str {
        match (self, severity) {
            (Self::French, Severity::Urgent) => "Tout de suite",
            (Self::French, Severity::Soon) => "Aujourd’hui",
            (Self::French, Severity::Notice) => "À savoir",
            (Self::English, Severity::Urgent) => "At once",
            (Self::English, Severity::Soon) => "Today",
            (Self::English, Severity::Notice) => "To know",
        }
    }
}

/// What is wrong as one sentence, and the next step as another.
pub(in crate::portal) fn told_fault(language: Language, fault: Fault, now: Moment) -> (String, &'static str) {
    match language {
        Language::French => in_french(fault, now),
        Language::English => in_english(fault, now),
    }
}

#[expect(clippy::too_many_lines, reason = "what is said of each fault, one after the other")]
fn in_french(fault: Fault, now: Moment) -> (String, &'static str) {
    let since = |moment| time_of_day::told_shortly(Language::French, moment, now);
    let told = |moment| time_of_day::told(Language::French, moment, now);
    let plain = |sentence: &str| sentence.to_owned();
    match fault {
        Fault::JournalSilent => (
            plain("Le serveur ne peut plus rien écrire : personne n’a plus accès à Internet."),
            "Appelez l’assistance de l’académie : son disque est plein ou en panne. N’éteignez pas le serveur.",
        ),
        Fault::GateClosed => (
            plain("Le serveur démarre ou se vérifie : Internet est fermé pour tous."),
            "Attendez deux minutes. Si rien ne change, redémarrez-le une fois, puis appelez l’assistance.",
        ),
        Fault::LineDown { since: since_when } => (
            format!("La ligne Internet est coupée depuis {}.", since(since_when)),
            "Vérifiez que le boîtier de l’opérateur est allumé et que son câble va bien au serveur. Sinon, appelez \
             l’opérateur. Le portail et les connexions marchent sans ligne.",
        ),
        Fault::ResolverSilent { since: at } => (
            format!("L’opérateur ne répond plus depuis {}, bien que le câble soit branché.", since(at)),
            "Éteignez et rallumez le boîtier de l’opérateur. Si cela dure plus de dix minutes, appelez l’opérateur.",
        ),
        Fault::EntAway { since: since_when } => (
            format!("L’ENT ne répond plus depuis {}, bien qu’Internet marche.", since(since_when)),
            "Chacun peut se connecter avec son mot de passe des jours sans Internet. Si cela dure, prévenez \
             l’assistance de l’ENT.",
        ),
        Fault::TunnelDown(TunnelDown { since: since_when, by_clock }) => (
            format!(
                "Le tunnel vers l’académie est coupé depuis {} : le secrétariat n’a plus les applications académiques.",
                since(since_when)
            ),
            if by_clock {
                "L’heure du serveur est fausse : appelez l’assistance de l’académie. Le reste d’Internet marche."
            } else {
                "Le serveur réessaie sans cesse. Si cela dure plus de dix minutes, appelez l’assistance de l’académie. Le \
                 reste d’Internet marche."
            },
        ),
        Fault::Directory(fault) => directory_in_french(fault),
        Fault::ClockInDoubt => (
            plain("Le serveur n’est pas sûr de l’heure : ce qui n’ouvre qu’à certaines heures reste fermé."),
            "Cela se règle seul quand la ligne revient. Si elle est là depuis une heure, appelez l’assistance.",
        ),
        Fault::DiskNearlyFull { free_percent } => (
            format!("Le disque du serveur est presque plein : il reste {free_percent} %."),
            "Appelez l’assistance avant qu’il soit plein : plus personne n’aurait alors accès à Internet.",
        ),
        Fault::ListsOld { days } => (
            format!("Les listes de sites ont {days} jours : les sites apparus depuis n’y sont pas."),
            "Demandez aux techniciens de les renouveler.",
        ),
        Fault::DownloadWaits(Download { megabytes, until }) => (
            match until {
                Until::Hours => {
                    format!("{megabytes} Mo venant de l’académie attendent les heures prévues pour eux.")
                }
                Until::Tomorrow => {
                    format!(
                        "{megabytes} Mo venant de l’académie attendent demain : la part de la ligne est épuisée."
                    )
                }
            },
            "Il n’y a rien à faire. Si cela presse, demandez à l’académie une clé USB : elle est lue aussitôt.",
        ),
        Fault::CertificateEnded => (
            plain("Le certificat du portail est périmé : les navigateurs mettent en garde contre lui."),
            "Appelez les techniciens. Ne dites à personne de passer outre l’avertissement.",
        ),
        Fault::CertificateEnds { at } => (
            format!("Le certificat du portail se termine {}.", told(at)),
            "Demandez aux techniciens de le renouveler avant.",
        ),
        Fault::ConfigurationRefused => (
            plain("La dernière modification des règles est fautive : celles d’avant restent en vigueur."),
            "Dites aux techniciens de lire « preau status » : l’erreur y est écrite avec sa ligne.",
        ),
        Fault::CertificateAwaited => (
            plain("Le portail n’a pas encore de certificat : les navigateurs mettent en garde contre lui."),
            "L’académie l’obtient d’elle-même. S’il manque encore demain, demandez aux techniciens si le nom du portail y est \
             inscrit.",
        ),
        Fault::MachinesDoubled { count } => (
            doubled_in_french(count),
            "Quelqu’un imite peut-être une machine pour passer pour elle. Qui y était connecté a été déconnecté. \
             Cherchez un appareil nouveau dans la salle ; prévenez les techniciens si cela revient.",
        ),
        Fault::TunnelsHeld { count } => (
            tunnels_in_french(count),
            "C’est le fait d’un logiciel qui contourne le filtre, ou d’un virus. Si cela dure, prévenez les techniciens.",
        ),
    }
}

fn directory_in_french(fault: DirectoryFault) -> (String, &'static str) {
    match fault {
        DirectoryFault::Unreadable => (
            "L’annuaire est illisible : les comptes en vigueur marchent, rien n’y change plus.".to_owned(),
            "Appelez les techniciens : « preau status » dit pourquoi.",
        ),
        DirectoryFault::FeedsHeld { count } => (
            match count {
                1 => "Une livraison de l’annuaire est retenue : elle attend votre accord.".to_owned(),
                _ => {
                    format!("{count} livraisons de l’annuaire sont retenues : elles attendent votre accord.")
                }
            },
            "Ouvrez « Annuaire » : la page dit pourquoi, et ce que la livraison changerait.",
        ),
        DirectoryFault::RecordsQuarantined { count } => (
            match count {
                1 => "Une fiche de l’annuaire n’a pas pu être prise.".to_owned(),
                _ => format!("{count} fiches de l’annuaire n’ont pas pu être prises."),
            },
            "Ouvrez « Annuaire », puis « Fiches refusées » : chacune a sa raison. Faites-la corriger à la source.",
        ),
        DirectoryFault::CalendarEnds(end) => (
            match end {
                CalendarEnd::On(day) => format!(
                    "Le calendrier des vacances s’arrête le {}.",
                    time_of_day::told_date(Language::French, day)
                ),
                CalendarEnd::Behind => {
                    "Le calendrier des vacances est dépassé : les livraisons prennent effet aussitôt."
                        .to_owned()
                }
            },
            "Demandez aux techniciens de charger le suivant.",
        ),
    }
}

fn directory_in_english(fault: DirectoryFault) -> (String, &'static str) {
    match fault {
        DirectoryFault::Unreadable => (
            "The directory cannot be read: the accounts in force work, nothing changes any more.".to_owned(),
            "Call the technicians: “preau status” says why.",
        ),
        DirectoryFault::FeedsHeld { count } => (
            match count {
                1 => "A delivery of the directory is held: it waits for you to accept it.".to_owned(),
                _ => {
                    format!("{count} deliveries of the directory are held: they wait for you to accept them.")
                }
            },
            "Open “Directory”: the page says why, and what the delivery would change.",
        ),
        DirectoryFault::RecordsQuarantined { count } => (
            match count {
                1 => "A record of the directory could not be taken.".to_owned(),
                _ => format!("{count} records of the directory could not be taken."),
            },
            "Open “Directory”, then “Refused records”: each has its reason. Have it mended at the source.",
        ),
        DirectoryFault::CalendarEnds(end) => (
            match end {
                CalendarEnd::On(day) => format!(
                    "The calendar of holidays ends on {}.",
                    time_of_day::told_date(Language::English, day)
                ),
                CalendarEnd::Behind => {
                    "The calendar of holidays has ended: deliveries take effect at once.".to_owned()
                }
            },
            "Ask the technicians to load the next one.",
        ),
    }
}

#[expect(clippy::too_many_lines, reason = "what is said of each fault, one after the other")]
fn in_english(fault: Fault, now: Moment) -> (String, &'static str) {
    let since = |moment| time_of_day::told_shortly(Language::English, moment, now);
    let told = |moment| time_of_day::told(Language::English, moment, now);
    let plain = |sentence: &str| sentence.to_owned();
    match fault {
        Fault::JournalSilent => (
            plain("The server can write nothing any more: nobody has the Internet."),
            "Call the académie’s support: its disk is full or broken. Do not switch the server off.",
        ),
        Fault::GateClosed => (
            plain("The server starts or checks itself: the Internet is closed for everybody."),
            "Wait for two minutes. If nothing changes, restart it once, then call the support.",
        ),
        Fault::LineDown { since: since_when } => (
            format!("The Internet line has been down since {}.", since(since_when)),
            "Check that the provider’s box is on and its cable leads to the server. If so, call the provider. The portal \
             and signing in work without the line.",
        ),
        Fault::ResolverSilent { since: since_when } => (
            format!(
                "The provider has not answered since {}, though the cable is plugged in.",
                since(since_when)
            ),
            "Switch the provider’s box off and on. If it lasts for more than ten minutes, call the provider.",
        ),
        Fault::EntAway { since: since_when } => (
            format!("The ENT has not answered since {}, though the Internet works.", since(since_when)),
            "Everybody can sign in with their password for the days without Internet. If it lasts, tell the ENT’s support.",
        ),
        Fault::TunnelDown(TunnelDown { since: since_when, by_clock }) => (
            format!(
                "The tunnel to the académie has been down since {}: the office has none of the académie’s applications.",
                since(since_when)
            ),
            if by_clock {
                "The server’s time is wrong: call the académie’s support. The rest of the Internet works."
            } else {
                "The server tries again and again. If it lasts for more than ten minutes, call the académie’s support. The \
                 rest of the Internet works."
            },
        ),
        Fault::Directory(fault) => directory_in_english(fault),
        Fault::ClockInDoubt => (
            plain("The server is not sure of the time: what opens at certain hours only stays closed."),
            "It mends itself when the line is back. If the line has been there for an hour, call the support.",
        ),
        Fault::DiskNearlyFull { free_percent } => (
            format!("The server’s disk is nearly full: {free_percent} % are left."),
            "Call the support before it is full: nobody would have the Internet then.",
        ),
        Fault::ListsOld { days } => (
            format!("The lists of sites are {days} days old: sites that appeared since are not on them."),
            "Ask the technicians to renew them.",
        ),
        Fault::DownloadWaits(Download { megabytes, until }) => (
            match until {
                Until::Hours => format!("{megabytes} MB from the académie wait for the hours set for them."),
                Until::Tomorrow => {
                    format!(
                        "{megabytes} MB from the académie wait for tomorrow: the share of the line is used up."
                    )
                }
            },
            "There is nothing to do. If it is urgent, ask the académie for a USB stick: it is read at once.",
        ),
        Fault::CertificateEnded => (
            plain("The portal’s certificate has ended: browsers warn of the portal."),
            "Call the technicians. Tell nobody to go past the warning.",
        ),
        Fault::CertificateEnds { at } => (
            format!("The portal’s certificate ends {}.", told(at)),
            "Ask the technicians to renew it before that.",
        ),
        Fault::ConfigurationRefused => (
            plain("The last change of the rules holds a mistake: the rules before it are still in force."),
            "Tell the technicians to read “preau status”: the mistake is written there with its line.",
        ),
        Fault::CertificateAwaited => (
            plain("The portal has no certificate yet: browsers warn of the portal."),
            "The académie obtains it by itself. If it is missing tomorrow, ask the technicians whether the portal’s name is \
             entered there.",
        ),
        Fault::MachinesDoubled { count } => (
            doubled_in_english(count),
            "Somebody may imitate a machine to pass for it. Whoever was signed in there was signed out. Look for a new \
             device in the room; tell the technicians if it happens again.",
        ),
        Fault::TunnelsHeld { count } => (
            tunnels_in_english(count),
            "It is a program that goes around the filter, or a virus. If it lasts, tell the technicians.",
        ),
    }
}

fn doubled_in_french(count: usize) -> String {
    match count {
        1 => "Deux machines ont utilisé la même adresse matérielle depuis une heure.".to_owned(),
        _ => format!("{count} adresses matérielles ont été utilisées par deux machines depuis une heure."),
    }
}

fn tunnels_in_french(count: usize) -> String {
    match count {
        1 => "Une machine cache des données dans ses questions DNS : elle est retenue.".to_owned(),
        _ => format!("{count} machines cachent des données dans leurs questions DNS : elles sont retenues."),
    }
}

fn doubled_in_english(count: usize) -> String {
    match count {
        1 => "Two machines used the same hardware address within the last hour.".to_owned(),
        _ => {
            format!("{count} hardware addresses were used by two machines each within the last hour.")
        }
    }
}

fn tunnels_in_english(count: usize) -> String {
    match count {
        1 => "A machine hides data in its DNS questions: it is held back.".to_owned(),
        _ => format!("{count} machines hide data in their DNS questions: they are held back."),
    }
}

const FRENCH: HealthWords = HealthWords {
    title: "Référent numérique",
    sound: "Tout va bien",
    sound_text: "Le serveur, la ligne et les règles sont en ordre.",
    next: "À faire :",
    where_to: "Vos pages",
    machines: "Nommer un tableau, une imprimante, un poste partagé.",
    codes: "Imprimer des codes pour des personnes de passage.",
    announcements: "Écrire en haut de la page d’accueil.",
    sessions: "Voir qui est connecté, déconnecter une machine.",
    directory: "Voir les listes livrées, accepter celles qui sont retenues.",
    trail: "Voir qui a fait quoi sur ces pages.",
};

const ENGLISH: HealthWords = HealthWords {
    title: "Digital referent",
    sound: "All is well",
    sound_text: "The server, the line and the rules are in order.",
    next: "What to do:",
    where_to: "Your pages",
    machines: "Name a whiteboard, a printer, a shared computer.",
    codes: "Print codes for visitors.",
    announcements: "Write at the top of the home page.",
    sessions: "See who is signed in, sign a machine out.",
    directory: "See the lists that were delivered, accept those that are held.",
    trail: "See who did what on these pages.",
};
