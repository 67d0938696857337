//! Every bound of the gateway with its unit and the sum that gives it.
//!
//! A bound that an operator can move has its default here and its key in `config`; one that
//! nobody needs to move is a constant alone.

mod access;
mod authorization;
mod bench;
mod bodies;
mod configuration;
mod edge;
mod quota;
mod runtime;
mod tokens;

pub use access::*;
pub use authorization::*;
pub use bench::*;
pub use bodies::*;
pub use configuration::*;
pub use edge::*;
pub use quota::*;
pub use runtime::*;
pub use tokens::*;

/// Leases a socket may hold unread before its receive is taken back from the kernel: four 32 KiB
/// buffers cover a 100 KiB window at 1 ms of turn time, and 32 such sockets fill half of a ring of
/// 256.
pub const LEASES_QUEUED_MAX: usize = 4;

/// Longest method token that is understood. The longest registered one, `UPDATEREDIRECTREF`, has
/// 17.
pub const METHOD_BYTES_MAX: usize = 24;

/// Path parameters in one pattern. Sixteen ranges of two `u32` are two cache lines.
pub const PARAMETERS_COUNT_MAX: usize = 16;

/// Longest host that a route can match: RFC 1035 section 2.3.4 has 255 octets on the wire, which is
/// 253 as text; a longer one matches only routes without a host.
pub const HOST_BYTES_MAX: usize = 253;

/// Longest path pattern: half of the longest request line, whose paths it must match.
pub const PATTERN_BYTES_MAX: usize = REQUEST_LINE_BYTES_MAX / 2;

/// Places of one path where the router can come back to try a parameter or `/*`: 16 parameters and
/// as many prefixes of the same path that end in `/*`. The stack of a search is 32 x 32 bytes.
pub const CHOICES_COUNT_MAX: usize = 2 * PARAMETERS_COUNT_MAX;

/// Levels of a regular expression that nest: its reader goes down them on its own stack, and people
/// write five.
pub const REGEX_DEPTH_MAX: u32 = 64;

/// Bytes of the automaton of one regular expression, or of those of one place together, before it
/// is compiled further: `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}` needs 3 KiB, and what blows up
/// (`(a{1000}){1000}`) is refused within a millisecond.
pub const REGEX_AUTOMATON_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of all automata of one router: 10,000 different ones of 25 KiB.
pub const REGEXES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of states that one automaton may keep ready on one worker. Where it needs more they are
/// made again as they are met, which is slower but no less linear.
pub const REGEX_CACHE_BYTES_MAX: usize = 256 * 1024;

/// Automata whose states one worker keeps ready; all are dropped when one more is needed. At some
/// 10 KiB each these are 10 MiB.
pub const REGEX_CACHES_COUNT_MAX: usize = 1024;

/// Different regular expressions of one place of the tree: the same segments before them, and the
/// same literal bytes in the last. They are run together, so more make each request there slower.
pub const REGEXES_PER_PLACE_MAX: usize = 256;

/// Pairs of routes that are compared for ties because only conditions tell them apart: a second of
/// building. A thousand routes of one path are half a million pairs, and routes that each want
/// another value of one field are not compared at all.
pub const TIE_COMPARISONS_MAX: usize = 4_000_000;

/// Routes of one place from which on they are looked up by a value that all of them need instead of
/// being tried one by one: below, a look-up costs as much as the tries.
pub const LOOKUP_COUNT_MIN: usize = 8;

/// Methods beyond RFC 9110's and PATCH that the routes of one snapshot can name: 64 bits, nine
/// taken, one for all the others. The IANA registry has 31 more.
pub const METHOD_EXTENSIONS_COUNT_MAX: usize = 54;

/// Routes of one snapshot: ten times what is measured, and their patterns' text stays below the
/// 4 GiB that an index of 32 bits reaches.
pub const ROUTES_COUNT_MAX: usize = 1_000_000;

/// Bytes of a regular expression of a condition as it is written: longer ones are lists, and there
/// is `in` for those.
pub const CONDITION_REGEX_BYTES_MAX: usize = 1024;

/// Bytes of what a condition's expression compiles to before it is made deterministic: about 1,500
/// states, room for [`CONDITION_REGEX_BYTES_MAX`] literal bytes. A value takes at most as many
/// steps a byte, and next to always one.
pub const CONDITION_AUTOMATON_BYTES_MAX: usize = 64 * 1024;

/// Bytes of states that one worker keeps for one condition's expression: some hundred states of a
/// few hundred bytes; most need ten. It keeps them for [`REGEX_CACHES_COUNT_MAX`] expressions.
pub const CONDITION_CACHE_BYTES: usize = 128 * 1024;

/// Levels of `all`, `any` and `not` in each other: nobody reads more, and evaluation recurses.
pub const CONDITION_DEPTH_MAX: usize = 8;

/// Comparisons in the conditions of one route.
pub const CONDITIONS_COUNT_MAX: usize = 64;

/// Members of one `in`, `not_in` or `client_ip`: they are found by bisection, so this bounds memory
/// only.
pub const CONDITION_LIST_COUNT_MAX: usize = 4096;

/// Media types that one route produces. Each is looked for in `Accept` once a request.
pub const PRODUCES_COUNT_MAX: usize = 16;

/// Places where one group looks for its version: four kinds, each twice.
pub const VERSION_SOURCES_COUNT_MAX: usize = 8;

/// Pieces of values and decoded bytes that a worker keeps memory for between two requests.
pub const CONDITION_VALUES_KEPT: usize = 4096;

/// Endpoints of one cluster: four words of a set that is copied with each attempt.
pub const ENDPOINTS_COUNT_MAX: usize = 256;

/// Default longest request line: nginx's and Envoy's practical bound, one buffer's fourth.
pub const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;

/// Default number of fields in a head: Envoy's default.
pub const FIELDS_COUNT_MAX: usize = 100;

/// Default bytes of all field lines of a head: nginx's 4 x 8 KiB.
pub const FIELDS_BYTES_MAX: usize = 32 * 1024;

/// Most bytes of a first line, and of all field lines, whatever is configured: offsets have 32
/// bits, and both parts together stay far below.
pub const HEAD_PART_BYTES_CAP: usize = 16 * 1024 * 1024;

/// Fields whose memory a head's index keeps for the next head: 64 slots of 12 bytes are 768 bytes,
/// and a browser sends about 20 fields.
pub const FIELDS_KEPT_COUNT: usize = 64;

/// Members of all `Connection` fields of a head. Each is compared with each field that has no
/// number; honest heads have one to three.
pub const CONNECTION_OPTIONS_COUNT_MAX: usize = 16;

/// Bytes of extensions on one chunk-size line that are read over before the body is refused.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 256;

/// Bytes of all trailer lines of one body.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

const _: () = assert!(CHUNK_EXTENSION_BYTES_MAX < TRAILER_BYTES_MAX);
const _: () = assert!(TRAILER_BYTES_MAX <= FIELDS_BYTES_MAX);

// ---- bridge

/// Messages that control may have waiting for one worker. A snapshot, a drain and a stop are three;
/// more pile up only behind a worker that has hung, and control then keeps the newest itself.
pub const MAILBOX_MESSAGES_MAX: usize = 16;

/// Routes with counters and metric series of their own; the others count together as `_other`.
/// 512 routes of 8.4 KiB are 4.2 MiB a worker, and of 6 + 19 + 2 lines 13,824 lines of a scrape.
pub const METRIC_ROUTES_MAX: usize = 512;

/// Upstreams with counters and metric series of their own; the others count as `_other`.
/// 512 upstreams of 8.5 KiB are 4.3 MiB a worker, and of 6 + 19 + 8 lines 16,896 of a scrape.
pub const METRIC_UPSTREAMS_MAX: usize = 512;

/// Filters with series of their own, for the same reason.
pub const METRIC_FILTERS_MAX: usize = 512;

/// Bytes of one worker's access-log ring: 4,000 records of 250 bytes, so 20 ms between two
/// drainings hold 200,000 records a second.
pub const LOG_RING_BYTES: usize = 1024 * 1024;

/// Bytes of a target or field value that a log record keeps; what is longer is cut.
pub const LOG_FIELD_BYTES_MAX: usize = 4 * 1024;

/// Texts of a log record: method, target, host, three fields, and an id that was kept.
pub const LOG_TEXTS_COUNT: usize = 7;

/// Bytes of a client's name that a log record keeps: a token's `sub` has at most 255 characters
/// (OpenID Connect Core 1.0 section 2).
pub const LOG_IDENTITY_BYTES_MAX: usize = 256;

const _: () = assert!(LOG_FIELD_BYTES_MAX <= u16::MAX as usize);
const _: () = assert!(LOG_IDENTITY_BYTES_MAX <= LOG_FIELD_BYTES_MAX);
// The texts and the fixed part of one record fill at most a thirty-second of the ring.
const _: () = assert!(
    LOG_TEXTS_COUNT * LOG_FIELD_BYTES_MAX + LOG_IDENTITY_BYTES_MAX + 512 <= LOG_RING_BYTES / 32
);

/// Milliseconds between two drainings of the log rings: [`LOG_RING_BYTES`] holds that much.
pub const LOG_POLL_MS: u64 = 20;

/// Bytes of log lines that are written at once: large enough that a write's cost is its bytes.
pub const LOG_BATCH_BYTES: usize = 64 * 1024;

/// Records taken from one worker's ring before the next one's: a quarter of a full ring.
pub const LOG_ROUND_RECORDS_MAX: usize = 1024;

/// Milliseconds that the log may take at the end to write what is left; its end is waited for
/// twice as long.
pub const LOG_FLUSH_MS_MAX: u64 = 2_000;

/// Bytes of one recent request: its head and 224 bytes of facts; a browser's head without cookies
/// is below 1 KiB. The default 1,024 of them are 2 MiB over all workers.
pub const RECENT_SLOT_BYTES: usize = 2 * 1024;

/// Bytes of a recent request's head that are kept; what is longer loses its last fields.
pub const RECENT_HEAD_BYTES_MAX: usize = RECENT_SLOT_BYTES - 224;

/// Bytes of a client's name that a recent request keeps: a UUID has 36, an `sub` of Auth0 some 30.
pub const RECENT_IDENTITY_BYTES_MAX: usize = 56;

/// Recent requests that may be kept: 128 MiB, half a second of 200,000 requests a second.
pub const RECENT_COUNT_MAX: usize = 64 * 1024;

/// Recent requests in one answer of the admin, unless asked for more.
pub const RECENT_LISTED_DEFAULT: usize = 100;

/// Recent requests in one answer: 1,000 of at most 4 KiB of JSON are 4 MiB.
pub const RECENT_LISTED_MAX: usize = 1_000;

/// Fields of a request that is asked about: what a gateway lets through at most by default, and
/// room for more.
pub const EXPLAIN_FIELDS_MAX: usize = 10 * FIELDS_COUNT_MAX;

/// Bytes of a description of a request in JSON: URL and fields within the limits of a head.
pub const EXPLAIN_BODY_BYTES_MAX: usize = 512 * 1024;

/// Routes of a configuration of which an explanation lists every one up to the found one.
pub const EXPLAIN_ALL_MAX: usize = 12;

/// Routes that an explanation lists: two screens.
pub const EXPLAIN_CANDIDATES_MAX: usize = 50;

/// Routes behind the found one that match too and are listed.
pub const EXPLAIN_LATER_MAX: usize = 5;

/// Routes with another path that are listed where none was found: those whose paths begin alike.
pub const EXPLAIN_NEAR_MAX: usize = 5;

/// Bytes of one line of recorded traffic: a target and six fields of an access log at 4 KiB each,
/// escaped; what is longer is passed over and counted.
pub const TRAFFIC_LINE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of recorded traffic that are read at once.
pub const TRAFFIC_READ_BYTES: usize = 256 * 1024;

/// Bytes of an answer of the admin to a command: as many requests as are listed at once, at 4 KiB.
pub const ADMIN_ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Milliseconds between two looks of a capture at a gateway that had nothing new.
pub const CAPTURE_PAUSE_MS: u64 = 50;

/// Pairs of outcomes that recorded traffic is sorted by; what comes after them is counted
/// together. 64 KiB of pairs with three examples each are some 100 MiB.
pub const TRAFFIC_GROUPS_MAX: usize = 64 * 1024;

/// Examples of one pair: enough to see what they have in common.
pub const TRAFFIC_EXAMPLES_MAX: usize = 3;

/// Groups that the text of a report shows, the largest first.
pub const TRAFFIC_GROUPS_SHOWN: usize = 20;

/// Characters of an example.
pub const TRAFFIC_EXAMPLE_CHARACTERS_MAX: usize = 200;

const _: () = assert!(TRAFFIC_LINE_BYTES_MAX >= 6 * 6 * LOG_FIELD_BYTES_MAX);
const _: () = assert!(RECENT_SLOT_BYTES.is_multiple_of(8));
const _: () = assert!(RECENT_LISTED_DEFAULT <= RECENT_LISTED_MAX);

/// Commands from signals or the embedding program that may wait; each is idempotent.
pub const CONTROL_COMMANDS_MAX: usize = 16;

const _: () = assert!(PATTERN_BYTES_MAX < REQUEST_LINE_BYTES_MAX);
const _: () = assert!(PATTERN_BYTES_MAX <= u16::MAX as usize);
const _: () = assert!(ENDPOINTS_COUNT_MAX.is_multiple_of(64));
const _: () = assert!(ROUTES_COUNT_MAX as u64 * PATTERN_BYTES_MAX as u64 <= u32::MAX as u64);
const _: () = assert!(FIELDS_KEPT_COUNT <= FIELDS_COUNT_MAX);
const _: () = assert!(REQUEST_LINE_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(FIELDS_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(2 * HEAD_PART_BYTES_CAP < u32::MAX as usize);

// ---- proxy

/// Bytes that may wait in a socket's send queue before the one who fills it waits: 256 KiB are
/// 2 Gbit/s at 1 ms a turn, and bound what a slow reader costs.
pub const SEND_QUEUE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of answers that wait for a client before its next request is read: 256 of the gateway's
/// own, each in a block of its own, are as much as a body may have queued.
pub const ANSWERS_QUEUED_BYTES_MAX: usize = SEND_QUEUE_BYTES_MAX / 4;

/// Body bytes that are copied behind the head or together, rather than sent where they lie: below
/// this a copy costs less than another entry of a vectored send.
pub const COPY_BYTES_MAX: usize = 2 * 1024;

/// Informational answers (1xx) to one request: 100, 102 repeated, a few 103; more is a loop.
pub const INFORMATIONAL_COUNT_MAX: usize = 32;

/// Requests that wait for a connection of one pool; more are refused at once with 503, since the
/// last of them would wait too long anyway.
pub const POOL_WAITING_MAX: usize = 4096;

/// Pools that a worker looks through between two turns: at 20 ns each, a cold one, 20 µs.
pub const POOLS_SWEPT_MAX: usize = 1024;

/// Clusters that a worker brings to a new snapshot between two turns, beside those that requests
/// ask for: at 1 µs for one that changed a tenth of a millisecond.
pub const LOCALS_TIDIED_MAX: usize = 128;

/// Endpoints tried while connecting fails: with two dead ones a third still answers within the
/// client's patience.
pub const CONNECT_ATTEMPTS_MAX: usize = 3;

/// Working memory of requests kept for the next ones: 1,024 of 4 KiB are 4 MiB a worker at most.
pub const EXCHANGES_FREE_MAX: usize = 1024;

/// Largest working memory of one request that is kept: a larger one was an exception.
pub const EXCHANGE_BYTES_KEPT_MAX: usize = 8 * 1024;

/// How long a draining worker waits for the next request of a client before it closes the
/// connection: what was sent before the client could know is there within a round trip.
pub const DRAIN_IDLE_MS: u64 = 250;

/// Between two looks at whether a draining worker has ended.
pub const DRAIN_LOOK_MS: u64 = 10;

/// Between two rounds of a worker's housekeeping.
pub const MAINTENANCE_MS: u64 = 1_000;

/// One request in this many has its short steps timed with a finer clock, and one turn of the loop
/// likewise: seven readings of 25 ns are 3 ns a request, and 20,000 requests a second still give
/// 300 times a second. A prime, so that no rhythm of the traffic falls in step with it.
pub const STAGE_SAMPLE_EVERY: u32 = 61;

/// One accepted connection in this many is asked how long it waited, the first among them: a system
/// call of 0.2 µs beside an accept of several. A prime for the same reason.
pub const ACCEPT_SAMPLE_EVERY: u32 = 7;

/// How long accepting rests where the process is out of descriptors.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// How long a closing connection may take to send its answer and to be read over: a few round
/// trips of a bad network. nginx takes 5 s between reads and 30 s in all; who trickles to hold on
/// to a connection gains less here.
pub const LINGER_MS: u64 = 2_000;

/// Connections above `max_connections` that are told so at a time; each lingers [`LINGER_MS`], so
/// this many descriptors are the price of saying why.
pub const TURNED_AWAY_COUNT_MAX: usize = 256;

/// Bytes of a refused request that are read over, so that its sender sees the answer: a window's
/// worth; who sends more is cut off.
pub const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;

const _: () = assert!(COPY_BYTES_MAX < SEND_QUEUE_BYTES_MAX);
const _: () = assert!(LINGER_MS < LINGER_MS_MAX);

/// Connections to the admin server at once; further ones wait in the listen queue. A few scrapers,
/// probes and people, and 64 heads of 16 KiB are 1 MiB.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;

/// Bytes of one request head to the admin server.
pub const ADMIN_HEAD_BYTES_MAX: usize = 16 * 1024;

/// Milliseconds that the head of a request to the admin server may take.
pub const ADMIN_HEADER_TIMEOUT_MS: u64 = 10_000;

/// Milliseconds after which a connection to the admin server is closed, so that
/// [`ADMIN_CONNECTIONS_MAX`] of clients that do not read shut nobody out for longer.
pub const ADMIN_CONNECTION_MS_MAX: u64 = 60_000;

/// Milliseconds of rest after an accept that failed.
pub const ADMIN_ACCEPT_PAUSE_MS: u64 = 100;

const _: () = assert!(ADMIN_HEADER_TIMEOUT_MS < ADMIN_CONNECTION_MS_MAX);

/// Milliseconds that an answer of a name server is used at least: a time to live of 0 would
/// otherwise ask without pause.
pub const DNS_TTL_MS_MIN: u64 = 1_000;

/// Milliseconds that an answer is used at most: a mistake with a time to live of a day is gone in
/// five minutes.
pub const DNS_TTL_MS_MAX: u64 = 300_000;

/// Milliseconds until a question that failed is asked again; doubled each time.
pub const DNS_RETRY_MS_FIRST: u64 = 500;

/// Milliseconds between two tries, in the end: new addresses are learnt within half a minute.
pub const DNS_RETRY_MS_MAX: u64 = 30_000;

/// Milliseconds that one question may take, over all name servers.
pub const DNS_LOOKUP_MS_MAX: u64 = 10_000;

/// Questions under way at once.
pub const DNS_LOOKUPS_MAX: usize = 16;

/// Milliseconds that the start waits for names; it then goes on with those that have an address.
pub const DNS_START_MS_MAX: u64 = 5_000;

/// Milliseconds in which changes of several names become one snapshot.
pub const DNS_SETTLE_MS: u64 = 50;

const _: () = assert!(DNS_TTL_MS_MIN < DNS_TTL_MS_MAX);
const _: () = assert!(DNS_RETRY_MS_FIRST < DNS_RETRY_MS_MAX);

/// Milliseconds between two looks at the workers' acknowledgements, while one is missing at the
/// start, or at a mailbox that was full.
pub const CONTROL_TICK_MS: u64 = 5;

/// Milliseconds beyond the drain timeout that a worker has to end by itself.
pub const DRAIN_GRACE_MS: u64 = 2_000;

/// Milliseconds that a worker has to end when told to stop; it is then given up.
pub const STOP_GRACE_MS: u64 = 2_000;

/// Reloads that may wait behind the one under way; those that read the file again become one.
pub const RELOADS_WAITING_MAX: usize = 64;

/// Milliseconds that workers may take to acknowledge a snapshot: a turn takes microseconds, so
/// whoever takes longer hangs.
pub const RELOAD_ACKNOWLEDGE_MS_MAX: u64 = 5_000;

/// Milliseconds that a reload waits for the addresses of new names; it then goes on without.
pub const DNS_RELOAD_MS_MAX: u64 = 2_000;

/// How far the threads that compile and free configurations step back behind the workers, in the
/// system's `nice`: by ten, a worker that has something to do gets nine tenths of a core that both
/// want, and a reload still gets on where workers leave nothing.
pub const BACKGROUND_NICE: i32 = 10;

/// Times that a file is read which changes while it is read.
pub const RELOAD_READS_MAX: u32 = 3;

/// Milliseconds between two looks at whether an old generation is still used.
pub const GENERATION_LOOK_MS: u64 = 100;

/// Milliseconds that the names of a generation are kept after its last exchange: 25 drainings of
/// the log's rings.
pub const GENERATION_NAMES_MS: u64 = 25 * LOG_POLL_MS;

/// Names of one kind that the line about a reload lists.
pub const CHANGES_NAMED_MAX: usize = 8;

/// Bytes of a configuration that is sent to the admin server: 300,000 routes of 200 bytes.
pub const ADMIN_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Milliseconds without an event until a changed file is read: an editor's steps are one change.
pub const WATCH_SETTLE_MS: u64 = 100;

/// Milliseconds that a file may be open for writing before it is read all the same.
pub const WATCH_WRITING_MS_MAX: u64 = 2_000;

/// Milliseconds between two looks at a file, whatever the kernel tells of it.
pub const WATCH_POLL_MS: u64 = 5_000;

/// Events of the kernel that may wait; one more says nothing new.
pub const WATCH_EVENTS_MAX: usize = 64;

/// Symlinks that are followed for the folders to watch: the kernel's own bound for one path.
pub const SYMLINKS_FOLLOWED_MAX: usize = 40;

const _: () = assert!(WATCH_SETTLE_MS < WATCH_WRITING_MS_MAX);
const _: () = assert!(WATCH_WRITING_MS_MAX < WATCH_POLL_MS);
const _: () = assert!(ADMIN_BODY_BYTES_MAX <= CONFIG_BYTES_MAX);
// ---- actions

/// Bytes of a template as it is written: as long as a path pattern may be.
pub const TEMPLATE_BYTES_MAX: usize = PATTERN_BYTES_MAX;

/// Texts and variables of one template: each costs a step a request.
pub const TEMPLATE_PIECES_MAX: usize = 64;

/// Changes of one head by one route: more than a browser sends fields.
pub const FIELD_EDITS_MAX: usize = 64;

/// Filters of one route: more than any route of a gateway has use for, each a step a request.
pub const FILTERS_COUNT_MAX: usize = 32;

/// Milliseconds until a filter of the embedding program that could not be made is tried again: soon
/// enough for who mends what it lacks, and a line of the log a second at most.
pub const FILTER_BUILD_AGAIN_MS: u64 = 1_000;

/// Questions to control that the filters of one exchange may ask: one for each filter that may be
/// there, so that none can keep its request going round.
pub const QUESTIONS_COUNT_MAX: usize = FILTERS_COUNT_MAX;

/// Bytes of a fixed answer's body: it is queued whole, and this much may wait for a client before
/// its next request is read. What is larger is a file.
pub const RESPOND_BODY_BYTES_MAX: usize = ANSWERS_QUEUED_BYTES_MAX;

/// Bytes of a body that nobody wants, read over so that its connection can go on: what most forms
/// send; a new connection costs less than reading more.
pub const DISCARD_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a rewriting expression: 1 KiB is more than a person can read.
pub const REWRITE_REGEX_BYTES_MAX: usize = 1024;

/// Bytes of its program, and of each table it is searched with: `(a{50}){50}` has 60 KB.
pub const REWRITE_PROGRAM_BYTES_MAX: usize = 256 * 1024;

/// Groups of a rewriting expression, the whole match among them.
pub const REWRITE_GROUPS_MAX: usize = 17;

/// Expressions whose working memory a worker keeps at once: 64 of some 10 KB.
pub const REWRITE_CACHES_MAX: usize = 64;

/// Bytes of a request id that is kept: a UUID has 36, a trace's context 55.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

const _: () = assert!(REQUEST_ID_BYTES_MAX <= LOG_FIELD_BYTES_MAX);

// ---- gateway

/// Connections that a listener lets wait; the kernel cuts it to net.core.somaxconn.
pub const BACKLOG_CONNECTIONS: i32 = 8192;

/// Sockets of a worker beyond its clients': upstream connections, and clients on their way out.
pub const SOCKETS_SPARE_COUNT: usize = 64 * 1024;
