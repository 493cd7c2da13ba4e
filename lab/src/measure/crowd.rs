//! Two hundred machines that sign in: interfaces with hardware addresses of their own (macvlan) behind the pupil's card,
//! a fixed IPv4 address each, and curl, which sends the portal's form from each of them.
//!
//! To the box they are two hundred machines on one port of its switch. They have no lease and no IPv6.

use std::{fmt::Write as _, time::Duration};

use anyhow::bail;
use tokio::time::Instant;

use crate::{
    Lab,
    plan::{PASSWORD, PEDAGOGIQUE, PORTAL, SIGN_IN_FIELDS},
};

/// How many machines, below 250: each is the last byte of an address.
pub(super) const MACHINES: u32 = 200;

/// Machines that sign in at the same time.
const AT_ONCE: u32 = 4;

/// How long all sign-ins together may take.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// The accounts file with one more pupil for each machine, all with the password of the first account in it.
pub(super) fn accounts(accounts: &str) -> String {
    let hash = accounts.lines().nth(1).and_then(|line| line.split_once('"')).map_or("", |(_, hash)| hash);
    let mut text = accounts.trim_end().to_owned();
    for number in 1..=MACHINES {
        write!(text, "\nm-{number:04},mesure.{number},Mesure {number},eleve,6A,\"{hash}")
            .expect("writing to a string cannot fail");
    }
    text.push('\n');
    text
}

/// Makes the machines, signs each in once, and takes them away again; their sessions stay. Says how long the sign-ins
/// took together, in seconds.
///
/// # Errors
/// When one of them is not let in.
pub(super) fn sign_in(lab: &Lab) -> anyhow::Result<f64> {
    lab.run("eleve", &["sh", "-ec", &machines_script()])?.checked()?;
    let started = Instant::now();
    let output = lab.run_for("eleve", &["sh", "-ec", &sign_in_script()], WAIT_MAX)?;
    let seconds = started.elapsed().as_secs_f64();
    let let_in = output.stdout.lines().filter(|status| status.starts_with(['2', '3'])).count();
    if let_in != usize::try_from(MACHINES)? {
        bail!("{let_in} of {MACHINES} machines signed in; curl says: {}", output.stderr.trim());
    }
    let mut removal = String::from("ip -batch - <<E\n");
    for number in 1..=MACHINES {
        writeln!(removal, "link del m{number}")?;
    }
    lab.run("eleve", &["sh", "-ec", &(removal + "E\n")])?.checked()?;
    Ok(seconds)
}

/// The machines answer for their own address only, as machines with one card each do.
fn machines_script() -> String {
    let mut script = String::from(
        "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2\n\
         sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0\n\
         sysctl -qw net.ipv6.conf.default.disable_ipv6=1\n\
         ip -batch - <<E\n",
    );
    for number in 1..=MACHINES {
        write!(
            script,
            "link add link eth0 name m{number} address 02:00:5e:20:00:{number:02x} type macvlan mode bridge\n\
             link set m{number} up\naddr add 10.10.2.{number}/22 dev m{number}\n"
        )
        .expect("writing to a string cannot fail");
    }
    script + "E\n"
}

fn sign_in_script() -> String {
    let ([login, password], [v4, _]) = (SIGN_IN_FIELDS, PEDAGOGIQUE);
    format!(
        "seq 1 {MACHINES} | xargs -P {AT_ONCE} -I@ curl --silent --show-error --max-time 20 --interface m@ \
         --resolve {PORTAL}:443:{v4} --output /dev/null --write-out '%{{http_code}}\\n' \
         --data-urlencode {login}=mesure.@ --data-urlencode {password}={PASSWORD} https://{PORTAL}/connexion"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_an_account_with_a_password_of_the_lab() {
        let text = accounts("id,login,name,role,classes,password\ne-1,a,A,eleve,6A,\"$hash\"\n");
        assert_eq!(text.lines().count(), 202);
        assert_eq!(text.lines().last(), Some("m-0200,mesure.200,Mesure 200,eleve,6A,\"$hash\""));
    }
}
