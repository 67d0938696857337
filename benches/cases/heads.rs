//! Heads as clients and servers send them.

pub const CURL: &str = "GET / HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\n\
    Accept: */*\r\n\r\n";

pub const HEY: &str = "GET /api/v1/users/42 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
    User-Agent: hey/0.0.1\r\nContent-Type: text/html\r\nAccept: */*\r\n\
    Accept-Encoding: gzip\r\n\r\n";

pub const BROWSER: &str = "GET /index.html?utm_source=newsletter HTTP/1.1\r\n\
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

pub const RESPONSE: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nContent-Length: 150\r\n\
    Connection: keep-alive\r\nETag: \"5f1-abc\"\r\nAccept-Ranges: bytes\r\n\r\n";

pub const REQUESTS: [(&str, &str); 3] = [("curl", CURL), ("hey", HEY), ("browser", BROWSER)];
