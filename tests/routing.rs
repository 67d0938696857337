//! Which route a request takes, and what its upstream is then sent: the whole worker on the
//! simulated network, with configurations as they stand in files.

#[path = "routing/scene.rs"]
mod scene;
#[path = "routing/paths.rs"]
mod paths;
#[path = "routing/conditions.rs"]
mod conditions;
#[path = "routing/preflights.rs"]
mod preflights;
#[path = "routing/versions.rs"]
mod versions;
