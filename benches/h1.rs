//! What the wire format of HTTP/1.1 costs: `cargo bench --bench h1`.
//!
//! httparse stands beside our parser as a yardstick; it gives no lengths, hosts or known fields.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frys_gateway::http::field::FieldSet;
use frys_gateway::http::forwarded::{self, Hop};
use frys_gateway::http::framing;
use frys_gateway::http::h1::chunked::{ChunkLimits, Decoder, Event};
use frys_gateway::http::h1::encode::{self, Edits, Framing, Target};
use frys_gateway::http::h1::parse::{self, HeadLimits};
use frys_gateway::http::head::{HeadIndex, RequestHead, ResponseHead};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

const CURL: &str = "GET / HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\n\
    Accept: */*\r\n\r\n";

const HEY: &str = "GET /api/v1/users/42 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
    User-Agent: hey/0.0.1\r\nContent-Type: text/html\r\nAccept: */*\r\n\
    Accept-Encoding: gzip\r\n\r\n";

const BROWSER: &str = "GET /index.html?utm_source=newsletter HTTP/1.1\r\n\
    Host: www.example.com\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n\
    sec-ch-ua: \"Chromium\";v=\"130\", \"Google Chrome\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n\
    sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\
    \r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n\
    Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all\r\n\r\n";

const RESPONSE: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nContent-Length: 150\r\n\
    Connection: keep-alive\r\nETag: \"5f1-abc\"\r\nAccept-Ranges: bytes\r\n\r\n";

fn requests(criterion: &mut Criterion) {
    let limits = HeadLimits::default();
    for (name, text) in [("curl", CURL), ("hey", HEY), ("browser", BROWSER)] {
        let bytes = text.as_bytes();
        let mut group = criterion.benchmark_group(format!("h1/request/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let mut index = HeadIndex::new();
        group.bench_function("parse", |bencher| {
            bencher.iter(|| parse::request(black_box(bytes), &limits, &mut index));
        });
        let mut fields = [httparse::EMPTY_HEADER; 100];
        group.bench_function("httparse", |bencher| {
            bencher.iter(|| {
                let mut request = httparse::Request::new(&mut fields);
                request.parse(black_box(bytes)).is_ok()
            });
        });
        let head = RequestHead::new(bytes, &index);
        group.bench_function("framing", |bencher| {
            bencher.iter(|| framing::request(black_box(head)));
        });
        let peer = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 44)));
        let hop = Hop { peer, trusted: false, proto: "http", host: head.authority() };
        let mut lines = Vec::new();
        group.bench_function("forwarded", |bencher| {
            bencher.iter(|| {
                lines.clear();
                forwarded::request(black_box(head), &hop, &mut lines);
            });
        });
        let edits =
            Edits { drop: forwarded::drop_set(false), framing: Framing::None, append: &lines };
        let mut out = Vec::new();
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                out.clear();
                encode::request(black_box(head), Target::Received, b"upstream", &edits, &mut out);
            });
        });
    }
}

fn responses(criterion: &mut Criterion) {
    let limits = HeadLimits::default();
    let bytes = RESPONSE.as_bytes();
    let mut group = criterion.benchmark_group("h1/response");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let mut index = HeadIndex::new();
    group.bench_function("parse", |bencher| {
        bencher.iter(|| parse::response(black_box(bytes), &limits, &mut index));
    });
    let head = ResponseHead::new(bytes, &index);
    let edits = Edits { drop: FieldSet::EMPTY, framing: Framing::Length(150), append: b"" };
    let mut out = Vec::new();
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            encode::response(black_box(head), &edits, &mut out);
        });
    });
}

fn chunks(criterion: &mut Criterion) {
    let body = [b"400\r\n", &[b'x'; 1024][..], b"\r\n"].concat().repeat(32);
    let mut group = criterion.benchmark_group("h1/chunked");
    group.throughput(Throughput::Bytes(body.len() as u64));
    let mut trailers = Vec::new();
    group.bench_function("decode 32 chunks of 1 KiB", |bencher| {
        bencher.iter(|| {
            let mut decoder = Decoder::new(ChunkLimits::default());
            let mut rest = black_box(&body[..]);
            let mut data_bytes = 0;
            while let Ok(step) = decoder.decode(rest, &mut trailers) {
                rest = &rest[step.consumed..];
                match step.event {
                    Event::Data(range) => data_bytes += range.len(),
                    Event::NeedMore | Event::End => break,
                }
            }
            data_bytes
        });
    });
}

criterion_group!(benches, requests, responses, chunks);
criterion_main!(benches);
