//! What the authority keeps.

use crate::database::Part;

/// The authority's part of the database.
///
/// Of a token only the BLAKE3 of its secret is kept; one row a school is the living one. A certificate stays until it could
/// not be renewed any more, so that a revoked one is known for as long as it could be shown. Of the tunnel only public keys are
/// kept here; the keys that box and concentrator share are made of a secret in the folder of keys.
pub const PART: Part = Part {
    name: "authority",
    steps: &[
        "
        CREATE TABLE authority_token (
            digest TEXT PRIMARY KEY,
            school TEXT NOT NULL UNIQUE,
            replaces BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            spent BIGINT,
            spent_by TEXT
        );
        CREATE TABLE authority_box (
            school TEXT PRIMARY KEY,
            sealing TEXT NOT NULL,
            tunnel TEXT NOT NULL,
            version TEXT NOT NULL,
            enrolled BIGINT NOT NULL,
            revoked BIGINT
        );
        CREATE TABLE authority_certificate (
            serial TEXT PRIMARY KEY,
            school TEXT NOT NULL,
            request_key TEXT NOT NULL,
            issued BIGINT NOT NULL,
            ends BIGINT NOT NULL,
            revoked BIGINT
        );
        CREATE INDEX authority_certificate_school ON authority_certificate (school, issued);
        CREATE TABLE authority_setup (
            school TEXT PRIMARY KEY,
            setup TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE TABLE authority_concentrator (
            tunnel_key TEXT PRIMARY KEY,
            place BIGINT NOT NULL,
            endpoint TEXT NOT NULL,
            networks TEXT NOT NULL
        );
        CREATE TABLE authority_prefix (
            prefix TEXT PRIMARY KEY
        );
        CREATE TABLE authority_address (
            prefix TEXT NOT NULL,
            number BIGINT NOT NULL,
            school TEXT NOT NULL,
            PRIMARY KEY (prefix, number),
            UNIQUE (prefix, school)
        );
        CREATE TABLE authority_portal_name (
            name TEXT PRIMARY KEY,
            school TEXT NOT NULL
        );
        CREATE TABLE authority_portal_certificate (
            request TEXT PRIMARY KEY,
            school TEXT NOT NULL,
            chain TEXT NOT NULL,
            issued BIGINT NOT NULL
        );
        CREATE TABLE authority_acme_account (
            directory TEXT PRIMARY KEY,
            credentials TEXT NOT NULL
        );
    ",
        "
        ALTER TABLE authority_concentrator ADD COLUMN name TEXT NOT NULL DEFAULT '';
        ALTER TABLE authority_concentrator ADD COLUMN tls TEXT;
        ALTER TABLE authority_box ADD COLUMN tunnel_next TEXT;
        ALTER TABLE authority_box ADD COLUMN tunnel_since BIGINT;
        CREATE TABLE authority_tunnel (
            word TEXT PRIMARY KEY,
            value TEXT NOT NULL
        );
        CREATE TABLE authority_tunnel_key (
            school TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE INDEX authority_tunnel_key_school ON authority_tunnel_key (school, at);
    ",
    ],
};
