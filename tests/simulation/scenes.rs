//! Single clients whose behaviour is written down rather than drawn.

use crate::world::World;

use frys_gateway::runtime::Segment;

#[test]
fn a_client_that_never_reads_is_not_read_from_for_ever() {
    const REQUESTS_COUNT: usize = 5_000;
    let outcome = World::new(1, true).run_scene(async |shared| {
        let socket = shared.runtime.connect(&shared.gateway).await.map_err(|e| e.to_string())?;
        let mut block = shared.runtime.blocks().take();
        block.extend_from_slice(&b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS_COUNT));
        socket.push(Segment::Block(block));
        // Less than the client's patience, so nobody has given up yet.
        shared.runtime.sleep_until(shared.runtime.now().plus_ns(4_000_000_000)).await;
        let blocks_count = shared.runtime.counters().blocks_out;
        socket.abort();
        if blocks_count > 1_000 {
            return Err(format!("{blocks_count} answers wait for a client that reads none"));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}
