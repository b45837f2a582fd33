//! A Spark cluster on loopback: a master, workers and a Connect server, from the wheel `pyspark` in `SPARK_HOME`.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running cluster; it ends when dropped.
pub struct Cluster {
    home: PathBuf,
    logs: tempfile::TempDir,
    port: u16,
    processes: Vec<Child>,
}

impl Cluster {
    /// Starts one with so many workers, each of one core.
    pub fn start(workers: usize) -> Self {
        Self::start_with(workers, "0")
    }

    /// The same; the server ends an answer after this time, such as `1s`; `0` means never.
    pub fn start_with(workers: usize, longest_answer: &str) -> Self {
        let home = std::env::var_os("SPARK_HOME").expect("`test-spark` sets SPARK_HOME");
        let mut cluster = Self {
            home: home.into(),
            logs: tempfile::tempdir().unwrap(),
            port: free_port(),
            processes: Vec::new(),
        };
        let master = free_port();
        let url = format!("spark://127.0.0.1:{master}");
        let class = "org.apache.spark.deploy.master.Master";
        let options = format!("{class} --host 127.0.0.1 --port {master} --webui-port 0");
        cluster.spawn("master", "spark-class", &options);
        wait_for(master);
        for number in 1..=workers {
            let name = format!("worker{number}");
            let class = "org.apache.spark.deploy.worker.Worker";
            let options =
                format!("{class} --host 127.0.0.1 --cores 1 --memory 2g --webui-port 0 {url}");
            cluster.spawn(&name, "spark-class", &options);
        }
        cluster.connect(&url, longest_answer);
        wait_for(cluster.port);
        cluster
    }

    /// Starts the Connect server.
    fn connect(&mut self, master: &str, longest_answer: &str) {
        let class = "org.apache.spark.sql.connect.service.SparkConnectServer";
        let events = self.events();
        std::fs::create_dir(&events).unwrap();
        let settings = [
            "spark.connect.grpc.binding.address=127.0.0.1".to_owned(),
            format!("spark.connect.grpc.binding.port={}", self.port),
            "spark.executor.memory=1g".to_owned(),
            "spark.executor.cores=1".to_owned(),
            "spark.ui.enabled=false".to_owned(),
            format!("spark.connect.execute.reattachable.senderMaxStreamDuration={longest_answer}"),
            "spark.connect.execute.reattachable.senderMaxStreamSize=0".to_owned(),
            // Two cores have nothing to do with two hundred parts.
            "spark.sql.shuffle.partitions=4".to_owned(),
            // A task in a tight loop does not notice that it is cancelled, and would hold its core.
            "spark.task.reaper.enabled=true".to_owned(),
            "spark.task.reaper.killTimeout=5s".to_owned(),
            // The tests read there what is being executed.
            "spark.eventLog.enabled=true".to_owned(),
            "spark.eventLog.compress=false".to_owned(),
            format!("spark.eventLog.dir=file://{}", events.display()),
        ];
        let settings = settings.map(|setting| format!("--conf {setting}"));
        let options = format!(
            "--master {master} --class {class} {} spark-internal",
            settings.join(" ")
        );
        self.spawn("connect", "spark-submit", &options);
    }

    /// Where the driver writes down what it does.
    fn events(&self) -> PathBuf {
        self.logs.path().join("events")
    }

    /// What `DATABASE_URL` is set to.
    pub fn address(&self) -> String {
        format!("spark://127.0.0.1:{}", self.port)
    }

    /// Waits until a query that says `mark` has a task.
    pub fn wait_until_it_runs(&self, mark: &str) {
        wait_until(&format!("a task of the query with `{mark}`"), || {
            let events = events(&self.events());
            let begun = events.find(mark).map(|place| &events[place..]);
            begun.is_some_and(|events| events.contains("SparkListenerTaskStart"))
        });
    }

    /// Kills an executor, if there is one; says whether there was.
    pub fn kill_an_executor(&self) -> bool {
        let processes = processes_of("org.apache.spark.executor.CoarseGrainedExecutorBackend");
        let ours = self.logs.path().to_string_lossy().into_owned();
        let one = processes
            .iter()
            .find(|process| environment(**process).contains(&ours));
        one.is_some_and(|process| {
            let killed = Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
            killed.is_ok_and(|status| status.success())
        })
    }

    /// Kills the Connect server.
    pub fn kill_the_server(&mut self) {
        let server = self.processes.last_mut().unwrap();
        // The script has become the Java process.
        server.kill().unwrap();
        server.wait().unwrap();
    }

    fn spawn(&mut self, name: &str, script: &str, arguments: &str) {
        let log = File::create(self.logs.path().join(format!("{name}.log"))).unwrap();
        let process = Command::new(self.home.join("bin").join(script))
            .args(arguments.split(' '))
            .env("SPARK_HOME", &self.home)
            .env("SPARK_LOCAL_IP", "127.0.0.1")
            .env("SPARK_WORKER_DIR", self.logs.path().join("work"))
            .env("SPARK_LOCAL_DIRS", self.logs.path().join("local"))
            .current_dir(self.logs.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes.push(process);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
        // Executors end when their worker does; those that have not yet would outlive the test.
        while self.kill_an_executor() {}
    }
}

fn processes_of(class: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(class) {
            found.push(process);
        }
    }
    found
}

fn environment(process: u32) -> String {
    let path = Path::new("/proc").join(process.to_string()).join("environ");
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    wait_until(&format!("somebody to listen on port {port}"), || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(300);
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// All that the driver wrote down of what it does.
fn events(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all += &events(&entry.path());
        } else {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            all += &String::from_utf8_lossy(&bytes);
        }
    }
    all
}
