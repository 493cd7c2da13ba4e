//! The schools, and how each stands.

words! {
    /// How a school stands.
    StandingWords {
        wrong: "En panne", "Broken";
        silent: "Ne répond plus", "Silent";
        warning: "À regarder", "Look at it";
        well: "Tout va bien", "Well";
        awaited: "Attendu", "Awaited";
        revoked: "Révoqué", "Revoked";
        without: "Sans boîtier", "No box";
    }
}

words! {
    /// The list and the map of schools.
    FleetWords {
        title: "Parc", "Fleet";
        search: "Chercher", "Search";
        search_hint: "Nom, commune ou UAI", "Name, town or UAI";
        departement: "Département", "Département";
        group: "Groupe", "Group";
        all: "Tous", "All";
        all_versions: "Toutes", "All";
        show: "Afficher", "Show";
        state: "État", "State";
        heard: "Entendu il y a", "Heard ago";
        name: "Établissement", "School";
        town: "Commune", "Town";
        groups: "Groupes", "Groups";
        version: "Version", "Version";
        view: "Canal (reçu / publié)", "Channel (taken / published)";
        behind: "en retard", "behind";
        none: "Aucun établissement ne correspond.", "No school matches.";
        nothing: "Le parc est vide. Importez la liste des établissements, ou entrez-en un.",
            "The fleet is empty. Import the list of schools, or enter one.";
        caption: "Établissements", "Schools";
        list: "Liste", "List";
        map: "Carte", "Map";
        views: "Présentations", "Views";
        import: "Importer la liste", "Import the list";
        by_hand: "Entrer un établissement", "Enter a school";
        counts: "Établissements par état", "Schools by state";
        restored: "Base de données rétablie d’une sauvegarde", "Database restored from a backup";
        restored_schools: "Établissements dont le boîtier connaît des versions plus récentes :",
            "Schools whose box knows later versions:";
        restored_why: "Leur boîtier garde ce qu’il a et refuse de revenir en arrière ; rien ne leur est publié.",
            "Their box keeps what it has and refuses to go back; nothing is published for them.";
        restored_act: "Pour reprendre au-dessus de ce que connaissent les boîtiers, exécutez sur le serveur :",
            "To go on above what the boxes know, run on the server:";
    }
}
