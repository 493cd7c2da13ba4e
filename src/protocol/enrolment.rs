//! How a box is taken into the fleet, and how it keeps its certificate.
//!
//! `POST /v1/enrol` asks for no certificate, but for a [`Token`](super::Token) that the console gave for one school. The
//! answer is everything the box needs to be that school's; the token is then spent. `POST /v1/certificate` gives whoever
//! shows a certificate that still holds the next one, for the same school.
//!
//! **The tunnel.** Its parameters come with the enrolment, and again by `GET /v1/tunnel` whenever the live line tells of
//! another version of them. `POST /v1/tunnel-key` has central accept another key of the box beside the one it has, and once
//! more says that the box stands by it: then the one before is dropped.

use serde::{Deserialize, Serialize};

/// What a box sends to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The token's secret, as text.
    pub secret: String,
    /// The school the box is configured for.
    pub school: String,
    /// The version of the program.
    pub version: String,
    /// Its keys.
    pub keys: Keys,
}

/// The public halves of the keys that a box made for itself. The private ones never leave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// A certificate request (PKCS #10, PEM) with its key towards central, ECDSA P-256.
    pub request: String,
    /// What accounts are sealed to: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256), in base64. Its fingerprint is the BLAKE3
    /// of the 32 bytes, in hexadecimal.
    pub sealing: String,
    /// Its WireGuard key, in base64.
    pub tunnel: String,
}

/// What an enrolled box gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    /// The school.
    pub school: String,
    /// Its name as central knows it.
    pub school_name: String,
    /// The box's certificate and what leads to the authority, PEM, the box's own first.
    pub certificate: String,
    /// The authority that signs central's own certificates, PEM.
    pub authority: String,
    /// The root of trust of the channel (TUF `root.json`), whose SHA-256 is in the token.
    pub root: String,
    /// Where the repository is: URLs of its top directory, tried in this order.
    pub repositories: Vec<String>,
    /// Where the live line is.
    pub central: String,
    /// The tunnel, where the académie has one.
    #[serde(default)]
    pub tunnel: Option<Tunnel>,
    /// What the school's box before this one was set up with, where there was one.
    #[serde(default)]
    pub setup: Option<Setup>,
}

/// The way into the académie's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tunnel {
    /// The box's own addresses inside, with prefix lengths.
    pub addresses: Vec<String>,
    /// The concentrators, the first one preferred.
    pub concentrators: Vec<Concentrator>,
    /// The académie's names, with everything below them, that its own resolvers answer for.
    #[serde(default)]
    pub names: Vec<String>,
    /// Those resolvers: addresses inside.
    #[serde(default)]
    pub resolvers: Vec<String>,
}

/// One end of the tunnel at the académie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concentrator {
    /// Its WireGuard key, in base64.
    pub key: String,
    /// Where it listens: `name:port` or `address:port`.
    pub endpoint: String,
    /// The networks behind it.
    pub networks: Vec<String>,
    /// The key that this box and this concentrator share beforehand, in base64. Secret. It belongs to the key of the box that
    /// central names it for, and is another for the next one.
    #[serde(default)]
    pub preshared: Option<String>,
    /// The way through TCP for lines that carry no UDP (see [`relay`](super::relay)): `name:port`.
    #[serde(default)]
    pub tls: Option<String>,
}

/// The path of the tunnel's parameters.
pub const TUNNEL_PATH: &str = "/v1/tunnel";

/// The path for the box's next key inside the tunnel.
pub const TUNNEL_KEY_PATH: &str = "/v1/tunnel-key";

/// The tunnel's parameters as they are at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelNow {
    /// Their version, as [`Answer::tunnel`](super::line::Answer::tunnel) tells it.
    pub version: u64,
    /// The box's key that they are for, in base64: each has shared keys of its own.
    pub key: String,
    /// The tunnel; none where the académie has none.
    pub tunnel: Option<Tunnel>,
}

/// What a box says of its keys inside the tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelKey {
    /// The public half of the key, in base64.
    pub key: String,
    /// Whether a concentrator has answered to it, so that the one before may be dropped. Where it is false the key is to be
    /// accepted beside the one before; the answer to both is a [`TunnelNow`] for this key.
    pub stands: bool,
}

/// How a school's box is set up, kept by central so that another machine can take its place. No secret and no person is in
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The configuration file.
    pub configuration: String,
    /// Machines that were registered on pages: hardware address, name, kind, room.
    pub devices: Vec<[String; 4]>,
}

/// What a box sends for its next certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// A certificate request (PKCS #10, PEM): with the key it has, or with another one.
    pub request: String,
}

/// The next certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewed {
    /// The box's certificate and what leads to the authority, PEM.
    pub certificate: String,
    /// The authorities that may sign central's own certificates, PEM: two while one follows another.
    pub authority: String,
}

/// What a box sends for the certificate of its portal's public name, to `POST /v1/portal-certificate`. The answer may take
/// minutes; where it did not come, the same request is asked for again and answered with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalRequest {
    /// A certificate request (PKCS #10, PEM) for that name alone, with the portal's key.
    pub request: String,
}

/// The portal's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalCertificate {
    /// It and what leads to a public authority, PEM.
    pub certificate: String,
}

/// Why something was refused, as the body of an answer with a status of 4xx or 5xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// A word for programs, such as `token-spent`.
    pub code: String,
    /// A sentence for technicians.
    pub sentence: String,
}
