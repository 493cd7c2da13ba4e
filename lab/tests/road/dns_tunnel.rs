//! A real tunnel inside DNS, from pupils' machines to a server of their own behind the school's resolver.

use std::{sync::OnceLock, time::Duration};

use preau_lab::{
    Lab, Running,
    plan::{INTERNET, PEDAGOGIQUE, RESOLVERS},
};

use crate::asking::{OPEN, beside_others, box_status, dig, run, until};

/// The tunnel's own domain; everything else goes on as before.
const DOMAIN: &str = "t.tunnel.example";

/// Puts a forwarder that knows the tunnel's domain before the Internet's resolver, and the far end behind it.
const FAR_END: &str = "
    nft add table inet tunnel
    nft add chain inet tunnel arriving '{ type nat hook prerouting priority dstnat; }'
    nft add rule inet tunnel arriving ip daddr $1 udp dport 53 redirect to :5300
    nft add rule inet tunnel arriving ip6 daddr $2 udp dport 53 redirect to :5300
    mkdir -p far; head -c 65536 /dev/urandom > far/much
    iodined -f -c -P secret -p 5301 10.99.0.1/24 $0 &
    python3 -m http.server --directory far 8000 &
    exec dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --cache-size=0 --port=5300 --user=root \
      --group= --pid-file= --log-queries --log-facility=- --server=/$0/127.0.0.1#5301 --server=$1 > questions 2>&1";

/// Opens the tunnel with small answers, which it begins with nothing to probe, and fetches what it can in 40 s.
const FETCH: &str = "
    timeout 60 iodine -f -r -m 150 -T TXT -P secret $0 $1 > iodine.log 2>&1 &
    for second in $(seq 30); do ip addr show dns0 2>&1 | grep -q 'inet 10[.]99' && break; sleep 1; done; sleep 1
    curl --silent --max-time 40 --output got http://10.99.0.1:8000/much
    cat got 2> /dev/null | wc -c";

/// A school with the far end of the tunnel, where nobody has signed in.
fn lab() -> &'static Lab {
    static LAB: OnceLock<(Lab, Running)> = OnceLock::new();
    let (lab, _) = LAB.get_or_init(|| {
        let lab = Lab::start().expect("the lab must start");
        let arguments = ["sh", "-c", FAR_END, DOMAIN, RESOLVERS[0], RESOLVERS[1]];
        let far_end = lab.spawn(INTERNET, "far-end", &arguments).expect("the far end must start");
        let opens =
            ["sh", "-c", "dig +short +time=1 +tries=1 -p 5300 @127.0.0.1 \"$0\" | grep -q '^[0-9]'", OPEN];
        until(20, "the far end answers", || lab.run(INTERNET, &opens).is_ok_and(|output| output.succeeded()));
        (lab, far_end)
    });
    lab
}

/// How many questions for the tunnel's domain its far end has seen.
fn questions() -> usize {
    let count = "grep -c \"query.*$0\" questions || true";
    run(lab(), INTERNET, &["sh", "-c", count, DOMAIN]).trim().parse().unwrap()
}

#[test]
fn a_tunnel_reaches_nobody_before_sign_in_and_is_held_after_it() {
    let _shared = beside_others();
    let lab = lab();
    let attempt = ["timeout", "12", "iodine", "-f", "-r", "-P", "secret", PEDAGOGIQUE[0], DOMAIN];
    let before = lab.run("eleve", &attempt).unwrap();
    assert!(!before.succeeded(), "{before:?}");
    assert_eq!(questions(), 0, "before sign-in nothing is asked upstream");

    lab.sign_in_user("eleve").unwrap();
    let fetch = ["bash", "-c", FETCH, PEDAGOGIQUE[0], DOMAIN];
    let fetched = lab.run_for("eleve", &fetch, Duration::from_secs(120)).unwrap().checked().unwrap();
    let fetched: usize = fetched.lines().last().unwrap().trim().parse().unwrap();
    assert!(questions() > 20, "the tunnel was tried: {}", questions());
    assert!(fetched < 16 * 1024, "{fetched} of 65536 bytes came through");
    assert_eq!(box_status(lab)["tunnels_held"], 1);
    assert!(!dig(lab, "eleve", &[OPEN]).is_empty(), "the rest goes on");
}
