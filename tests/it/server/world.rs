//! A server on a real port, and somebody who calls it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use godwit::Host;
use godwit::plan::Goal;
use godwit::server::{Connections, Settings, Tokens, listen, router, standalone};
use godwit::store::Memory;
use godwit_tests::world::{name, version};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::embed::builder;

pub const ADMIN: &str = "an admin's token that nobody guesses";
pub const READ: &str = "a reader's token that nobody guesses";
pub const ITEMS: u64 = 60;

/// A server that ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub host: Host,
    runtime: Option<Runtime>,
    enough: Option<oneshot::Sender<()>>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn etag(&self) -> &str {
        self.header("etag").expect("it has an ETag")
    }
}

impl Server {
    pub fn start() -> Self {
        Self::with(|_| {}, Connections::default())
    }

    pub fn with(change: impl FnOnce(&mut Settings), connections: Connections) -> Self {
        let (runtime, host) = Self::seeded();
        Self::over(runtime, host, change, connections)
    }

    /// Beside the routes of an application, which has its own for those who watch.
    pub fn among(merge: impl FnOnce(Router) -> Router) -> Self {
        let (runtime, host) = Self::seeded();
        let tokens = Tokens::new(ADMIN, Some(READ.to_owned())).unwrap();
        let mut settings = Settings::new(tokens);
        settings.probes = false;
        let routes = merge(router(host.clone(), settings));
        Self::serving(runtime, host, routes, Connections::default())
    }

    fn seeded() -> (Runtime, Host) {
        let runtime = Runtime::new().unwrap();
        let host = runtime.block_on(async {
            let host = builder(Arc::new(Memory::new())).open().await.unwrap();
            let goal = Goal {
                to: Some(version("1.0.0")),
                ..Goal::default()
            };
            host.up(goal).await.unwrap();
            let items = host.collection(name("items")).at(version("1.0.0"));
            for n in 0..ITEMS {
                let what = match n {
                    7 => json!({"2.0.0/apply": [["fail", "it will not do"]]}),
                    8 => json!({"2.0.0/apply": [["keep"]]}),
                    _ => json!({}),
                };
                let body = json!({"_id": n, "kind": n % 4, "do": what}).to_string();
                items.put(format!("{n:02}"), body).await.unwrap();
            }
            host
        });
        (runtime, host)
    }

    pub fn over(
        runtime: Runtime,
        host: Host,
        change: impl FnOnce(&mut Settings),
        connections: Connections,
    ) -> Self {
        let tokens = Tokens::new(ADMIN, Some(READ.to_owned())).unwrap();
        let mut settings = Settings::new(tokens);
        settings.page = true;
        change(&mut settings);
        let routes = standalone(host.clone(), settings);
        Self::serving(runtime, host, routes, connections)
    }

    fn serving(runtime: Runtime, host: Host, routes: Router, connections: Connections) -> Self {
        let (enough, is_enough) = oneshot::channel();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let enough = async {
                let _ = is_enough.await;
            };
            listen(listener, None, routes, connections, enough).await;
        });
        Self {
            address,
            host,
            runtime: Some(runtime),
            enough: Some(enough),
        }
    }

    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(ADMIN, method, path, body, &[])
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    pub fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if !token.is_empty() {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            head += "content-type: application/json\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.raw(format!("{head}\r\n{body}").as_bytes())
    }

    /// Sends bytes and reads until the connection is closed.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // It may be turned away before it has sent all.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        parsed(&bytes)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// Opens the stream of events.
    pub fn events(&self, last: Option<&str>) -> Stream {
        let mut stream = self.connect();
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        let request = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {READ}\r\n{last}\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        Stream(BufReader::new(stream))
    }

    /// Waits until an activity has ended, and gives it.
    pub fn end_of(&self, activity: &Value) -> Value {
        let number = &activity["number"];
        loop {
            let told = self.get(&format!("/api/v1/activities/{number}"));
            if told["state"] != "working" {
                return told;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Begins a run and waits for its end.
    pub fn run(&self, body: Value) -> Value {
        let begun = self.call("POST", "/api/v1/runs", Some(body));
        assert_eq!(begun.status, 202, "{begun:?}");
        self.end_of(&begun.body)
    }
}

impl Server {
    /// Shuts everything down.
    pub fn end(&mut self) {
        drop(self.enough.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(self.host.shutdown());
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Events as they are sent.
pub struct Stream(BufReader<TcpStream>);

impl Stream {
    /// The next event: its id, name and data.
    pub fn next(&mut self) -> (String, String, Value) {
        let (mut id, mut event) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("event", value)) => event = value.to_owned(),
                Some(("data", value)) => {
                    return (id, event, serde_json::from_str(value).unwrap());
                }
                _ => {}
            }
        }
    }

    /// What comes until the stream ends, but for the chunk that ends it.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest.replace("0\r\n\r\n", "")
    }

    /// Reads on to an event of a name.
    pub fn until(&mut self, name: &str) -> (String, Value) {
        loop {
            let (id, event, data) = self.next();
            if event == name {
                return (id, data);
            }
        }
    }
}

fn parsed(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = match is_chunked {
        true => unchunked(body),
        false => body.to_owned(),
    };
    Answer {
        status: status.unwrap_or(0),
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
        text: body,
        headers,
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        whole += chunk;
        body = rest.get(size + 2..).unwrap_or("");
    }
    whole
}
