//! The ways out: each takes a message within bounds, or fails.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use preau::model::Moment;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use super::{
    message,
    settings::{Mail, Way},
    standing::News,
};

/// How long a way may take.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The client of webhooks: by the system's authorities, and nowhere but where it is told.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    // Whoever was first has installed the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(WAIT_MAX)
        .build()
        .context("cannot make the client of webhooks")
}

/// Says `news` on `way`.
pub(super) async fn send(
    http: &reqwest::Client,
    way: Way<'_>,
    academie: &str,
    news: &[News],
    now: Moment,
) -> anyhow::Result<()> {
    match way {
        Way::Webhook(url) => {
            let body = message::json(academie, news, now).to_string();
            let request = http.post(url.clone()).header("content-type", "application/json").body(body);
            // The address may hold a secret: it is in no error.
            let answer = request.send().await.map_err(reqwest::Error::without_url);
            let status = answer.context("cannot reach the webhook")?.status();
            ensure!(status.is_success(), "the webhook answers {status}");
            Ok(())
        }
        Way::Mail(mail) => timeout(WAIT_MAX, by_mail(mail, message::mail(mail, academie, news)))
            .await
            .context("the mail program takes too long")?,
    }
}

async fn by_mail(mail: &Mail, text: String) -> anyhow::Result<()> {
    let Mail { program, from, to } = mail;
    let shown = program.display();
    let mut child = Command::new(program)
        .args(["-i", "-f", from, "--"])
        .args(to)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let mut input = child.stdin.take().context("the mail program has no input")?;
    input.write_all(text.as_bytes()).await.with_context(|| format!("`{shown}` does not read"))?;
    drop(input);
    let status = child.wait().await.with_context(|| format!("cannot wait for `{shown}`"))?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}
