//! Who is in the schools: feeds, what is held of them, what could not be taken.

use preau::identity::feed::FeedError;

use crate::{accounts::FeedRefused, console::language::Language};

words! {
    /// The pages of feeds.
    AccountWords {
        title: "Annuaire", "Directory";
        lead: "Qui est dans les établissements, en nombres : aucun nom n’est montré ici.",
            "Who is in the schools, in numbers: no name is shown here.";
        deposit: "Déposer une livraison", "Give a feed";
        held_title: "En attente de votre décision", "Waiting for your decision";
        feed: "Livraison", "Feed";
        feeds: "Livraisons reçues", "Feeds that came";
        no_feeds: "Aucune livraison n’a été déposée.", "No feed has been given.";
        came: "Reçue le", "Came";
        by: "Par", "By";
        by_command: "ligne de commande", "command line";
        files: "Fichiers", "Files";
        format: "Format", "Format";
        made: "Faite le", "Made on";
        from: "Prend effet le", "Takes effect on";
        calendar: "aux prochaines vacances de chaque établissement", "at each school’s next holidays";
        given: "Envoyée à", "Sent to";
        held: "Retenue pour", "Held for";
        same: "Déjà connue de", "Known already to";
        strangers: "Établissements hors du parc", "Schools outside the fleet";
        not_taken_records: "Fiches non prises", "Records not taken";
        schools: "Établissements", "Schools";
        school: "Établissement", "School";
        no_schools: "Aucun établissement n’a encore de comptes.", "No school has accounts yet.";
        persons: "Personnes", "Persons";
        delivery: "Dernier envoi", "Last delivery";
        sent_at: "Envoyé le", "Sent on";
        at_box: "Reçu par le boîtier", "Taken by the box";
        state: "État", "State";
        taken: "Reçu", "Taken";
        on_its_way: "En route", "On its way";
        not_taken: "Non pris par le boîtier", "Not taken by the box";
        awaits_box: "Attend un boîtier", "Waits for a box";
        held_asked: "Attend votre accord", "Waits for your word";
        held_leaving: "Retenue : trop de départs", "Held: too many leave";
        held_role: "Retenue : un rôle perd plus de la moitié de ses personnes", "Held: a role loses more than half of its persons";
        sent: "Envoi n°", "Delivery no.";
        refused: "Refusée", "Refused";
        overtaken: "Remplacée par une livraison plus récente", "Replaced by a later feed";
        older: "Plus ancienne que ce qui a été envoyé : rien ne part", "Older than what was sent: nothing goes out";
        nobody: "Cette livraison ne parle d’aucun établissement qui vous soit confié.",
            "This feed speaks of no school that is yours to look after.";
        added: "Arrivent", "Join";
        changed: "Changent", "Change";
        leaving: "Partent", "Leave";
        unchanged: "Inchangées", "Unchanged";
        nothing_new: "Chaque établissement avait déjà ce que dit cette livraison.",
            "Every school had already what this feed says.";
        outcome: "Ce qu’elle change", "What it changes";
        decide: "Décider", "Decide";
        decide_lead: "Rien n’est parti vers les établissements retenus. Lisez les nombres ci-dessous avant de répondre.",
            "Nothing has gone to the schools that are held. Read the numbers below before you answer.";
        for_whom: "Pour", "For";
        all_held: "tous les établissements retenus", "all schools that are held";
        reason: "Motif", "Reason";
        reason_hint: "Nécessaire quand trop de personnes partent ; il est inscrit au journal. Pas de nom d’élève.",
            "Needed when too many leave; it is written into the audit trail. No pupil’s name.";
        give: "Envoyer", "Send";
        refuse: "Ne pas envoyer", "Do not send";
        no_reason: "Il manque un motif, ou il dépasse 500 caractères : rien n’a été fait pour cet établissement.",
            "A reason is missing, or it is longer than 500 characters: nothing was done for this school.";
        closed: "La clé des comptes a été remplacée depuis : déposez la livraison de nouveau.",
            "The key of accounts was replaced since: give the feed again.";
        given_now: "Établissements servis :", "Schools served:";
        refused_now: "Établissements pour lesquels rien ne part :", "Schools to which nothing goes:";
        records: "Fiches non prises", "Records not taken";
        records_lead: "Les autres fiches sont prises ; une personne dont la fiche est illisible reste ce qu’elle était.",
            "The other records are taken; somebody whose record cannot be read stays who they were.";
        kind: "Défaut", "Fault";
        field: "Champ", "Field";
        count: "Fiches", "Records";
        places: "Où (fichier:ligne)", "Where (file:line)";
        deposit_lead: "Une livraison complète : les fichiers AAF d’un établissement ou de l’académie, GPEI, ONDE, ou un CSV décrit. Rien ne part avant votre accord sur la page suivante.",
            "A complete feed: the AAF files of a school or of the académie, GPEI, ONDE, or a CSV with its description. Nothing goes out before you agree on the next page.";
        deposit_files: "Fichiers de la livraison", "Files of the feed";
        deposit_files_hint: "64 Mo au plus, dépliés. Au-delà : preau-central accounts import.",
            "64 MB at most, unpacked. Beyond: preau-central accounts import.";
        deposit_school: "UAI, si la livraison ne le dit pas", "UAI, where the feed does not say it";
        deposit_from: "Prend effet le", "Takes effect on";
        deposit_from_hint: "Sans date : au début des prochaines vacances.", "Without a day: when the next holidays begin.";
        deposit_description: "Description des colonnes d’un CSV (TOML)", "Description of the columns of a CSV (TOML)";
        look: "Regarder ce qu’elle change", "See what it changes";
        back: "Retour à l’annuaire", "Back to the directory";
        not_uai: "Cet UAI n’est pas formé de sept chiffres et d’une lettre.", "This UAI is not seven digits and a letter.";
        not_a_day: "Cette date ne se lit pas.", "This day cannot be read.";
        not_a_description: "La description des colonnes ne se lit pas :", "The description of the columns cannot be read:";
        none: "–", "–";
    }
}

/// Why a feed as a whole is not taken.
pub(in crate::console) fn feed_refused(language: Language, refused: &FeedRefused) -> &'static str {
    let [french, english] = match refused {
        FeedRefused::Delta => [
            "Cette livraison ne dit que des changements (delta). Déposez la livraison complète : seuls les changements partent vers les boîtiers.",
            "This feed names changes only (a delta). Give the complete one: only what changed goes to the boxes.",
        ],
        FeedRefused::Cut => [
            "Un fichier est coupé ou mal formé. Rien n’est pris : demandez la livraison de nouveau.",
            "A file is cut or malformed. Nothing is taken: ask for the feed again.",
        ],
        FeedRefused::Feed(FeedError::Archive(_)) => [
            "C’est une archive. Dépliez-la, et déposez les fichiers qu’elle contient.",
            "This is an archive. Unpack it, and give the files it holds.",
        ],
        FeedRefused::Feed(FeedError::NotDescribed) => [
            "Un CSV a besoin de la description de ses colonnes.",
            "A CSV needs the description of its columns.",
        ],
        FeedRefused::Feed(FeedError::SeveralFormats(_) | FeedError::OtherFormat { .. }) => [
            "Les fichiers sont de plusieurs formats. Déposez une livraison à la fois.",
            "The files are of several formats. Give one feed at a time.",
        ],
        FeedRefused::Feed(FeedError::SeveralDeliveries(_)) => [
            "Les fichiers sont de plusieurs jours. Déposez une livraison à la fois, de la plus ancienne à la plus récente.",
            "The files are of several days. Give one feed at a time, the oldest first.",
        ],
        FeedRefused::Feed(FeedError::TooManyFiles(_)) => {
            ["Il y a trop de fichiers pour une livraison.", "There are too many files for one feed."]
        }
        FeedRefused::Feed(
            FeedError::Nothing(_) | FeedError::UnknownFile(_) | FeedError::Unreadable { .. },
        ) => [
            "Aucun de ces fichiers n’est d’un format connu : AAF, AAF 1D, GPEI, ONDE, ou CSV décrit.",
            "None of these files is of a known format: AAF, AAF 1D, GPEI, ONDE, or a described CSV.",
        ],
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// The kind of a record that could not be taken.
pub(in crate::console) fn record_kind(language: Language, kind: &str) -> &'static str {
    let [french, english] = match kind {
        "no-identifier" => ["Sans identifiant", "No identifier"],
        "missing" => ["Champ absent ou vide", "Field absent or empty"],
        "too-long" => ["Valeur trop longue", "Value too long"],
        "too-large" => ["Fiche trop grosse", "Record too large"],
        "invisible" => ["Caractère invisible", "Invisible character"],
        "contradiction" => ["Valeurs qui se contredisent", "Values that contradict each other"],
        "seen-before" => {
            ["Identifiant déjà porté par une autre fiche", "Identifier on another record already"]
        }
        "no-school" => ["Aucun établissement", "No school"],
        "school-unknown" => ["Établissement absent de la livraison", "School not in the feed"],
        "not-uai" => ["UAI mal formé", "Malformed UAI"],
        "no-role" => ["Ni élève ni personnel", "Neither pupil nor staff"],
        "not-a-date" => ["Date illisible", "Unreadable date"],
        "two-alike" => {
            ["Homonymes nés le même jour : à vérifier", "Same names, same birth date: to be checked"]
        }
        "entity" => ["Entité XML inconnue", "Unknown XML entity"],
        "operation" => ["Opération inconnue", "Unknown operation"],
        "not-in-complete" => ["Changement dans une livraison complète", "Change in a complete feed"],
        "fields" => ["Nombre de champs différent de l’en-tête", "Another number of fields than the header"],
        "no-column" => ["Colonne absente ou double", "Column missing or twice"],
        "declarations" => ["Le fichier déclare ses propres entités", "The file declares entities of its own"],
        "too-deep" => ["Balises trop imbriquées", "Elements nested too deep"],
        "malformed" => ["Fichier mal formé", "Malformed file"],
        "cut" => ["Fichier coupé", "File cut off"],
        "unreadable" => ["Fichier illisible", "Unreadable file"],
        _ => ["Autres défauts", "Other faults"],
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// The persons of a role.
pub(in crate::console) fn role_name(language: Language, role: &str) -> &str {
    let [french, english] = match role {
        "eleve" => ["élèves", "pupils"],
        "enseignant" => ["enseignants", "teachers"],
        "administratif" => ["personnels administratifs", "office staff"],
        "referent" => ["référents", "referents"],
        _ => [role, role],
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}
