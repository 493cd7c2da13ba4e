//! One question, asked of a draft before it is published: the box's own judge answers, with the documents a school has and
//! the draft in the place of its version.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context as _;
use preau::{
    model::{
        Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Device, DeviceKind, Domain, Mac, Moment,
        Quic, Role, SignIn, Site, Subject, UrlPath, Zone, ZoneKind,
    },
    policy::{Explanation, Part, Question, Verdict},
};
use url::{Host, Url};

use super::{composed::Composed, document::Document, lists::Lists, wanted};
use crate::{database::Database, words::Place};

/// A question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where: a school, or a place for what all its schools have.
    pub place: Place,
    /// Who asks.
    pub who: Who,
    /// From which kind of zone. Rules that name zones are taken to name them by their kind.
    pub zone: ZoneKind,
    /// The zone's default where no rule speaks; a school's own configuration says it, so whoever asks does.
    pub default: DefaultVerdict,
    /// What for: a URL, a name or an address. The path counts with `http://` only: that is where a box sees it.
    pub address: String,
    /// When.
    pub at: Moment,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody signed in.
    Person {
        /// Their role.
        role: Role,
        /// Their classes.
        classes: Vec<String>,
    },
    /// A registered machine of this kind.
    Machine(DeviceKind),
    /// Nobody has signed in.
    Nobody,
}

/// The answer, with the draft and without.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer with the draft; without one, as things are.
    pub now: Judged,
    /// The answer without the draft, where there is one.
    pub before: Option<Judged>,
    /// Whether the sites of categories are known here. Where they are not, rules about categories said nothing.
    pub lists_known: bool,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Everything about it: verdict, rules considered, what would change it.
    pub explanation: Explanation,
    /// The document and rule that spoke; none where a default or the box itself did.
    pub spoke: Option<Spoke>,
    /// The documents that were asked, with their versions; a draft has none.
    pub layers: Vec<(Place, Option<u64>)>,
}

/// Whose rule spoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoke {
    /// The place whose document it stands in.
    pub place: Place,
    /// The version; none of a draft.
    pub version: Option<u64>,
    /// Its id there.
    pub rule: String,
}

impl Judged {
    /// Whether the site may be reached.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self.explanation.verdict, Verdict::Allow(_))
    }
}

impl Answered {
    /// Whether the draft changes whether the site may be reached.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.is_allowed() != self.now.is_allowed())
    }
}

/// Asks. `draft` is the document of a place above, or the place itself.
///
/// # Errors
/// When the address is none, boxes would not take the documents together, or the database refuses.
pub async fn ask(
    database: &Database,
    lists: &Lists,
    asked: &Asked,
    draft: Option<(&Place, &Document)>,
) -> anyhow::Result<Answered> {
    let now = wanted::compose(database, lists, &asked.place, draft).await?;
    let before = match draft {
        Some(_) => Some(wanted::compose(database, lists, &asked.place, None).await?),
        None => None,
    };
    let before = before.map(|before| answer(&before, asked)).transpose()?;
    Ok(Answered { now: answer(&now, asked)?, before, lists_known: lists.are_known() })
}

/// Asks one composition.
///
/// # Errors
/// When the address is none.
pub fn answer(composed: &Composed, asked: &Asked) -> anyhow::Result<Judged> {
    let (site, path) = site_of(&asked.address)?;
    let subject = asked.who.subject();
    let question = Question {
        subject: &subject,
        machine: None,
        zone: &zone(asked.zone, asked.default),
        site: &site,
        path: path.as_ref(),
        at: asked.at,
        clock: ClockTrust::Trusted,
    };
    let explanation = composed.policy.explain(&question);
    let spoke = explanation.considered.iter().find(|considered| considered.part == Part::Spoke);
    let spoke = spoke.and_then(|considered| {
        let layer = composed.layer_of(&considered.rule)?;
        let rule = considered.rule.id.to_string();
        Some(Spoke { place: layer.place.clone(), version: layer.version, rule })
    });
    let layers = composed.layers.iter().map(|layer| (layer.place.clone(), layer.version)).collect();
    Ok(Judged { explanation, spoke, layers })
}

impl Who {
    /// The judge's word for them. No person of any school is meant.
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Person { role, classes } => Subject::Person(Arc::new(Account {
                id: AccountId::new("question"),
                display_name: String::new(),
                role: *role,
                classes: classes.iter().map(|class| ClassName::new(class)).collect(),
            })),
            Self::Machine(kind) => Subject::Device(Arc::new(Device {
                mac: Mac::new([2, 0, 0, 0, 0, 0]),
                name: String::new(),
                kind: *kind,
                room: None,
            })),
            Self::Nobody => Subject::Nobody,
        }
    }
}

/// A zone of that kind, called by its kind, which asks people to sign in unless it is one of equipment.
pub(super) fn zone(kind: ZoneKind, default: DefaultVerdict) -> Zone {
    Zone {
        name: kind.word().parse().expect("the word of a kind is a name of a zone"),
        kind,
        interface: Arc::from("z"),
        ipv4: "192.0.2.1/24".parse().expect("this is a network"),
        ipv6: "2001:db8::1/64".parse().expect("this is a network"),
        sign_in: if kind == ZoneKind::Equipements { SignIn::NotAsked } else { SignIn::Required },
        default,
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
        services: Vec::new(),
    }
}

/// The site and, where a box sees it, the path.
fn site_of(address: &str) -> anyhow::Result<(Site, Option<UrlPath>)> {
    const BYTES_MAX: usize = 4096;
    let address = address.trim();
    anyhow::ensure!(address.len() <= BYTES_MAX, "the address is longer than {BYTES_MAX} bytes");
    if let Ok(address) = address.parse::<IpAddr>() {
        return Ok((Site::Address(address.to_canonical()), None));
    }
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = Url::parse(&with_scheme).context("this is no address of a site")?;
    let site = match url.host().context("the address names no site")? {
        Host::Domain(name) => Site::Name(name.parse::<Domain>().context("this is no name of a site")?),
        Host::Ipv4(address) => Site::Address(IpAddr::V4(address)),
        Host::Ipv6(address) => Site::Address(IpAddr::V6(address).to_canonical()),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok((site, (url.scheme() == "http").then(|| UrlPath::from(path.as_str()))))
}
