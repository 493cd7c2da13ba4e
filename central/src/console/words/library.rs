//! Packages of the library, and how schools come by them.

use preau::protocol::content::Kind;

use crate::console::language::Language;

words! {
    /// The library.
    LibraryWords {
        title: "Bibliothèque", "Library";
        lead: "Les ressources que les établissements gardent pour les lire sans Internet. Un établissement ne reçoit que celles que le comité d’éthique a validées.",
            "The resources that schools keep to read without the Internet. A school receives only those that the ethics committee approved.";
        none: "Aucune ressource. On en ajoute avec preau-central content add.",
            "No resources. They are added with preau-central content add.";
        caption: "Ressources", "Resources";
        package: "Ressource", "Resource";
        id: "Identifiant", "Identifier";
        version: "Version", "Version";
        kind: "Nature", "Kind";
        size: "Taille", "Size";
        licence: "Licence", "Licence";
        cycles: "Cycles", "Cycles";
        subjects: "Matières", "Subjects";
        added: "Ajoutée le", "Added";
        approval: "Validation", "Approval";
        awaits: "À valider", "To be approved";
        awaits_version: "La nouvelle version est à valider", "The new version is to be approved";
        here: "Établissements qui l’ont", "Schools that have it";
        older: "Version précédente", "Version before";
        coming: "En cours de réception", "Being received";
        figures_age: "Les boîtiers disent ce qu’ils ont toutes les dix minutes environ. Les lectures ne sont pas transmises.",
            "Boxes say what they have about every ten minutes. What is read is not passed on.";
        versions: "Versions", "Versions";
        offered: "proposée aux établissements", "offered to schools";
        approve_title: "Valider pour les établissements", "Approve for schools";
        approve_hint: "La version indiquée part vers tous les établissements qui ont de la place.",
            "The version named goes to every school that has room for it.";
        by: "Comité qui a validé", "Committee that approved";
        date: "Date de sa décision", "Day of its decision";
        approve: "Valider la version", "Approve version";
        remove_title: "Retirer de tous les établissements", "Take away from every school";
        remove_hint: "Toutes les versions disparaissent des établissements. Pour la proposer à nouveau, il faudra l’ajouter et la valider.",
            "All versions disappear from schools. To offer it again it has to be added and approved.";
        remove: "Retirer", "Take away";
        back: "Retour à la bibliothèque", "Back to the library";
        approved_one: "La ressource est proposée aux établissements.", "The resource is offered to schools.";
        removed_one: "La ressource est retirée des établissements.", "The resource is taken away from schools.";
        wrong: "Indiquez le comité et la date de sa décision.", "Name the committee and the day of its decision.";
    }
}

/// What a package is, as people say it.
pub(in crate::console) fn kind_name(language: Language, kind: &Kind) -> &'static str {
    let (french, english) = match kind {
        Kind::Zim => ("Archive openZIM", "Archive of openZIM"),
        Kind::Web => ("Site", "Site"),
        Kind::File { .. } => ("Fichier", "File"),
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}
