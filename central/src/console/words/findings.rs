//! What is wrong at a school, and what a technician does about it: a sentence each for every word that boxes say.

use crate::console::language::Language;

/// Something wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::console) struct Told {
    /// What it is.
    pub(in crate::console) what: String,
    /// What to do; empty where this console does not know the word.
    pub(in crate::console) remedy: &'static str,
}

/// What stands for a word in both languages: what it is, then what to do.
type Sentences = ([&'static str; 2], [&'static str; 2]);

/// What a finding's word says; the word itself where this console does not know it.
pub(in crate::console) fn finding_told(language: Language, code: &str) -> Told {
    match sentences(code) {
        Some((what, remedy)) => Told { what: of(language, what).to_owned(), remedy: of(language, remedy) },
        None => Told { what: code.to_owned(), remedy: "" },
    }
}

const fn of(language: Language, [french, english]: [&'static str; 2]) -> &'static str {
    match language {
        Language::French => french,
        Language::English => english,
    }
}

fn sentences(code: &str) -> Option<Sentences> {
    of_network(code).or_else(|| of_directory(code)).or_else(|| of_machine(code))
}

fn of_network(code: &str) -> Option<Sentences> {
    Some(match code {
        "gate-closed" => (
            [
                "Le boîtier démarre ou se vérifie : Internet est fermé.",
                "The box is starting or testing itself: the Internet is closed.",
            ],
            [
                "Si cela dure plus de deux minutes, demandez un diagnostic.",
                "If it lasts more than two minutes, ask for a diagnosis.",
            ],
        ),
        "line-down" => (
            ["La ligne Internet est coupée.", "The line is down."],
            [
                "Le boîtier parle par une autre voie. Faites vérifier l’alimentation et le câble de l’opérateur, puis appelez l’opérateur.",
                "The box speaks by another way. Have the provider’s power and cable checked, then call the provider.",
            ],
        ),
        "resolver-silent" => (
            [
                "Les serveurs de noms de l’opérateur ne répondent pas.",
                "The provider’s name servers do not answer.",
            ],
            [
                "Faites redémarrer le boîtier de l’opérateur ; sinon appelez l’opérateur.",
                "Have the provider’s box restarted; otherwise call the provider.",
            ],
        ),
        "ent-away" => (
            ["L’ENT ne répond pas à cet établissement.", "The ENT does not answer this school."],
            [
                "Regardez si d’autres établissements le disent : alors c’est l’ENT. Sinon, demandez un diagnostic.",
                "Look whether other schools say so: then it is the ENT. Otherwise ask for a diagnosis.",
            ],
        ),
        "machines-doubled" => (
            ["Des machines copient l’adresse d’une autre.", "Machines copy another’s address."],
            [
                "Quelqu’un cherche peut-être à passer pour une machine autorisée : prévenez le référent numérique.",
                "Somebody may be passing for an allowed machine: tell the school’s digital referent.",
            ],
        ),
        "tunnels-held" => (
            [
                "Des machines sont retenues : elles cachent des données dans les noms de sites.",
                "Machines are held back: they hide data in names of sites.",
            ],
            [
                "C’est un logiciel de contournement ou un virus. Le référent voit lesquelles sur sa page.",
                "It is software that goes round the filter, or a virus. The referent’s page says which.",
            ],
        ),
        "tunnel-down" => (
            [
                "Le tunnel vers l’académie est coupé depuis plus d’une minute.",
                "The tunnel to the académie has been down for more than a minute.",
            ],
            [
                "Si d’autres établissements le disent, voyez les concentrateurs. Sinon, demandez un diagnostic.",
                "If other schools say so, look at the concentrators. Otherwise ask for a diagnosis.",
            ],
        ),
        _ => return None,
    })
}

fn of_directory(code: &str) -> Option<Sentences> {
    Some(match code {
        "directory-unreadable" => (
            [
                "L’annuaire du boîtier est illisible ; les comptes en vigueur marchent encore.",
                "The box’s directory cannot be read; accounts in force still work.",
            ],
            [
                "Demandez un diagnostic ; le disque est peut-être à remplacer.",
                "Ask for a diagnosis; the disk may have to be replaced.",
            ],
        ),
        "feeds-held" => (
            [
                "Une livraison de comptes est retenue : elle supprimerait trop de personnes.",
                "A delivery of accounts is held back: it would remove too many persons.",
            ],
            [
                "Vérifiez le fichier à la source, puis acceptez ou refusez la livraison.",
                "Check the file at its source, then accept or refuse the delivery.",
            ],
        ),
        "records-quarantined" => (
            [
                "Des fiches de l’annuaire n’ont pas pu être prises.",
                "Records of the directory could not be taken.",
            ],
            [
                "Le référent voit chacune avec sa raison ; à corriger à la source.",
                "The referent sees each with its reason; to be mended at the source.",
            ],
        ),
        "calendar-ends" => (
            [
                "Le calendrier des vacances s’arrête bientôt ou est dépassé.",
                "The calendar of holidays ends soon or has ended.",
            ],
            ["Publiez le calendrier de l’année suivante.", "Publish the next year’s calendar."],
        ),
        _ => return None,
    })
}

#[expect(clippy::too_many_lines, reason = "what is said of each finding, one after the other")]
fn of_machine(code: &str) -> Option<Sentences> {
    Some(match code {
        "journal-silent" => (
            [
                "Le journal ne s’écrit plus : Internet est fermé pour tous.",
                "The journal cannot be written: the Internet is closed for all.",
            ],
            [
                "Le disque est plein ou en panne. Demandez un diagnostic, prévoyez un déplacement.",
                "The disk is full or broken. Ask for a diagnosis, expect to go there.",
            ],
        ),
        "clock-in-doubt" => (
            [
                "L’horloge du boîtier n’est pas sûre : les règles à horaire prennent le cas le plus strict.",
                "The box’s clock is not sure: rules with hours take their stricter side.",
            ],
            [
                "Cela se règle seul avec la ligne. Au-delà d’une heure, la pile de la machine est à changer.",
                "It settles by itself with the line. After an hour, the machine’s battery wants changing.",
            ],
        ),
        "disk-nearly-full" => (
            ["Le disque est presque plein.", "The disk is nearly full."],
            [
                "Réduisez le cache ou la bibliothèque avant qu’Internet se ferme.",
                "Shrink the cache or the library before the Internet closes.",
            ],
        ),
        "lists-old" => (
            [
                "Les listes de sites ont plus de trente jours.",
                "The lists of sites are more than thirty days old.",
            ],
            [
                "Si la dernière édition est récente, le boîtier ne la prend pas : demandez un diagnostic.",
                "If the latest edition is recent, the box does not take it: ask for a diagnosis.",
            ],
        ),
        "certificate-ended" => (
            [
                "Le certificat du portail est périmé : les navigateurs mettent en garde.",
                "The portal’s certificate has ended: browsers warn.",
            ],
            [
                "Renouvelez-le tout de suite ; le diagnostic dit pourquoi il ne l’a pas été.",
                "Renew it at once; the diagnosis says why it was not.",
            ],
        ),
        "certificate-ends" => (
            [
                "Le certificat du portail se termine dans moins de deux semaines.",
                "The portal’s certificate ends within two weeks.",
            ],
            [
                "Il aurait dû se renouveler seul : demandez un diagnostic.",
                "It should have renewed itself: ask for a diagnosis.",
            ],
        ),
        "configuration-refused" => (
            [
                "La dernière configuration est fautive ; la précédente reste en vigueur.",
                "The last configuration is wrong; the one before stays in force.",
            ],
            ["Le diagnostic donne la ligne et la faute.", "The diagnosis gives the line and the fault."],
        ),
        "certificate-awaited" => (
            [
                "Le portail montre un certificat provisoire : les navigateurs avertissent.",
                "The portal shows a provisional certificate: browsers warn.",
            ],
            [
                "Vérifiez que le nom du portail est inscrit ici et que l’autorité de certification répond.",
                "See that the portal’s name is entered here and that the certificate authority answers.",
            ],
        ),
        "download-waits" => (
            ["Un gros téléchargement attend son tour.", "Something large waits for its turn on the line."],
            [
                "Rien à faire : il reprend aux heures prévues. S’il attend des jours, élargissez-les.",
                "Nothing to do: it goes on in its hours. If it waits for days, widen them.",
            ],
        ),
        "channel-damaged" => (
            [
                "Ce que le boîtier gardait du canal signé est abîmé ; il le cherche de nouveau.",
                "What the box kept of the signed channel is damaged; it fetches it again.",
            ],
            ["Si cela revient, le disque est à remplacer.", "If it comes again, the disk wants replacing."],
        ),
        _ => return None,
    })
}

/// What a box did not take, and why, in one sentence each.
pub(in crate::console) fn refused_told(language: Language, what: &str, why: &str) -> Told {
    let what = match what {
        "view" => {
            ["Le boîtier refuse ce que publie le canal.", "The box refuses what the channel publishes."]
        }
        "policy" => [
            "Le boîtier refuse les règles reçues ; les précédentes restent en vigueur.",
            "The box refuses the rules it was given; those before stay in force.",
        ],
        "lists" => [
            "Le boîtier refuse les listes de sites ; les précédentes restent en vigueur.",
            "The box refuses the lists of sites; those before stay in force.",
        ],
        "accounts" => [
            "Le boîtier refuse la livraison de comptes ; les comptes en vigueur restent.",
            "The box refuses the delivery of accounts; those in force stay.",
        ],
        other => return Told { what: other.to_owned(), remedy: "" },
    };
    let why = match why {
        "rollback" => [
            "C’est plus ancien que ce qu’il a : après une restauration, lancez « preau-central channel mend ».",
            "It is older than what it has: after a restore, run “preau-central channel mend”.",
        ],
        "expired" => [
            "La signature a expiré : renouvelez-la avec « preau-central keys renew ».",
            "The signature has expired: renew it with “preau-central keys renew”.",
        ],
        "signature" => [
            "La signature n’est pas la bonne : rien ne doit passer tant que la cause n’est pas connue.",
            "The signature is not right: nothing may pass until the cause is known.",
        ],
        "too-large" => ["C’est plus grand que ce qu’un boîtier accepte.", "It is larger than a box accepts."],
        "not-for-us" => [
            "Ce n’est pas pour cet établissement, ou rien ne lui est encore destiné.",
            "It is not for this school, or nothing is meant for it yet.",
        ],
        "unreadable" => [
            "Son programme ne sait pas le lire : il est plus ancien que ce qui est publié.",
            "Its program cannot read it: it is older than what is published.",
        ],
        "no-room" => ["Il n’a plus de place sur son disque.", "There is no room on its disk."],
        _ => ["", ""],
    };
    Told { what: of(language, what).to_owned(), remedy: of(language, why) }
}

#[cfg(test)]
mod tests {
    use preau::protocol::line::FINDING_CODES;

    use super::*;

    #[test]
    fn every_word_of_a_box_has_sentences_in_both_languages() {
        for code in FINDING_CODES {
            let (what, remedy) = sentences(code).unwrap_or_else(|| panic!("{code} has no sentence"));
            for [french, english] in [what, remedy] {
                assert!(french.ends_with('.') && english.ends_with('.') && french != english, "{code}");
                assert!(!french.contains('\''), "{code}: the French apostrophe is ’");
            }
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_shown_as_it_is() {
        assert_eq!(finding_told(Language::French, "new").what, "new");
    }
}
