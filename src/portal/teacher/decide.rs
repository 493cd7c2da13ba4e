//! The forms by which a teacher decides and undoes.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Form, State, rejection::FormRejection},
    response::Response,
};
use serde::Deserialize;

use super::{
    overview::{Happened, not_yours},
    told::{EVENING, LESSON, path},
    whom::{Wrong, status_of},
};
use crate::{
    admin::{Act, Decision, Lasts, NotDone, Whom},
    model::{ClassName, Domain, RoomName},
    portal::{
        asked::Asked,
        secure::{Secure, see_other},
        visitor::Visitor,
        wanted::Sought,
        words::TeacherWords,
    },
};

/// What a teacher decides, as the form sends it.
#[derive(Debug, Deserialize)]
pub(super) struct DecideForm {
    pour: String,
    nom: String,
    acte: String,
    #[serde(default)]
    sites: String,
    duree: String,
}

/// The decision to undo.
#[derive(Debug, Deserialize)]
pub(super) struct UndoForm {
    numero: i64,
}

pub(super) async fn decide(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<DecideForm>, FormRejection>,
) -> Response {
    let language = asked.language;
    let granted = match secure.granted(&visitor, &asked, Act::OpenForPupils, not_yours(language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let Ok(Form(form)) = form else { return secure.unread(&asked) };
    let Some(whom) = secure.whom(&form.pour, &form.nom) else {
        return secure.not_done_page(&asked, &NotDone::Unknown);
    };
    if let Err(refused) = whom.may_be_decided_by(granted.account(), &secure.identity) {
        return secure.not_done_page(&asked, &refused);
    }
    let wrong = |wrong| secure.whom_page(&asked, &granted, &whom, &Happened::default(), Some(wrong));
    let Some(decision) = decision(&form.acte, &form.sites) else {
        let text = String::from(TeacherWords::of(language).not_a_site());
        let status = status_of(&NotDone::Sites);
        return wrong(Wrong { status, text, act: form.acte.clone(), typed: form.sites.clone() });
    };
    let Some(lasts) = lasts(&form.duree) else {
        return wrong(Wrong::new(language, &NotDone::Lasting, &form.acte, &form.sites));
    };
    match secure.acts.openings.begin(&granted, whom.clone(), decision, lasts, secure.clock.now()).await {
        Ok(running) => see_other(&format!("{}?fait={}", path(&whom, &secure.handles), running.number)),
        Err(refused) => wrong(Wrong::new(language, &refused, &form.acte, &form.sites)),
    }
}

pub(super) async fn undo(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<UndoForm>, FormRejection>,
) -> Response {
    let granted = match secure.granted(&visitor, &asked, Act::OpenForPupils, not_yours(asked.language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let Ok(Form(form)) = form else { return secure.unread(&asked) };
    match secure.acts.openings.undo(&granted, form.numero, secure.clock.now()).await {
        Ok(running) if running.whom.may_be_decided_by(granted.account(), &secure.identity).is_ok() => {
            see_other(&format!("{}?annule=1", path(&running.whom, &secure.handles)))
        }
        Ok(_) => see_other("/enseignant?annule=1"),
        Err(refused) => secure.not_done_page(&asked, &refused),
    }
}

impl Secure {
    /// Whom the form's two values name.
    fn whom(&self, kind: &str, name: &str) -> Option<Whom> {
        match kind {
            "classe" => Some(Whom::Class(ClassName::new(name))),
            "salle" => Some(Whom::Room(RoomName::new(name))),
            "eleve" => self.handles.find(name, &self.identity).map(|pupil| Whom::Pupil(pupil.id.clone())),
            _ => None,
        }
    }
}

/// What the form's act decides; none where no act is meant, or what is typed is no name of a site.
fn decision(act: &str, typed: &str) -> Option<Decision> {
    let sites =
        || typed.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
    match act {
        "ouvrir" => Some(Decision::Open),
        "fermer" => Some(Decision::Close),
        "site" => site_of(typed).map(Decision::OpenSite),
        "examen" => sites().map(site_of).collect::<Option<_>>().map(Decision::Exam),
        _ => None,
    }
}

/// The site that somebody typed or pasted. `www.` in front is dropped: what is meant is the site, not one of its names.
pub(in crate::portal) fn site_of(typed: &str) -> Option<Domain> {
    let crate::model::Site::Name(name) = Sought::read(typed)?.site else { return None };
    let bare = name.as_str().strip_prefix("www.").filter(|rest| rest.contains('.'));
    Some(bare.and_then(|rest| rest.parse().ok()).unwrap_or(name))
}

/// How long the form's value means.
pub(super) fn lasts(value: &str) -> Option<Lasts> {
    match value {
        LESSON => Some(Lasts::Lesson),
        EVENING => Some(Lasts::Evening),
        minutes => minutes.parse().ok().map(Lasts::Minutes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_what_was_typed_without_its_www() {
        for (typed, site) in [
            ("exemple.fr", Some("exemple.fr")),
            (" https://www.exemple.fr/page?x ", Some("exemple.fr")),
            ("www.fr", Some("www.fr")),
            ("192.0.2.1", None),
            ("pas un site", None),
            ("", None),
        ] {
            assert_eq!(site_of(typed), site.map(|site| site.parse().unwrap()), "{typed}");
        }
    }

    #[test]
    fn an_exam_takes_a_site_a_line_and_no_nonsense() {
        let sites = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let typed = "a.example\r\nwww.b.example, c.example\n";
        let expected = Decision::Exam(sites(&["a.example", "b.example", "c.example"]));
        assert_eq!(decision("examen", typed), Some(expected));
        assert_eq!(decision("examen", ""), Some(Decision::Exam(Vec::new())));
        assert_eq!(decision("examen", "a.example\n???"), None);
        assert_eq!(decision("site", ""), None);
        assert_eq!(decision("effacer", "a.example"), None);
    }

    #[test]
    fn how_long_is_minutes_or_a_word() {
        assert_eq!(lasts("15"), Some(Lasts::Minutes(15)));
        assert_eq!(lasts("cours"), Some(Lasts::Lesson));
        for nonsense in ["", "-5", "70000", "1e3"] {
            assert_eq!(lasts(nonsense), None);
        }
    }
}
