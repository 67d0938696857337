//! Addresses of upstream names: asked for again as their time to live says, kept when nobody
//! answers.
//!
//! A and AAAA records, by the system's resolver configuration and `/etc/hosts`. AAAA are used only
//! for a name without A: a worker sends requests to each address in turn and not to the one that
//! answers first, so a family that the machine has no way to would fail its part of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::limits::{
    DNS_LOOKUP_MS_MAX, DNS_LOOKUPS_MAX, DNS_RETRY_MS_FIRST, DNS_RETRY_MS_MAX, DNS_TTL_MS_MAX,
    DNS_TTL_MS_MIN,
};

/// The last good addresses of each name, in rising order; none for one that never had any.
pub type Addresses = BTreeMap<String, Vec<IpAddr>>;

/// How often names are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// An answer is used at least this long, whatever its time to live.
    pub ttl_min: Duration,
    /// And at most this long.
    pub ttl_max: Duration,
    /// Until the first repetition of a question that failed; doubled each time.
    pub retry_first: Duration,
    /// Up to this.
    pub retry_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            ttl_min: Duration::from_millis(DNS_TTL_MS_MIN),
            ttl_max: Duration::from_millis(DNS_TTL_MS_MAX),
            retry_first: Duration::from_millis(DNS_RETRY_MS_FIRST),
            retry_max: Duration::from_millis(DNS_RETRY_MS_MAX),
        }
    }
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[error("the resolver cannot be set up: {0}")]
pub struct ResolveFault(#[from] NetError);

/// Asks name servers.
pub struct Resolver {
    inner: TokioResolver,
    pace: Pace,
}

impl Resolver {
    /// By `/etc/resolv.conf` and `/etc/hosts`; by the latter alone if the former cannot be read.
    ///
    /// # Errors
    /// [`ResolveFault`]: what the library says to its configuration.
    pub fn of_system() -> Result<Resolver, ResolveFault> {
        let builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "/etc/resolv.conf cannot be used; only /etc/hosts is");
            let config = ResolverConfig::from_name_servers(Vec::new());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        });
        Resolver::build(builder, Pace::default())
    }

    /// By these name servers.
    #[cfg(test)]
    pub(crate) fn with_servers(
        config: ResolverConfig,
        pace: Pace,
    ) -> Result<Resolver, ResolveFault> {
        let provider = TokioRuntimeProvider::default();
        Resolver::build(TokioResolver::builder_with_config(config, provider), pace)
    }

    fn build(
        mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
        pace: Pace,
    ) -> Result<Resolver, ResolveFault> {
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        // Each name is asked for when its time has come: a cache could only delay what is new.
        options.cache_size = 0;
        Ok(Resolver { inner: builder.build()?, pace })
    }

    /// Asks for these names now and from now on; call it within a runtime.
    pub fn watch(self, names: impl IntoIterator<Item = String>) -> Watched {
        let (addresses_told, addresses) = watch::channel(Addresses::new());
        let (unasked_told, unasked) = watch::channel(0);
        let mut watched = Watched {
            resolver: self,
            addresses,
            addresses_told,
            unasked,
            unasked_told,
            places: Arc::new(Semaphore::new(DNS_LOOKUPS_MAX)),
            tasks: BTreeMap::new(),
        };
        watched.add(names);
        watched.addresses.borrow_and_update();
        watched
    }
}

/// Names that are asked for until this is dropped.
pub struct Watched {
    resolver: Resolver,
    addresses: watch::Receiver<Addresses>,
    addresses_told: watch::Sender<Addresses>,
    unasked: watch::Receiver<usize>,
    unasked_told: watch::Sender<usize>,
    places: Arc<Semaphore>,
    tasks: BTreeMap<String, JoinHandle<()>>,
}

impl Watched {
    /// Asks for these too, where nobody does yet.
    pub fn add(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if self.tasks.contains_key(&name) {
                continue;
            }
            self.addresses_told.send_if_modified(|addresses| {
                addresses.entry(name.clone()).or_default();
                false
            });
            let lookup = Name {
                name: name.clone(),
                inner: self.resolver.inner.clone(),
                pace: self.resolver.pace,
                places: Arc::clone(&self.places),
                addresses: self.addresses_told.clone(),
                retry: None,
            };
            self.unasked_told.send_modify(|count| *count += 1);
            let task = tokio::spawn(lookup.run(Unasked(self.unasked_told.clone())));
            self.tasks.insert(name, task);
        }
    }

    /// Forgets all names but these.
    pub fn retain(&mut self, names: &BTreeSet<String>) {
        self.tasks.retain(|name, task| {
            let is_kept = names.contains(name);
            if !is_kept {
                task.abort();
            }
            is_kept
        });
        self.addresses_told.send_if_modified(|addresses| {
            addresses.retain(|name, _| names.contains(name));
            false
        });
    }

    /// Waits until each name was asked for once, with or without success.
    pub async fn first(&mut self) {
        // It cannot close: its other end is here.
        let _ = self.unasked.wait_for(|count| *count == 0).await;
    }

    /// Waits until there is something new; forever if no name is asked for.
    pub async fn changed(&mut self) {
        if self.addresses.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// All addresses as of now; [`Watched::changed`] then waits for what is newer.
    pub fn addresses(&mut self) -> Addresses {
        self.addresses.borrow_and_update().clone()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.values().for_each(JoinHandle::abort);
    }
}

/// A name that was not asked for yet, or that was given up before.
struct Unasked(watch::Sender<usize>);

impl Drop for Unasked {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// One name's task.
struct Name {
    name: String,
    inner: TokioResolver,
    pace: Pace,
    places: Arc<Semaphore>,
    addresses: watch::Sender<Addresses>,
    /// The pause before the last repetition, while the name fails.
    retry: Option<Duration>,
}

impl Name {
    async fn run(mut self, unasked: Unasked) {
        let mut pause = self.ask().await;
        drop(unasked);
        loop {
            tokio::time::sleep(pause).await;
            pause = self.ask().await;
        }
    }

    /// Asks once and says when to ask again.
    async fn ask(&mut self) -> Duration {
        let limit = Duration::from_millis(DNS_LOOKUP_MS_MAX);
        let place = self.places.acquire().await.expect("it is never closed");
        let answer = tokio::time::timeout(limit, self.inner.lookup_ip(&*self.name)).await;
        drop(place);
        match answer {
            Ok(Ok(lookup)) => {
                let mut found: Vec<IpAddr> = lookup.iter().collect();
                found.sort_unstable();
                found.dedup();
                if found.is_empty() {
                    return self.failed("the answer has no address");
                }
                self.succeeded(found);
                let ttl = lookup.valid_until().saturating_duration_since(Instant::now());
                ttl.clamp(self.pace.ttl_min, self.pace.ttl_max)
            }
            Ok(Err(error)) => self.failed(&error.to_string()),
            Err(_) => self.failed("no name server answered in time"),
        }
    }

    fn succeeded(&mut self, found: Vec<IpAddr>) {
        if self.retry.take().is_some() {
            tracing::info!(name = self.name, addresses = ?found, "the name resolves again");
        }
        self.addresses.send_if_modified(|addresses| {
            let known = addresses.get(&self.name);
            if known.is_none() || known == Some(&found) {
                return false;
            }
            tracing::debug!(name = self.name, addresses = ?found, "the name's addresses changed");
            addresses.insert(self.name.clone(), found);
            true
        });
    }

    fn failed(&mut self, error: &str) -> Duration {
        if self.retry.is_none() {
            let kept = self.addresses.borrow().get(&self.name).map_or(0, Vec::len);
            let name = &self.name;
            tracing::warn!(name, error, kept, "the name does not resolve; its addresses are kept");
        }
        let pause = match self.retry {
            None => self.pace.retry_first,
            Some(last) => last.saturating_mul(2),
        };
        let pause = pause.min(self.pace.retry_max);
        self.retry = Some(pause);
        pause
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;
    use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};

    use super::*;

    /// What the test's name server says to a question for A records.
    #[derive(Clone, Debug)]
    pub(crate) enum Says {
        Addresses { ttl_seconds: u32, addresses: Vec<Ipv4Addr> },
        NoSuchName,
        Failure,
    }

    /// A name server on loopback, as much of one as is needed here.
    pub(crate) struct NameServer {
        address: SocketAddr,
        says: Mutex<HashMap<String, Says>>,
        questions_count: AtomicUsize,
    }

    impl NameServer {
        pub(crate) fn start() -> Arc<NameServer> {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            let server = Arc::new(NameServer {
                address: socket.local_addr().expect("it is bound"),
                says: Mutex::default(),
                questions_count: AtomicUsize::new(0),
            });
            let weak = Arc::downgrade(&server);
            socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
            std::thread::spawn(move || {
                while let Some(server) = weak.upgrade() {
                    let mut question = [0; 512];
                    if let Ok((length, from)) = socket.recv_from(&mut question) {
                        let answer = server.answer(&question[..length]);
                        socket.send_to(&answer, from).expect("loopback");
                    }
                }
            });
            server
        }

        pub(crate) fn set(&self, name: &str, says: Says) {
            self.says.lock().expect("no panic").insert(name.to_owned(), says);
        }

        pub(crate) fn config(&self) -> ResolverConfig {
            let mut udp = ConnectionConfig::udp();
            udp.port = self.address.port();
            let server = NameServerConfig::new(self.address.ip(), true, vec![udp]);
            ResolverConfig::from_name_servers(vec![server])
        }

        fn questions_count(&self) -> usize {
            self.questions_count.load(Ordering::Relaxed)
        }

        fn answer(&self, message: &[u8]) -> Vec<u8> {
            let mut labels = Vec::new();
            let mut at = 12;
            while message[at] != 0 {
                let end = at + 1 + usize::from(message[at]);
                labels.push(String::from_utf8_lossy(&message[at + 1..end]).to_lowercase());
                at = end;
            }
            let question = &message[12..at + 5];
            let is_a = question.ends_with(&[0, 1, 0, 1]);
            self.questions_count.fetch_add(usize::from(is_a), Ordering::Relaxed);
            let says = self.says.lock().expect("no panic").get(&labels.join(".")).cloned();
            let (code, records) = match says {
                Some(Says::Addresses { ttl_seconds, addresses }) if is_a => {
                    (0, addresses.into_iter().map(|ip| (ttl_seconds, ip)).collect())
                }
                Some(Says::Addresses { .. }) => (0, Vec::new()),
                Some(Says::Failure) => (2, Vec::new()),
                Some(Says::NoSuchName) | None => (3, Vec::new()),
            };
            // RFC 1035 section 4.1: the header with one question, the question, the answers.
            let mut answer = vec![message[0], message[1], 0x81, 0x80 | code, 0, 1];
            answer.extend([0, records.len() as u8, 0, 0, 0, 0]);
            answer.extend(question);
            for (ttl_seconds, ip) in records {
                answer.extend([0xc0, 12, 0, 1, 0, 1]);
                answer.extend(ttl_seconds.to_be_bytes());
                answer.extend([0, 4]);
                answer.extend(ip.octets());
            }
            answer
        }
    }

    pub(crate) fn quick() -> Pace {
        Pace {
            ttl_min: Duration::from_millis(10),
            ttl_max: Duration::from_secs(60),
            retry_first: Duration::from_millis(10),
            retry_max: Duration::from_millis(40),
        }
    }

    pub(crate) fn says(ttl_seconds: u32, last_octets: &[u8]) -> Says {
        let addresses = last_octets.iter().map(|last| Ipv4Addr::new(10, 0, 0, *last)).collect();
        Says::Addresses { ttl_seconds, addresses }
    }

    const NAME: &str = "api.test.";

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let limit = Duration::from_secs(20);
        let limited = async { tokio::time::timeout(limit, future).await.expect("in time") };
        runtime.expect("a runtime").block_on(limited)
    }

    fn watch_name(server: &NameServer) -> Watched {
        let resolver = Resolver::with_servers(server.config(), quick()).expect("a resolver");
        resolver.watch([NAME.to_owned()])
    }

    fn last_octets(watched: &mut Watched) -> Vec<String> {
        let addresses = watched.addresses();
        let of_name = addresses.get(NAME).into_iter().flatten();
        of_name.map(|ip| ip.to_string().rsplit('.').next().expect("IPv4").to_owned()).collect()
    }

    #[test]
    fn asks_again_when_the_time_to_live_is_over() {
        let server = NameServer::start();
        server.set("api.test", says(1, &[2, 1]));
        block_on(async {
            let mut watched = watch_name(&server);
            watched.first().await;
            assert_eq!(last_octets(&mut watched), ["1", "2"]);
            let before = Instant::now();
            server.set("api.test", says(0, &[3]));
            watched.changed().await;
            assert!(before.elapsed() > Duration::from_millis(800), "before its second was over");
            assert_eq!(last_octets(&mut watched), ["3"]);
            // A time to live of nothing is the pace's minimum.
            server.set("api.test", says(600, &[4]));
            watched.changed().await;
            assert_eq!(last_octets(&mut watched), ["4"]);
            let asked = server.questions_count();
            let quiet = tokio::time::timeout(Duration::from_millis(200), watched.changed()).await;
            assert!(quiet.is_err());
            assert_eq!(server.questions_count(), asked);
        });
    }

    #[test]
    fn keeps_the_last_good_addresses() {
        let server = NameServer::start();
        server.set("api.test", says(0, &[1]));
        block_on(async {
            let mut watched = watch_name(&server);
            watched.first().await;
            for bad in [Says::Failure, Says::NoSuchName, says(0, &[])] {
                server.set("api.test", bad);
                let asked = server.questions_count();
                while server.questions_count() < asked + 4 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                assert_eq!(last_octets(&mut watched), ["1"]);
            }
            server.set("api.test", says(0, &[5]));
            watched.changed().await;
            assert_eq!(last_octets(&mut watched), ["5"]);
        });
    }

    #[test]
    fn begins_without_an_answer_and_learns_it_later() {
        let server = NameServer::start();
        block_on(async {
            let mut watched = watch_name(&server);
            watched.first().await;
            assert!(last_octets(&mut watched).is_empty());
            server.set("api.test", says(0, &[1]));
            watched.changed().await;
            assert_eq!(last_octets(&mut watched), ["1"]);
        });
    }

    #[test]
    fn knows_localhost_without_a_name_server() {
        block_on(async {
            let nobody = ResolverConfig::from_name_servers(Vec::new());
            let resolver = Resolver::with_servers(nobody, quick()).expect("a resolver");
            let mut watched = resolver.watch(["localhost".to_owned()]);
            watched.first().await;
            assert_eq!(watched.addresses()["localhost"], [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        });
    }

    #[test]
    fn waits_for_nothing_when_there_is_nothing_to_ask() {
        block_on(async {
            let mut watched = Resolver::of_system().expect("a resolver").watch([]);
            watched.first().await;
            assert!(watched.addresses().is_empty());
            let change = tokio::time::timeout(Duration::from_millis(20), watched.changed());
            assert!(change.await.is_err());
        });
    }
}
