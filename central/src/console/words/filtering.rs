//! Rules: who decides what, drafts, versions.

use crate::{
    console::language::Language,
    fleet::policy::{EditError, Fault, Part, Refused},
};

words! {
    /// Places, documents, drafts.
    FilteringWords {
        title: "Filtrage", "Filtering";
        intro: "Ce que l’académie, un département, un groupe ou un établissement a décidé. Le plus général verrouille, le plus précis complète.",
            "What the académie, a département, a group or a school has decided. The most general locks, the most specific completes.";
        places: "Qui décide quoi", "Who decides what";
        place: "Lieu", "Place";
        version: "Version", "Version";
        settled: "En service", "In service";
        to_release: "à mettre en service", "to release";
        drafts: "Brouillons", "Drafts";
        draft: "Brouillon", "Draft";
        academie: "Académie", "Académie";
        departement: "Département", "Département";
        group: "Groupe", "Group";
        school: "Établissement", "School";
        nothing_yet: "Rien n’est décidé ici.", "Nothing is decided here.";
        school_hint: "Les règles d’un établissement : son UAI", "The rules of a school: its UAI";
        go: "Ouvrir", "Open";
        test: "Essayer une adresse", "Try an address";
        test_week: "Essayer sur la semaine passée", "Try on the last week";
        calendar: "Calendrier scolaire", "School calendar";
        releases: "Mises en service", "Releases";
        release: "Mettre en service", "Release";
        no_releases: "Aucune mise en service.", "No release yet.";
        author: "Par", "By";
        second: "Approuvée par", "Approved by";
        reason: "Motif", "Reason";
        at: "Le", "On";
        begin: "Commencer un brouillon", "Begin a draft";
        begin_from: "Repartir de cette version", "Begin again from this version";
        begun: "Le brouillon est commencé.", "The draft is begun.";
        document_name: "Nom montré dans les établissements", "Name shown in schools";
        history: "Versions", "Versions";
        compared: "Ce que cette version change", "What this version changes";
        compared_draft: "Ce que le brouillon change", "What the draft changes";
        no_change: "Rien ne change.", "Nothing changes.";
        as_text: "Texte (TOML)", "Text (TOML)";
        rules: "Règles", "Rules";
        no_rules: "Aucune règle.", "No rule.";
        rule: "règle", "rule";
        search_rule: "règle de recherche", "search rule";
        timetable: "horaire", "timetable";
        head: "nom du document", "name of the document";
        effect: "Effet", "Effect";
        blocks: "Ferme", "Blocks";
        allows: "Ouvre", "Allows";
        locked: "Verrouillée", "Locked";
        what: "Quoi", "What";
        who: "Pour qui", "For whom";
        when: "Quand", "When";
        shown_reason: "Motif affiché", "Reason shown";
        acts: "Modifier", "Change";
        everybody: "tout le monde", "everybody";
        always: "toujours", "always";
        everything: "tous les sites", "every site";
        others: "autres", "others";
        search: "Modes de recherche", "Search modes";
        no_search: "Rien n’est dit des modes de recherche.", "Nothing is said about search modes.";
        safe_on: "recherche protégée imposée", "safe search forced";
        safe_off: "recherche protégée laissée libre", "safe search left free";
        timetables: "Horaires", "Timetables";
        no_timetables: "Aucun horaire.", "No timetable.";
        added: "Ajouté", "Added";
        removed: "Retiré", "Removed";
        changed: "Modifié", "Changed";
        moved: "Déplacé", "Moved";
        edit: "Modifier", "Edit";
        remove: "Retirer", "Remove";
        up: "Monter", "Move up";
        down: "Descendre", "Move down";
        add_rule: "Ajouter une règle", "Add a rule";
        add_search: "Ajouter une règle de recherche", "Add a search rule";
        add_timetable: "Ajouter un horaire", "Add a timetable";
        check: "Vérifier et publier", "Check and publish";
        discard: "Jeter ce brouillon", "Throw this draft away";
        discarded: "Le brouillon est jeté.", "The draft is thrown away.";
        rename: "Renommer", "Rename";
        done: "C’est noté dans le brouillon. Aucun établissement n’a changé.", "Noted in the draft. No school has changed.";
        based_on: "sur la version", "on version";
        newer: "Une autre version a été publiée depuis que ce brouillon est commencé : publier celui-ci mettrait ses mots à la place des siens. Version",
            "Another version was published since this draft was begun: publishing this one would put its words in the other’s place. Version";
        looked: "J’ai relu la différence : partir de cette version", "I have read the difference: go from this version";
        back: "Retour au brouillon", "Back to the draft";
        back_places: "Tous les lieux", "All places";
        keep: "Garder dans le brouillon", "Keep in the draft";
        id: "Identifiant", "Id";
        id_hint: "Lettres, chiffres et tirets, tel que jeux-en-ligne. Il ne sert qu’une fois par niveau.",
            "Letters, digits and hyphens, such as online-games. It is used once a level.";
        is_locked: "Verrouiller : rien, en dessous, ne peut la défaire", "Lock: nothing below can undo it";
        sites: "Sites", "Sites";
        sites_hint: "Un par ligne : un nom (avec tout ce qui est en dessous), une adresse, un réseau, une page.",
            "One a line: a name (with all below it), an address, a network, a page.";
        categories: "Catégories", "Categories";
        every_site: "Tous les sites (alors ni site ni catégorie)", "Every site (then no site and no category)";
        roles: "Rôles (aucun : tout le monde)", "Roles (none: everybody)";
        classes: "Classes, une par ligne", "Classes, one a line";
        devices: "Machines enregistrées", "Registered machines";
        machines: "Adresses matérielles, une par ligne", "Hardware addresses, one a line";
        zones: "Zones, une par ligne", "Zones, one a line";
        reason_hint: "Une phrase pour qui se voit refuser le site ; obligatoire pour fermer.",
            "A sentence for whoever is refused the site; required to block.";
        during: "Pendant", "During";
        outside: "En dehors de", "Outside of";
        safe_search: "Recherche protégée", "Safe search";
        youtube: "Mode de YouTube", "YouTube mode";
        unsaid: "n’en rien dire", "say nothing";
        name: "Nom", "Name";
        week_hint: "Des créneaux tels que 08:00-12:00, 13:30-17:00 ; vide : aucun ce jour-là.",
            "Slots such as 08:00-12:00, 13:30-17:00; empty: none that day.";
        text_title: "Texte du document", "Text of the document";
        text_hint: "Le texte remplace tout le brouillon. Les commentaires ne sont pas gardés.",
            "The text replaces the whole draft. Comments are not kept.";
        bring_in: "Remplacer le brouillon par ce texte", "Replace the draft by this text";
        warnings: "À savoir avant de publier", "To know before publishing";
        no_warnings: "Rien à signaler : chaque règle peut parler.", "Nothing to tell: each rule can speak.";
        never: "ne parle jamais", "never speaks";
        never_for: "ne parle jamais pour", "never speaks for";
        behind: "parle à sa place", "speaks in its place";
        unfit: "ne pourrait recevoir ce document", "could not be given this document";
        partial: "Tous les établissements n’ont pas pu être examinés.", "Not all schools could be looked at.";
        schools: "établissements", "schools";
        publish: "Publier", "Publish";
        publish_title: "Publier le brouillon", "Publish the draft";
        publish_hint: "Une version est écrite. Aucun établissement ne l’a encore : la mise en service vient ensuite.",
            "A version is written. No school has it yet: releasing comes next.";
        published: "Publiée. Aucun établissement ne l’a encore : mettez-la en service.",
            "Published. No school has it yet: release it.";
        two_needed: "Une règle verrouillée de l’académie change : une seconde personne devra approuver.",
            "A locked rule of the académie changes: a second person will have to approve.";
        proposed: "Proposée. Une seconde personne doit l’approuver ici même.",
            "Proposed. A second person has to approve it on this page.";
        proposed_by: "Proposée par", "Proposed by";
        approve: "Approuver et publier", "Approve and publish";
        not_own: "Une autre personne que celle qui propose doit approuver.",
            "Somebody other than the one who proposes has to approve.";
    }
}

/// The words of rules files, as people read them; a word that is none of them as it is.
pub(in crate::console) fn word_name(language: Language, word: &str) -> &str {
    let (french, english) = match word {
        "eleve" => ("élève", "pupil"),
        "enseignant" => ("enseignant", "teacher"),
        "administratif" => ("administratif", "office staff"),
        "referent" => ("référent numérique", "digital referent"),
        "invite" => ("invité", "visitor"),
        "tableau" => ("tableau interactif", "whiteboard"),
        "imprimante" => ("imprimante", "printer"),
        "poste" => ("poste partagé", "shared computer"),
        "autre" => ("autre machine", "other machine"),
        "pedagogique" => ("pédagogique", "teaching"),
        "administration" => ("administration", "administration"),
        "invites" => ("invités", "visitors"),
        "equipements" => ("équipements", "equipment"),
        "block" => ("ferme", "blocks"),
        "allow" => ("ouvre", "allows"),
        "true" => ("oui", "yes"),
        "false" => ("non", "no"),
        "strict" => ("strict", "strict"),
        "moderate" => ("modéré", "moderate"),
        "off" => ("libre", "off"),
        _ => return word,
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// Why an act on rules was not done.
pub(in crate::console) fn edit_refused(language: Language, refused: &Refused) -> String {
    let text = |french: &str, english: &str| match language {
        Language::French => french.to_owned(),
        Language::English => english.to_owned(),
    };
    match refused {
        Refused::Gone => text(
            "Le brouillon, la version ou la mise en service n’est plus là.",
            "The draft, version or release is not there any more.",
        ),
        Refused::Changed { by } => {
            let told = text(
                "Modifié entre-temps ; rien n’a été fait. Relisez, puis recommencez. Modifié par",
                "Changed meanwhile; nothing was done. Read it again, then start over. Changed by",
            );
            format!("{told} {by}.")
        }
        Refused::Newer { number, by } => {
            let told = text(
                "Une autre version a été publiée depuis ; relisez la différence. Version",
                "Another version was published since; read the difference. Version",
            );
            format!("{told} {number}, {by}.")
        }
        Refused::Edit(error) => document_refused(language, error),
        Refused::Unfit(why) => {
            let told = text(
                "Les boîtiers refuseraient ce document avec ceux qui sont au-dessus",
                "Boxes would refuse this document with those above it",
            );
            format!("{told} : {why}")
        }
        Refused::NoReason(chars) => {
            let told = text("Dites pourquoi. Nombre de signes au plus :", "Say why. Characters at most:");
            format!("{told} {chars}.")
        }
        Refused::TakenId { id, place } => {
            let told = text(
                "Cet identifiant sert déjà dans un document de même niveau ; choisissez-en un autre",
                "This id is used by a document of the same level already; choose another",
            );
            format!("{told} : {id}, {place}.")
        }
        Refused::SamePerson => FilteringWords::of(language).not_own.to_owned(),
        Refused::TooMany(_) => text(
            "Il y en a trop, ou aucun, ou deux fois le même.",
            "There are too many, or none, or one twice.",
        ),
        Refused::NotNow(why) => {
            let told = text("Ce n’est pas possible maintenant", "This is not possible now");
            format!("{told} : {why}")
        }
        // These are answered by pages of their own.
        Refused::NotGranted(_) | Refused::Failed(_) => text("Refusé.", "Refused."),
    }
}

fn document_refused(language: Language, error: &EditError) -> String {
    let is_french = language == Language::French;
    match error {
        EditError::NotThere(part) if is_french => {
            format!("{} n’est plus dans le brouillon.", part_told(language, part))
        }
        EditError::NotThere(part) => format!("{} is no longer in the draft.", part_told(language, part)),
        EditError::Taken(part) if is_french => {
            format!("{} existe déjà ; donnez un autre nom.", part_told(language, part))
        }
        EditError::Taken(part) => {
            format!("{} is there already; give another name.", part_told(language, part))
        }
        EditError::Fault(fault) => fault_told(language, fault),
    }
}

/// Where a document is wrong, and what its reader says; that sentence is in the English of technicians.
fn fault_told(language: Language, Fault { part, error }: &Fault) -> String {
    let place = part_told(language, part);
    let field = if error.field.is_empty() { String::new() } else { format!(", {}", error.field) };
    match language {
        Language::French => format!("{place}{field} : {}", error.message),
        Language::English => format!("{place}{field}: {}", error.message),
    }
}

/// A part of a document, in words.
pub(in crate::console) fn part_told(language: Language, part: &Part) -> String {
    let words = FilteringWords::of(language);
    match part {
        Part::Head => words.head.to_owned(),
        Part::Timetable(name) => format!("{} « {name} »", words.timetable),
        Part::Rule(id) => format!("{} « {id} »", words.rule),
        Part::Search(id) => format!("{} « {id} »", words.search_rule),
    }
}
