//! The order of keys: that of the reference.

use super::super::sections;

/// The place of a key of a table in the reference; keys that are not in it come last.
pub(super) fn rank(table: &[String], key: &str) -> usize {
    let place = sections::at(table)
        .and_then(|section| section.keys.iter().position(|known| known.name == key));
    place.unwrap_or(usize::MAX)
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
