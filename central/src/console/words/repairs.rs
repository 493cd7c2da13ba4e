//! A technician's session at a box, and how the box's tunnel stands.

use preau::protocol::repair::RepairAct;

use crate::console::language::Language;

words! {
    /// Technicians' sessions.
    RepairWords {
        title: "Intervention", "Repair";
        intro: "Une intervention est limitée dans le temps et inscrite au journal. L’établissement voit votre nom, la raison et chaque acte, et peut y mettre fin. Il n’y a pas d’autre accès au boîtier : ni console, ni commande libre, ni lecture de fichier.",
            "A session is limited in time and stands in the audit trail. The school sees your name, the reason and each act, and may end it. There is no other way into the box: no console, no free command, no reading of files.";
        reason: "Raison", "Reason";
        reason_hint: "L’établissement la lit. Par exemple : « Plus d’Internet à la vie scolaire depuis 8 h ».",
            "The school reads it. For example: “No Internet at the office since 8 o’clock”.";
        minutes: "Durée", "Length";
        minutes_15: "15 minutes", "15 minutes";
        minutes_30: "30 minutes", "30 minutes";
        minutes_60: "1 heure", "1 hour";
        open: "Ouvrir une intervention", "Open a session";
        is_open: "Une intervention est ouverte.", "A session is open.";
        until: "jusqu’au", "until";
        awaited: "Le boîtier ne l’a pas encore confirmée.", "The box has not confirmed it yet.";
        there: "Le boîtier l’a ouverte ; l’établissement la voit.", "The box has opened it; the school sees it.";
        not_own: "Une autre personne l’a ouverte : elle seule agit. Vous pouvez y mettre fin.",
            "Another person opened it: only they act. You may end it.";
        acts: "Les résultats paraissent sous « Ordres ».", "Outcomes appear under “Orders”.";
        log: "Lire les messages de la machine", "Read the machine’s messages";
        line: "Essayer la ligne, étape par étape", "Try the line, step by step";
        rules: "Contrôler et recharger le pare-feu", "Check the firewall and load it again";
        tunnel: "Redémarrer le tunnel", "Raise the tunnel anew";
        end: "Mettre fin à l’intervention", "End the session";
        past: "Dernières interventions", "Last sessions";
        none: "Aucune intervention.", "No sessions.";
        by: "Par", "By";
        from: "Ouverte", "Opened";
        ended: "Terminée", "Ended";
        by_time: "à l’heure prévue", "when its time was over";
        by_school: "par l’établissement", "by the school";
        by_central: "par l’académie", "by the académie";
        by_restart: "par un redémarrage du boîtier", "by a restart of the box";
        by_refusal: "refusée par le boîtier", "refused by the box";
        by_box: "par le boîtier", "by the box";
        opened: "L’intervention est ouverte ; le boîtier et l’établissement en sont prévenus.",
            "The session is open; the box and the school are told.";
        ended_now: "L’intervention est terminée.", "The session is over.";
        ordered: "L’acte est demandé. Son résultat paraîtra sous « Ordres ».", "The act is ordered. Its outcome will appear under “Orders”.";
        already_open: "Une intervention est déjà ouverte à cet établissement.", "A session is open at this school already.";
        not_open: "Vous n’avez pas d’intervention ouverte ici : elle est terminée, ou une autre personne l’a ouverte.",
            "You have no open session here: it is over, or another person opened it.";
        malformed: "Écrivez une raison, 300 caractères au plus, et choisissez une durée.",
            "Write a reason, 300 characters at most, and choose a length.";
        too_many: "Trop d’ordres attendent déjà ce boîtier.", "Too many orders wait for this box already.";
    }
}

words! {
    /// The tunnel.
    TunnelWords {
        title: "Tunnel vers l’académie", "Tunnel to the académie";
        up: "en service", "up";
        down: "coupé", "down";
        since: "Depuis", "Since";
        way: "Chemin", "Way";
        udp: "UDP", "UDP";
        tls: "TLS sur TCP 443 : la ligne ne laisse pas passer UDP", "TLS on TCP 443: the line carries no UDP";
        concentrator: "Concentrateur, dans l’ordre de préférence", "Concentrator, in the order of preference";
        handshake: "Dernier échange de clés", "Last handshake";
        never: "jamais", "never";
        lost: "Perte sur la dernière minute", "Lost in the last minute";
        tried: "Essais depuis la coupure", "Attempts since it went down";
        what_to_do: "À faire", "What to do";
        being_raised: "Il est en train de monter ; attendez une minute.", "It is being raised; wait a minute.";
        clock_ahead: "L’horloge du boîtier est trop en avance : il ne se présente à aucun concentrateur. Remettez-la à l’heure.",
            "The box’s clock is too far ahead: it shows itself to no concentrator. Set it.";
        clock_behind: "L’horloge du boîtier est en retard sur un échange précédent. Remettez-la à l’heure, ou changez la clé du tunnel.",
            "The box’s clock is behind an earlier handshake. Set it, or change the tunnel’s key.";
        no_interface: "Le boîtier ne peut pas créer l’interface : ni le noyau ni un programme (/dev/net/tun). À réparer sur place.",
            "The box cannot make the interface: neither the kernel nor a program (/dev/net/tun) does. To be mended there.";
        name_unknown: "Aucun résolveur de la ligne ne donne l’adresse du concentrateur : vérifiez son nom dans le DNS public.",
            "No resolver of the line gives the concentrator’s address: check its name in the public DNS.";
        captive: "Quelqu’un d’autre répond à la place du concentrateur : la ligne attend sans doute qu’une page soit confirmée, comme à l’hôtel. À voir sur place.",
            "Somebody else answers in the concentrator’s place: the line probably waits for a page to be confirmed, as in a hotel. To be seen there.";
        line_down: "La ligne n’a pas de signal : câble ou boîtier de l’opérateur.",
            "The line has no signal: the cable or the provider’s box.";
        refused: "Le noyau ou wg refuse : ouvrez une intervention, lisez les messages de la machine, redémarrez le tunnel.",
            "The kernel or wg refuses: open a session, read the machine’s messages, raise the tunnel anew.";
        silent: "Aucun concentrateur ne répond, ni par UDP ni par TLS. Si d’autres établissements le disent, voyez les concentrateurs ; sinon le pare-feu de l’opérateur.",
            "No concentrator answers, neither over UDP nor over TLS. If other schools say so, look at the concentrators; otherwise at the provider’s firewall.";
    }
}

impl RepairWords {
    /// The name of an act.
    pub(in crate::console) const fn act(&self, act: RepairAct) -> &'static str {
        match act {
            RepairAct::Log => self.log,
            RepairAct::Line => self.line,
            RepairAct::Rules => self.rules,
            RepairAct::Tunnel => self.tunnel,
        }
    }

    /// How a session ended, by its word.
    pub(in crate::console) fn how(&self, why: &str) -> &'static str {
        match why {
            "time" => self.by_time,
            "school" => self.by_school,
            "central" => self.by_central,
            "restart" => self.by_restart,
            "refused" => self.by_refusal,
            _ => self.by_box,
        }
    }
}

/// What is wrong with a tunnel that is down, and what to do.
pub(in crate::console) fn tunnel_trouble(language: Language, trouble: &str) -> &'static str {
    let words = TunnelWords::of(language);
    match trouble {
        "" => words.being_raised,
        "clock-ahead" => words.clock_ahead,
        "clock-behind" => words.clock_behind,
        "no-interface" => words.no_interface,
        "name-unknown" => words.name_unknown,
        "captive" => words.captive,
        "line-down" => words.line_down,
        "refused" => words.refused,
        _ => words.silent,
    }
}
