//! What people in school are told about a refusal: plain French, without a rule's inner words.

use std::sync::Arc;

use super::{Cause, Origin, Refusal};
use crate::model::Site;

impl Refusal {
    /// Why, as a sentence for the person at the screen.
    #[must_use]
    pub fn reason_fr(&self) -> String {
        let origin = match &self.cause {
            Cause::SignInNeeded => {
                return "Connectez-vous au réseau de l'établissement pour continuer.".to_owned();
            }
            Cause::NotRecorded => {
                return "L'accès est fermé pour un moment : la panne est signalée, réessayez plus tard."
                    .to_owned();
            }
            Cause::Policy(origin) => origin,
        };
        match origin {
            Origin::Rule { rule, .. } => match &rule.reason {
                Some(reason) => reason.to_string(),
                None => "Ce site est fermé par une règle de l'établissement.".to_owned(),
            },
            Origin::Opening { scope } => format!("Un enseignant a fermé l'accès pour un moment ({scope})."),
            Origin::Evasion(evasion) => evasion.reason_fr().to_owned(),
            // A welcome only ever allows.
            Origin::ZoneDefault | Origin::Welcome => match &self.site {
                Site::Name(_) => "Ce site n'est pas ouvert sur ce réseau.".to_owned(),
                Site::Address(_) => {
                    "Un site se demande par son nom : une adresse seule n'est pas ouverte sur ce réseau."
                        .to_owned()
                }
            },
        }
    }

    /// Who decided, with the article: `l'académie`. None where nobody did: a sign-in is needed, or the box failed.
    #[must_use]
    pub fn decided_by_fr(&self) -> Option<&'static str> {
        match &self.cause {
            Cause::Policy(origin) => Some(origin.decided_by_fr()),
            Cause::SignInNeeded | Cause::NotRecorded => None,
        }
    }

    /// The rule that refused, where one did.
    #[must_use]
    pub fn rule_id(&self) -> Option<&Arc<str>> {
        match &self.cause {
            Cause::Policy(origin) => origin.rule_id(),
            Cause::SignInNeeded | Cause::NotRecorded => None,
        }
    }
}

impl Origin {
    /// Who decided, with the article: `l'académie`.
    #[must_use]
    pub fn decided_by_fr(&self) -> &'static str {
        self.level().map_or("le réglage du réseau", |level| level.decided_by_fr())
    }

    /// The rule that spoke, where one did.
    #[must_use]
    pub fn rule_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Rule { rule, .. } => Some(&rule.id),
            Self::Opening { .. } | Self::ZoneDefault | Self::Evasion(_) | Self::Welcome => None,
        }
    }
}
