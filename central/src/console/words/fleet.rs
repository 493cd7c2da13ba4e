//! The schools.

words! {
    /// The list of schools.
    FleetWords {
        title: "Parc", "Fleet";
        schools: "établissements", "schools";
        search: "Chercher", "Search";
        search_hint: "Nom, commune ou UAI", "Name, town or UAI";
        departement: "Département", "Département";
        group: "Groupe", "Group";
        all: "Tous", "All";
        show: "Afficher", "Show";
        name: "Établissement", "School";
        kind: "Type", "Type";
        town: "Commune", "Town";
        groups: "Groupes", "Groups";
        none: "Aucun établissement ne correspond.", "No school matches.";
        nothing: "Le parc est vide. Importez la liste des établissements, ou entrez-en un.",
            "The fleet is empty. Import the list of schools, or enter one.";
        caption: "Établissements", "Schools";
    }
}
