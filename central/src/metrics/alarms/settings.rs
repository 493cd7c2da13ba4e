//! Where alarms go.

use std::path::PathBuf;

use url::Url;

/// Where alarms go: to one of these at least.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What takes them as JSON by POST: `https`, or `http` on this machine.
    pub webhook: Option<Url>,
    /// Who gets them by mail.
    pub mail: Option<Mail>,
}

/// Who gets mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// A program that takes a message as sendmail does: `PROGRAM -i -f FROM -- TO…`, the message on its input.
    pub program: PathBuf,
    /// Who it is from.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
}

/// One way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    Webhook(&'a Url),
    Mail(&'a Mail),
}

impl Settings {
    pub(super) fn ways(&self) -> impl Iterator<Item = Way<'_>> {
        self.webhook.iter().map(Way::Webhook).chain(self.mail.iter().map(Way::Mail))
    }
}

impl Way<'_> {
    /// The word it is kept by.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Mail(_) => "mail",
        }
    }
}
