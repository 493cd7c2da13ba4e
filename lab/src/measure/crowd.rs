//! Five hundred machines that sign in: interfaces with hardware addresses of their own (macvlan) behind the pupil's card,
//! and a fixed IPv4 address each.
//!
//! To the box they are five hundred machines on one port of its switch. They have no lease and no IPv6.

use std::fmt::Write as _;

use crate::{Lab, plan::PEDAGOGIQUE};

/// How many machines.
pub(super) const MACHINES: u32 = 500;

/// How many of them have a way out.
pub(super) const MACHINES_WITH_ROUTE: u32 = 5;

/// Machines whose addresses differ in the last byte only.
const MACHINES_OF_A_ROW: u32 = 250;

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

/// Makes the machines.
///
/// # Errors
/// When the kernel refuses them.
pub(super) fn plug_in(lab: &Lab) -> anyhow::Result<()> {
    lab.run("eleve", &["sh", "-ec", &machines_script()])?.checked().map(drop)
}

/// Takes the machines away; their sessions stay.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn unplug(lab: &Lab) -> anyhow::Result<()> {
    let mut removal = String::from("ip -batch - <<E\n");
    for number in 1..=MACHINES {
        writeln!(removal, "link del m{number}")?;
    }
    lab.run("eleve", &["sh", "-ec", &(removal + "E\n")])?.checked().map(drop)
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
        // Rows in which the plan's machines have no lease.
        let (row, place) = (number.div_ceil(MACHINES_OF_A_ROW) + 1, (number - 1) % MACHINES_OF_A_ROW + 1);
        write!(
            script,
            "link add link eth0 name m{number} address 02:00:5e:20:{row:02x}:{place:02x} type macvlan mode bridge\n\
             link set m{number} up\naddr add 10.10.{row}.{place}/22 dev m{number}\n"
        )
        .expect("writing to a string cannot fail");
    }
    let [gateway, _] = PEDAGOGIQUE;
    for number in 1..=MACHINES_WITH_ROUTE {
        // After the pupil's own, and each with a metric of its own: there is one table for all of them.
        writeln!(script, "route add default via {gateway} dev m{number} metric {}", 10_000 + number)
            .expect("writing to a string cannot fail");
    }
    script + "E\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_an_account_with_a_password_of_the_lab() {
        let text = accounts("id,login,name,role,classes,password\ne-1,a,A,eleve,6A,\"$hash\"\n");
        assert_eq!(text.lines().count(), 502);
        assert_eq!(text.lines().last(), Some("m-0500,mesure.500,Mesure 500,eleve,6A,\"$hash\""));
    }
}
