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

#[test]
fn a_slow_reader_is_given_the_whole_of_a_last_answer() {
    const BODY_BYTES: usize = 250_000;
    let outcome = World::new(1, true).run_scene(async |shared| {
        let socket = shared.runtime.connect(&shared.gateway).await.map_err(|e| e.to_string())?;
        let head = format!(
            "GET /echo/{BODY_BYTES}/chunked/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        let mut block = shared.runtime.blocks().take();
        block.extend_from_slice(head.as_bytes());
        socket.push(Segment::Block(block));
        // Longer than LINGER_MS, less than client_body_idle.
        shared.runtime.sleep_until(shared.runtime.now().plus_ns(4_000_000_000)).await;
        let mut received_bytes = 0;
        loop {
            match socket.receive().await {
                Ok(Some(lease)) => received_bytes += lease.len(),
                Ok(None) if received_bytes > BODY_BYTES => return Ok(()),
                end @ (Ok(None) | Err(_)) => {
                    return Err(format!("{end:?} after {received_bytes} bytes"));
                }
            }
        }
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}
