//! One address on its road through the cache, without a person.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Request, Response,
    header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, HOST, HeaderValue, USER_AGENT},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{list::Limits, told::Why, warmer::Hindrance};
use crate::{
    ent::{
        asked::Asked,
        body::Body,
        cache::{Cache, Visitor},
        cache_status::Said,
        held::Held,
        refusal::is_refusal,
        settings::Keep,
    },
    model::Domain,
};

/// How often a transfer looks whether it may go on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What became of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is kept, and fresh.
    Kept,
    /// It is not.
    Refused(Why),
    /// The budget was spent before it was whole; what came is kept where it can go on.
    Spent,
}

/// Something came in between; what came until then is kept where it can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    pub(super) by: Hindrance,
    /// Bytes that came over the line.
    pub(super) bytes: u64,
}

/// An address of the cache's own asking.
pub(super) struct Address<'a> {
    pub(super) cache: &'a Cache,
    pub(super) host: &'a Domain,
    pub(super) path: &'a str,
}

impl Address<'_> {
    /// Sees to it that the cache has it fresh, for at most `left` bytes over the line and while nothing `hinders`. With it
    /// go the bytes that came.
    pub(super) async fn warm(
        &self,
        left: u64,
        hinders: &(dyn Fn() -> Option<Hindrance> + Send + Sync),
    ) -> Result<(Outcome, u64), Stopped> {
        let refused = |why| Ok((Outcome::Refused(why), 0));
        let Some(mut asked) = self.asked(&[]) else { return refused(Why::LeftOut) };
        if matches!(asked.rule.keep, Keep::Never | Keep::Person) {
            return refused(Why::NotForAll);
        }
        let leash = CancellationToken::new();
        asked.leash = Some(leash.clone());
        let had = self.prefix(&asked).await;
        let answer = self.cache.look(asked).await;
        let said = Said::of(answer.headers());
        if is_line_down(&answer, said) {
            return Err(Stopped { by: Hindrance::Line, bytes: 0 });
        }
        match answer.status().as_u16() {
            200..300 if said.is_kept => {}
            200..300 => return refused(Why::NotForAll),
            500.. => return refused(Why::Failing),
            _ => return refused(Why::NotThere),
        }
        let over_the_line = |bytes: u64| if said.is_from_here { 0 } else { bytes.saturating_sub(had) };
        let mut body = answer.into_body();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut came = 0_u64;
        loop {
            let stopped = tokio::select! {
                frame = body.frame() => match frame {
                    None => return Ok((Outcome::Kept, over_the_line(came))),
                    Some(Err(_)) => Some(Hindrance::Line),
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        came = came.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                        None
                    }
                },
                _ = look.tick() => hinders(),
            };
            let bytes = over_the_line(came);
            if stopped.is_some() || bytes > left {
                // Whoever reads it meanwhile keeps it going.
                drop(body);
                leash.cancel();
                return match stopped {
                    Some(by) => Err(Stopped { by, bytes }),
                    None => Ok((Outcome::Spent, bytes)),
                };
            }
        }
    }

    /// The bytes of the list at this address, asked for anew; none where there is none within the bounds.
    pub(super) async fn list(&self) -> Result<Option<Bytes>, Stopped> {
        let Some(asked) = self.asked(&[(CACHE_CONTROL, "no-cache")]) else { return Ok(None) };
        let answer = self.cache.look(asked).await;
        if is_line_down(&answer, Said::of(answer.headers())) {
            return Err(Stopped { by: Hindrance::Line, bytes: 0 });
        }
        if answer.status() != hyper::StatusCode::OK {
            return Ok(None);
        }
        let mut body = answer.into_body();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let cut = Stopped { by: Hindrance::Line, bytes: 0 };
            let Ok(data) = frame.map_err(|_| cut)?.into_data() else { continue };
            if bytes.len() + data.len() > Limits::BYTES {
                return Ok(None);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Some(bytes.freeze()))
    }

    /// A request as browsers of a French school send it, so that what is kept answers theirs; without what is anybody's.
    fn asked(&self, more: &[(hyper::header::HeaderName, &'static str)]) -> Option<Asked> {
        let (mut parts, ()) = Request::get(self.path).body(()).ok()?.into_parts();
        let mut fields = HeaderMap::new();
        fields.insert(HOST, HeaderValue::from_str(self.host.as_str()).ok()?);
        fields.insert(ACCEPT, HeaderValue::from_static("*/*"));
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"));
        fields.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7"));
        fields.insert(USER_AGENT, HeaderValue::from_static(concat!("preau/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in more {
            fields.insert(name, HeaderValue::from_static(value));
        }
        parts.headers = fields;
        let visitor = Visitor { person: None, is_secure: true, server_name: Some(self.host.clone()) };
        Asked::read(&self.cache.0.origins, &visitor, parts, self.cache.0.clock.now()).ok()
    }

    /// How many bytes of it are held, from the first one on, where it is not held whole.
    async fn prefix(&self, asked: &Asked) -> u64 {
        let kept = self.cache.0.store.find(&asked.key).await;
        let held = Held::choose(&kept, asked);
        held.filter(|held| !held.kept.body.is_whole()).map_or(0, |held| held.prefix())
    }
}

/// Whether the site could not be reached, and the answer is the cache's own or a copy that stands in.
fn is_line_down(answer: &Response<Body>, said: Said) -> bool {
    said.stands_in || (is_refusal(answer) && answer.status() == hyper::StatusCode::GATEWAY_TIMEOUT)
}
