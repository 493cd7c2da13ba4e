//! A portal for the tests of the area: a school with a referent, a pupil, a teacher and a visitor, each at a machine.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Announcements, Devices, Office, Openings, Requests, Snapshot, Vouchers},
    enforce::{
        dns::{self, Resolver},
        gate::Gate,
        sign_in::SignIn,
    },
    identity::test_school::{address, zone},
    journal::{self, Journal},
    lan::Leases,
    model::{Role, Zone},
    policy::Policy,
    portal::{
        acts::{Acts, Sights},
        page_tests::settings,
        secure::{self, Secure},
        visitor::Visitor,
    },
};
