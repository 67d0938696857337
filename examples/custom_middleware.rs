//! A filter and a load balancer of one's own, in a gateway inside another program.
//!
//! `audit` counts the requests of its routes, tells the upstream and the client which one this is,
//! and turns callers away that its settings name. `recent` prefers the upstream that answered
//! fastest of late. The program starts two upstreams and a gateway in front of them, calls it,
//! gives it other settings while it serves, and calls it again: the count goes on.

use frys_gateway::*;
use serde::Deserialize;
use serde_json::json;

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

/// What the configuration tells the filter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditSettings {
    /// The field that tells upstream and client the number of their request.
    #[serde(default = "default_field")]
    field: String,
    /// Callers, by the field `X-Caller`, that are turned away.
    #[serde(default)]
    refused: Vec<String>,
}

fn default_field() -> String {
    "X-Audit-Number".to_owned()
}

/// Makes a filter for each worker.
struct AuditFactory;

impl FilterFactory for AuditFactory {
    fn check(&self, settings: &Settings) -> Result<(), String> {
        let settings: AuditSettings = settings.read()?;
        match settings.field.starts_with("X-") {
            true => Ok(()),
            false => Err(format!("`{}` does not begin with `X-`", settings.field)),
        }
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        // What this worker has counted under other settings goes on.
        let count = context.previous_as::<Audit>().map(|before| Rc::clone(&before.count));
        Ok(Rc::new(Audit {
            settings: context.settings().read()?,
            count: count.unwrap_or_default(),
        }))
    }
}

/// The filter of one worker: no lock, since no other thread sees it.
struct Audit {
    settings: AuditSettings,
    count: Rc<Cell<u64>>,
}

/// What it keeps for one exchange.
struct Number(String);

impl Filter for Audit {
    fn needs(&self) -> Needs {
        Needs { response: true, ..Needs::default() }
    }

    fn on_request(&self, request: &mut Request<'_>, context: &mut FilterContext<'_>) -> Flow {
        self.count.set(self.count.get() + 1);
        let caller = request.field("X-Caller").unwrap_or_default();
        if self.settings.refused.iter().any(|refused| refused.as_bytes() == caller) {
            let reply = Reply::new(Status::FORBIDDEN).text("not for this caller\n");
            return Flow::Respond(reply);
        }
        let number = self.count.get().to_string();
        request.set(&self.settings.field, &number).expect("it was checked");
        context.set(Box::new(Number(number)));
        Flow::Continue
    }

    fn on_response(&self, response: &mut Response<'_>, context: &mut FilterContext<'_>) -> Flow {
        if let Some(Number(number)) = context.get() {
            response.set(&self.settings.field, number).expect("it was checked");
        }
        Flow::Continue
    }
}

/// Makes a balancer for each cluster and worker.
struct RecentFactory;

impl LoadBalancerFactory for RecentFactory {
    fn build(&self, _: &BalancerContext<'_>) -> Result<Box<dyn LoadBalancer>, String> {
        Ok(Box::new(Recent::default()))
    }
}

/// Prefers who answered fastest of late.
#[derive(Default)]
struct Recent {
    /// By the endpoint's identity, which outlives a change of the configuration: a mean in which
    /// the latest answers weigh most.
    first_bytes: HashMap<u64, Duration>,
}

impl LoadBalancer for Recent {
    fn pick(
        &mut self,
        endpoints: &Endpoints<'_>,
        _: u64,
        tried: &EndpointSet,
    ) -> Option<EndpointId> {
        let known = |endpoint: &Endpoint| self.first_bytes.get(&endpoint.identity).copied();
        // Of whom nothing is known is found out first.
        let fastest = endpoints
            .eligible(tried)
            .min_by_key(|(_, endpoint)| known(endpoint).unwrap_or_default());
        fastest.map(|(id, _)| id)
    }

    fn on_attempt(&mut self, attempt: &Attempt) {
        let latest = match attempt.end {
            AttemptEnd::Answered { .. } => attempt.first_byte.unwrap_or(attempt.duration),
            // As if it had taken a second: it comes last for a while.
            AttemptEnd::Failed => Duration::from_secs(1),
            _ => return,
        };
        let mean = self.first_bytes.entry(attempt.endpoint.identity).or_insert(latest);
        *mean = (*mean * 3 + latest) / 4;
    }

    fn install(&mut self, _: &Endpoints<'_>, next: &Endpoints<'_>) {
        self.first_bytes.retain(|identity, _| next.place_of(*identity).is_some());
    }
}

/// Both, by the names that a configuration uses.
pub fn extensions() -> Extensions {
    Extensions::new().filter("audit", AuditFactory).balancer("recent", RecentFactory)
}

/// A gateway on a port that the system chooses. In a file this is
///
/// ```toml
/// [[routes]]
/// path = "/*"
/// upstreams = [{ url = "http://127.0.0.1:9001" }, { url = "http://127.0.0.1:9002" }]
/// load_balancer = { custom = "recent" }
/// custom = { filter = "audit", settings = { refused = ["nobody"] } }
/// ```
pub fn config(
    upstreams: &[SocketAddr],
    settings: serde_json::Value,
) -> Result<GatewayConfig, Box<dyn Error>> {
    let upstream = |address| Ok(Upstream::new(format!("http://{address}").parse()?));
    let audit = CustomConfig { filter: "audit".into(), settings };
    Ok(GatewayConfig {
        listen_addr: "127.0.0.1:0".parse()?,
        workers: Workers::Count(1),
        admin: AdminConfig { enabled: false, ..Default::default() },
        routes: vec![Route {
            id: "all".into(),
            path: "/*".into(),
            upstreams: upstreams.iter().map(upstream).collect::<Result<_, Box<dyn Error>>>()?,
            load_balancer: LoadBalancerType::Custom(CustomBalancer::new("recent")),
            middlewares: vec![Middleware::Custom(audit)],
            ..Default::default()
        }],
        ..Default::default()
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstreams = [upstream()?, upstream()?];
    let first = config(&upstreams, json!({ "refused": ["nobody"] }))?;
    let gateway = Gateway::with_extensions(first, extensions()).await?;
    let mut running = gateway.launch()?;
    running.ready().await?;
    let ListenAddress::Tcp(address) = running.addresses()[0].clone() else {
        return Err("no TCP listener".into());
    };
    println!("{}", call(address, "somebody")?);
    println!("{}", call(address, "nobody")?);

    // Other settings, and it goes on to count. The port stays, since the address says the same.
    running.handle().replace(config(&upstreams, json!({ "field": "X-Number" }))?).await?;
    println!("{}", call(address, "nobody")?);

    running.handle().drain();
    running.ended().await?;
    Ok(())
}

/// One request; the whole answer.
pub fn call(address: SocketAddr, caller: &str) -> Result<String, Box<dyn Error>> {
    let mut client = TcpStream::connect(address)?;
    let head = format!("GET / HTTP/1.1\r\nHost: example.com\r\nX-Caller: {caller}\r\n");
    client.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    Ok(text)
}

/// An upstream that answers with the number that it was told.
pub fn upstream() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            // A gateway that left needs no answer.
            std::thread::spawn(|| answer(stream));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let bytes = stream.read(&mut piece)?;
        if bytes == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..bytes]);
        if head.ends_with(b"\r\n\r\n") {
            let told = String::from_utf8_lossy(&head);
            let number = told.lines().find(|line| line.contains("Number: ")).unwrap_or("none");
            let body = format!("the upstream was told {number}\n");
            let length = body.len();
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes())?;
            head.clear();
        }
    }
}
