//! A gateway with extensions, an upstream that shows what it was sent, and a client.

use frys_gateway::*;
use serde_json::{Value, json};

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// How long anything here may take.
pub const LONG: Duration = Duration::from_secs(20);

/// A filter that is made of functions; what it tells comes out at the test's end.
#[derive(Clone)]
pub struct Script {
    pub request: OnRequest,
    pub answer: fn(&Told, Answer, &mut Request<'_>, &mut FilterContext<'_>) -> Flow,
    pub response: Option<fn(&Told, &mut Response<'_>, &mut FilterContext<'_>) -> Flow>,
    pub end: Option<fn(&Told, &Outcome<'_>, &mut FilterContext<'_>)>,
    told: Sender<String>,
}

type OnRequest = fn(&Told, &mut Request<'_>, &mut FilterContext<'_>) -> Flow;

/// What a filter of a script has at hand.
pub struct Told {
    pub settings: Value,
    sender: Sender<String>,
}

impl Told {
    pub fn tell(&self, text: impl Into<String>) {
        // A test that has seen enough does not listen any more.
        let _ = self.sender.send(text.into());
    }
}

impl Script {
    /// One that sees requests, and whither what it tells goes.
    pub fn new(request: OnRequest) -> (Script, Receiver<String>) {
        let (told, heard) = mpsc::channel();
        let answer =
            |_: &Told, _: Answer, _: &mut Request<'_>, _: &mut FilterContext<'_>| Flow::Continue;
        (Script { request, answer, response: None, end: None, told }, heard)
    }
}

/// The filter of a script on one worker.
struct Played {
    script: Script,
    told: Told,
}

impl Filter for Played {
    fn needs(&self) -> Needs {
        let (response, end) = (self.script.response.is_some(), self.script.end.is_some());
        Needs { response, end, ..Needs::default() }
    }

    fn on_request(&self, request: &mut Request<'_>, context: &mut FilterContext<'_>) -> Flow {
        (self.script.request)(&self.told, request, context)
    }

    fn on_answer(
        &self,
        answer: Answer,
        request: &mut Request<'_>,
        context: &mut FilterContext<'_>,
    ) -> Flow {
        (self.script.answer)(&self.told, answer, request, context)
    }

    fn on_response(&self, response: &mut Response<'_>, context: &mut FilterContext<'_>) -> Flow {
        let on_response = self.script.response.expect("it was asked for");
        on_response(&self.told, response, context)
    }

    fn on_end(&self, outcome: &Outcome<'_>, context: &mut FilterContext<'_>) {
        let on_end = self.script.end.expect("it was asked for");
        on_end(&self.told, outcome, context);
    }
}

impl FilterFactory for Script {
    fn build(&self, context: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        let settings = context.settings().value().clone();
        let told = Told { settings, sender: self.told.clone() };
        Ok(Rc::new(Played { script: self.clone(), told }))
    }
}

/// Goes on.
pub fn pass(_: &Told, _: &mut Request<'_>, _: &mut FilterContext<'_>) -> Flow {
    Flow::Continue
}

/// A filter by its name.
pub fn custom(filter: &str, settings: Value) -> Middleware {
    Middleware::Custom(CustomConfig { filter: filter.into(), settings })
}

/// A route to an upstream.
pub fn route(path: &str, upstream: SocketAddr, middlewares: Vec<Middleware>) -> Route {
    Route {
        id: path.trim_matches(['/', '*']).to_owned() + "-route",
        path: path.into(),
        upstreams: vec![Upstream::new(format!("http://{upstream}").parse().expect("a URL"))],
        middlewares,
        ..Route::default()
    }
}

/// A configuration of one worker, on a port that the system chooses.
pub fn config(routes: Vec<Route>) -> GatewayConfig {
    GatewayConfig {
        listen_addr: "127.0.0.1:0".parse().expect("an address"),
        workers: Workers::Count(1),
        admin: AdminConfig { enabled: false, ..AdminConfig::default() },
        routes,
        ..GatewayConfig::default()
    }
}

/// A gateway that serves, until the test ends.
pub struct Serving {
    running: Option<Running>,
    pub handle: Handle,
    pub address: SocketAddr,
}

impl Serving {
    pub fn start(config: GatewayConfig, extensions: Extensions) -> Serving {
        let gateway = Gateway::checked_with(config, extensions).expect("it is right");
        Serving::launch(&gateway)
    }

    pub fn launch(gateway: &Gateway) -> Serving {
        let mut running = gateway.launch().expect("it starts");
        running.wait_ready().expect("it serves");
        let ListenAddress::Tcp(address) = running.addresses()[0].clone() else {
            panic!("a TCP listener")
        };
        let handle = running.handle();
        Serving { running: Some(running), handle, address }
    }

    /// Serves another configuration.
    pub fn replace(&self, config: GatewayConfig) {
        let replaced = block_on(self.handle.replace(config));
        replaced.expect("every worker takes it");
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// One GET on a connection of its own.
    pub fn get(&self, target: &str) -> Reaction {
        self.client().ask(&format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.handle().stop();
            let ended = running.wait();
            if !std::thread::panicking() {
                ended.expect("it ends in order");
            }
        }
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// An answer: its status, its head, its body.
#[derive(Debug)]
pub struct Reaction {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reaction {
    /// The values of a field, in their order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The value of a field that stands there once.
    #[track_caller]
    pub fn field(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [value] => value,
            _ => panic!("{name} is not there once: {}", self.head),
        }
    }

    /// What the upstream was sent, by its own account.
    pub fn upstream(&self) -> Value {
        serde_json::from_str(&self.body).expect("the upstream's answer")
    }
}

/// A client's connection.
pub struct Client {
    pub stream: BufReader<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(LONG)).expect("an open socket");
        stream.set_nodelay(true).expect("an open socket");
        Client { stream: BufReader::new(stream) }
    }

    pub fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).expect("the gateway reads");
    }

    pub fn ask(&mut self, text: &str) -> Reaction {
        self.send(text);
        self.answer()
    }

    pub fn answer(&mut self) -> Reaction {
        let head = read_head(&mut self.stream).expect("an answer");
        let status = head.get(9..12).and_then(|text| text.parse().ok()).expect("a status");
        let answer = Reaction { status, head, body: String::new() };
        let length = answer
            .all("Content-Length")
            .first()
            .map_or(0, |text| text.parse::<usize>().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("the whole body");
        Reaction { body: String::from_utf8(body).expect("text"), ..answer }
    }

    /// Whether the gateway closes the connection and sends nothing more.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }
}

/// The lines of a head with their ends; none at the end of the stream.
fn read_head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// An upstream that answers with what it was sent: its name, the first line and the fields. A path
/// with `/wait` in it is answered when the test lets it.
pub fn upstream(name: &'static str) -> SocketAddr {
    waiting_upstream(name).0
}

/// The same, and whoever holds back the answers to `/wait`.
pub fn waiting_upstream(name: &'static str) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let (go, gone) = mpsc::channel();
    std::thread::spawn(move || {
        let gone = std::sync::Arc::new(std::sync::Mutex::new(gone));
        for stream in listener.incoming() {
            let gone = gone.clone();
            let mut stream = BufReader::new(stream.expect("a connection"));
            std::thread::spawn(move || {
                while let Some(head) = read_head(&mut stream) {
                    if head.contains(" /wait") {
                        let gone = gone.lock().expect("no other panics");
                        gone.recv_timeout(LONG).expect("the test lets it go on");
                    }
                    let text = shown(name, &head);
                    // A gateway that left needs no answer.
                    let _ = stream.get_mut().write_all(text.as_bytes());
                }
            });
        }
    });
    (address, go)
}

fn shown(name: &str, head: &str) -> String {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let fields = lines.filter_map(|line| line.split_once(": "));
    let fields: serde_json::Map<String, Value> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    let body = json!({ "name": name, "line": first, "fields": fields }).to_string();
    format!("HTTP/1.1 200 OK\r\nX-From: {name}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The next that a filter tells.
#[track_caller]
pub fn heard(receiver: &Receiver<String>) -> String {
    receiver.recv_timeout(LONG).expect("the filter tells something")
}
