//! Knobs against a real configuration.

use super::*;

const FILE: &str = "workers = 1\nlisten_addr = \"0.0.0.0:80\"\n\
    [access_log]\noutput = \"/var/log/frys.log\"\n\
    [[routes]]\npath = \"/*\"\nupstreams = [{ url = \"http://10.0.0.1:81\" }]\n";

fn base() -> Base {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frys.toml");
    std::fs::write(&path, FILE).expect("the file is written");
    Base::from_file(&path).expect("it is right")
}

fn knob(text: &str) -> Knob {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn only(text: &str) -> Setting {
    settings(&[knob(text)]).expect("few").pop().expect("one")
}

#[test]
fn combinations_follow_the_file_as_it_is() {
    let knobs = [knob("workers=1,2"), knob("runtime.buffers=256,1024,4096")];
    let all = settings(&knobs).expect("few");
    let texts: Vec<String> = all.iter().map(Setting::to_string).collect();
    assert_eq!(texts.len(), 7);
    assert_eq!(texts[0], "as it is");
    assert_eq!(texts[1], "workers=1 runtime.buffers=256");
    assert_eq!(texts[6], "workers=2 runtime.buffers=4096");
    assert_eq!(settings(&[]).map(|all| all.len()), Ok(1));
}

#[test]
fn too_many_combinations_are_refused() {
    let many: Vec<String> = (1..=8).map(|number| number.to_string()).collect();
    let values = many.join(",");
    let knobs: Vec<Knob> = ["a", "b", "c"].map(|name| knob(&format!("{name}={values}"))).to_vec();
    assert_eq!(settings(&knobs), Err(KnobFault::TooMany(513)));
    assert!(settings(&knobs[..1]).is_ok());
}

#[test]
fn values_may_be_lists_and_quoted() {
    let all = settings(&[knob("workers=[0],[0, 1],auto")]).expect("few");
    let texts: Vec<String> = all.iter().skip(1).map(Setting::to_string).collect();
    assert_eq!(texts, ["workers=[0]", "workers=[0,1]", "workers=\"auto\""]);
    assert_eq!(only("access_log.format='a,b'").to_string(), "access_log.format=\"a,b\"");
}

#[test]
fn what_is_no_knob_is_refused() {
    for text in ["workers", "=1", "workers=", "workers=1,", "workers=[1", "workers=1]", "a='1"] {
        assert_eq!(text.parse::<Knob>(), Err(KnobFault::Shape(text.to_owned())), "{text}");
    }
    assert_eq!("workers=1,1".parse::<Knob>(), Err(KnobFault::Twice("workers=1".into())));
    let twice = settings(&[knob("workers=1"), knob("workers=2")]);
    assert_eq!(twice, Err(KnobFault::Twice("workers".into())));
    for text in ["listen_addr=:80", "admin.address=x", "listeners=1"] {
        assert!(matches!(text.parse::<Knob>(), Err(KnobFault::Reserved(_))), "{text}");
    }
    assert!("admins=1".parse::<Knob>().is_ok(), "a longer name is another key");
}

#[test]
fn a_mistyped_key_is_named_with_its_neighbour() {
    let message = |text: &str| base().check(&only(text)).expect_err(text).to_string();
    let fault = message("runtime.bufers=256");
    assert!(fault.contains("the knob runtime.bufers=256"), "{fault}");
    assert!(fault.contains("did you mean `buffers`?"), "{fault}");
    assert!(message("worker=2").contains("did you mean `workers`?"));
    assert!(message("runtime.buffers=1000").contains("power of two"));
    assert!(message("runtime.buffers=8").contains("16"));
    assert!(message("routes[3].max_body=1KiB").contains("the list has 1"));
    for text in ["runtime.buffers=1024", "pool.idle_timeout=10s", "routes[0].timeouts.total=5s"] {
        assert_eq!(base().check(&only(text)), Ok(()), "{text}");
    }
}

#[test]
fn a_file_that_is_wrong_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frys.toml");
    std::fs::write(&path, "workers = 0\n").expect("the file is written");
    let fault = Base::from_file(&path).expect_err("wrong");
    assert!(fault.to_string().contains("frys.toml:1:"), "{fault}");
}

#[test]
fn a_stand_is_apart_from_the_operators_gateway() {
    let folder = Path::new("/tmp/stand");
    let listen = "127.0.0.1:4321".parse().expect("an address");
    let stand = Stand { listen, folder, upstream: Some("http://127.0.0.1:9000") };
    let text = base().text(&only("runtime.buffers=1024"), stand).expect("it fits");
    let tree: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(tree["listen_addr"], "127.0.0.1:4321");
    assert_eq!(tree["admin"]["address"], "unix:/tmp/stand/admin");
    assert_eq!(tree["access_log"]["output"], "/tmp/stand/access.log");
    assert_eq!(tree["routes"][0]["upstreams"][0]["url"], "http://127.0.0.1:9000");
    assert_eq!(tree["runtime"]["buffers"], 1024);
    assert_eq!(tree["workers"], 1);
    let own = base().text(&Setting::default(), Stand { upstream: None, ..stand }).expect("fits");
    assert!(own.contains("http://10.0.0.1:81"));
}

#[test]
fn winning_lines_can_be_pasted() {
    let all = settings(&[knob("workers=2"), knob("runtime.buffers=1024")]).expect("few");
    assert_eq!(all[1].lines(), "workers = 2\n\n[runtime]\nbuffers = 1024\n");
    assert!(all[0].is_file() && all[0].lines().is_empty());
}

fn tried(text: &str, rate: f64, interval: Option<(f64, f64)>) -> Tried {
    let highest = (rate > 0.0).then_some(Highest {
        rate,
        met: 5,
        count: 5,
        share_low: 0.4,
        share_high: 1.0,
        interval,
        failed_at: None,
    });
    let end = match (highest, interval) {
        (None, _) => End::FailedAtLowest,
        (Some(_), None) => End::GeneratorLimit,
        (Some(_), Some(_)) => End::Found,
    };
    let answer = Answer { end, highest, knee: None, trials: Vec::new() };
    Tried { setting: only(text), answer }
}

#[test]
fn settings_are_ranked_by_their_rate_and_told_apart_by_their_intervals() {
    let ranked = rank(vec![
        tried("workers=1", 100.0, Some((95.0, 104.0))),
        tried("workers=2", 200.0, Some((190.0, 205.0))),
        tried("workers=3", 0.0, None),
        tried("workers=4", 195.0, Some((185.0, 199.0))),
    ]);
    let order: Vec<(String, Standing)> =
        ranked.into_iter().map(|(one, standing)| (one.setting.to_string(), standing)).collect();
    let want = [
        ("workers=2", Standing::Best),
        ("workers=4", Standing::NotToldApart),
        ("workers=1", Standing::Below),
        ("workers=3", Standing::None),
    ];
    let want = want.map(|(text, standing)| (text.to_owned(), standing));
    assert_eq!(order, want);
}

#[test]
fn a_limit_that_was_not_reached_is_not_told_apart() {
    let ranked = rank(vec![
        tried("workers=1", 200.0, Some((190.0, 205.0))),
        tried("workers=2", 100.0, None),
    ]);
    assert_eq!(ranked[1].1, Standing::NotToldApart);
}

#[test]
fn settings_that_carry_all_that_is_allowed_have_no_best() {
    let unbroken = |text: &str| {
        let mut one = tried(text, 1000.0, None);
        one.answer.end = End::NeverFailed;
        one
    };
    let below = || tried("workers=3", 900.0, Some((880.0, 910.0)));
    let ranked = rank(vec![below(), unbroken("workers=1"), unbroken("workers=2")]);
    let standings: Vec<Standing> = ranked.iter().map(|(_, standing)| *standing).collect();
    assert_eq!(standings, [Standing::AtRateMax, Standing::AtRateMax, Standing::Below]);
    let ranked = rank(vec![below(), unbroken("workers=1")]);
    assert_eq!(ranked[0].1, Standing::Best, "alone it is the best");
}

#[test]
fn nothing_that_met_it_has_no_best() {
    let ranked = rank(vec![tried("workers=1", 0.0, None), tried("workers=2", 0.0, None)]);
    assert!(ranked.iter().all(|(_, standing)| *standing == Standing::None));
    assert!(rank(Vec::new()).is_empty());
}
