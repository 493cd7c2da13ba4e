//! One school, and how schools get into the register.

use crate::console::{import::Fault, language::Language};

words! {
    /// The page of a school.
    SchoolWords {
        state: "État", "State";
        heard: "Entendu", "Heard";
        never_heard: "Jamais entendu", "Never heard";
        departement: "Département", "Département";
        groups: "Groupes", "Groups";
        group: "Groupe", "Group";
        group_hint: "Petites lettres, chiffres, tirets", "Small letters, digits, hyphens";
        put: "Mettre dans le groupe", "Put into the group";
        take: "Retirer du groupe", "Take out of the group";
        group_malformed: "Un nom de groupe a des petites lettres, des chiffres et des tirets, 40 au plus.",
            "A group’s name has small letters, digits and hyphens, 40 at most.";
        group_entered: "L’établissement est dans le groupe", "The school is in the group";
        group_left: "L’établissement n’est plus dans le groupe", "The school is no longer in the group";
        rules: "Règles en vigueur", "Rules in force";
        decided_by: "Décidé par", "Decided by";
        wanted: "Voulue", "Wanted";
        effective: "En vigueur", "In force";
        in_force: "à jour", "up to date";
        differs: "pas encore", "not yet";
        no_rules: "Aucune règle n’a encore été mise en service pour cet établissement.", "No rules were released to this school yet.";
        since: "Depuis le", "Since";
        own_rules: "Règles propres à l’établissement", "The school’s own rules";
        all_in_force: "Le boîtier applique tout ce qu’il doit avoir.", "The box applies all it is to have.";
        unfit: "Ces documents ne vont pas ensemble ; rien ne lui est envoyé :", "These documents do not go together; nothing is sent to it:";
        not_placed: "C’est en cours de publication : quelques secondes.", "It is being published: some seconds.";
        never_heard_rules: "Le boîtier ne s’est pas encore présenté ; il les prendra en arrivant.",
            "The box has not come yet; it will take them when it does.";
        silent_rules: "Le boîtier ne répond plus ; il les prendra à son retour.", "The box is silent; it will take them on its return.";
        underway_rules: "Le boîtier est en train de les prendre.", "The box is taking them.";
        channel: "Canal signé", "Signed channel";
        view: "Publication", "Publication";
        taken: "reçue", "taken";
        published: "publiée le", "published on";
        due: "Une publication est en cours.", "A publication is under way.";
        restored: "Ce boîtier a vu plus récent que ce que la console connaît : la base a été restaurée. Lancez « preau-central channel mend ».",
            "This box has seen later than this console knows: the database was restored. Run “preau-central channel mend”.";
        lists: "Listes de sites", "Lists of sites";
        no_lists: "aucune", "none";
        edition: "édition", "edition";
        of_day: "du", "of";
        latest: "la dernière", "the latest";
        latest_is: "la dernière est", "the latest is";
        accounts: "Comptes", "Accounts";
        delivery: "livraison", "delivery";
        no_delivery: "aucune livraison reçue", "no delivery received";
        program: "Programme", "Program";
        findings: "À faire", "To do";
        no_findings: "Rien à faire : tout va bien.", "Nothing to do: all is well.";
        revoked_to_do: "Rien à faire : ce boîtier est révoqué.", "Nothing to do: this box is revoked.";
        give_a_token: "Donnez un jeton d’inscription, puis branchez un boîtier.", "Give an enrolment token, then plug in a box.";
        awaited_to_do: "Le boîtier est inscrit et ne s’est pas encore présenté : vérifiez qu’il est branché, allumé, et que la ligne marche.",
            "The box is enrolled and has not come yet: check that it is plugged in, switched on, and that the line works.";
        silent_to_do: "Le boîtier ne répond plus. L’établissement continue avec ses règles. Appelez-le : courant, câble de l’opérateur, voyants.",
            "The box is not heard any more. The school goes on with its rules. Call it: power, the provider’s cable, lights.";
        closed: "Le web des élèves est fermé.", "Pupils’ web is closed.";
        closed_to_do: "Le boîtier ne laisse passer que le portail et l’assistance. La cause est dite ci-dessous, ou par le diagnostic.",
            "The box lets only the portal and support pass. The cause is told below, or by the diagnosis.";
        detail: "Détail pour le technicien", "Detail for the technician";
        requests: "Demandes", "Requests";
        no_requests: "Aucune demande n’attend.", "No request is waiting.";
        requests_wait: "Demandes qui attendent :", "Requests waiting:";
        requests_see: "Les voir", "See them";
        figures: "Chiffres", "Figures";
        clock_figure: "Horloge", "Clock";
        clock_sure: "sûre", "sure";
        clock_doubtful: "pas sûre", "not sure";
        line: "Ligne", "Line";
        line_up: "en marche", "up";
        line_down: "coupée", "down";
        signed_in: "Personnes connectées", "Persons signed in";
        machines: "Machines vues", "Machines seen";
        sign_ins_refused: "Connexions refusées", "Sign-ins refused";
        allowed: "Questions autorisées", "Questions allowed";
        refused_questions: "Questions refusées", "Questions refused";
        since_start: "Les questions et connexions sont comptées depuis le démarrage.", "Questions and sign-ins are counted since the start.";
        disk: "Disque", "Disk";
        disk_free: "libres sur", "free of";
        memory: "Mémoire du programme", "Memory of the program";
        portal_certificate: "Certificat du portail", "Portal certificate";
        days: "jours", "days";
        up: "En marche depuis", "Running for";
        orders: "Ordres", "Orders";
        no_orders: "Aucun ordre.", "No orders.";
        order: "Ordre", "Order";
        by: "Par", "By";
        given: "Donné", "Given";
        diagnose: "Diagnostic", "Diagnosis";
        fetch: "Chercher du nouveau", "Look for something new";
        renew: "Renouveler le certificat", "Renew the certificate";
        change_tunnel_key: "Changer la clé du tunnel", "Change the tunnel’s key";
        send_counts: "Envoyer les comptes du jour", "Send the day’s counts";
        answer: "Réponse à une demande", "Answer to a request";
        open_repair: "Ouverture d’une intervention", "Opening of a session";
        end_repair: "Fin d’une intervention", "End of a session";
        done: "Fait", "Done";
        failed: "Échoué", "Failed";
        expired: "Expiré", "Expired";
        waits: "En attente", "Waiting";
        ordered: "L’ordre est donné. Son résultat paraîtra ici.", "The order is given. Its outcome will appear here.";
        too_many_orders: "Trop d’ordres attendent déjà ce boîtier.", "Too many orders wait for this box already.";
        history: "Historique", "History";
        came: "Entendu", "Heard";
        fell_silent: "Ne répond plus", "Not heard any more";
        began: "Début :", "Began:";
        ended: "Fin :", "Ended:";
        no_history: "Rien encore.", "Nothing yet.";
        enrolment: "Boîtier", "Box";
        no_box: "Cet établissement n’a pas de boîtier.", "This school has no box.";
        enrolled: "Inscrit le", "Enrolled on";
        revoked: "Ce boîtier est révoqué : il ne peut plus rien.", "This box is revoked: it can do nothing any more.";
        certificate_ends: "Certificat jusqu’au", "Certificate until";
        give_token: "Donner un jeton d’inscription", "Give an enrolment token";
        replace: "Remplacer le boîtier", "Replace the box";
        revoke: "Révoquer le boîtier", "Revoke the box";
        token_living: "Un jeton est valable jusqu’au", "A token is good until";
        withdraw_token: "Retirer le jeton", "Withdraw the token";
        token_withdrawn: "Le jeton est retiré.", "The token is withdrawn.";
        token_title: "Jeton d’inscription", "Enrolment token";
        token_text: "Il sert une seule fois, pour cet établissement seulement. Il n’est affiché qu’ici : copiez-le, photographiez le dessin ou gardez le fichier.",
            "It is good once, for this school only. It is shown here only: copy it, photograph the drawing or keep the file.";
        token_qr: "Jeton d’inscription, en code QR", "Enrolment token, as a QR code";
        token_file: "Télécharger le fichier", "Download the file";
        back: "Retour à l’établissement", "Back to the school";
        revoke_title: "Révoquer le boîtier", "Revoke the box";
        revoke_text: "Le boîtier ne pourra plus rien demander ni recevoir : pour un boîtier volé ou perdu. Une deuxième personne doit l’approuver.",
            "The box will be able to ask and receive nothing any more: for a box that was stolen or lost. A second person must approve it.";
        reason: "Raison", "Reason";
        propose: "Proposer", "Propose";
        revoke_proposed: "La révocation est proposée. Une autre personne doit l’approuver.",
            "The revocation is proposed. Another person must approve it.";
    }
}

words! {
    /// Schools that get into the register.
    ImportWords {
        title: "Importer la liste des établissements", "Import the list of schools";
        intro: "Un fichier CSV : l’annuaire de l’éducation ou le fichier des adresses, tels que les publie le ministère, ou des colonnes uai, nom, type, commune, departement. Rien n’est enregistré avant que vous l’ayez relu.",
            "A CSV file: the directory of education or the file of addresses as the ministry publishes them, or columns uai, nom, type, commune, departement. Nothing is entered before you have looked at it.";
        file: "Fichier", "File";
        column: "Colonne des groupes", "Column of groups";
        column_hint: "Facultatif : l’en-tête de la colonne qui dit à quel groupe chaque établissement appartient.",
            "Optional: the header of the column that says to which group each school belongs.";
        look: "Relire", "Look at it";
        look_title: "Relire avant d’entrer", "Look before entering";
        new: "Nouveaux", "New";
        changed: "Modifiés", "Changed";
        same: "Inchangés", "Unchanged";
        refused: "Refusés", "Refused";
        line: "Ligne", "Line";
        why: "Pourquoi", "Why";
        name: "Établissement", "School";
        before: "Avant", "Before";
        after: "Après", "After";
        town: "Commune", "Town";
        departement: "Département", "Département";
        kind: "Type", "Type";
        group: "Groupe", "Group";
        enter: "Entrer dans le registre", "Enter into the register";
        nothing: "Il n’y a rien à entrer.", "There is nothing to enter.";
        again: "Choisir un autre fichier", "Choose another file";
        first_shown: "Les premières lignes sont montrées, au plus :", "The first lines are shown, at most:";
        by_hand: "Entrer un établissement", "Enter a school";
        entered_one: "L’établissement est dans le registre.", "The school is in the register.";
        enter_one: "Entrer", "Enter";
        bad_columns: "Les colonnes du code UAI, du nom ou du département manquent, ou celle des groupes.",
            "The columns of the UAI code, the name or the département are missing, or that of the groups.";
        too_long: "Le fichier a trop de lignes.", "The file has too many lines.";
        bad_uai: "Le code UAI a sept chiffres et une lettre.", "A UAI code has seven digits and a letter.";
        twice: "Ce code est déjà sur une ligne précédente.", "This code stands on a line before.";
        bad_name: "Le nom manque.", "The name is missing.";
        bad_departement: "Le département s’écrit 80, 2A ou 974.", "A département is written 80, 2A or 974.";
        not_granted: "Vous n’avez pas le droit d’inscrire là.", "You lack the right to enrol there.";
    }
}

/// Why a line, or a list, is not entered.
pub(in crate::console) const fn fault_text(language: Language, fault: Fault) -> &'static str {
    let words = ImportWords::of(language);
    match fault {
        Fault::Columns => words.bad_columns,
        Fault::TooLong => words.too_long,
        Fault::Uai => words.bad_uai,
        Fault::Twice => words.twice,
        Fault::Name => words.bad_name,
        Fault::Departement => words.bad_departement,
        Fault::NotGranted => words.not_granted,
    }
}
