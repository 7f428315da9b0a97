//! nginx with its stream module.

use std::fmt::Write as _;

use super::{Balancer, Target};

/// `nginx.conf`. Free nginx asks nobody for health: it leaves a manager out for 30 seconds after two connections failed.
pub fn nginx(balancer: &Balancer) -> String {
    let mut text = String::from(
        "# TCP only: TLS ends in the managers, so that client certificates reach them.\n\
         worker_processes auto;\n\
         error_log stderr warn;\n\n\
         events {\n    worker_connections 4096;\n}\n\n\
         stream {\n",
    );
    for listener in balancer.listeners() {
        let port = listener.target_port;
        let _ = writeln!(text, "    upstream managers_{port} {{");
        for manager in balancer.managers() {
            let target = Target(manager, port);
            let _ = writeln!(text, "        server {target} max_fails=2 fail_timeout=30s;");
        }
        let _ = writeln!(text, "    }}");
        let _ = writeln!(text, "    server {{");
        let _ = writeln!(text, "        listen {};", listener.port);
        let _ = writeln!(text, "        proxy_pass managers_{port};");
        let _ = writeln!(text, "        proxy_connect_timeout 5s;");
        // Logs and events are followed for hours, with long silences.
        let _ = writeln!(text, "        proxy_timeout 1h;");
        let _ = writeln!(text, "    }}");
    }
    text.push_str("}\n");
    text
}
