//! What answers say about the version that they are of, and about what they were chosen by.

use super::super::{Edits, Line, Lines, Template};
use crate::config::{self, AfterSunset, GatewayConfig, VersionLife, VersionSource};
use crate::http::date;

/// What a route's answers say, and when they end.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// Names and values of fields.
    fields: Vec<(&'static str, String)>,
    /// From when on requests are answered 410: seconds since 1970.
    pub(super) gone_at: Option<u64>,
}

impl Announced {
    /// Of a route whose version is known.
    pub(super) fn new(config: &GatewayConfig, route: &config::Route) -> Announced {
        let mut announced = Announced::default();
        let version = route.version.as_ref();
        let group = version.and_then(|version| config.versions.get(&version.group));
        let life = version.and_then(|version| group?.known.get(&version.is));
        if let Some(life) = life {
            announced.life(life);
        }
        // RFC 9110 section 12.5.5: a cache must know what the answer was chosen by.
        let mut vary = Vec::new();
        if !route.produces.is_empty() {
            vary.push("Accept");
        }
        for source in group.iter().flat_map(|group| &group.from) {
            match source {
                VersionSource::Header(name) => vary.push(name),
                VersionSource::MediaType(_) if !vary.contains(&"Accept") => vary.push("Accept"),
                VersionSource::MediaType(_) | VersionSource::Path(_) | VersionSource::Query(_) => {}
            }
        }
        if !vary.is_empty() {
            announced.fields.push(("Vary", vary.join(", ")));
        }
        announced
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.gone_at.is_none()
    }

    /// Adds the fields to what answers gain. What an upstream says of its own end gives way.
    pub(super) fn add_to(self, edits: &mut Edits) {
        let mut lines = std::mem::take(&mut edits.lines).into_vec();
        for (name, value) in self.fields {
            // A list may stand on several lines; these two are single values.
            if matches!(name, "Deprecation" | "Sunset") {
                edits.drop.insert(name);
            }
            // `config` lets no control character into a name or a link.
            if let Ok(value) = Template::verbatim(&value) {
                lines.push(Line { name: format!("{name}: ").into_bytes().into(), value });
            }
        }
        edits.lines = Lines::new(lines);
    }

    fn life(&mut self, life: &VersionLife) {
        let seconds = |day: &Option<String>| day.as_deref().and_then(date::start_of_day);
        let (deprecated, sunset) = (seconds(&life.deprecated), seconds(&life.sunset));
        if let Some(seconds) = deprecated {
            // RFC 9745 section 2.1: a date of RFC 9651.
            self.fields.push(("Deprecation", format!("@{seconds}")));
        }
        if let Some(seconds) = sunset {
            // RFC 8594 section 3.
            let date = date::imf_fixdate(seconds);
            self.fields.push(("Sunset", String::from_utf8_lossy(&date).into_owned()));
        }
        if let Some(link) = &life.link {
            let relations = [("deprecation", deprecated), ("sunset", sunset)];
            for (relation, _) in relations.iter().filter(|(_, seconds)| seconds.is_some()) {
                self.fields.push(("Link", format!("<{link}>; rel=\"{relation}\"")));
            }
        }
        self.gone_at = match life.after_sunset {
            AfterSunset::Serve => None,
            AfterSunset::Gone => sunset,
        };
    }
}
