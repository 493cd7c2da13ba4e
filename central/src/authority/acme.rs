//! Certificates of portals' public names, by ACME (RFC 8555) with the dns-01 challenge.
//!
//! The box keeps the portal's key and sends a request for its name; central holds the account at the public authority and
//! proves the name by a record that a program of the operator's writes:
//!
//! ```text
//! HOOK add    _acme-challenge.portail.college.example VALUE      ends when the record can be asked for
//! HOOK remove _acme-challenge.portail.college.example VALUE
//! ```
//!
//! A school is given a certificate only for names that were entered for it. One order at a time: ten thousand portals are
//! seven orders an hour, and public authorities count. What came of a request is kept, so that a box whose answer was lost
//! causes no second order.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{Arc, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    RetryPolicy,
};
use preau::{
    model::{Domain, Moment, Uai},
    protocol::enrolment::PortalCertificate,
};
use rustls_pki_types::CertificateSigningRequestDer;
use tokio::{
    process::Command,
    sync::{Mutex, oneshot},
    task::JoinSet,
    time::timeout,
};
use tracing::warn;
use url::Url;

use super::{
    Authority, By, EnrolRefusal, Outcome,
    request::{RequestError, portal_name},
    trail::{note, note_box},
};
use crate::database::Write;

/// How long a box waits for an order before it is told to ask again.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(100);

/// How long the operator's program may take.
const HOOK_WAIT_MAX: Duration = Duration::from_secs(180);

/// How long the public authority may take to look, and then to sign.
const ORDER_WAIT_MAX: Duration = Duration::from_secs(300);

/// How long what came of a request is kept: a certificate that a box can still use.
const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);

/// Orders of one school within [`KEPT_FOR`]: public authorities give five a week.
const ORDERS_MAX: i64 = 8;

/// Where certificates of public names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeSettings {
    /// The directory of the public authority.
    pub directory: Url,
    /// Whom it may write to, such as `mailto:…`.
    pub contact: Option<String>,
    /// The program that writes and removes records.
    pub hook: PathBuf,
    /// The authority of the directory's own certificate, PEM, where it is not a public one.
    pub trusted: Option<PathBuf>,
}

/// The one who orders. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Acme(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: AcmeSettings,
    authority: Authority,
    /// Orders under way: they go on when the box that asked is gone.
    orders: std::sync::Mutex<JoinSet<()>>,
    turn: Mutex<()>,
}

impl Acme {
    /// Orders as `settings` say.
    #[must_use]
    pub fn new(settings: AcmeSettings, authority: Authority) -> Self {
        Self(Arc::new(Inner {
            settings,
            authority,
            orders: std::sync::Mutex::default(),
            turn: Mutex::default(),
        }))
    }

    /// The certificate for a request (PKCS #10, PEM) of `school`'s portal.
    ///
    /// # Errors
    /// When the database fails; that it is not to be had, or not yet, is in the value.
    pub async fn certificate(&self, school: &Uai, request: &str) -> Outcome<PortalCertificate> {
        let (der, name) = match portal_name(request) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error.into())),
        };
        let Ok(name) = name.parse::<Domain>() else {
            return Ok(Err(RequestError::Name.into()));
        };
        let database = &self.0.authority.0.database;
        let sql = "SELECT 1 FROM authority_portal_name WHERE name = $1 AND school = $2";
        if database.read(sql, &[name.as_str().into(), school.as_str().into()]).await?.is_empty() {
            return Ok(Err(EnrolRefusal::OtherName));
        }
        let answer = self.start(school.clone(), name, der);
        match timeout(ANSWER_WAIT_MAX, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => bail!("an order for a portal's certificate was cut short"),
            Err(_) => Ok(Err(EnrolRefusal::UnderWay)),
        }
    }

    /// Starts an order, which goes on when nobody waits for it any more: what came of it is then in the database.
    fn start(
        &self,
        school: Uai,
        name: Domain,
        der: CertificateSigningRequestDer<'static>,
    ) -> oneshot::Receiver<Outcome<PortalCertificate>> {
        let (done, answer) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        let mut orders = self.0.orders.lock().unwrap_or_else(PoisonError::into_inner);
        while orders.try_join_next().is_some() {}
        orders.spawn(async move {
            let outcome = inner.order(&school, &name, &der).await;
            // Nobody may be waiting.
            let _ = done.send(outcome);
        });
        answer
    }
}

impl Authority {
    /// Enters `name` as a public name of `school`'s portal: its box may have certificates for it.
    ///
    /// # Errors
    /// When it is another school's, the right is another one, or the database refuses.
    pub async fn enter_portal_name(
        &self,
        write: &mut Write,
        by: impl Into<By<'_>>,
        school: &Uai,
        name: &Domain,
    ) -> anyhow::Result<()> {
        let rows = write
            .read("SELECT school FROM authority_portal_name WHERE name = $1", &[name.as_str().into()])
            .await?;
        if let Some(row) = rows.first() {
            ensure!(row.text(0)? == school.as_str(), "`{name}` is the portal of {}", row.text(0)?);
            return Ok(());
        }
        let sql = "INSERT INTO authority_portal_name (name, school) VALUES ($1, $2)";
        write.execute(sql, &[name.as_str().into(), school.as_str().into()]).await?;
        note(write, self.now(), by.into(), school, "portal-name-entered", name.as_str()).await
    }
}

impl Inner {
    /// One order, or what came of it before.
    async fn order(&self, school: &Uai, name: &Domain, der: &[u8]) -> Outcome<PortalCertificate> {
        let _turn = self.turn.lock().await;
        let (database, now) = (&self.authority.0.database, self.authority.now());
        let digest = blake3::hash(der).to_hex().to_string();
        let since = (now - KEPT_FOR).unix_milliseconds();
        let sql = "SELECT chain FROM authority_portal_certificate WHERE request = $1 AND school = $2 AND issued > $3";
        let rows =
            database.read(sql, &[digest.as_str().into(), school.as_str().into(), since.into()]).await?;
        if let Some(row) = rows.first() {
            return Ok(Ok(PortalCertificate { certificate: row.text(0)?.to_owned() }));
        }
        let sql = "SELECT COUNT(*) FROM authority_portal_certificate WHERE school = $1 AND issued > $2";
        let rows = database.read(sql, &[school.as_str().into(), since.into()]).await?;
        if rows.first().map_or(Ok(0), |row| row.integer(0))? >= ORDERS_MAX {
            return Ok(Err(EnrolRefusal::TooOften));
        }
        let chain = match self.obtain(name, der).await {
            Ok(chain) => chain,
            Err(cause) => {
                // The log names no portal; the audit trail says which it was, and why.
                warn!("a portal's certificate was not obtained");
                let text = format!("{name}: {cause:#}");
                let mut write = database.write().await?;
                note_box(&mut write, now, school, "portal-certificate-failed", &text).await?;
                write.commit().await?;
                return Ok(Err(EnrolRefusal::NotObtained(format!("{cause:#}"))));
            }
        };
        let mut write = database.write().await?;
        let sql = "DELETE FROM authority_portal_certificate WHERE issued <= $1";
        write.execute(sql, &[since.into()]).await?;
        let sql = "INSERT INTO authority_portal_certificate (request, school, chain, issued) VALUES ($1, $2, $3, $4)
            ON CONFLICT (request) DO UPDATE SET chain = excluded.chain, issued = excluded.issued";
        let values =
            [digest.into(), school.as_str().into(), chain.as_str().into(), now.unix_milliseconds().into()];
        write.execute(sql, &values).await?;
        note_box(&mut write, now, school, "portal-certificate", name.as_str()).await?;
        write.commit().await?;
        Ok(Ok(PortalCertificate { certificate: chain }))
    }

    async fn obtain(&self, name: &Domain, der: &[u8]) -> anyhow::Result<String> {
        let account = self.account(self.authority.now()).await?;
        let identifiers = [Identifier::Dns(name.as_str().to_owned())];
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await.context("cannot order")?;
        let record = format!("_acme-challenge.{name}");
        let mut written = Vec::new();
        let obtained = self.prove(&mut order, &record, &mut written, der).await;
        // Whatever came of it, what was written is removed again.
        for value in written {
            if let Err(cause) = self.hook("remove", &record, &value).await {
                warn!(cause = format!("{cause:#}"), "a record was not removed again");
            }
        }
        obtained
    }

    async fn prove(
        &self,
        order: &mut Order,
        record: &str,
        written: &mut Vec<String>,
        der: &[u8],
    ) -> anyhow::Result<String> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => bail!("the public authority has the name as {status:?}"),
            }
            let mut challenge =
                authorization.challenge(ChallengeType::Dns01).context("dns-01 is not offered")?;
            let value = challenge.key_authorization().dns_value();
            written.push(value.clone());
            self.hook("add", record, &value).await?;
            challenge.set_ready().await?;
        }
        let retry = RetryPolicy::default().timeout(ORDER_WAIT_MAX);
        order.poll_ready(&retry).await.context("the name was not proved")?;
        order.finalize_csr(der).await.context("the request was not taken")?;
        order.poll_certificate(&retry).await.context("no certificate came")
    }

    /// The account at the directory: made once, kept in the database.
    async fn account(&self, now: Moment) -> anyhow::Result<Account> {
        let AcmeSettings { directory, contact, trusted, .. } = &self.settings;
        let builder = || match trusted {
            Some(path) => Account::builder_with_root(path),
            None => Account::builder(),
        };
        let database = &self.authority.0.database;
        let sql = "SELECT credentials FROM authority_acme_account WHERE directory = $1";
        if let Some(row) = database.read(sql, &[directory.as_str().into()]).await?.first() {
            let credentials: AccountCredentials = serde_json::from_str(row.text(0)?)?;
            return builder()?.from_credentials(credentials).await.context("cannot use the ACME account");
        }
        let contacts: Vec<&str> = contact.as_deref().into_iter().collect();
        let new =
            NewAccount { contact: &contacts, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder()?
            .create(&new, directory.to_string(), None)
            .await
            .context("cannot make an ACME account")?;
        let mut write = database.write().await?;
        let sql = "INSERT INTO authority_acme_account (directory, credentials) VALUES ($1, $2)
            ON CONFLICT (directory) DO NOTHING";
        write.execute(sql, &[directory.as_str().into(), serde_json::to_string(&credentials)?.into()]).await?;
        let who = crate::audit::Who::Central;
        crate::audit::note(&mut write, now, &who, "acme-account-made", None, directory.as_str()).await?;
        write.commit().await?;
        Ok(account)
    }

    async fn hook(&self, act: &str, record: &str, value: &str) -> anyhow::Result<()> {
        let hook = &self.settings.hook;
        let mut command = Command::new(hook);
        command.args([act, record, value]).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let run = timeout(HOOK_WAIT_MAX, command.status()).await;
        let status = run.context("the program for records took too long")?;
        let status = status.with_context(|| format!("cannot run `{}`", hook.display()))?;
        ensure!(status.success(), "the program for records failed ({status})");
        Ok(())
    }
}
