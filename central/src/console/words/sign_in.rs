//! Coming in.

use crate::{console::language::Language, people::PasswordRefusal};

words! {
    /// The two steps of the sign-in.
    SignInWords {
        title: "Se connecter", "Sign in";
        login: "Identifiant", "User name";
        password: "Mot de passe", "Password";
        go_on: "Continuer", "Go on";
        code_title: "Code à usage unique", "One-time code";
        code: "Code", "Code";
        code_hint: "Les six chiffres de votre application, ou un code de secours.",
            "The six digits of your application, or a recovery code.";
        enter: "Entrer", "Enter";
        again: "Recommencer avec un autre identifiant", "Start over with another user name";
        wrong: "Identifiant ou mot de passe incorrect.", "Wrong user name or password.";
        wrong_code: "Ce code n’est pas bon, ou a déjà servi. Attendez le suivant.",
            "This code is not right, or was used already. Wait for the next one.";
        too_often: "Trop d’essais depuis cette adresse. Réessayez dans un quart d’heure.",
            "Too many tries from this address. Try again in a quarter of an hour.";
        begin: "Le délai est passé. Recommencez.", "The time is over. Start again.";
        help: "Mot de passe ou téléphone perdu ? Une personne qui gère les droits vous donne un nouveau lien.",
            "Lost your password or telephone? Somebody who manages rights gives you a new link.";
    }
}

words! {
    /// The link under which an invited person chooses a password and takes codes.
    InvitationWords {
        title: "Votre accès à la console", "Your access to the console";
        intro: "Ce lien ne sert qu’une fois. Votre identifiant :", "This link is good once. Your user name:";
        step_code: "Votre téléphone", "Your telephone";
        step_code_text: "Lisez ce dessin avec une application de codes à usage unique, ou recopiez la clé.",
            "Read this drawing with an application for one-time codes, or copy the key.";
        qr: "Clé des codes à usage unique, en code QR", "Key of the one-time codes, as a QR code";
        key: "Clé à recopier", "Key to copy";
        step_password: "Votre mot de passe", "Your password";
        password: "Mot de passe", "Password";
        password_hint: "Au moins 12 caractères : quelques mots sans rapport entre eux, par exemple.",
            "At least 12 characters: some words that have nothing to do with each other, for example.";
        password_again: "Le même, encore une fois", "The same once more";
        code: "Code affiché par l’application", "Code that the application shows";
        save: "Enregistrer", "Save";
        wrong_code: "Ce code n’est pas celui de la clé affichée ici. Vérifiez l’heure du téléphone, puis écrivez le code suivant.",
            "This code is not that of the key shown here. Check the telephone’s clock, then write the next code.";
        too_short: "Le mot de passe doit avoir au moins 12 caractères.", "The password must have at least 12 characters.";
        guessable: "Ce mot de passe se devine : il ressemble à l’identifiant, ou se répète.",
            "This password can be guessed: it is like the user name, or repeats itself.";
        different: "Les deux mots de passe ne sont pas les mêmes.", "The two passwords are not the same.";
        recovery_title: "Vos codes de secours", "Your recovery codes";
        recovery_text: "Chacun remplace une fois le téléphone. Imprimez-les ou recopiez-les : ils ne seront plus affichés.",
            "Each replaces the telephone once. Print or copy them: they will not be shown again.";
        sign_in: "Se connecter", "Sign in";
    }
}

/// Why a password is not taken.
pub(in crate::console) const fn password_refused(
    language: Language,
    refusal: PasswordRefusal,
) -> &'static str {
    let words = InvitationWords::of(language);
    match refusal {
        PasswordRefusal::Length => words.too_short,
        PasswordRefusal::Guessable => words.guessable,
        PasswordRefusal::Different => words.different,
    }
}
