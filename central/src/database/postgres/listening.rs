//! Hearing what other instances wrote: `LISTEN` on a connection of its own, made anew whenever it breaks.

use std::{future::poll_fn, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::{
    select,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};
use tracing::{info, warn};

use super::{
    super::{EVERYTHING, Signals, unreachable::Unreachable},
    server::Server,
    tls::Sealed,
};

/// How long the server may take to connect and listen, or to say that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// How often a server that says nothing is asked whether it is there.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The wait before connecting again: at first, and at most; it doubles in between.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// The task that hears; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    instance: String,
    _task: JoinSet<()>,
}

/// A connection that listens.
struct Ear {
    client: Client,
    connection: Connection<Socket, Sealed<Socket>>,
}

impl Listening {
    /// Listens from now on, and tells `signals` what other instances signal. After a pause, in which anything may have been
    /// missed, it tells [`EVERYTHING`].
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(super) async fn start(server: Arc<Server>, signals: Signals) -> anyhow::Result<Self> {
        let mut number = [0; 8];
        getrandom::fill(&mut number)
            .map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
        let instance = format!("{:016x}", u64::from_ne_bytes(number));
        let others = Others { ours: format!("{instance} "), signals };
        let mut ear = Ear::listen(&server, &others).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let error = ear.hear(&others).await;
                warn!(error = format!("{error:#}"), "no signals of other instances; connecting again");
                ear = again(&server, &others).await;
                info!("hearing other instances again");
                others.signals.tell(EVERYTHING);
            }
        });
        Ok(Self { instance, _task: task })
    }

    /// What this instance's messages begin with.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }
}

/// Connects until it succeeds.
async fn again(server: &Server, others: &Others) -> Ear {
    let (mut wait, wait_max) = WAIT;
    loop {
        sleep(wait).await;
        if let Ok(ear) = Ear::listen(server, others).await {
            return ear;
        }
        wait = wait_max.min(wait * 2);
    }
}

impl Ear {
    async fn listen(server: &Server, others: &Others) -> anyhow::Result<Self> {
        let listening = async {
            let (client, mut connection) = server.config.connect(server.tls.clone()).await?;
            select! {
                listens = client.batch_execute("LISTEN preau") => listens?,
                error = others.hear(&mut connection) => return Err(error),
            }
            Ok(Self { client, connection })
        };
        timeout(ANSWER_MAX, listening).await.context(Unreachable::GONE)?.context(Unreachable::GONE)
    }

    /// Tells what it hears until the connection breaks.
    async fn hear(&mut self, others: &Others) -> anyhow::Error {
        select! {
            error = others.hear(&mut self.connection) => error,
            error = silence(&self.client) => error,
        }
    }
}

/// Asks from time to time whether the server is there, and ends when it does not say so.
async fn silence(client: &Client) -> anyhow::Error {
    loop {
        sleep(SILENCE_MAX).await;
        match timeout(ANSWER_MAX, client.batch_execute("")).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(elapsed) => return elapsed.into(),
        }
    }
}

/// Whoever listens here to what others signal.
struct Others {
    /// What messages of this instance begin with: it was told already.
    ours: String,
    signals: Signals,
}

impl Others {
    async fn hear(&self, connection: &mut Connection<Socket, Sealed<Socket>>) -> anyhow::Error {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(message))) => {
                    let message = message.payload();
                    if !message.starts_with(&self.ours)
                        && let Some((_, topic)) = message.split_once(' ')
                    {
                        self.signals.tell(topic);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.into(),
                None => return anyhow!("the server has hung up"),
            }
        }
    }
}
