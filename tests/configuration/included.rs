//! Several files as one configuration, and variables of the environment.

use super::places;
use frys_gateway::config::{ConfigError, Fault, Format, Loaded};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

fn load(folder: &TempDir) -> Result<Loaded, ConfigError> {
    Loaded::from_file(folder.path().join("frys.toml"))
}

fn accept(files: &[(&str, &str)]) -> Loaded {
    match load(&folder(files)) {
        Ok(loaded) => loaded,
        Err(error) => panic!("refused:\n{error}"),
    }
}

/// The faults, with files' names relative to the folder.
fn refuse(files: &[(&str, &str)]) -> Vec<Fault> {
    let folder = folder(files);
    let mut faults = load(&folder).expect_err("wrong").faults;
    let prefix = format!("{}/", folder.path().display());
    for fault in &mut faults {
        fault.message = fault.message.replace(&prefix, "");
        let related = fault.related.as_mut().and_then(|other| other.location.as_mut());
        for location in fault.location.iter_mut().chain(related) {
            location.file = location.file.replace(&prefix, "");
        }
    }
    faults
}

/// `file:line:column path` of a fault's place and of the other.
fn both_places(fault: &Fault) -> [String; 2] {
    let at = fault.location.as_ref().expect("a place");
    let related = fault.related.as_ref().expect("another place");
    let other = related.location.as_ref().expect("its place");
    [at, other].map(|at| format!("{}:{}:{}", at.file, at.line, at.column))
}

const TOP: &str = "include = [\"conf.d/*.toml\", \"more.yaml\"]\nlisten_addr = \"0.0.0.0:8080\"\n";
const A: &str = "[[routes]]\npath = \"/a\"\ncluster = \"c\"\n";
const B: &str = "[[routes]]\npath = \"/b\"\ncluster = \"c\"\n[limits]\nfields = 50\n";
const MORE: &str = "listeners: [{ address: \"0.0.0.0:8081\" }]\nlimits: { body: 1KiB }\n\
                    clusters: { c: { upstreams: [{ url: http://a:1 }] } }\n\
                    routes: [{ path: /c, cluster: c }]\n";

#[test]
fn files_are_one_configuration() {
    let top = format!("{TOP}[[routes]]\npath = \"/top\"\ncluster = \"c\"\n");
    let folder = folder(&[
        ("frys.toml", &top),
        ("conf.d/b.toml", B),
        ("conf.d/a.toml", A),
        ("conf.d/.hidden.toml", "wrong"),
        ("conf.d/notes.txt", "wrong"),
        ("more.yaml", MORE),
    ]);
    let loaded = load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let paths: Vec<&str> = loaded.config.routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, ["/top", "/a", "/b", "/c"]);
    assert_eq!(loaded.config.limits.fields, 50);
    assert_eq!(loaded.config.limits.body, Some(1024));
    assert_eq!(loaded.config.listen_addresses().count(), 2);
    let names = ["frys.toml", "conf.d/a.toml", "conf.d/b.toml", "more.yaml"];
    let files: Vec<PathBuf> = names.map(|name| folder.path().join(name)).to_vec();
    assert_eq!(loaded.files(), files);
    let folders: Vec<&Path> = loaded.folders().iter().map(PathBuf::as_path).collect();
    assert!(folders.contains(&folder.path()), "{folders:?}");
    assert!(folders.iter().any(|one| one.ends_with("conf.d")), "{folders:?}");
    assert_eq!(loaded.document.texts().count(), 4);
}

#[test]
fn the_whole_is_one_text_that_needs_no_other() {
    let loaded = accept(&[("frys.toml", TOP), ("conf.d/a.toml", A), ("more.yaml", MORE)]);
    let alone = Loaded::from_text(loaded.document.to_json(), Format::Json, "whole");
    assert_eq!(alone.expect("right").config, loaded.config);
}

#[test]
fn an_included_fault_has_its_own_place() {
    let wrong = "[[routes]]\npath = \"/b\"\nclutser = \"c\"\n";
    let faults = refuse(&[
        ("frys.toml", &format!("{TOP}drain_timeout = 3\n")),
        ("conf.d/a.toml", A),
        ("conf.d/b.toml", wrong),
        ("more.yaml", &MORE.replace("/c,", "[],")),
    ]);
    let file = |fault: &Fault| fault.location.as_ref().map(|at| at.file.clone());
    let files: Vec<String> = faults.iter().filter_map(file).collect();
    let first = ["frys.toml", "conf.d/b.toml", "more.yaml"];
    assert_eq!(files.first().map(String::as_str), Some(first[0]));
    assert!(first.iter().all(|name| files.iter().any(|file| file == name)), "{files:?}");
    let places = places(&faults);
    assert!(places.contains(&"3:1 routes[1].clutser".to_owned()), "{places:?}");
    let shown = faults.iter().map(ToString::to_string).collect::<String>();
    assert!(shown.contains("3 | clutser = \"c\"\n    | ^^^^^^^"), "{shown}");
}

#[test]
fn syntax_faults_of_all_files_are_told() {
    let faults =
        refuse(&[("frys.toml", TOP), ("conf.d/a.toml", "a = \n"), ("more.yaml", "a: [\n")]);
    let files: Vec<&str> =
        faults.iter().filter_map(|fault| Some(fault.location.as_ref()?.file.as_str())).collect();
    assert_eq!(files, ["conf.d/a.toml", "more.yaml"]);
}

#[test]
fn what_two_files_say_is_refused_with_both_places() {
    for (text, path, places) in [
        ("limits: { fields: 3 }\n", "limits.fields", ["more.yaml:1:11", "conf.d/b.toml:5:1"]),
        ("listen_addr: x\n", "listen_addr", ["more.yaml:1:1", "frys.toml:2:1"]),
        ("limits: 3\n", "limits", ["more.yaml:1:1", "conf.d/b.toml:4:2"]),
    ] {
        let faults = refuse(&[("frys.toml", TOP), ("conf.d/b.toml", B), ("more.yaml", text)]);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].path, path);
        assert_eq!(both_places(&faults[0]), places);
    }
}

#[test]
fn a_cluster_is_written_in_one_file() {
    let cluster = "[clusters.c]\nmax_connections = 3\n";
    let faults = refuse(&[("frys.toml", TOP), ("conf.d/a.toml", cluster), ("more.yaml", MORE)]);
    assert_eq!(faults[0].path, "clusters.c");
    assert_eq!(both_places(&faults[0]), ["more.yaml:3:13", "conf.d/a.toml:1:11"]);
}

#[test]
fn two_routes_of_one_id_are_told_with_both_files() {
    let with_id = |text: &str| text.replace("path", "id = \"x\"\npath");
    let faults = refuse(&[
        ("frys.toml", TOP),
        ("conf.d/a.toml", &with_id(A)),
        ("conf.d/b.toml", &with_id(B)),
        ("more.yaml", MORE),
    ]);
    assert_eq!(both_places(&faults[0]), ["conf.d/b.toml:2:6", "conf.d/a.toml:2:6"]);
}

#[test]
fn a_file_is_read_once() {
    for (a, message) in [
        ("include = [\"../frys.toml\"]\n", "`conf.d/../frys.toml` would include itself"),
        ("include = [\"a.toml\"]\n", "`conf.d/a.toml` is included already"),
        ("include = [\"../more.yaml\"]\n", "`more.yaml` is included already"),
    ] {
        let faults = refuse(&[("frys.toml", TOP), ("conf.d/a.toml", a), ("more.yaml", "")]);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].message, message);
        assert!(faults[0].related.as_ref().is_some_and(|other| other.location.is_some()));
    }
}

#[test]
fn levels_are_bounded() {
    let include = |name: usize| format!("include = [\"{name}.toml\"]\n");
    let files = |levels: usize| {
        let mut files = vec![("frys.toml".to_owned(), format!("{}{}", include(1), LEAST))];
        files.extend((1..levels).map(|level| (format!("{level}.toml"), include(level + 1))));
        files.push((format!("{levels}.toml"), "drain_timeout = \"3s\"\n".to_owned()));
        files
    };
    let load = |levels| {
        let files = files(levels);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        load(&folder(&files))
    };
    assert!(load(8).is_ok());
    let error = load(9).expect_err("too deep").to_string();
    assert!(error.contains("more than 8 levels") && error.contains("8.toml:1:1"), "{error}");
}

const LEAST: &str = super::LEAST;

#[test]
fn a_name_must_be_there_and_a_pattern_need_not() {
    let with = |include: &str| format!("include = {include}\n{LEAST}");
    for include in ["[]", "[\"none/*.toml\"]", "[\"*.yaml\"]"] {
        accept(&[("frys.toml", &with(include))]);
    }
    for (include, want) in [
        ("[\"none.toml\"]", "none.toml: cannot be read"),
        ("[\"notes.txt\"]", "the ending of the name"),
        ("[\"*.txt\"]", "the ending of the name"),
        ("[\"*/a.toml\"]", "in the last part"),
        ("[\"\"]", "the name of a file"),
        ("[3]", "the name of a file"),
        ("\"a.toml\"", "a list of files"),
    ] {
        let faults = refuse(&[("frys.toml", &with(include)), ("notes.txt", "")]);
        assert_eq!(faults.len(), 1, "{include}: {faults:?}");
        assert!(faults[0].message.contains(want), "{}", faults[0]);
        assert_eq!(faults[0].location.as_ref().map(|at| at.line), Some(1));
    }
}

#[test]
fn a_text_includes_nothing() {
    let text = format!("include = [\"/etc/passwd\"]\n{LEAST}");
    let error = Loaded::from_text(text, Format::Toml, "text").expect_err("refused");
    assert!(error.to_string().contains("no folder"), "{error}");
}

#[test]
fn declared_variables_are_put_in() {
    // Cargo sets it for tests.
    for declaration in ["env = [\"CARGO_PKG_NAME\"]\n", "env = { CARGO_PKG_NAME = {} }\n"] {
        let text = LEAST.replace("http://a:1", "http://${env.CARGO_PKG_NAME}:1");
        let loaded = Loaded::from_text(format!("{declaration}{text}"), Format::Toml, "text");
        let config = loaded.unwrap_or_else(|error| panic!("{error}")).config;
        assert_eq!(config.routes[0].upstreams[0].url.host(), "frys-gateway");
    }
    let yaml = "env: { FRYS_NO_SUCH: { default: \"8080\" } }\nlisten_addr: \
                \"0.0.0.0:${env.FRYS_NO_SUCH}\"\n\
                routes: [{ path: /, upstreams: [{ url: http://a }] }]\n";
    let loaded = Loaded::from_text(yaml.into(), Format::Yaml, "text");
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn refuses_variables_that_are_not_there() {
    for (top, path, underlined) in [
        ("env = [\"FRYS_NO_SUCH\"]", "env[0]", "\"FRYS_NO_SUCH\""),
        ("[env]\nFRYS_NO_SUCH = {}", "env.FRYS_NO_SUCH", "FRYS_NO_SUCH"),
        ("[env]\nFRYS_NO_SUCH = { defualt = \"x\" }", "env.FRYS_NO_SUCH.defualt", "defualt"),
        ("env = [\"A-B\"]", "env[0]", "\"A-B\""),
        ("env = [3]", "env[0]", "3"),
        ("env = 3", "env", "3"),
        ("[env]\nHOME = 3", "env.HOME", "3"),
        ("env = [\"HOME\", \"HOME\"]", "env[1]", "\"HOME\""),
        ("access_log = { format = \"a ${env.NONE} b\" }", "access_log.format", "${env.NONE}"),
    ] {
        let text = format!("{LEAST}{top}\n");
        let error = Loaded::from_text(text, Format::Toml, "text").expect_err(top);
        let fault = error.faults.iter().find(|fault| fault.path == path);
        let at = fault.unwrap_or_else(|| panic!("{error}")).location.clone().expect("a place");
        let part = at.source_line.chars().skip(at.caret as usize).take(at.width as usize);
        assert_eq!(part.collect::<String>(), underlined, "{error}");
    }
}

#[test]
fn a_declaration_is_its_files_own() {
    let a = A.replace("\"/a\"", "\"/${env.CARGO_PKG_NAME}\"");
    let top = format!("env = [\"CARGO_PKG_NAME\"]\n{TOP}");
    let faults = refuse(&[("frys.toml", &top), ("conf.d/a.toml", &a), ("more.yaml", MORE)]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].message.contains("not declared"), "{}", faults[0]);
}

#[test]
fn variables_that_are_not_there_hide_no_other_fault() {
    let top = "env = [\"FRYS_NO_SUCH\"]\nlisten_addr = \"0.0.0.0:${env.PORT}\"\n\
               drain_timeout = \"${env.FRYS_NO_SUCH}\"\ninclude = [\"conf.d/*.toml\"]\n\
               [limits]\nfields = 0\n";
    let a = A.replace("\"/a\"", "\"${env.NONE}\"\nmethods = [\"get\"]");
    let faults = refuse(&[("frys.toml", top), ("conf.d/a.toml", &a)]);
    let mut paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    let want = [
        "env[0]",
        "limits.fields",
        "listen_addr",
        "routes[0].cluster",
        "routes[0].methods[0]",
        "routes[0].path",
    ];
    assert_eq!(paths, want, "{faults:?}");
}
