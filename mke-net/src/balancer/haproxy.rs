//! HAProxy in mode tcp, asking each manager for its health.

use std::fmt::Write as _;

use super::{Balancer, Health, Target};

/// `haproxy.cfg`. The check does not verify the manager's certificate, because nothing secret is sent and clients
/// verify it themselves.
pub fn haproxy(balancer: &Balancer) -> String {
    let mut text = String::from(
        "# TCP only: TLS ends in the managers, so that client certificates reach them.\n\
         global\n    log stderr format raw local0 notice\n    maxconn 4096\n\n\
         defaults\n    mode tcp\n    log global\n    option dontlognull\n    option redispatch\n    retries 3\n    \
         timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n    timeout tunnel 1h\n    timeout check 5s\n",
    );
    for listener in balancer.listeners() {
        let port = listener.target_port;
        let _ = write!(
            text,
            "\nfrontend in_{port}\n    bind :{}\n    default_backend managers_{port}\n\nbackend managers_{port}\n    \
             balance leastconn\n",
            listener.port
        );
        let check = match listener.health {
            Health::Ping => {
                let _ = writeln!(text, "    option httpchk");
                let _ = writeln!(
                    text,
                    "    http-check send meth GET uri /_ping ver HTTP/1.1 hdr Host {}",
                    balancer.name()
                );
                let _ = writeln!(text, "    http-check expect status 200");
                "check check-ssl verify none"
            }
            Health::Connect => "check",
        };
        for (number, manager) in (1..).zip(balancer.managers()) {
            let target = Target(manager, port);
            let _ = writeln!(
                text,
                "    server manager{number} {target} {check} inter 5s fall 2 rise 2"
            );
        }
    }
    text
}
