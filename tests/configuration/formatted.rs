//! The canonical form says the same, says it once more the same, and loses no comment.

use super::FULL;
use frys_gateway::config::{Format, GatewayConfig, formatted};
use proptest::prelude::*;

fn format(text: &str, format: Format) -> String {
    match formatted(text, format, "file") {
        Ok(text) => text,
        Err(error) => panic!("refused:\n{error}\n\n{text}"),
    }
}

/// Formats, and holds the result to its promises.
fn held(text: &str, kind: Format) -> String {
    let once = format(text, kind);
    assert_eq!(format(&once, kind), once, "not the same again:\n{text}");
    if kind == Format::Toml {
        let value = |text: &str| toml::from_str::<toml::Value>(text).expect("TOML");
        assert_eq!(value(&once), value(text), "{text}\n---\n{once}");
    }
    once
}

const UNTIDY: &str = "\
# The gateway of the shop.
# Ask Eve.

routes=[]   #  none yet
   listen_addr   =  '0.0.0.0:8080'# here
# two
workers =   [ 0,1 ,
   2 ]


# bounds


# of requests
[ limits ] # small
fields= 64
request_line ='4KiB'
[[routes]]
upstreams = [
  # the first
  {weight = 2,url = \"http://a:1\"}, # heavy
  {url=\"http://b:1\"} # last
]
path_regex = \"^/x/\\\\d+$\"
\"id\" = \"say \\\"x\\\"\"
timeouts . connect = \"1s\"
# end
";

const TIDY: &str = "\
# The gateway of the shop.
# Ask Eve.

listen_addr = \"0.0.0.0:8080\" # here
# two
workers = [0, 1, 2]

# bounds

# of requests
[limits] # small
request_line = \"4KiB\"
fields = 64

[[routes]]
id = 'say \"x\"'
path_regex = '^/x/\\d+$'
upstreams = [
  # the first
  { url = \"http://a:1\", weight = 2 }, # heavy
  { url = \"http://b:1\" }, # last
]
timeouts.connect = \"1s\"
# end
";

#[test]
fn toml_has_one_form() {
    let untidy = UNTIDY.replace("routes=[]   #  none yet\n", "");
    assert_eq!(held(&untidy, Format::Toml), TIDY);
    assert_eq!(held(TIDY, Format::Toml), TIDY);
}

#[test]
fn tables_stay_where_they_are() {
    let text = "[clusters.a]\nx = 1\n[[routes]]\npath = \"/a\"\n[routes.timeouts]\ntotal = \"1s\"\n\
                [clusters.b]\nx = 1\n[[routes]]\npath = \"/b\"\n";
    assert_eq!(held(text, Format::Toml), text.replace("\n[", "\n\n["));
}

#[test]
fn long_lists_are_broken() {
    let long = "\"10.0.0.0/8\", ".repeat(9);
    let text = format!("trusted_proxies = [{long}]\n");
    let lines = format!("trusted_proxies = [\n{}]\n", "  \"10.0.0.0/8\",\n".repeat(9));
    assert_eq!(held(&text, Format::Toml), lines);
    let fits = format!("x = [\"{}\"]\n", "a".repeat(92));
    assert_eq!(fits.len() - 1, 100);
    assert_eq!(held(&fits, Format::Toml), fits);
    let longer = format!("x = [\"{}\"]\n", "a".repeat(93));
    assert_eq!(held(&longer, Format::Toml), format!("x = [\n  \"{}\",\n]\n", "a".repeat(93)));
}

/// TOML 1.0 has line ends in the lists of inline tables, and nowhere else in them.
#[test]
fn long_conditions_are_broken_at_their_lists() {
    let one = "{ header = \"X-Tenant\", in = [\"acme\", \"globex\"] }";
    let any = "{ cookie = \"beta\", exists = true }, { query = \"beta\", equals = \"1\" }";
    let (other, not) = (format!("{{ any = [{any}] }}"), format!("{{ not = {one} }}"));
    let head = "[[routes]]\nwhen = { all = [";
    let text = format!("{head}{one}, {other}, {not}] }}\n");
    let lines = format!("{head}\n  {one},\n  {other},\n  {not},\n] }}\n");
    assert_eq!(held(&text, Format::Toml), lines);
    let short = format!("[[routes]]\nwhen = {{ any = [{any}] }}\n");
    assert_eq!(held(&short, Format::Toml), short);
}

#[test]
fn strings_have_one_spelling() {
    for (text, want) in [
        ("'a'", "\"a\""),
        ("\"a\\\\b\"", "'a\\b'"),
        ("\"it's \\\\\"", "\"it's \\\\\""),
        ("\"a\\nb\"", "\"a\\nb\""),
        ("\"\\u00e4\"", "\"ä\""),
        ("\"\\u007f\"", "\"\\u007F\""),
        ("\"\"\"\na\nb\"\"\"", "\"\"\"\na\nb\"\"\""),
        ("0xff", "0xff"),
        ("1_000", "1_000"),
        ("{a=1,  b = [ ] }", "{ a = 1, b = [] }"),
        ("{ }", "{}"),
        ("1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z"),
    ] {
        let found = held(&format!("x = {text}"), Format::Toml);
        assert_eq!(found, format!("x = {want}\n"));
    }
}

#[test]
fn odd_files_have_a_form() {
    for text in
        ["", "\n\n", "# only\n", "\u{feff}a = 1", "a = 1\r\n# b\r\n", "[a.b.c]\n", "[a]\n[a.b]\n"]
    {
        held(text, Format::Toml);
    }
    assert_eq!(held("a = 1\n\n\n\n# end", Format::Toml), "a = 1\n\n# end\n");
}

#[test]
fn yaml_keeps_its_comments_and_its_order() {
    let text = "# top\nroutes:\n    -   path:   /a # here\n        \
                upstreams: [ {url: 'http://a:1'} ]\n\
                # end\nlisten_addr: 0.0.0.0:80\n";
    let once = held(text, Format::Yaml);
    let want = "# top\nroutes:\n  - path: /a # here\n    upstreams: [{ url: \"http://a:1\" }]\n\
                # end\nlisten_addr: 0.0.0.0:80\n";
    assert_eq!(once, want);
}

#[test]
fn what_editors_read_stays_on_top() {
    for (text, want) in [
        (
            "#:schema ./a.json\nlisten_addr = \"a\"\nenv = [\"HOME\"]\n",
            "#:schema ./a.json\n\nenv = [\"HOME\"]\nlisten_addr = \"a\"\n",
        ),
        (
            "# ours\n#:schema ./a.json\n# where\nlisten_addr = \"a\"\nenv = [\"HOME\"]\n",
            "# ours\n#:schema ./a.json\n\nenv = [\"HOME\"]\n# where\nlisten_addr = \"a\"\n",
        ),
        ("#:schema ./a.json\n[admin]\n", "#:schema ./a.json\n[admin]\n"),
    ] {
        assert_eq!(held(text, Format::Toml), want);
    }
}

#[test]
fn yaml_comments_come_to_rest() {
    for (text, want) in [
        (
            "routes:\n- path: /x\n  respond: {} # trailing\n# own line\n",
            "routes:\n  - path: /x\n    respond: {} # trailing\n# own line\n",
        ),
        (
            "  # header\n\na: 1\nb:\n  c:\n    d:\n      - e: 1\nf: 1\n",
            "# header\n\na: 1\nb:\n  c:\n    d:\n      - e: 1\nf: 1\n",
        ),
        ("a:\n-\n  # comment\n  path: /x\n", "a:\n  - # comment\n    path: /x\n"),
    ] {
        assert_eq!(held(text, Format::Yaml), want);
    }
}

#[test]
fn yaml_without_a_form_is_refused_with_its_place() {
    for (text, place) in [
        ("b: 1\na: |+\n  x\n\n\nc: 1\n", "file:3:"),
        ("r:\n- a: |2-\n      x\n    y\n  b: 1\n", "file:4:5: "),
        ("r:\n- a: |4\n        x\n  b: 1\n", "file:3:"),
    ] {
        let error = formatted(text, Format::Yaml, "file").expect_err(text).to_string();
        assert!(error.starts_with(place) && error.contains("left as it is"), "{error}");
    }
}

#[test]
fn json_keeps_its_order_and_its_numbers() {
    let text = "{\"b\":[1.50,{}],\"a\":\"x\"}";
    assert_eq!(
        held(text, Format::Json),
        "{\n  \"b\": [\n    1.50,\n    {}\n  ],\n  \"a\": \"x\"\n}\n"
    );
}

#[test]
fn refuses_what_is_not_in_its_format() {
    for (text, kind) in [("a = \n", Format::Toml), ("a: [\n", Format::Yaml), ("{,}", Format::Json)]
    {
        let error = formatted(text, kind, "file").expect_err(text);
        assert!(error.to_string().starts_with("file:1:"), "{error}");
    }
}

#[test]
fn a_whole_configuration_stays_itself() {
    let read = |text: &str, kind| GatewayConfig::from_str(text, kind, "file").expect("right");
    let value: toml::Value = toml::from_str(FULL).expect("TOML");
    let json = serde_json::to_string(&value).expect("JSON");
    let yaml = serde_saphyr::to_string(&value).expect("YAML");
    let want = read(FULL, Format::Toml);
    for (text, kind) in [(FULL, Format::Toml), (&json, Format::Json), (&yaml, Format::Yaml)] {
        assert_eq!(read(&held(text, kind), kind), want);
    }
}

/// A value as somebody may spell it; `@` stands for a comment and a line end.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("1".to_owned()),
        Just("-0x1F".replace('-', "")),
        Just("true".to_owned()),
        Just("\"a # b\"".to_owned()),
        Just("'c:\\d'".to_owned()),
        Just("\"\"\"\n# no comment\n\"\"\"".to_owned()),
        Just("\"tab\\tand \\\\ 'quote'\"".to_owned()),
        Just("1.5e3".to_owned()),
    ];
    let space = || prop_oneof![Just(""), Just(" "), Just("\n  "), Just(" @"), Just("\n @\n\n")];
    scalar.prop_recursive(3, 12, 4, move |inner| {
        let list = (
            prop::collection::vec((space(), inner.clone(), space()), 0..4),
            space(),
            any::<bool>(),
        )
            .prop_map(|(elements, end, comma)| {
                let elements: Vec<String> = elements
                    .into_iter()
                    .map(|(before, value, after)| format!("{before}{value}{after}"))
                    .collect();
                let comma = if comma && !elements.is_empty() { "," } else { "" };
                format!("[{}{comma}{end}]", elements.join(","))
            });
        let table = prop::collection::vec(inner, 0..3).prop_map(|values| {
            let pairs = values.iter().zip(["weight", "url", "x . y"]);
            let pairs: Vec<String> = pairs.map(|(value, key)| format!("{key} ={value}")).collect();
            format!("{{{} }}", pairs.join(" , "))
        });
        prop_oneof![list, table]
    })
}

/// One key with what may stand around it.
fn line() -> impl Strategy<Value = (String, String, String)> {
    let before = prop_oneof![Just(""), Just("\n"), Just("@"), Just("\n\n  @\n@")];
    let behind = prop_oneof![Just("\n"), Just("  @"), Just("\t\n\n\n")];
    (before, value(), behind).prop_map(|(a, b, c)| (a.to_owned(), b, c.to_owned()))
}

const KEYS: [&str; 8] =
    ["path", "zzz", "listen_addr", "\"a b\"", "id", "url", "workers", "timeouts . total"];
const HEADERS: [&str; 6] = [
    "",
    "[limits]",
    " [[ routes ]] @",
    "[routes.timeouts]",
    "@\n@[[routes]]\n",
    "[ clusters . a ]@",
];

fn document() -> impl Strategy<Value = String> {
    let table = || prop::collection::vec(line(), 0..KEYS.len());
    prop::collection::vec(table(), HEADERS.len()).prop_map(|tables| {
        let mut text = String::new();
        for (header, lines) in HEADERS.iter().zip(tables) {
            text.push_str(header);
            text.push('\n');
            for ((before, value, behind), key) in lines.into_iter().zip(KEYS) {
                text.push_str(&format!("{before}{key}  = {value}{behind}"));
            }
        }
        // Each comment is one of its own.
        let mut numbered = String::new();
        for (number, part) in text.split('@').enumerate() {
            if number > 0 {
                numbered.push_str(&format!("#c{number}. \n"));
            }
            numbered.push_str(part);
        }
        numbered
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_document_says_the_same_and_keeps_its_comments(text in document()) {
        // What is no TOML is refused, and not of interest here.
        prop_assume!(toml::from_str::<toml::Value>(&text).is_ok());
        let once = held(&text, Format::Toml);
        for number in 1..=text.matches("#c").count() {
            let comment = format!("#c{number}.");
            prop_assert_eq!(once.matches(&comment).count(), 1, "{}\n---\n{}", text, once);
        }
    }
}
