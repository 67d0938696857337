//! The report page in a real Chromium: every plot is drawn and answers the pointer, no text is cut
//! or lies on another, the console stays silent, and nothing is asked for over the network.
//!
//! Pages and pictures stay in `target/tmp/page`, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use frys_gateway::bench::fixture;
use frys_gateway::bench::page::document::Document;
use frys_gateway::bench::page::html;
use serde_json::Value;

use crate::support::{program, run};

/// A page in the browser: what the probe saw, and what the browser said.
struct Seen {
    probe: Value,
    console: String,
    urls: Vec<String>,
}

impl Seen {
    fn count(&self, key: &str) -> u64 {
        self.probe[key].as_u64().unwrap_or_else(|| panic!("{key} in {}", self.probe))
    }

    /// What holds for every page.
    fn assert_sound(&self) {
        assert!(!self.console.contains("CONSOLE"), "{}", self.console);
        assert!(self.urls.is_empty(), "asked for {:?}", self.urls);
        assert_eq!(self.probe["faults"], Value::Array(Vec::new()), "texts of the page");
    }
}

/// Opens `document` in a window of `width` and takes a picture of it.
fn open(name: &str, document: &Document, width: u32, is_dark: bool) -> Option<Seen> {
    let chromium = program("chromium")?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&folder).expect("a folder");
    let place = |end: &str| folder.join(format!("{name}{end}"));
    fs::write(place(".html"), html(document)).expect("a file");
    let probed = html(document).replace("</body>", &format!("<script>{PROBE}</script></body>"));
    fs::write(place(".probe.html"), probed).expect("a file");
    picture(&chromium, &place(".html"), &place(".png"), width, is_dark);
    let log = place(".netlog.json");
    let mut command = browser(&chromium, width, is_dark);
    command.arg("--enable-logging=stderr").arg(format!("--log-net-log={}", log.display()));
    command.arg("--dump-dom").arg(format!("file://{}", place(".probe.html").display()));
    let (_profile, (status, dom, console)) = with_profile(&mut command);
    assert_eq!(status, Some(0), "{console}");
    let (_, rest) = dom.split_once("<pre id=\"probe\">").expect("the probe ended");
    let (json, _) = rest.split_once("</pre>").expect("its end");
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let probe = serde_json::from_str(&json).expect("the probe's JSON");
    Some(Seen { probe, console, urls: urls(&log) })
}

fn picture(chromium: &Path, page: &Path, file: &Path, width: u32, is_dark: bool) {
    let mut command = browser(chromium, width, is_dark);
    command.arg(format!("--screenshot={}", file.display()));
    command.arg(format!("file://{}", page.display()));
    let (_profile, (status, _, error)) = with_profile(&mut command);
    assert_eq!(status, Some(0), "{error}");
    assert!(fs::metadata(file).is_ok_and(|file| file.len() > 10_000), "a picture was taken");
}

fn browser(chromium: &Path, width: u32, is_dark: bool) -> Command {
    let mut command = Command::new(chromium);
    command.args(FLAGS).arg(format!("--window-size={width},{HEIGHT}"));
    let scheme = if is_dark { 0 } else { 1 };
    command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
    command
}

type Ended = (Option<i32>, String, String);

fn with_profile(command: &mut Command) -> (tempfile::TempDir, Ended) {
    let profile = tempfile::tempdir().expect("a folder");
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    let ended = run(command);
    (profile, ended)
}

/// Every URL that the page asked for. The browser's own have no origin; they are not answered.
fn urls(log: &Path) -> Vec<String> {
    let log: Value = serde_json::from_slice(&fs::read(log).expect("the log")).expect("its JSON");
    let events = log["events"].as_array().expect("events").iter();
    let params = events.map(|event| &event["params"]);
    let of_page = params.filter(|params| {
        params["initiator"].as_str().is_some_and(|initiator| initiator != "not an origin")
    });
    of_page.filter_map(|params| params["url"].as_str().map(str::to_owned)).collect()
}

const HEIGHT: u32 = 4600;

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
];

/// Runs in the page after its own script.
const PROBE: &str = include_str!("page_probe.js");

#[test]
fn draws_every_plot_of_a_search() {
    let Some(seen) = open("search", &fixture::document(), 1280, false) else { return };
    seen.assert_sound();
    assert_eq!(seen.probe["titles"], {
        serde_json::json!([
            "Latency against rate",
            "Percentile curve",
            "Percentile curve",
            "Latency over time",
            "Heat map",
            "Answers and errors over time",
            "Where the time went"
        ])
    });
    assert!(seen.count("line_points") > 500, "{}", seen.probe);
    assert!(seen.count("heat_cells") > 1_000, "{}", seen.probe);
    assert_eq!(seen.count("readouts"), 6, "all but the bars of the stages answer the pointer");
    assert!(seen.count("toggled") >= 3, "log and linear differ: {}", seen.probe);
    assert!(seen.count("table_rows") > 150, "the numbers are there to be read: {}", seen.probe);
}

#[test]
fn is_sound_when_narrow_and_dark() {
    let Some(seen) = open("narrow", &fixture::document(), 500, true) else { return };
    seen.assert_sound();
    assert_eq!(seen.count("figures"), 7);
}

#[test]
fn warns_where_the_generator_was_the_limit() {
    let document = Document::of_run("closed loop", fixture::closed_loop());
    let Some(seen) = open("closed", &document, 1280, true) else { return };
    seen.assert_sound();
    let alert = seen.probe["alert"].as_str().unwrap_or_default();
    assert!(alert.contains("The generator, not the server, may have been the limit."), "{alert}");
}

#[test]
fn draws_what_there_is_of_a_single_request() {
    let document = Document::of_run("one request", fixture::single());
    let Some(seen) = open("single", &document, 1280, false) else { return };
    seen.assert_sound();
    assert_eq!(seen.count("figures"), 4);
    assert_eq!(seen.count("heat_cells"), 1);
}

#[test]
fn says_so_where_nothing_was_answered() {
    let document = Document::of_run("nothing", fixture::nothing());
    let Some(seen) = open("nothing", &document, 1280, false) else { return };
    seen.assert_sound();
    assert_eq!(seen.count("figures"), 0);
    let text = seen.probe["text"].as_str().unwrap_or_default();
    assert!(text.contains("No request was answered"), "{text}");
}

#[test]
fn hostile_text_stays_text() {
    let mut report = fixture::open_loop();
    let attack = "</script><script>document.title = 'broken'</script><img src=x onerror=alert(1)>";
    report.asked.targets[0].url = format!("http://127.0.0.1/{attack}");
    report.client.warnings.push(attack.to_owned());
    let Some(seen) = open("hostile", &Document::of_run(attack, report), 1280, false) else {
        return;
    };
    seen.assert_sound();
    assert_eq!(seen.probe["title"].as_str(), Some(attack));
    assert_eq!(seen.count("images"), 0);
    assert_eq!(seen.probe["text"].as_str().map(|text| text.matches(attack).count()), Some(3));
}
