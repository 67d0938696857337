//! The report page: one HTML file with everything in it, which asks for nothing when opened.
//!
//! The script draws from JSON that stands in the page. URLs, headers and names in it may come from
//! anywhere: JSON is escaped so that no text ends its element, and the script sets text as text.

pub mod document;

use std::fmt::Write;

use document::Document;

use super::table;

/// The page as a whole file.
///
/// A reader without scripts gets the terminal's table of each run.
pub fn html(document: &Document) -> String {
    let title = escape(&document.title);
    let json = json(document);
    let plain = plain(document);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main id=\"page\"></main>\n<noscript><h1>{title}</h1>{plain}</noscript>\n\
         <script type=\"application/json\" id=\"document\">{json}</script>\n\
         <script>\n\"use strict\";\n(() => {{\n{PLOT}{SECTIONS}{SCRIPT}}})();\n</script>\n\
         </body>\n</html>\n"
    )
}

/// The document's JSON, fit to stand inside a `script` element.
fn json(document: &Document) -> String {
    let json = serde_json::to_string(document).expect("the document has no map with other keys");
    // `<` ends the element or opens a comment, and stands only inside of strings.
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn plain(document: &Document) -> String {
    let mut plain = String::new();
    for run in &document.runs {
        let (name, table) = (escape(&run.name), escape(&table::table(&run.report)));
        write!(plain, "<h2>{name}</h2><pre>{table}</pre>").expect("a string takes all");
    }
    plain
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

const STYLE: &str = include_str!("page.css");
const PLOT: &str = include_str!("plot.js");
const SECTIONS: &str = include_str!("sections.js");
const SCRIPT: &str = include_str!("page.js");

/// Nothing may be loaded, so the browser itself refuses what a mistake here would ask for.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::fixture;

    fn hostile() -> Document {
        let mut report = fixture::open_loop();
        report.asked.targets[0].url = "http://h/</script><script>alert(1)</script>&<!--".to_owned();
        Document::of_run("<img src=x onerror=alert(2)>\"", report)
    }

    #[test]
    fn text_cannot_leave_its_element() {
        let page = html(&hostile());
        assert_eq!(page.matches("</script>").count(), 2);
        assert_eq!(page.matches("<script").count(), 2);
        assert!(!page.contains("<img"), "the title is text");
        assert!(!page.contains("<!--"));
    }

    #[test]
    fn json_in_the_page_is_the_document() {
        let page = html(&hostile());
        let (_, rest) = page.split_once("id=\"document\">").expect("the element");
        let (json, _) = rest.split_once("</script>").expect("its end");
        let read: Document = serde_json::from_str(json).expect("the same tree");
        let url = |document: &Document| document.runs[0].report.asked.targets[0].url.clone();
        assert_eq!(url(&read), url(&hostile()));
    }

    #[test]
    fn names_no_place_to_load_from() {
        let empty = html(&Document::default());
        let namespaces = empty.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(empty.matches("://").count(), namespaces);
        assert!(!empty.contains("@import") && !empty.contains("url("));
    }

    #[test]
    fn script_sets_text_only_as_text() {
        for script in [PLOT, SECTIONS, SCRIPT] {
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!script.contains(way), "{way}");
            }
        }
    }

    #[test]
    fn numbers_that_are_not_finite_become_null() {
        let mut document = hostile();
        document.runs[0].report.seen.rate = f64::NAN;
        assert!(html(&document).contains("\"rate\":null"));
    }
}
