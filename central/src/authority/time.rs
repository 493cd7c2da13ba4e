//! Moments as certificates write them.

use std::time::Duration;

use preau::model::Moment;
use rcgen::{CertificateParams, date_time_ymd};

/// Has the certificate hold from `from` to `until`, in whole seconds; what is before 1970 is 1970.
pub(super) fn hold(params: &mut CertificateParams, from: Moment, until: Moment) {
    let since_1970 = |moment: Moment| Duration::from_secs(u64::try_from(moment.unix_seconds()).unwrap_or(0));
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(from);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(until);
}
