//! A PostgreSQL server for a test: made in a folder of its own, on a free port, ended with it.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server does not run as root: then it is this user's, which every Linux has.
const NOBODY: u32 = 65_534;
/// How long a server may take to start on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server of its own, which ends when it is dropped, or when its process ends.
pub struct Server {
    folder: TempDir,
    data: PathBuf,
    port: u16,
    settings: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// Makes a server and starts it. What it writes is not synced: a process that is killed loses nothing by that.
    pub fn start() -> Self {
        Self::start_with(&["fsync=off"])
    }

    /// Makes a server with settings of its own, and starts it.
    pub fn start_with(settings: &[&str]) -> Self {
        let folder = shared_folder();
        let data = Self::made_in(&folder);
        Self::on(folder, data, settings)
    }

    fn made_in(folder: &TempDir) -> PathBuf {
        let data = folder.path().join("data");
        let mut initdb = program("initdb", &[]);
        initdb.args(["--auth=trust", "--username=godwit", "--encoding=UTF8"]);
        initdb.args(["--no-sync", "--no-instructions", "--locale=C", "-D"]);
        run(initdb.arg(&data));
        data
    }

    /// Makes a server that takes connections by TCP only where they are encrypted, and proves who it is by a certificate and its
    /// key.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let folder = shared_folder();
        let place = |name: &str| folder.path().join(name);
        let take = |name: &str, bytes: &[u8]| {
            fs::write(place(name), bytes).expect("there is room");
            if is_root() {
                chown(place(name), Some(NOBODY), Some(NOBODY)).expect("it can be given away");
            }
            let permissions = fs::Permissions::from_mode(0o600);
            fs::set_permissions(place(name), permissions).expect("it is ours");
        };
        take("server.pem", &fs::read(certificate).expect("it is there"));
        take("server.key", &fs::read(key).expect("it is there"));
        take(
            "hba",
            b"local all all trust\nhostssl all all 127.0.0.1/32 trust\n",
        );
        let settings = [
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", place("server.pem").display()),
            format!("ssl_key_file={}", place("server.key").display()),
            format!("hba_file={}", place("hba").display()),
        ];
        let data = Self::made_in(&folder);
        Self::on(folder, data, &settings.each_ref().map(String::as_str))
    }

    /// Starts a server on data that are there.
    fn on(folder: TempDir, data: PathBuf, settings: &[&str]) -> Self {
        let mut server = Self {
            folder,
            data,
            port: 0,
            settings: settings.iter().map(ToString::to_string).collect(),
            process: None,
        };
        // Somebody else may take the port between being found and being used.
        for _ in 0..10 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("no server of PostgreSQL starts:\n{}", server.log());
    }

    /// A copy of this server as a standby, which follows it. `name` is what the primary may be told to wait for.
    pub fn standby(&self, name: &str) -> Self {
        Self::following(name, self.port)
    }

    /// A copy of the server that is reached by a port, as a standby that follows it by way of that.
    pub fn following(name: &str, port: u16) -> Self {
        let folder = shared_folder();
        let data = folder.path().join("data");
        let mut copy = program("pg_basebackup", &[]);
        let from = format!("host=127.0.0.1 port={port} user=godwit application_name={name}");
        copy.args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf"]);
        copy.args(["-X", "stream", "-d", &from, "-D"]);
        run(copy.arg(&data));
        Self::on(folder, data, &["fsync=off"])
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(program("pg_ctl", &[])
            .args(["promote", "-w", "-D"])
            .arg(&self.data));
    }

    /// The URL of a store in its default schema.
    pub fn url(&self) -> String {
        self.url_in("postgres")
    }

    /// The URL of a store in its default schema of a database.
    pub fn url_in(&self, database: &str) -> String {
        format!("postgres://godwit@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a store in a schema.
    pub fn url_of(&self, schema: &str) -> String {
        format!("{}?schema={schema}", self.url())
    }

    /// The port that it listens to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a power cut to its processes would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Its children end with it, without a word to anybody.
            signal(&process, libc::SIGQUIT);
            let _ = process.wait();
        }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) {
        assert!(self.try_start(), "it does not start again:\n{}", self.log());
    }

    /// Ends it in good order, and leaves its folder, which is given.
    pub fn keep(mut self) -> PathBuf {
        run(program("pg_ctl", &[])
            .args(["stop", "-w", "-m", "fast", "-D"])
            .arg(&self.data));
        self.kill();
        self.folder.disable_cleanup(true);
        self.data.clone()
    }

    /// What psql says to some SQL: rows in lines, fields between bars.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("postgres", sql)
    }

    /// The same in a database.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        let mut psql = program("psql", &[]);
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.url_in(database),
        ]);
        let output = psql.args(["-c", sql]).output().expect("psql starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {error}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    fn try_start(&mut self) -> bool {
        let log = File::create(self.folder.path().join("log")).expect("the log can be made");
        let mut command = program("postgres", &[]);
        command.arg("-D").arg(&self.data);
        command.arg("-p").arg(self.port.to_string());
        command.arg("-k").arg(self.folder.path());
        command.args(["-h", "127.0.0.1", "-c", "max_connections=200"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // SAFETY: `prctl` is safe to call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGQUIT);
                Ok(())
            });
        }
        let mut process = command.spawn().expect("postgres starts");
        let started = Instant::now();
        loop {
            let log = self.log();
            if log.contains("ready to accept") {
                self.process = Some(process);
                return true;
            }
            let has_ended = process.try_wait().expect("it can be waited for").is_some();
            if has_ended {
                return false;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "no server after a while:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(self.folder.path().join("log")) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal(process: &Child, signal: libc::c_int) {
    let pid = libc::pid_t::try_from(process.id()).expect("it is a pid");
    // SAFETY: it is a child that was not waited for yet, so that the number is its own.
    unsafe { libc::kill(pid, signal) };
}

/// A folder that belongs to whoever the server runs as.
fn shared_folder() -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("a folder can be given away");
    }
    let permissions = fs::Permissions::from_mode(0o700);
    fs::set_permissions(folder.path(), permissions).expect("it is ours");
    folder
}

fn is_root() -> bool {
    // SAFETY: it has no preconditions.
    unsafe { libc::geteuid() == 0 }
}

/// A program of PostgreSQL: of the newest version that is installed, or in PATH.
pub fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(find(name));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").env("HOME", "/").args(arguments);
    command
}

fn find(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<_> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let in_path = std::env::split_paths(&paths).chain(system);
    let in_path = in_path.map(|folder| folder.join(name));
    found
        .pop()
        .or_else(|| in_path.into_iter().find(|path: &PathBuf| path.exists()))
        .unwrap_or_else(|| {
            panic!(
                "there is no `{name}`: install it (Debian: apt-get install postgresql pgbouncer)"
            )
        })
}

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
}

/// A port that nobody listens to now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// The folder of a server's data, for those who look into it.
impl AsRef<Path> for Server {
    fn as_ref(&self) -> &Path {
        &self.data
    }
}

/// Something between clients and servers that can be cut, and switched to another server.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    is_over: AtomicBool,
    ways: Mutex<Ways>,
}

struct Ways {
    upstream: u16,
    /// Both ends of every connection that is open.
    open: Vec<TcpStream>,
}

impl Ways {
    fn cut(&mut self) {
        for stream in self.open.drain(..) {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Proxy {
    /// Begins to pass connections on to a port of this machine.
    pub fn to(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared {
            is_over: AtomicBool::new(false),
            ways: Mutex::new(Ways {
                upstream,
                open: Vec::new(),
            }),
        });
        let passes = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if passes.is_over.load(Ordering::SeqCst) {
                    return;
                }
                // Nobody listens there now: the client is told so by the end of its connection.
                let _ = client.and_then(|client| passes.pass(client));
            }
        });
        Self { port, shared }
    }

    /// The URL of a store in a schema, by way of this.
    pub fn url_of(&self, schema: &str) -> String {
        let port = self.port;
        format!("postgres://godwit@127.0.0.1:{port}/postgres?schema={schema}")
    }

    /// The port that it listens to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.shared.ways().cut();
    }

    /// Cuts all connections; new ones lead to another port.
    pub fn switch(&self, upstream: u16) {
        let mut ways = self.shared.ways();
        ways.upstream = upstream;
        ways.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn pass(&self, client: TcpStream) -> std::io::Result<()> {
        // Whoever cuts, or leads elsewhere, meets this before or behind, and not in the middle: then it would be left out.
        let mut ways = self.ways();
        let server = TcpStream::connect(("127.0.0.1", ways.upstream))?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            ways.open.push(stream.try_clone()?);
        }
        drop(ways);
        for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().expect("nobody panicked")
    }
}

/// A PgBouncer in transaction mode in front of a server.
pub struct Bouncer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Bouncer {
    /// Starts one with so few connections that transactions of several clients take turns.
    pub fn before(server: &Server) -> Self {
        let folder = shared_folder();
        let port = free_port();
        let users = folder.path().join("users.txt");
        fs::write(&users, "\"godwit\" \"\"\n").expect("it is ours");
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=godwit\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\n",
            server.port,
            users.display()
        );
        fs::write(&file, text).expect("it is ours");
        let mut command = program("pgbouncer", &[]);
        command
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = command
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer starts");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "no pgbouncer after a while");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            process,
            port,
            _folder: folder,
        }
    }

    /// The URL of a store in a schema, by way of this.
    pub fn url_of(&self, schema: &str) -> String {
        let port = self.port;
        format!("postgres://godwit@127.0.0.1:{port}/postgres?schema={schema}")
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
