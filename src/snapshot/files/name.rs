//! From a path to the name of a file: decoded once, and never leading out of the folder. The kernel
//! is told to see to that too.

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileName {
    /// A file; or a folder, without its trailing slash.
    File,
    /// The folder itself, or one by its trailing slash.
    Folder,
}

/// Why a path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// No file can have the name.
    Absent,
    /// The name is hidden.
    Forbidden,
}

/// The path of a target in origin-form.
pub(super) fn path_of(target: &[u8]) -> &[u8] {
    memchr::memchr(b'?', target).and_then(|at| target.get(..at)).unwrap_or(target)
}

/// Appends the name that a path below the folder stands for; of a folder it is empty or ends with a
/// slash.
///
/// # Errors
/// [`NameFault::Absent`] for what can be no name of a file, such as one with a slash in it;
/// [`NameFault::Forbidden`] for hidden names, unless they are served.
pub(super) fn write(below: &[u8], hidden: bool, out: &mut Vec<u8>) -> Result<FileName, NameFault> {
    let from = out.len();
    let mut rest = below;
    loop {
        let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let (segment, after) = rest.split_at(end);
        // More than one slash is one.
        if !segment.is_empty() {
            write_segment(segment, hidden, out)?;
        }
        let Some(after) = after.strip_prefix(b"/") else { break };
        if !segment.is_empty() {
            out.push(b'/');
        }
        rest = after;
    }
    let is_folder = out.len() == from || out.ends_with(b"/");
    Ok(if is_folder { FileName::Folder } else { FileName::File })
}

fn write_segment(segment: &[u8], hidden: bool, out: &mut Vec<u8>) -> Result<(), NameFault> {
    let from = out.len();
    let mut rest = segment;
    while let [byte, after @ ..] = rest {
        rest = after;
        let mut value = *byte;
        if value == b'%' {
            let [high, low, behind @ ..] = rest else { return Err(NameFault::Absent) };
            let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                return Err(NameFault::Absent);
            };
            value = high << 4 | low;
            rest = behind;
            if matches!(value, b'/' | 0) {
                return Err(NameFault::Absent);
            }
        }
        out.push(value);
    }
    match out.get(from..).unwrap_or_default() {
        // A canonical path has none; one that was rewritten might.
        b"." | b".." => Err(NameFault::Absent),
        // RFC 8615: it is there to be found.
        b".well-known" => Ok(()),
        [b'.', ..] if !hidden => Err(NameFault::Forbidden),
        name if name.contains(&0) => Err(NameFault::Absent),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(below: &str, hidden: bool) -> Result<(FileName, String), u16> {
        let mut out = b"".to_vec();
        match write(below.as_bytes(), hidden, &mut out) {
            Ok(name) => Ok((name, String::from_utf8(out).expect("UTF-8"))),
            Err(NameFault::Absent) => Err(404),
            Err(NameFault::Forbidden) => Err(403),
        }
    }

    #[test]
    fn is_decoded_once() {
        for (below, expected) in [
            ("a/b.html", "a/b.html"),
            ("caf%C3%A9%20au%20lait", "caf\u{e9} au lait"),
            ("a%2541", "a%41"),
            ("a%5Cb", "a\\b"),
            ("a//b", "a/b"),
            ("//a", "a"),
            ("a..b/c..", "a..b/c.."),
        ] {
            assert_eq!(name(below, false), Ok((FileName::File, expected.to_owned())), "{below}");
        }
    }

    #[test]
    fn a_folder_ends_with_a_slash_or_is_the_root() {
        for (below, expected) in [("", ""), ("/", ""), ("a/", "a/"), ("a//", "a/")] {
            assert_eq!(name(below, false), Ok((FileName::Folder, expected.to_owned())), "{below}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_there() {
        for below in ["a%2Fb", "a%00", "a\0", "..", "../a", "a/..", "a/./b", "%2e%2e/a", "%", "%4"]
        {
            assert_eq!(name(below, true), Err(404), "{below}");
        }
    }

    #[test]
    fn hidden_names_are_forbidden_unless_they_are_served() {
        for below in [".git/config", "a/.env", ".htaccess", "%2Egit/", ".well-known/.x"] {
            assert_eq!(name(below, false), Err(403), "{below}");
            assert!(name(below, true).is_ok(), "{below}");
        }
        assert!(name(".well-known/acme-challenge/x", false).is_ok());
        assert_eq!(name(".well-known2/x", false), Err(403));
    }

    #[test]
    fn a_target_is_cut_at_its_query() {
        assert_eq!(path_of(b"/a?b=/c"), b"/a");
        assert_eq!(path_of(b"/a"), b"/a");
    }
}
