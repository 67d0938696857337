//! The README's library example: two weighted upstreams behind one route, until the process ends.
//!
//! `cargo run --release --example quick_start`, then
//! `curl -i http://127.0.0.1:8080/api/v1/hello`.

use frys_gateway::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = GatewayConfig {
        listen_addr: "127.0.0.1:8080".parse()?,
        routes: vec![Route {
            id: "api-v1".into(),
            path: "/api/v1/*".into(),
            methods: vec![Method::GET, Method::POST],
            upstreams: vec![
                Upstream { url: "http://127.0.0.1:9001".parse()?, weight: 70 },
                Upstream { url: "http://127.0.0.1:9002".parse()?, weight: 30 },
            ],
            load_balancer: LoadBalancerType::WeightedRoundRobin,
            ..Default::default()
        }],
        ..Default::default()
    };
    let gateway = Gateway::new(config).await?;
    gateway.start().await?;
    Ok(())
}
