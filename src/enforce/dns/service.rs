//! The service: sockets in each zone, and the tasks that answer on them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{desk::Desk, line, resolver::Resolver, tcp::TcpDoor, tunnels::Tunnels, udp::UdpDoor};
use crate::{
    enforce::{firewall::Opened, gate::Gate},
    model::{Domain, Zone},
    system::sockets,
};

/// What the resolver needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The servers that questions are forwarded to, in order of preference. With none, nothing is resolved.
    pub upstreams: Vec<SocketAddr>,
    /// The box's own names, answered with its address in the asker's zone.
    pub own_names: Vec<Domain>,
    /// Sites that the box fronts as their reverse proxy (decision D15): whoever the gate allows them is answered with its address
    /// in the asker's zone.
    pub fronted_names: Vec<Domain>,
    /// Names of machines inside the school, answered with their address in the zone that holds it and nowhere else.
    pub local_names: Vec<(Domain, IpAddr)>,
    /// The zones it serves, each on the box's own addresses there.
    pub zones: Vec<Arc<Zone>>,
    /// The port it listens on, over UDP and TCP: 53, or 0 for a free one in tests.
    pub listen_port: u16,
    /// The port it has datagrams on that were meant for another resolver; 0 as above.
    pub redirected_port: u16,
}

/// The DNS service, its sockets bound.
#[derive(Debug)]
pub struct Service {
    desk: Arc<Desk>,
    doors: Vec<Door>,
}

#[derive(Debug)]
struct Door {
    zone: Arc<Zone>,
    /// For questions to the box, and for those that the packet filter turned to it.
    udp: [UdpSocket; 2],
    tcp: TcpListener,
}

impl Door {
    /// The same sockets, woken by the runtime that calls.
    fn moved_here(self) -> io::Result<Self> {
        let [asked, redirected] = self.udp;
        let udp = [UdpSocket::from_std(asked.into_std()?)?, UdpSocket::from_std(redirected.into_std()?)?];
        let tcp = TcpListener::from_std(self.tcp.into_std()?)?;
        Ok(Self { zone: self.zone, udp, tcp })
    }
}

impl Service {
    /// Binds two UDP sockets and a TCP socket on both of the box's addresses in each zone.
    ///
    /// # Errors
    /// When the kernel refuses a socket.
    pub fn bind(settings: &Settings, gate: Gate, resolver: Resolver, opened: Opened) -> anyhow::Result<Self> {
        let mut doors = Vec::new();
        for zone in &settings.zones {
            for address in [IpAddr::V4(zone.ipv4.addr()), IpAddr::V6(zone.ipv6.addr())] {
                let udp = |port| {
                    sockets::bind_udp(SocketAddr::new(address, port))
                        .with_context(|| format!("cannot bind udp port {port} in zone `{}`", zone.name))
                };
                let udp = [udp(settings.listen_port)?, udp(settings.redirected_port)?];
                let address = SocketAddr::new(address, settings.listen_port);
                let tcp = sockets::listen_tcp(address).with_context(|| {
                    format!("cannot listen on tcp port {} in zone `{}`", address.port(), zone.name)
                })?;
                doors.push(Door { zone: Arc::clone(zone), udp, tcp });
            }
        }
        Ok(Self { desk: Arc::new(Desk::new(gate, resolver, opened)), doors })
    }

    /// What its clients say and hear, counted against tunnels.
    #[must_use]
    pub fn tunnels(&self) -> Tunnels {
        self.desk.tunnels.clone()
    }

    /// Answers questions until `stop`, on the runtime that calls, whichever it was that bound.
    ///
    /// # Errors
    /// When a socket fails for good.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for door in self.doors {
            let Door { zone, udp, tcp } = door.moved_here().context("cannot take over a dns socket")?;
            for socket in udp {
                let udp = UdpDoor::new(Arc::clone(&self.desk), Arc::clone(&zone), socket);
                tasks.spawn(udp.serve(stop.clone()));
            }
            let tcp = TcpDoor::new(Arc::clone(&self.desk), zone, tcp);
            tasks.spawn(tcp.serve(stop.clone()));
        }
        tasks.spawn(line::follow(self.desk.resolver.clone(), stop.clone()));
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(ended) = tasks.join_next() => match ended {
                // Doors end by the stop signal only.
                Ok(Ok(())) if stop.is_cancelled() => Ok(()),
                Ok(Ok(())) => Err(anyhow!("a dns socket ended on its own")),
                Ok(Err(cause)) => Err(cause),
                Err(cause) => Err(cause).context("a dns socket was cut short"),
            },
        };
        tasks.shutdown().await;
        self.desk.resolver.stop();
        outcome
    }
}
