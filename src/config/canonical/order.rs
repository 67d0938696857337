//! The order of keys: that of the reference.

use super::super::keys::Section;
use super::super::sections;

/// The place of a key of a table in the reference; keys that are not in it come last.
pub(super) fn rank(table: &[String], key: &str) -> usize {
    let place =
        section(table).and_then(|section| section.keys.iter().position(|known| known.name == key));
    place.unwrap_or(usize::MAX)
}

/// The section of a table by its path, in which lists have no index.
fn section(table: &[String]) -> Option<&'static Section> {
    if table.is_empty() {
        return Some(&sections::ROOT);
    }
    sections::ALL.into_iter().find(|section| {
        section.title.split(", ").any(|title| {
            let title = title.trim_matches(['[', ']']);
            let names = title.split('.').collect::<Vec<_>>();
            let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase());
            let fits = |(name, key): (&&str, &String)| is_name(name) || *name == key;
            names.len() == table.len() && names.iter().zip(table).all(fits)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_section_of_a_table() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert!(rank(&[], "listen_addr") < rank(&[], "routes"));
        assert!(rank(&path("routes"), "id") < rank(&path("routes"), "path"));
        assert!(rank(&path("clusters.a"), "upstreams") < rank(&path("clusters.a"), "timeouts"));
        let upstreams = path("clusters.b.upstreams");
        assert!(rank(&upstreams, "url") < rank(&upstreams, "weight"));
        assert_eq!(rank(&upstreams, "nothing"), usize::MAX);
        assert_eq!(rank(&path("nothing"), "url"), usize::MAX);
    }
}
