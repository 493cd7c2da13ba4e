//! What schools asked for, counted; a draft tried on it.

use super::{category_name, filtering::word_name};
use crate::console::language::Language;

words! {
    /// Statistics.
    StatisticsWords {
        title: "Statistiques", "Statistics";
        intro: "Des comptes par jour, sans personne ni machine. Une question compte une fois par quart d’heure pour une machine et un site.",
            "Counts by day, without person or machine. A question counts once in a quarter of an hour for a machine and a site.";
        place: "Lieu", "Place";
        school: "ou établissement (UAI)", "or school (UAI)";
        by: "Par", "By";
        by_day: "Jour", "Day";
        by_week: "Semaine", "Week";
        by_month: "Mois", "Month";
        show: "Afficher", "Show";
        csv: "Exporter (CSV)", "Export (CSV)";
        none: "Rien n’a été compté ici, ou trop peu de personnes pour être montré.",
            "Nothing was counted here, or too few persons to be shown.";
        small: "Ce qui vient de trop peu de personnes n’est pas montré seul. Le minimum est de",
            "What comes from too few persons is not shown by itself. The least is";
        persons: "personnes", "persons";
        over_time: "Questions au fil du temps", "Questions over time";
        period: "Période", "Period";
        allowed: "autorisées", "allowed";
        refused: "refusées", "refused";
        share: "Part refusée", "Share refused";
        too_few: "trop peu de personnes", "too few persons";
        refusals: "Refus par motif", "Refusals by ground";
        ground: "Motif", "Ground";
        grounds: "Motifs des réponses", "Grounds of the answers";
        few_questions: "Motifs de moins de dix questions", "Grounds of fewer than ten questions";
        groups: "Qui a demandé", "Who asked";
        group: "Groupe", "Group";
        persons_most: "Personnes, le jour le plus fréquenté", "Persons, on the fullest day";
    }
}

words! {
    /// A draft tried on the week that was.
    RehearsalWords {
        title: "Essayer sur la semaine passée", "Try on the last week";
        intro: "Les noms demandés dans les sept derniers jours sont jugés deux fois, comme aujourd’hui et avec le brouillon. Rien n’est publié.",
            "The names asked for in the last seven days are judged twice, as things are and with the draft. Nothing is published.";
        limits: "Les comptes n’ont pas d’heure et pas de classe : tout est jugé au moment choisi, et les règles qui visent une classe ne disent rien ici.",
            "Counts have no hour and no class: everything is judged at the moment chosen, and rules about a class say nothing here.";
        schools: "Établissements (UAI), vingt au plus", "Schools (UAI), twenty at most";
        schools_hint: "Vide : les premiers, sous le lieu du brouillon, qui ont envoyé des comptes.",
            "Empty: the first ones at the draft’s place that have sent counts.";
        zone: "Zone", "Zone";
        default: "Sans règle, la zone", "Without a rule, the zone";
        opens: "ouvre", "allows";
        closes: "ferme", "blocks";
        at: "Jour et heure", "Day and hour";
        rehearse: "Essayer", "Try";
        wrong: "Un établissement ou la date ne se lit pas.", "A school or the date cannot be read.";
        untaken: "Les boîtiers ne pourraient pas prendre ces règles ensemble. Vérifiez le brouillon.",
            "Boxes could not take these rules together. Check the draft.";
        none: "Aucun établissement n’a envoyé de comptes pour ces jours.", "No school has sent counts for these days.";
        on: "Établissements essayés", "Schools tried";
        questions: "Questions", "Questions";
        closed: "Seraient fermées", "Would be blocked";
        opened: "Seraient ouvertes", "Would be allowed";
        same: "Le brouillon ne changerait aucune de ces réponses.", "The draft would change none of these answers.";
        changes: "Ce qui changerait", "What would change";
        rule: "Règle du brouillon", "Rule with the draft";
        before: "Règle actuelle", "Rule so far";
        no_rule: "aucune", "none";
        names: "Noms les plus demandés", "Names most asked for";
        rare: "noms trop peu demandés pour être montrés", "names asked for too rarely to be shown";
        back: "Retour au brouillon", "Back to the draft";
        lists_unknown: "Les listes ne sont pas connues ici : les règles par catégorie n’ont rien dit.",
            "The lists are not known here: rules by category said nothing.";
    }
}

words! {
    /// The school calendar.
    CalendarWords {
        title: "Calendrier scolaire", "School calendar";
        intro: "Les vacances que connaissent les horaires des règles et les comptes des personnes.",
            "The holidays that timetables of rules and people’s accounts go by.";
        shipped: "Celui qui est livré avec les boîtiers est en vigueur.", "The one that boxes come with is in force.";
        own: "Celui de l’académie est en vigueur, version", "The académie’s own is in force, version";
        zones: "Prochaines vacances", "Next holidays";
        zone: "Zone", "Zone";
        holiday: "Vacances", "Holidays";
        from: "Premier jour", "First day off";
        until: "Reprise", "Day of return";
        ends: "Le calendrier s’arrête le", "The calendar ends on";
        history: "Versions", "Versions";
        version: "Version", "Version";
        by: "Par", "By";
        at: "Le", "On";
        reason: "Motif", "Reason";
        content: "Contenu", "Content";
        is_shipped: "retour au calendrier livré", "back to the one boxes come with";
        is_own: "fichier de l’académie", "the académie’s file";
        publish: "Publier un calendrier", "Publish a calendar";
        file: "Fichier CSV des données ouvertes (fr-en-calendrier-scolaire)", "CSV file of the open data (fr-en-calendrier-scolaire)";
        file_hint: "Sans fichier, l’académie revient au calendrier livré avec les boîtiers.",
            "Without a file, the académie goes back to the calendar that boxes come with.";
        send: "Publier pour tous les établissements", "Publish for all schools";
        published: "Le calendrier est publié pour tous les établissements, version",
            "The calendar is published for all schools, version";
        refused: "Le calendrier n’est pas publié", "The calendar is not published";
        back: "Retour au filtrage", "Back to filtering";
    }
}

/// Who asked, in words.
pub(in crate::console) fn asker_name(language: Language, who: &str) -> String {
    match (who, language) {
        ("machines", _) => String::from("machines"),
        ("nobody", Language::French) => String::from("sans connexion"),
        ("nobody", Language::English) => String::from("not signed in"),
        (who, _) => word_name(language, who).to_owned(),
    }
}

/// What an answer rests on, in words.
pub(in crate::console) fn ground_name(language: Language, ground: &str) -> String {
    let (kind, rest) = ground.split_once(':').unwrap_or((ground, ""));
    let (french, english) = match (kind, rest.split_once('/')) {
        ("category", _) => return category_name(language, rest).to_owned(),
        ("rule", Some((level, id))) => {
            let level = if level == "academie" { "académie" } else { "département" };
            return match language {
                Language::French => format!("Règle « {id} » ({level})"),
                Language::English => format!("Rule “{id}” ({level})"),
            };
        }
        ("rule", None) => ("Règles de l’établissement", "Rules of the school"),
        ("opening", _) => ("Décision d’un enseignant", "A teacher’s decision"),
        ("default", _) => ("Aucune règle : réglage du réseau", "No rule: the network’s setting"),
        ("evasion", _) => ("Contournement du filtre", "A way round the filter"),
        ("welcome", _) => ("Nécessaire à la connexion", "Needed to sign in"),
        ("sign-in", _) => ("Personne ne s’est connecté", "Nobody has signed in"),
        ("not-recorded", _) => ("Le journal n’écrivait pas", "The journal did not write"),
        _ => return ground.to_owned(),
    };
    match language {
        Language::French => french.to_owned(),
        Language::English => english.to_owned(),
    }
}
