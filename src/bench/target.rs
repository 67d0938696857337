//! What is requested: one line `[weight=N] [METHOD] URL`, on the command line and in a file.

use crate::config::{Method, UpstreamUrl, UrlInvalid};
use crate::limits;

use std::fmt;
use std::str::FromStr;

/// One target of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its share of the requests, relative to the others'; at least 1.
    pub weight: u32,
    /// Its method, if the line names one.
    pub method: Option<String>,
    /// The URL as it was written.
    pub url: String,
    /// Whom to connect to.
    pub server: UpstreamUrl,
    /// Path and query, beginning with `/`; a fragment is never sent.
    pub path: String,
}

/// A line that names no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetInvalid {
    /// Nothing, or more words than weight, method and URL.
    WordsUnexpected,
    /// A method that is no token: often a URL with a space in it.
    MethodInvalid(String),
    /// `find`, `compare` or `tune`, which stand before all options.
    SubcommandMisplaced,
    /// A weight that is not a number from 1 to [`limits::WEIGHT_MAX`].
    WeightInvalid,
    /// `https://`: the generator speaks plain HTTP/1.1 in this version.
    TlsNotBuilt,
    /// Not `http://host[:port][/path]`.
    UrlInvalid(UrlInvalid),
}

impl FromStr for Target {
    type Err = TargetInvalid;

    fn from_str(line: &str) -> Result<Target, TargetInvalid> {
        let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
        let weight = match words.first().and_then(|word| word.strip_prefix("weight=")) {
            Some(number) => {
                words.remove(0);
                let weight = number.parse().ok().filter(|weight| *weight >= 1);
                weight.filter(|weight| *weight <= limits::WEIGHT_MAX)
            }
            None => Some(1),
        };
        let weight = weight.ok_or(TargetInvalid::WeightInvalid)?;
        let (method, url) = match words.as_slice() {
            ["find" | "compare" | "tune"] => return Err(TargetInvalid::SubcommandMisplaced),
            [url] => (None, *url),
            [method, url] if method.parse::<Method>().is_err() => {
                return Err(TargetInvalid::MethodInvalid((*method).to_owned()));
            }
            [method, url] => (Some((*method).to_owned()), *url),
            [] | [_, ..] => return Err(TargetInvalid::WordsUnexpected),
        };
        let (server, path) = split(url)?;
        Ok(Target { weight, method, url: url.to_owned(), server, path })
    }
}

/// The server and the path with its query.
fn split(url: &str) -> Result<(UpstreamUrl, String), TargetInvalid> {
    if url.starts_with("https://") {
        return Err(TargetInvalid::TlsNotBuilt);
    }
    // Like other load generators: a host alone is meant as http.
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let authority_at = full.find("://").map_or(0, |at| at + 3);
    let rest = &full[authority_at..];
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (server, path) = full.split_at(authority_at + path_at);
    let server: UpstreamUrl = server.parse().map_err(TargetInvalid::UrlInvalid)?;
    let path = path.split('#').next().unwrap_or_default();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((server, path))
}

/// The targets of a file: a line each; empty lines and those that begin with `#` are passed over.
///
/// # Errors
/// The first line that names none, by its number from 1, and why.
pub fn list(text: &str) -> Result<Vec<Target>, (usize, TargetInvalid)> {
    let lines = text.lines().map(str::trim).enumerate();
    let named = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    named.map(|(at, line)| line.parse().map_err(|fault| (at + 1, fault))).collect()
}

impl fmt::Display for TargetInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetInvalid::WordsUnexpected => {
                formatter.write_str("expected `[weight=N] [METHOD] URL`")
            }
            TargetInvalid::MethodInvalid(word) => {
                write!(formatter, "`{word}` is no method; a space in a URL is written `%20`")
            }
            TargetInvalid::SubcommandMisplaced => {
                formatter.write_str("the subcommand stands first: `frys bench find …`")
            }
            TargetInvalid::WeightInvalid => {
                write!(formatter, "a weight is a number from 1 to {}", limits::WEIGHT_MAX)
            }
            TargetInvalid::TlsNotBuilt => {
                formatter.write_str("https is not built in this version; use an http:// URL")
            }
            TargetInvalid::UrlInvalid(UrlInvalid::SchemeUnknown) => {
                formatter.write_str("a URL is written `http://host:port/path`")
            }
            TargetInvalid::UrlInvalid(reason) => write!(formatter, "the URL: {reason}"),
        }
    }
}

impl std::error::Error for TargetInvalid {}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(line: &str) -> Target {
        line.parse().expect("a target")
    }

    #[test]
    fn reads_weight_method_and_url() {
        let target = target("weight=3 PUT http://api.test:81/a/b?c=1#part");
        assert_eq!((target.weight, target.method.as_deref()), (3, Some("PUT")));
        assert_eq!(target.server.host_and_port(), "api.test:81");
        assert_eq!(target.path, "/a/b?c=1");
    }

    #[test]
    fn a_url_alone_has_weight_one_and_path_slash() {
        let target = target("http://127.0.0.1:8080");
        assert_eq!((target.weight, target.method, target.path.as_str()), (1, None, "/"));
        assert_eq!(super::split("http://a?q=1").expect("a url").1, "/?q=1");
        assert_eq!(super::split("localhost:80/x").expect("a url").1, "/x");
    }

    #[test]
    fn refuses_what_is_no_target() {
        let fault = |line: &str| line.parse::<Target>().expect_err("no target");
        assert_eq!(fault(""), TargetInvalid::WordsUnexpected);
        assert_eq!(fault("GET http://a/ x"), TargetInvalid::WordsUnexpected);
        assert_eq!(fault("http://a/b c"), TargetInvalid::MethodInvalid("http://a/b".into()));
        assert_eq!(fault("find"), TargetInvalid::SubcommandMisplaced);
        assert_eq!(fault("weight=0 http://a/"), TargetInvalid::WeightInvalid);
        assert_eq!(fault("weight=1000001 http://a/"), TargetInvalid::WeightInvalid);
        assert_eq!(fault("https://a/"), TargetInvalid::TlsNotBuilt);
        assert!(matches!(fault("http://:80/"), TargetInvalid::UrlInvalid(_)));
        assert!(matches!(fault("ftp://a/"), TargetInvalid::UrlInvalid(_)));
    }

    #[test]
    fn a_list_names_the_line_of_its_first_fault() {
        let text = "# two\nhttp://a/1\n\n  weight=2 http://a/2\n";
        assert_eq!(list(text).expect("two targets").len(), 2);
        let fault = list("http://a/1\n\nhttps://a/\n").expect_err("the third line");
        assert_eq!(fault, (3, TargetInvalid::TlsNotBuilt));
    }
}
