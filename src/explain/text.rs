//! An explanation for a terminal: what was asked, who was turned away and why, who has it.

use super::explanation::Path;
use super::explanation::{Answer, Bound, Candidate, Cluster, Explanation, Filter, Found, Others};

use std::fmt::{self, Display, Write};

/// The explanation as text. What peers sent cannot move a terminal's cursor.
pub fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    write(explanation, &mut out).expect("a string takes everything");
    out
}

fn write(explanation: &Explanation, out: &mut String) -> fmt::Result {
    let request = &explanation.request;
    let host = request.host.as_deref().unwrap_or_default();
    let target = match request.target.starts_with('/') {
        true => format!("{}://{host}{}", request.scheme, request.target),
        false => request.target.clone(),
    };
    writeln!(out, "{} {}", visible(&request.method), visible(&target))?;
    let trust = if request.is_trusted { ", a trusted proxy" } else { "" };
    match (&request.peer, &request.client) {
        (Some(peer), Some(client)) if peer != client => {
            row(out, "client", &format!("{client}, by way of {peer}{trust}"))?;
        }
        (Some(peer), _) => row(out, "client", &format!("{peer}{trust}"))?,
        (None, _) => row(out, "client", "a Unix socket")?,
    }
    if let Some(method) = &request.preflight {
        let says = "its route is that of the request it asks about";
        row(out, "preflight", &format!("for {}: {says}", visible(method)))?;
    }
    write_path(&explanation.path, out)?;
    if let Some(generation) = explanation.generation {
        row(out, "generation", &generation.to_string())?;
    }
    if let Some(past) = &explanation.past {
        row(out, "then", past)?;
    }
    write_candidates(&explanation.candidates, &explanation.others, out)?;
    if let Some(found) = &explanation.found {
        write_found(found, out)?;
    }
    match &explanation.answer {
        Some(answer) => write_answer(answer, out),
        None => Ok(()),
    }
}

fn write_path(path: &Path, out: &mut String) -> fmt::Result {
    match &path.canonical {
        Some(canonical) if *canonical == path.received => row(out, "path", canonical)?,
        Some(canonical) => {
            row(out, "path", &format!("{canonical}, received as {}", path.received))?
        }
        None => row(out, "path", &format!("{}, which has no canonical form", path.received))?,
    }
    for ambiguity in &path.ambiguities {
        row(out, "", &format!("{}: {}", ambiguity.what, ambiguity.policy))?;
    }
    Ok(())
}

fn write_candidates(candidates: &[Candidate], others: &Others, out: &mut String) -> fmt::Result {
    writeln!(out, "\nroutes, most specific first")?;
    let widest = |part: fn(&Candidate) -> usize| candidates.iter().map(part).max().unwrap_or(0);
    let name_width = widest(|one| one.route.chars().count()).min(NAME_COLUMNS_MAX);
    let place_width = widest(|one| one.place.as_ref().map_or(0, |place| place.chars().count()));
    for candidate in candidates {
        let mark = if candidate.verdict == "taken" { '>' } else { ' ' };
        let place = candidate.place.as_deref().unwrap_or_default();
        let line = format!(
            "{mark} {:name_width$}  {place:place_width$}  {}",
            candidate.route, candidate.pattern
        );
        writeln!(out, "{}", visible(line.trim_end()))?;
        writeln!(out, "      {}", visible(&candidate.text))?;
        for finding in &candidate.findings {
            let sign = if finding.holds { '+' } else { '-' };
            let indent = 8 + 2 * finding.depth;
            writeln!(out, "{:indent$}{sign} {}", "", visible(&finding.text))?;
        }
    }
    let counts = [
        (others.host, "of another host"),
        (others.path, "of another path"),
        (others.more, "more of this host and path"),
    ];
    let counts: Vec<String> = (counts.iter().filter(|(count, _)| *count > 0))
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !counts.is_empty() {
        writeln!(out, "  and {}", counts.join(", "))?;
    } else if candidates.is_empty() {
        writeln!(out, "  there are none")?;
    }
    Ok(())
}

fn write_found(found: &Found, out: &mut String) -> fmt::Result {
    let place = found.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    writeln!(out, "\nroute `{}`{}", visible(&found.route), visible(&place))?;
    for (at, (name, value)) in found.parameters.iter().enumerate() {
        row(out, if at == 0 { "parameters" } else { "" }, &format!("{name} = {value}"))?;
    }
    if let Some(rest) = &found.rest {
        row(out, "rest", rest)?;
    }
    write_filters(&found.filters, out)?;
    row(out, "action", &found.action)?;
    rows(out, "sent", &found.sent)?;
    let removed = found.answer_removed.iter().map(|name| format!("without {name}"));
    let lines: Vec<String> = removed.chain(found.answer_lines.iter().cloned()).collect();
    rows(out, "answered", &lines)?;
    for cluster in &found.clusters {
        write_cluster(cluster, found.clusters.len() > 1, out)?;
    }
    write_bounds("timeouts", &found.timeouts, out)?;
    write_bounds("limits", &found.limits, out)
}

fn write_filters(filters: &[Filter], out: &mut String) -> fmt::Result {
    let width = filters.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let width = width.min(NAME_COLUMNS_MAX);
    for (at, filter) in filters.iter().enumerate() {
        let text = format!("{:width$}  {}", filter.name, filter.does);
        row(out, if at == 0 { "filters" } else { "" }, &text)?;
    }
    Ok(())
}

fn write_cluster(cluster: &Cluster, is_shared: bool, out: &mut String) -> fmt::Result {
    let share =
        if is_shared { format!("{} % of the requests, ", cluster.percent) } else { String::new() };
    let text = format!(
        "{}: {share}{}, at most {} connections to an upstream",
        cluster.name, cluster.balancer, cluster.connections_max
    );
    row(out, "cluster", &text)?;
    let width = cluster.endpoints.iter().map(|one| one.address.len()).max().unwrap_or(0);
    for endpoint in &cluster.endpoints {
        let name = match endpoint.upstream == endpoint.address {
            true => String::new(),
            false => format!("  {}", endpoint.upstream),
        };
        let text = format!("  {:width$}  {:>5} %{name}", endpoint.address, endpoint.percent);
        row(out, "", &text)?;
    }
    for name in &cluster.unresolved {
        row(out, "", &format!("  {name} has no address"))?;
    }
    Ok(())
}

fn write_bounds(title: &str, bounds: &[Bound], out: &mut String) -> fmt::Result {
    let name_width = bounds.iter().map(|bound| bound.name.len()).max().unwrap_or(0);
    let value_width = bounds.iter().map(|bound| bound.value.len()).max().unwrap_or(0);
    for (at, Bound { name, value, from }) in bounds.iter().enumerate() {
        let text = format!("{name:name_width$}  {value:value_width$}  {from}");
        row(out, if at == 0 { title } else { "" }, &text)?;
    }
    Ok(())
}

fn write_answer(answer: &Answer, out: &mut String) -> fmt::Result {
    match answer.status {
        Some(status) => writeln!(out, "\nanswered with {status}: {}", answer.reason)?,
        None => writeln!(out, "\nanswered by what is found there: {}", answer.reason)?,
    }
    rows(out, "lines", &answer.lines)?;
    if answer.status.is_none() || answer.is_refusal() {
        writeln!(out, "  {}", answer.meaning)?;
    }
    if answer.is_refusal() { writeln!(out, "  {}", answer.remedy) } else { Ok(()) }
}

fn rows(out: &mut String, title: &str, lines: &[String]) -> fmt::Result {
    for (at, line) in lines.iter().enumerate() {
        row(out, if at == 0 { title } else { "" }, line)?;
    }
    Ok(())
}

fn row(out: &mut String, title: &str, text: &str) -> fmt::Result {
    let line = format!("  {title:TITLE_COLUMNS$}{}", visible(text));
    writeln!(out, "{}", line.trim_end())
}

/// A text whose control characters are escaped.
pub(super) fn visible(text: &str) -> impl Display + use<> {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        match character.is_control() {
            true => out.extend(character.escape_default()),
            false => out.push(character),
        }
        out
    })
}

const TITLE_COLUMNS: usize = 12;
/// A longer name does not push the others' columns away.
const NAME_COLUMNS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::super::explanation::{Endpoint, Finding, Request};
    use super::*;

    fn filter(name: &str, does: &str) -> Filter {
        Filter { name: name.into(), kind: "rbac".into(), does: does.into() }
    }

    fn sample() -> Explanation {
        let candidate = |route: &str, verdict: &str, text: &str| Candidate {
            route: route.into(),
            place: Some("frys.toml:9".into()),
            pattern: "GET a.test/x/{id}".into(),
            verdict: verdict.into(),
            text: text.into(),
            findings: Vec::new(),
        };
        let finding = Finding { depth: 1, holds: false, text: "header X: none".into() };
        Explanation {
            request: Request {
                method: "GET".into(),
                scheme: "https".into(),
                host: Some("a.test".into()),
                target: "/x//7".into(),
                peer: Some("10.0.0.1".into()),
                is_trusted: true,
                client: Some("192.0.2.1".into()),
                preflight: None,
            },
            generation: Some(3),
            past: None,
            path: Path {
                received: "/x//7".into(),
                canonical: Some("/x/7".into()),
                ambiguities: Vec::new(),
            },
            candidates: vec![
                Candidate {
                    findings: vec![finding],
                    ..candidate("first", "condition", "a condition does not hold")
                },
                candidate("second", "taken", "taken"),
            ],
            others: Others { host: 2, path: 0, more: 0 },
            found: Some(Found {
                route: "second".into(),
                action: "cluster api".into(),
                filters: vec![
                    filter("auth.idp", "bearers of a token pass"),
                    filter("rbac@second", "2 rules"),
                ],
                parameters: vec![("id".into(), "7".into())],
                sent: vec!["GET /x/7 HTTP/1.1".into(), "Host: a.test".into()],
                clusters: vec![Cluster {
                    name: "api".into(),
                    percent: 100.0,
                    balancer: "round_robin".into(),
                    connections_max: 9,
                    endpoints: vec![Endpoint {
                        upstream: "api:80".into(),
                        address: "10.0.0.2:80".into(),
                        weight: 1,
                        percent: 100.0,
                    }],
                    unresolved: Vec::new(),
                }],
                timeouts: vec![Bound {
                    name: "connect".into(),
                    value: "10s".into(),
                    from: "default".into(),
                }],
                ..Found::default()
            }),
            answer: None,
        }
    }

    #[test]
    fn aligns_what_it_says() {
        let want = "\
GET https://a.test/x//7
  client      192.0.2.1, by way of 10.0.0.1, a trusted proxy
  path        /x/7, received as /x//7
  generation  3

routes, most specific first
  first   frys.toml:9  GET a.test/x/{id}
      a condition does not hold
          - header X: none
> second  frys.toml:9  GET a.test/x/{id}
      taken
  and 2 of another host

route `second`
  parameters  id = 7
  filters     auth.idp     bearers of a token pass
              rbac@second  2 rules
  action      cluster api
  sent        GET /x/7 HTTP/1.1
              Host: a.test
  cluster     api: round_robin, at most 9 connections to an upstream
                10.0.0.2:80    100 %  api:80
  timeouts    connect  10s  default
";
        assert_eq!(text(&sample()), want);
    }

    #[test]
    fn says_why_nothing_was_found_and_what_to_do() {
        let answer = Answer {
            status: Some(404),
            reason: "route_not_found".into(),
            meaning: "No route matches.".into(),
            remedy: "Add one.".into(),
            lines: Vec::new(),
        };
        let explanation =
            Explanation { found: None, answer: Some(answer), generation: None, ..sample() };
        let said = text(&explanation);
        let want = "\nanswered with 404: route_not_found\n  No route matches.\n  Add one.\n";
        assert!(said.ends_with(want), "{said}");
    }

    #[test]
    fn is_read_again_from_json() {
        let json = serde_json::to_string(&sample()).expect("JSON");
        assert_eq!(serde_json::from_str::<Explanation>(&json).expect("JSON"), sample());
    }

    #[test]
    fn a_hostile_request_cannot_move_the_cursor() {
        let mut explanation = sample();
        explanation.request.target = "/\u{1b}[2J".into();
        explanation.path.received = "/\u{1b}[2J".into();
        explanation.candidates[0].findings[0].text = "\u{1b}".into();
        assert!(!text(&explanation).contains('\u{1b}'));
    }
}
