//! The server as it is typed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use godwit_tests::cli::{Cli, Started};
use godwit_tests::made::{Order, rewrite};
use serde_json::Value;

/// A server that was started, and where it listens.
struct Serving {
    process: Started,
    address: String,
    token: String,
}

impl Serving {
    fn start(cli: &Cli, line: &str) -> Self {
        let mut process = cli.start(line);
        let mut out = BufReader::new(process.child.stdout.take().unwrap());
        let mut said = String::new();
        out.read_line(&mut said).unwrap();
        let address = said
            .trim()
            .strip_prefix("listening on http://")
            .map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("{said:?}: {}", process.said_to_the_end()));
        let tokens: Value = serde_json::from_str(&cli.read("store.tokens")).unwrap();
        process.child.stdout = Some(out.into_inner());
        Self {
            process,
            address: address.trim_end_matches('/').to_owned(),
            token: tokens["admin"].as_str().unwrap().to_owned(),
        }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let (address, token) = (&self.address, &self.token);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Waits until something is so of the state of the newest run.
    fn until_run(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (_, runs) = self.call("GET", "/api/v1/runs?limit=1", "");
            let run = runs["items"][0].clone();
            if is_so(&run) {
                return run;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn it_says_where_it_listens_makes_tokens_and_ends_on_ctrl_c() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let mode = std::fs::metadata(cli.path("store.tokens")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let (status, session) = serving.call("GET", "/api/v1/session", "");
    assert_eq!((status, session["role"].as_str()), (200, Some("admin")));
    serving.process.interrupt();
    let ended = serving.process.finish();
    assert_eq!(ended.code, Some(0), "{ended}");
    // The same tokens the next time.
    let before = cli.read("store.tokens");
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0 --quiet");
    assert_eq!(cli.read("store.tokens"), before);
    serving.process.interrupt();
    assert_eq!(serving.process.finish().code, Some(0));
}

#[test]
fn what_is_not_safe_or_cannot_be_is_refused() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    cli.write("public", r#"{"admin": "a token that everybody can read"}"#);
    let public = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(cli.path("public"), public).unwrap();
    for (name, text) in [
        ("short", r#"{"admin": "x"}"#),
        ("no-json", "tokens"),
        ("cert.pem", "none"),
    ] {
        cli.write(name, text);
        std::fs::set_permissions(cli.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    insta::assert_snapshot!(cli.session(&[
        "godwit serve --listen 0.0.0.0:0",
        "godwit serve --listen here",
        "godwit serve --tokens public",
        "godwit serve --tokens short",
        "godwit serve --tokens no-json",
        "godwit serve --tls-cert cert.pem",
        "godwit serve --tls-cert cert.pem --tls-key cert.pem",
        "godwit serve --store memory:",
        "godwit serve --host godwit.example:7117",
        "godwit serve --origin https://admin.example/",
    ]), @r#"
    $ godwit serve --listen 0.0.0.0:0
    2> error: 0.0.0.0:0 can be reached from elsewhere, and there is no TLS
    2> hint: name a certificate: --tls-cert and --tls-key; or say --insecure
    [exit 2]
    $ godwit serve --listen here
    2> error: invalid value 'here' for '--listen <ADDRESS:PORT>': invalid socket address syntax
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit serve --tokens public
    2> error: public can be read by others
    2> hint: chmod 600 it, or remove it for new tokens
    [exit 2]
    $ godwit serve --tokens short
    2> error: a token has from 32 to 256 printable ASCII characters, and no spaces around them
    2> hint: remove the file of tokens, and new ones are made
    [exit 2]
    $ godwit serve --tokens no-json
    2> error: no-json has no tokens: expected ident at line 1 column 2
    2> hint: remove the file, and `godwit serve` makes new tokens
    [exit 2]
    $ godwit serve --tls-cert cert.pem
    2> error: the following required arguments were not provided:
    2>   --tls-key <FILE>
    2> 
    2> Usage: godwit serve --tls-cert <FILE> --tls-key <FILE>
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit serve --tls-cert cert.pem --tls-key cert.pem
    2> error: cert.pem has no certificate, or no key, in PEM: no items found
    2> hint: check --tls-cert and --tls-key
    [exit 2]
    $ godwit serve --store memory:
    2> error: the store has no folder, so that there is none for tokens
    2> hint: use --tokens FILE
    [exit 2]
    $ godwit serve --host godwit.example:7117
    2> error: godwit.example:7117 is no name of a server
    2> hint: name it without a port, as in --host godwit.example
    [exit 2]
    $ godwit serve --origin https://admin.example/
    2> error: https://admin.example/ is no origin
    2> hint: name it as browsers do, without a path: --origin https://admin.example
    [exit 2]
    "#);
}

#[test]
fn a_run_goes_on_when_a_server_that_was_killed_is_started_again() {
    for kind in super::KINDS {
        let cli = Cli::on(kind, &["append-2-0-0"]);
        cli.prepare(&[
            "godwit generate -c 2000 --size 100 -o items.ndjson --quiet",
            "godwit import --app append --collection items --version 1.0.0 items.ndjson --quiet",
        ]);
        cli.write(
            "slow.toml",
            format!("store = \"{kind}:store\"\nplugins = \"plugins\"\n[run]\nitems-per-second = 1000\nbatch-bytes = 2000\n"),
        );
        let mut serving =
            Serving::start(&cli, "godwit serve --listen 127.0.0.1:0 --config slow.toml");
        let (status, begun) = serving.call("POST", "/api/v1/runs", "{}");
        assert_eq!((status, begun["run"].as_u64()), (202, Some(1)), "{begun}");
        loop {
            let (_, told) = serving.call("GET", "/api/v1/activity", "");
            if told["activity"]["progress"]["read"].as_u64() > Some(100) {
                break;
            }
        }
        serving.process.child.kill().unwrap();
        serving.process.child.wait().unwrap();

        let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
        let run = serving.until_run(|run| run["state"] == "completed");
        assert_eq!(run["id"], 1);
        serving.process.interrupt();
        let ended = serving.process.finish();
        assert!(
            ended.err.contains("run 1 was interrupted, and goes on"),
            "{ended}"
        );
        let exported = cli.run("godwit export --collection items").out;
        assert_eq!(
            exported.matches(r#""trail":["2.0.0"]"#).count(),
            2_000,
            "{kind}"
        );
    }
}

#[test]
fn work_waits_for_the_first_hook_and_the_last_one_is_called_before_the_end() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    cli.prepare(&[
        "godwit generate -c 100 --size 100 -o items.ndjson --quiet",
        "godwit import --app append --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
    cli.write(
        "godwit.toml",
        "store = \"lmdb:store\"\nplugins = \"plugins\"\n[hooks]\n\
         setting-up = \"touch waits; while [ ! -e go-on ]; do sleep 0.01; done\"\n\
         set-up = \"sleep 0.2; cat > last.json\"\n",
    );
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let (status, begun) = serving.call("POST", "/api/v1/runs", "{}");
    assert_eq!(status, 202, "{begun}");
    while !cli.path("waits").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(begun["run"], Value::Null);
    let (_, told) = serving.call("GET", "/api/v1/activity", "");
    assert_eq!(told["activity"]["state"], "working", "{told}");
    cli.write("go-on", "");
    serving.until_run(|run| run["state"] == "completed");
    serving.process.interrupt();
    let ended = serving.process.finish();
    assert_eq!(ended.code, Some(0), "{ended}");
    let last: Value = serde_json::from_str(&cli.read("last.json")).unwrap();
    assert_eq!(last["event"], "set_up");
}

#[test]
fn whoever_watches_does_not_keep_it_from_ending() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let mut watching = TcpStream::connect(&serving.address).unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        serving.token
    );
    watching.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    watching.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    serving.process.interrupt();
    // Its stream is ended, not cut off.
    let mut rest = String::new();
    watching.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert_eq!(serving.process.finish().code, Some(0));
}

/// The most memory that a process has held so far, in KiB.
fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let amount = line.and_then(|line| line.split_whitespace().next());
    amount.unwrap().parse().unwrap()
}

/// Sends what a server does not want, from several places at once, until it has had enough of it.
fn attack(serving: &Serving, head: &str, more: &[u8], times: usize) {
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(&serving.address).unwrap();
                let _ = stream.write_all(head.as_bytes());
                for _ in 0..times {
                    if stream.write_all(more).is_err() {
                        break;
                    }
                }
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
}

#[test]
fn a_way_back_goes_on_when_a_server_that_was_killed_is_started_again() {
    let cli = Cli::on("lmdb", &[]);
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let items: String = (0..500)
        .map(|n| format!("{{\"_id\":\"{n:03}\"}}\n"))
        .collect();
    cli.write("items.ndjson", items)
        .write("plugins/made-2-0-0.wasm", order.file("both-ways-2-0-0"))
        .prepare(&[
            "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
            "godwit up --quiet",
        ]);
    cli.write(
        "slow.toml",
        "store = \"lmdb:store\"\nplugins = \"plugins\"\n[run]\nitems-per-second = 100\nbatch-bytes = 500\n",
    );
    let mut serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0 --config slow.toml");
    let down = r#"{"purpose": "down", "app": "made", "to": "1.0.0"}"#;
    let (status, begun) = serving.call("POST", "/api/v1/runs", down);
    assert_eq!((status, begun["run"].as_u64()), (202, Some(2)), "{begun}");
    loop {
        let (_, told) = serving.call("GET", "/api/v1/activity", "");
        if told["activity"]["progress"]["read"].as_u64() > Some(20) {
            break;
        }
    }
    serving.process.child.kill().unwrap();
    serving.process.child.wait().unwrap();
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let run = serving.until_run(|run| run["state"] == "completed");
    assert_eq!(
        (run["id"].as_u64(), run["purpose"].as_str()),
        (Some(2), Some("down"))
    );
    serving.process.interrupt();
    assert_eq!(serving.process.finish().code, Some(0));
    let exported = cli.run("godwit export --collection items").out;
    assert!(!exported.contains("trail"), "{exported}");
}

#[test]
fn large_items_are_read_by_many_at_once_without_filling_the_memory() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    // 4 million numbers, each of which would be a string of its own in a tree.
    cli.write(
        "large.ndjson",
        format!("{{\"_id\":\"a\",\"n\":[1{}]}}\n", ",1".repeat(2_000_000)),
    );
    cli.prepare(&[
        "godwit import --app append --collection items --version 1.0.0 large.ndjson --quiet",
    ]);
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let process = serving.process.child.id();
    std::thread::scope(|scope| {
        for n in 0..24 {
            let serving = &serving;
            scope.spawn(move || {
                let path = match n % 2 {
                    0 => "/api/v1/collections/items/items/a",
                    _ => "/api/v1/collections/items/items?limit=1",
                };
                let (status, item) = serving.call("GET", path, "");
                // As many as there may be are on their way at once.
                assert!([200, 503].contains(&status), "{status}: {item}");
            });
        }
    });
    let most = most_memory(process);
    eprintln!("at most {most} KiB");
    assert!(most < 1 << 20, "{most} KiB");
    serving.process.interrupt();
    assert_eq!(serving.process.finish().code, Some(0));
}

#[test]
fn those_who_mean_no_good_cost_it_no_memory() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    cli.write(
        "godwit.toml",
        "store = \"lmdb:store\"\nplugins = \"plugins\"\n[limits]\nbody-size = \"64KiB\"\n",
    );
    let serving = Serving::start(&cli, "godwit serve --listen 127.0.0.1:0");
    let process = serving.process.child.id();
    let (address, token) = (&serving.address, &serving.token);
    let post = |path: &str, token: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n{more}\r\n"
        )
    };
    let sized = "content-length: 268435456\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    let block = vec![b'x'; 1 << 20];
    let chunk = [b"100000\r\n".as_slice(), &block, b"\r\n"].concat();
    let header = format!("x-{}: y\r\n", "n".repeat(40)).repeat(1_000);
    let attacks: [(String, &[u8], usize); 6] = [
        (post("/api/v1/runs", token, sized), &block, 256),
        (post("/api/v1/runs", token, chunked), &chunk, 256),
        (post("/api/v1/runs", "nobody", sized), &block, 256),
        (post("/system/migrations", "nobody", chunked), &chunk, 256),
        (
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\n".to_owned(),
            header.as_bytes(),
            1_000,
        ),
        (format!("GET /{} ", "p".repeat(100)), &block, 256),
    ];
    let attack_all = || {
        for (head, more, times) in &attacks {
            attack(&serving, head, more, *times);
        }
    };
    // What it holds on to for good, threads' stacks and all that, is there after the first time.
    attack_all();
    let before = most_memory(process);
    attack_all();
    attack_all();
    let after = most_memory(process);
    eprintln!("at most {before} KiB before, {after} KiB after");
    // Of 24 GiB that were sent to it.
    assert!(
        after < before + (16 << 10),
        "{before} KiB, then {after} KiB"
    );
    assert!(before < 256 << 10, "{before} KiB");
    let (status, _) = serving.call("GET", "/api/v1/status", "");
    assert_eq!(status, 200);
    serving.process.interrupt();
    assert_eq!(serving.process.finish().code, Some(0));
}
