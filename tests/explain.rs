//! The document of reasons is what the code says.

use frys_gateway::explain::reasons;
use std::path::Path;

#[test]
fn the_document_of_reasons_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reasons.md");
    let meant = reasons::document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &meant).expect("the document can be written");
    }
    let said = std::fs::read_to_string(&path).unwrap_or_default();
    let fix = "`UPDATE=1 cargo test --locked --test explain` writes it anew";
    assert!(said == meant, "docs/reasons.md differs: {fix}");
}
