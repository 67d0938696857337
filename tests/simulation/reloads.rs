//! New configurations while requests are in flight: nothing is lost, nothing is kept.

use crate::world::{Random, Shared, World, config};

use frys_gateway::bridge::reason::Reason;
use frys_gateway::config::{ClusterConfig, GatewayConfig, Route, Upstream};
use frys_gateway::runtime::{Segment, Socket};

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// The world's configuration, with other weights, with one upstream fewer, with routes and clusters
/// that come and go around it.
fn variant(random: &mut Random, calm: bool) -> GatewayConfig {
    let mut config = config(calm);
    let echo = config.clusters.get_mut("echo").expect("it is there");
    for upstream in &mut echo.upstreams {
        upstream.weight = 1 + random.below(5) as u32;
    }
    if random.below(3) == 0 {
        echo.upstreams.remove(random.below(3) as usize);
    }
    echo.upstreams.rotate_left(random.below(2) as usize);
    for number in 0..random.below(4) {
        let name = format!("a{}", random.below(6));
        let url = format!("http://10.0.1.{}:80", 1 + number % 3).parse().expect("a url");
        let upstreams = vec![Upstream { url, weight: 1 }];
        let cluster = ClusterConfig { upstreams, ..ClusterConfig::default() };
        if config.clusters.insert(name.clone(), cluster).is_none() {
            let path = format!("/{name}");
            let route = Route { path, cluster: Some(name), ..Route::default() };
            config.routes.insert(0, route);
        }
    }
    config
}

/// Installs a new configuration now and then until it is told to end; how many there were.
async fn reload(shared: &Shared, over: &Cell<bool>) -> Result<u64, String> {
    let mut random = shared.random(77);
    let mut reloads_count = 0;
    while !over.get() {
        let pause_ns = random.below(30_000_000);
        shared.runtime.sleep_until(shared.runtime.now().plus_ns(pause_ns)).await;
        let snapshot = shared.compile(variant(&mut random, shared.calm))?;
        shared.worker.install(snapshot);
        reloads_count += 1;
    }
    Ok(reloads_count)
}

fn run(seed: u64, calm: bool) -> Result<u64, String> {
    let reloads_count = Rc::new(Cell::new(0));
    let told = reloads_count.clone();
    World::new(seed, calm).run_scene(async move |shared| {
        let over = Rc::new(Cell::new(false));
        let (inside, stop) = (shared.clone(), over.clone());
        shared.runtime.spawn(async move {
            match reload(&inside, &stop).await {
                Ok(count) => told.set(count),
                Err(text) => inside.fault(text),
            }
        });
        let served = shared.serve_clients().await;
        over.set(true);
        served?;
        // Nobody asks for anything any more: of all generations the last one is left.
        shared.wait("the old generations", || shared.generations_count() == 1).await
    })?;
    Ok(reloads_count.get())
}

#[test]
fn requests_pass_through_reloads_unharmed() {
    let mut reloads_count = 0;
    // A quarter of the seeds: each is run twice, with a compilation every few milliseconds.
    for seed in crate::seeds().into_iter().step_by(4) {
        for calm in [true, false] {
            match run(seed, calm) {
                Ok(count) => reloads_count += count,
                Err(fault) => panic!("seed {seed} (replay with FRYS_SEED={seed}): {fault}"),
            }
        }
    }
    assert!(reloads_count > 0, "nothing was installed, so nothing was shown");
}

/// Sends a request whose answer is long, and reads its first bytes.
async fn begin(shared: &Shared, bytes: usize) -> Result<Socket, String> {
    let socket = shared.runtime.connect(&shared.gateway).await.map_err(|e| e.to_string())?;
    let head = format!("GET /echo/{bytes}/length/1 HTTP/1.1\r\nHost: a\r\nX-Id: 1\r\n\r\n");
    let mut block = shared.runtime.blocks().take();
    block.extend_from_slice(head.as_bytes());
    socket.push(Segment::Block(block));
    match socket.receive().await {
        Ok(Some(_)) => Ok(socket),
        end @ (Ok(None) | Err(_)) => Err(format!("{end:?} instead of an answer")),
    }
}

/// A configuration without the upstreams, and without the route, of the world's own.
fn without_echo(age: Option<Duration>) -> GatewayConfig {
    let mut config = config(true);
    config.clusters.clear();
    config.reload.max_generation_age = age;
    config.routes = vec![Route {
        path: "/other".into(),
        upstreams: vec![Upstream { url: "http://10.0.9.9".parse().expect("a url"), weight: 1 }],
        ..Route::default()
    }];
    config
}

#[test]
fn a_download_outlives_a_hundred_reloads_and_its_upstream() {
    const BODY_BYTES: usize = 3_000_000;
    let outcome = World::new(5, true).run_scene(async |shared| {
        let socket = begin(&shared, BODY_BYTES).await?;
        for _ in 0..100 {
            shared.worker.install(shared.compile(without_echo(None))?);
        }
        if shared.generations_count() != 2 {
            return Err(format!("{} generations", shared.generations_count()));
        }
        let mut received_bytes = 0;
        while received_bytes < BODY_BYTES - 10_000 {
            match socket.receive().await {
                Ok(Some(lease)) => received_bytes += lease.len(),
                end @ (Ok(None) | Err(_)) => {
                    return Err(format!("{end:?} after {received_bytes} bytes"));
                }
            }
        }
        drop(socket);
        shared.wait("the old generation", || shared.generations_count() == 1).await
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn an_exchange_is_cut_when_its_configuration_is_too_old() {
    let outcome = World::new(5, true).run_scene(async |shared| {
        // Its client reads nothing more, so that the answer is under way for as long as it may be.
        let socket = begin(&shared, 3_000_000).await?;
        shared.worker.install(shared.compile(without_echo(Some(Duration::from_secs(1))))?);
        let is_cut = || shared.block.reason_count(Reason::GenerationExpired) == 1;
        let cut = shared.wait("the exchange", is_cut).await;
        drop(socket);
        cut?;
        shared.wait("the old generation", || shared.generations_count() == 1).await
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}
